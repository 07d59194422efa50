import type { Instruction } from '../instruction.ts';
import type { Ops, Semantics } from '../ops.ts';
import { EAX, EDI, ES, ESI } from '../registers.ts';

/** String instructions without a repeat prefix; with one, each iteration does the same (SDM volume 1, 7.3.9). Registers change last. */

/** Bytes of an element. */
export function elementSize(i: Instruction): number {
  return i.dst.size !== 0 ? i.dst.size : i.src.size;
}

function source<V>(o: Ops<V>, i: Instruction): V {
  return o.load(i.segment, o.registerPart(ESI, i.addressSize), elementSize(i));
}

/** The segment of the destination cannot be overridden. */
function destination<V>(o: Ops<V>, i: Instruction): V {
  return o.load(ES, o.registerPart(EDI, i.addressSize), elementSize(i));
}

function store<V>(o: Ops<V>, i: Instruction, value: V): void {
  o.store(ES, o.registerPart(EDI, i.addressSize), elementSize(i), value);
}

function move<V>(o: Ops<V>, i: Instruction, register: number): void {
  const size = i.addressSize;
  o.setRegisterPart(register, size, o.add(o.registerPart(register, size), o.stringStep(elementSize(i))));
}

export const movs: Semantics = (o, i) => {
  store(o, i, source(o, i));
  move(o, i, ESI);
  move(o, i, EDI);
};

export const stos: Semantics = (o, i) => {
  store(o, i, o.registerPart(EAX, elementSize(i)));
  move(o, i, EDI);
};

export const lods: Semantics = (o, i) => {
  const value = source(o, i);
  move(o, i, ESI);
  o.setRegisterPart(EAX, elementSize(i), value);
};

/** What SCAS and CMPS compare: the flags are those of a - b. */
export interface Compared<V> {
  readonly a: V;
  readonly b: V;
}

/** SCAS but for its flags, which a repeated one sets only at its end. */
export function scan<V>(o: Ops<V>, i: Instruction): Compared<V> {
  const b = destination(o, i);
  const a = o.registerPart(EAX, elementSize(i));
  move(o, i, EDI);
  return { a, b };
}

/** CMPS but for its flags. In this order: it shows where neither is mapped. */
export function compare<V>(o: Ops<V>, i: Instruction): Compared<V> {
  const b = destination(o, i);
  const a = source(o, i);
  move(o, i, ESI);
  move(o, i, EDI);
  return { a, b };
}

export function setFlags<V>(o: Ops<V>, i: Instruction, { a, b }: Compared<V>): void {
  const size = elementSize(i);
  o.flagsSub(size, a, b, o.zeroExtend(o.sub(a, b), size));
}

export const scas: Semantics = (o, i) => setFlags(o, i, scan(o, i));
export const cmps: Semantics = (o, i) => setFlags(o, i, compare(o, i));
