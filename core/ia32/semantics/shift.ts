import { type Instruction, KIND } from '../instruction.ts';
import type { Ops, Semantics } from '../ops.ts';

/**
 * Shifts and rotates (SDM volume 1, 7.3.6). The count is masked to 5 bits; a count of 0 changes no flag. OF is defined for
 * a count of 1 only; it is computed by the same formula for all counts, as processors do.
 */

/** What a shift does with the operand and a count that is not 0: writes the destination, then the flags. */
type Body = <V>(o: Ops<V>, i: Instruction, a: V, n: V) => void;

/** A count of 0 does nothing, but a destination in memory must be writable all the same. */
function shift<V>(o: Ops<V>, i: Instruction, body: Body): void {
  const a = o.readForWrite(i, i.dst);
  if (i.src.kind === KIND.immediate) {
    const count = i.src.value & 31;
    if (count !== 0) body(o, i, a, o.constant(count));
    return;
  }
  const n = o.and(o.read(i, i.src), o.constant(31));
  o.when(n, () => body(o, i, a, n));
}

/** Whether the count is in the instruction and not 0. */
function isPlainCount(i: Instruction): boolean {
  return i.src.kind === KIND.immediate && (i.src.value & 31) !== 0;
}

/** Bit `position` of a, as 0 or 1. */
function bit<V>(o: Ops<V>, a: V, position: V): V {
  return o.and(o.shr(a, position), o.constant(1));
}

function top<V>(o: Ops<V>, a: V, size: number): V {
  return bit(o, a, o.constant(8 * size - 1));
}

const shlBody: Body = (o, i, a, n) => {
  const size = i.dst.size;
  const r = o.zeroExtend(o.shl(a, n), size);
  // The last bit out is bit (width - n); a narrow operand shifted by more than its width leaves 0 there.
  const carry = size === 4 ? bit(o, a, o.sub(o.constant(32), n)) : bit(o, o.shl(a, n), o.constant(8 * size));
  o.write(i, i.dst, r);
  o.flagsResult(size, r, carry, o.xor(carry, top(o, r, size)));
};

const shrBody: Body = (o, i, a, n) => {
  const size = i.dst.size;
  const r = o.shr(a, n);
  const carry = bit(o, a, o.sub(n, o.constant(1)));
  // OF is the sign before the shift where the count is 1: the top two bits of the result differ exactly then.
  const overflow = o.xor(top(o, r, size), bit(o, r, o.constant(8 * size - 2)));
  o.write(i, i.dst, r);
  o.flagsResult(size, r, carry, overflow);
};

const sarBody: Body = (o, i, a, n) => {
  const size = i.dst.size;
  const signed = o.signExtend(a, size);
  const r = o.zeroExtend(o.sar(signed, n), size);
  const carry = o.and(o.sar(signed, o.sub(n, o.constant(1))), o.constant(1));
  o.write(i, i.dst, r);
  o.flagsResult(size, r, carry, o.constant(0));
};

// The commonest form, a count in the instruction, goes straight to its body: shift() is shared and slower to call.

export const shl: Semantics = (o, i) => {
  if (isPlainCount(i)) shlBody(o, i, o.readForWrite(i, i.dst), o.constant(i.src.value & 31));
  else shift(o, i, shlBody);
};

export const shr: Semantics = (o, i) => {
  if (isPlainCount(i)) shrBody(o, i, o.readForWrite(i, i.dst), o.constant(i.src.value & 31));
  else shift(o, i, shrBody);
};

export const sar: Semantics = (o, i) => {
  if (isPlainCount(i)) sarBody(o, i, o.readForWrite(i, i.dst), o.constant(i.src.value & 31));
  else shift(o, i, sarBody);
};

/** Rotates `width` bits left by n, 0 <= n < width. */
function rotateLeft<V>(o: Ops<V>, a: V, n: V, size: number): V {
  const width = o.constant(8 * size);
  if (size === 4) return o.or(o.shl(a, n), o.select(n, o.shr(a, o.sub(width, n)), o.constant(0)));
  return o.zeroExtend(o.or(o.shl(a, n), o.shr(a, o.sub(width, n))), size);
}

const rolBody: Body = (o, i, a, n) => {
  const size = i.dst.size;
  const r = rotateLeft(o, a, o.and(n, o.constant(8 * size - 1)), size);
  const carry = o.and(r, o.constant(1));
  o.write(i, i.dst, r);
  o.setCarryOverflow(carry, o.xor(carry, top(o, r, size)));
};

export const rol: Semantics = (o, i) => shift(o, i, rolBody);

const rorBody: Body = (o, i, a, n) => {
  const size = i.dst.size;
  const mask = o.constant(8 * size - 1);
  const r = rotateLeft(o, a, o.and(o.sub(o.constant(0), n), mask), size);
  const carry = top(o, r, size);
  o.write(i, i.dst, r);
  o.setCarryOverflow(carry, o.xor(carry, bit(o, r, o.constant(8 * size - 2))));
};

