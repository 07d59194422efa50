import type { Semantics } from '../ops.ts';
import { EAX, EDX } from '../registers.ts';

/** Data movement (SDM volume 1, 7.3.1). None of these changes a flag. */

export const mov: Semantics = (o, i) => o.write(i, i.dst, o.read(i, i.src));

export const movzx: Semantics = (o, i) => o.write(i, i.dst, o.read(i, i.src));

export const movsx: Semantics = (o, i) => o.write(i, i.dst, o.signExtend(o.read(i, i.src), i.src.size));

export const lea: Semantics = (o, i) => o.write(i, i.dst, o.offset(i));

/** Memory is written first: its fault must leave the register alone. */
export const xchg: Semantics = (o, i) => {
  const a = o.readForWrite(i, i.dst);
  const b = o.read(i, i.src);
  o.write(i, i.dst, b);
  o.write(i, i.src, a);
};

/** With a 16-bit register the result is undefined in the manual; processors clear it. */
export const bswap: Semantics = (o, i) => {
  if (i.dst.size === 2) {
    o.write(i, i.dst, o.constant(0));
    return;
  }
  const a = o.read(i, i.dst);
  const byte = o.constant(0xff);
  const eight = o.constant(8);
  const high = o.shl(a, o.constant(24));
  const upper = o.shl(o.and(o.shr(a, eight), byte), o.constant(16));
  const lower = o.shl(o.and(o.shr(a, o.constant(16)), byte), eight);
  o.write(i, i.dst, o.or(o.or(high, upper), o.or(lower, o.shr(a, o.constant(24)))));
};

/** The source is read even if the condition is false (SDM volume 2, CMOVcc), so it may fault. */
export const cmov: Semantics = (o, i) => {
  const source = o.read(i, i.src);
  o.write(i, i.dst, o.select(o.condition(i.condition), source, o.read(i, i.dst)));
};

export const setcc: Semantics = (o, i) => o.write(i, i.dst, o.condition(i.condition));

/** AL := [segment:(E)BX + AL]. */
export const xlat: Semantics = (o, i) => {
  const offset = o.add(o.register(3), o.registerPart(EAX, 1));
  o.setRegisterPart(EAX, 1, o.load(i.segment, o.zeroExtend(offset, i.addressSize), 1));
};

/** CBW and CWDE: sign of the lower half of the accumulator fills the upper half. */
export const cbw: Semantics = (o, i) => {
  const half = i.operandSize >> 1;
  o.setRegisterPart(EAX, i.operandSize, o.signExtend(o.registerPart(EAX, half), half));
};

/** CWD and CDQ: the sign of the accumulator fills (E)DX. */
export const cwd: Semantics = (o, i) => {
  const a = o.signExtend(o.registerPart(EAX, i.operandSize), i.operandSize);
  o.setRegisterPart(EDX, i.operandSize, o.sar(a, o.constant(31)));
};
