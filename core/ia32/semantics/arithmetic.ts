import type { Semantics } from '../ops.ts';
import { EAX, EBX, ECX, EDX } from '../registers.ts';

/** Binary arithmetic (SDM volume 1, 7.3.2). */

export const add: Semantics = (o, i) => {
  const size = i.dst.size;
  const a = o.readForWrite(i, i.dst);
  const b = o.read(i, i.src);
  const r = o.zeroExtend(o.add(a, b), size);
  o.write(i, i.dst, r);
  o.flagsAdd(size, a, b, r);
};

export const adc: Semantics = (o, i) => {
  const size = i.dst.size;
  const a = o.readForWrite(i, i.dst);
  const b = o.read(i, i.src);
  const r = o.zeroExtend(o.add(o.add(a, b), o.carry()), size);
  o.write(i, i.dst, r);
  o.flagsAdd(size, a, b, r);
};

export const sub: Semantics = (o, i) => {
  const size = i.dst.size;
  const a = o.readForWrite(i, i.dst);
  const b = o.read(i, i.src);
  const r = o.zeroExtend(o.sub(a, b), size);
  o.write(i, i.dst, r);
  o.flagsSub(size, a, b, r);
};

export const sbb: Semantics = (o, i) => {
  const size = i.dst.size;
  const a = o.readForWrite(i, i.dst);
  const b = o.read(i, i.src);
  const r = o.zeroExtend(o.sub(o.sub(a, b), o.carry()), size);
  o.write(i, i.dst, r);
  o.flagsSub(size, a, b, r);
};

export const cmp: Semantics = (o, i) => {
  const size = i.dst.size;
  const a = o.read(i, i.dst);
  const b = o.read(i, i.src);
  o.flagsSub(size, a, b, o.zeroExtend(o.sub(a, b), size));
};

export const inc: Semantics = (o, i) => {
  const size = i.dst.size;
  const r = o.zeroExtend(o.add(o.readForWrite(i, i.dst), o.constant(1)), size);
  o.write(i, i.dst, r);
  o.flagsIncrement(size, r);
};

export const dec: Semantics = (o, i) => {
  const size = i.dst.size;
  const r = o.zeroExtend(o.sub(o.readForWrite(i, i.dst), o.constant(1)), size);
  o.write(i, i.dst, r);
  o.flagsDecrement(size, r);
};

export const neg: Semantics = (o, i) => {
  const size = i.dst.size;
  const zero = o.constant(0);
  const a = o.readForWrite(i, i.dst);
  const r = o.zeroExtend(o.sub(zero, a), size);
  o.write(i, i.dst, r);
  o.flagsSub(size, zero, a, r);
};

/** The destination is written in both cases (SDM volume 2, CMPXCHG), so a read-only destination always faults. */
export const cmpxchg: Semantics = (o, i) => {
  const size = i.dst.size;
  const accumulator = o.registerPart(EAX, size);
  const destination = o.readForWrite(i, i.dst);
  const same = o.equal(accumulator, destination);
  o.write(i, i.dst, o.select(same, o.read(i, i.src), destination));
  // When they are equal this writes back what the accumulator held; for CMPXCHG EAX, r the new value must stay.
  o.when(o.equal(same, o.constant(0)), () => o.setRegisterPart(EAX, size, destination));
  o.flagsSub(size, accumulator, destination, o.zeroExtend(o.sub(accumulator, destination), size));
};

export const cmpxchg8b: Semantics = (o, i) => {
  const { segment } = i.memory;
  const offset = o.offset(i);
  // One operand of 8 bytes: with 16-bit addresses it goes on above 64 KB, to which the segment's limit has its say.
  const upper = o.add(offset, o.constant(4));
  o.probeStore(segment, offset, 8);
  const low = o.load(segment, offset, 4);
  const high = o.load(segment, upper, 4);
  const same = o.and(o.equal(low, o.register(EAX)), o.equal(high, o.register(EDX)));
  o.store(segment, offset, 4, o.select(same, o.register(EBX), low));
  o.store(segment, upper, 4, o.select(same, o.register(ECX), high));
  o.setRegister(EAX, o.select(same, o.register(EAX), low));
  o.setRegister(EDX, o.select(same, o.register(EDX), high));
  o.setZero(same);
};

/**
 * Memory is written before the source, which may be part of its address. A register is written after it, so that
 * XADD EAX, EAX leaves the sum.
 */
export const xadd: Semantics = (o, i) => {
  const size = i.dst.size;
  const a = o.readForWrite(i, i.dst);
  const b = o.read(i, i.src);
  const r = o.zeroExtend(o.add(a, b), size);
  const inMemory = i.modrm < 0xc0;
  if (inMemory) o.write(i, i.dst, r);
  o.write(i, i.src, a);
  if (!inMemory) o.write(i, i.dst, r);
  o.flagsAdd(size, a, b, r);
};

/** AX := AL * r/m8, DX:AX or EDX:EAX := accumulator * r/m. CF and OF tell whether the upper half is used. */
export const mul: Semantics = (o, i) => {
  const size = i.dst.size;
  const a = o.registerPart(EAX, size);
  const b = o.read(i, i.dst);
  const low = o.mul(a, b);
  const high = size === 4 ? o.mulHighUnsigned(a, b) : o.shr(low, o.constant(8 * size));
  if (size === 1) {
    o.setRegisterPart(EAX, 2, low);
  } else {
    o.setRegisterPart(EAX, size, low);
    o.setRegisterPart(EDX, size, high);
  }
  const used = o.lessUnsigned(o.constant(0), high);
  o.flagsResult(size, o.zeroExtend(low, size), used, used);
};

/** The one-operand IMUL. */
export const imulWide: Semantics = (o, i) => {
  const size = i.dst.size;
  const a = o.signExtend(o.registerPart(EAX, size), size);
  const b = o.signExtend(o.read(i, i.dst), size);
  const low = o.mul(a, b);
  const high = size === 4 ? o.mulHighSigned(a, b) : o.sar(low, o.constant(8 * size));
  if (size === 1) {
    o.setRegisterPart(EAX, 2, low);
  } else {
    o.setRegisterPart(EAX, size, low);
    o.setRegisterPart(EDX, size, high);
  }
  const sign = o.sar(o.signExtend(low, size), o.constant(31));
  const used = o.lessUnsigned(o.constant(0), o.xor(sign, high));
  o.flagsResult(size, o.zeroExtend(low, size), used, used);
};

/** IMUL r, r/m and IMUL r, r/m, imm: the product is cut to the operand size. */
export const imul: Semantics = (o, i) => {
  const size = i.dst.size;
  const three = i.third.kind !== 0;
  const a = o.signExtend(o.read(i, three ? i.src : i.dst), size);
  const b = o.signExtend(o.read(i, three ? i.third : i.src), size);
  const low = o.mul(a, b);
  const high = size === 4 ? o.mulHighSigned(a, b) : o.sar(low, o.constant(16));
  const sign = o.sar(o.signExtend(low, size), o.constant(31));
  const cut = o.lessUnsigned(o.constant(0), o.xor(sign, high));
  const r = o.zeroExtend(low, size);
  o.write(i, i.dst, r);
  o.flagsResult(size, r, cut, cut);
};
