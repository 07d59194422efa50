import type { Semantics } from '../ops.ts';

/** Logical instructions (SDM volume 1, 7.3.5). */

export const and: Semantics = (o, i) => {
  const r = o.and(o.readForWrite(i, i.dst), o.read(i, i.src));
  o.write(i, i.dst, r);
  o.flagsLogic(i.dst.size, r);
};

export const or: Semantics = (o, i) => {
  const r = o.or(o.readForWrite(i, i.dst), o.read(i, i.src));
  o.write(i, i.dst, r);
  o.flagsLogic(i.dst.size, r);
};

export const xor: Semantics = (o, i) => {
  const r = o.xor(o.readForWrite(i, i.dst), o.read(i, i.src));
  o.write(i, i.dst, r);
  o.flagsLogic(i.dst.size, r);
};

/** NOT changes no flag. */
export const not: Semantics = (o, i) =>
  o.write(i, i.dst, o.zeroExtend(o.xor(o.readForWrite(i, i.dst), o.constant(-1)), i.dst.size));

export const test: Semantics = (o, i) => o.flagsLogic(i.dst.size, o.and(o.read(i, i.dst), o.read(i, i.src)));