export const ror: Semantics = (o, i) => shift(o, i, rorBody);

/** Remainder of a count 0 to 31 by the width plus 1: rotates through carry have 9, 17 or 33 positions. */
function throughCarryCount<V>(o: Ops<V>, n: V, size: number): V {
  if (size === 4) return n;
  const positions = 8 * size + 1;
  return o.sub(n, o.mul(o.divUnsigned(n, positions), o.constant(positions)));
}

/** x >> n for n from 0 to 32, where a shift by 32 gives 0. */
function shiftOut<V>(o: Ops<V>, x: V, n: V): V {
  return o.select(o.equal(n, o.constant(32)), o.constant(0), o.shr(x, n));
}

const rclBody: Body = (o, i, a, count) => {
  const size = i.dst.size;
  const n = throughCarryCount(o, count, size);
  o.when(n, () => {
    const one = o.constant(1);
    const width = o.constant(8 * size);
    const carryIn = o.shl(o.carry(), o.sub(n, one));
    const around = shiftOut(o, a, o.sub(o.add(width, one), n));
    const r = o.zeroExtend(o.or(o.or(o.shl(a, n), carryIn), around), size);
    const carry = bit(o, a, o.sub(width, n));
    o.write(i, i.dst, r);
    o.setCarryOverflow(carry, o.xor(carry, top(o, r, size)));
  });
};

export const rcl: Semantics = (o, i) => shift(o, i, rclBody);

const rcrBody: Body = (o, i, a, count) => {
  const size = i.dst.size;
  const n = throughCarryCount(o, count, size);
  o.when(n, () => {
    const one = o.constant(1);
    const width = o.constant(8 * size);
    const carryIn = o.shl(o.carry(), o.sub(width, n));
    const left = o.sub(o.add(width, one), n);
    const around = o.select(o.equal(left, o.constant(32)), o.constant(0), o.shl(a, left));
    const r = o.zeroExtend(o.or(o.or(o.shr(a, n), carryIn), around), size);
    const carry = bit(o, a, o.sub(n, one));
    o.write(i, i.dst, r);
    o.setCarryOverflow(carry, o.xor(top(o, r, size), bit(o, r, o.constant(8 * size - 2))));
  });
};

export const rcr: Semantics = (o, i) => shift(o, i, rcrBody);

/**
 * SHLD and SHRD: a count above the width is undefined in the manual for 16-bit operands. Processors shift the 48 bits
 * destination:source:destination, which is what happens here.
 */
export const shld: Semantics = (o, i) => {
  const size = i.dst.size;
  const a = o.readForWrite(i, i.dst);
  const b = o.read(i, i.src);
  const n = o.and(o.read(i, i.third), o.constant(31));
  o.when(n, () => {
    let r: typeof a;
    let carry: typeof a;
    if (size === 4) {
      const rest = o.sub(o.constant(32), n);
      r = o.or(o.shl(a, n), o.shr(b, rest));
      carry = bit(o, a, rest);
    } else {
      const sixteen = o.constant(16);
      const far = o.lessUnsigned(sixteen, n);
      const pair = o.or(o.shl(a, sixteen), b);
      const wrapped = o.or(o.shl(b, sixteen), a);
      const source = o.select(far, wrapped, pair);
      const m = o.select(far, o.sub(n, sixteen), n);
      r = o.shr(o.shl(source, m), sixteen);
      r = o.select(o.equal(n, sixteen), b, r);
      carry = bit(o, source, o.sub(o.constant(32), m));
    }
    o.write(i, i.dst, r);
    o.flagsResult(size, r, carry, o.xor(top(o, r, size), top(o, a, size)));
  });
};

export const shrd: Semantics = (o, i) => {
  const size = i.dst.size;
  const a = o.readForWrite(i, i.dst);
  const b = o.read(i, i.src);
  const n = o.and(o.read(i, i.third), o.constant(31));
  o.when(n, () => {
    const one = o.constant(1);
    let r: typeof a;
    let carry: typeof a;
    if (size === 4) {
      r = o.or(o.shr(a, n), o.shl(b, o.sub(o.constant(32), n)));
      carry = bit(o, a, o.sub(n, one));
    } else {
      const sixteen = o.constant(16);
      const far = o.lessUnsigned(sixteen, n);
      const pair = o.or(o.shl(b, sixteen), a);
      const wrapped = o.or(o.shl(a, sixteen), b);
      const source = o.select(far, wrapped, pair);
      const m = o.select(far, o.sub(n, sixteen), n);
      r = o.zeroExtend(o.shr(source, m), 2);
      carry = bit(o, source, o.sub(m, one));
    }
    o.write(i, i.dst, r);
    o.flagsResult(size, r, carry, o.xor(top(o, r, size), top(o, a, size)));
  });
};
