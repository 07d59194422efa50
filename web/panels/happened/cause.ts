import type { Happening } from '../../../core/protocol/monitor.ts';
import { hex } from '../../format.ts';
import { text } from '../../text.ts';

/** Names of the exceptions (SDM volume 3, table 6-1). */
export const EXCEPTIONS: readonly string[] = [
  '#DE',
  '#DB',
  'NMI',
  '#BP',
  '#OF',
  '#BR',
  '#UD',
  '#NM',
  '#DF',
  'coprocessor segment overrun',
  '#TS',
  '#NP',
  '#SS',
  '#GP',
  '#PF',
  'exception 15',
  '#MF',
  '#AC',
  '#MC',
  '#XM',
];

/** An interrupt vector as the manual writes it: "#GP(0)", "interrupt 20h". */
export function vectorName(vector: number, code: number | null): string {
  const name = EXCEPTIONS[vector];
  if (name === undefined) return text.cause.interrupt(hex(vector, 2).toUpperCase());
  return code === null || vector === 14 ? name : `${name}(${code.toString(16)})`;
}

/** What took the processor out of the guest, in a few signs: it stands at an arrow. */
export function causeOf({ kind, vector, errorCode, exitReason, reason, setting }: Happening): string {
  const words = text.cause;
  switch (kind) {
    case 'pageFault':
      return '#PF';
    case 'delivered':
    case 'protection':
    case 'exception':
    case 'interrupt':
      return vector === null ? reason : vectorName(vector, errorCode);
    case 'callout':
      return setting.mode === 'patch' ? words.patch : words.callout;
    case 'hypercall':
      return words.hypercall;
    case 'instruction':
      return words.exit(
        (exitReason === null ? null : text.cause.exitReason[exitReason]) ?? text.said(reason).toUpperCase(),
      );
    case 'eptViolation':
      return words.eptViolation;
    case 'interruptWindow':
      return words.interruptWindow;
    case 'tripleFault':
      return words.tripleFault;
    case 'entryFailure':
      return words.entryFailure;
  }
}
