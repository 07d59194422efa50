/** Breakpoints in words. */
import type { BreakOn } from '../../../core/protocol/breakpoints.ts';
import { hex } from '../../format.ts';
import { machine, symbolsOf } from '../../stores/machine.ts';
import { parseHex32 } from '../../symbols.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { EXCEPTIONS, vectorName } from '../happened/cause.ts';

/** The symbol that holds an address, with the way from its beginning: "main+1e"; null without one. */
export function symbolAt(address: number): string | null {
  const symbols = symbolsOf(machine.getState());
  const name = symbols.nameAt(address);
  if (name === null) return null;
  const offset = symbols.offsetAt(address) ?? 0;
  return offset === 0 ? name : `${name}+${offset.toString(16)}`;
}

/** An address with its symbol. */
export function placeOf(address: number): string {
  const symbol = symbolAt(address);
  return symbol === null ? hex(address) : `${hex(address)} (${symbol})`;
}

/** What a breakpoint waits for. */
export function inWords(on: BreakOn): string {
  const words = laterText.breaks.on;
  switch (on.kind) {
    case 'execute':
    case 'write':
    case 'access':
      return words[on.kind](placeOf(on.address));
    case 'exit':
      return on.reason === null ? words.anyExit : words.exit(text.said(on.reason));
    case 'hypercall':
      return on.name === null ? words.anyHypercall : words.hypercall(on.name);
    case 'delivery':
      return on.vector === null ? words.anyDelivery : words.delivery(vectorName(on.vector, null));
    case 'pageFault':
      return on.address === null ? words.anyPageFault : words.pageFault(placeOf(on.address));
    case 'cr3':
      return words.cr3;
    case 'ring':
      return on.to === null ? words.anyRing : words.ring(on.to);
  }
}

/** The address that a breakpoint is about, or null. */
export function addressIn(on: BreakOn): number | null {
  switch (on.kind) {
    case 'execute':
    case 'write':
    case 'access':
    case 'pageFault':
      return on.address;
    case 'exit':
    case 'hypercall':
    case 'delivery':
    case 'cr3':
    case 'ring':
      return null;
  }
}

/** A vector by its number, "20" or "20h", or its name, "#PF"; null when it is none. */
export function vectorOf(typed: string): number | null {
  const word = typed.trim().toUpperCase();
  const value = parseHex32(word);
  if (value !== null) return value > 0xff ? null : value;
  const named = EXCEPTIONS.findIndex(name => name.toUpperCase() === word || name === `#${word}`);
  return named < 0 ? null : named;
}

/** A vector as the form takes it. */
export function vectorText(vector: number): string {
  return EXCEPTIONS[vector] ?? vector.toString(16);
}
