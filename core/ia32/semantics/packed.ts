import { type Instruction, KIND } from '../instruction.ts';
import type { Ops, Semantics } from '../ops.ts';

/** Packed integer arithmetic, comparison, logic and shifts (SDM volume 1, 9.4 and 11.4.2): no flags, 8 or 16 bytes wide as the operands say. */

/** What becomes of one lane of both operands, zero-extended; what is above the lane's size is cut off. */
type Lane = <V>(o: Ops<V>, a: V, b: V) => V;

function lanewise(size: 1 | 2 | 4, lane: Lane): Semantics {
  return (o, i) => {
    const width = i.dst.size;
    const b = o.vector(i, i.src, width);
    const a = o.vector(i, i.dst, width);
    for (let n = 0; n < width / size; n++) o.setLane(a, size, n, lane(o, o.lane(a, size, n), o.lane(b, size, n)));
  };
}

/** The same on sign-extended lanes. */
function signed(size: 1 | 2, lane: Lane): Semantics {
  return lanewise(size, (o, a, b) => lane(o, o.signExtend(a, size), o.signExtend(b, size)));
}

/** a < b as signed numbers. */
function less<V>(o: Ops<V>, a: V, b: V): V {
  const sign = o.constant(0x80000000 | 0);
  return o.lessUnsigned(o.xor(a, sign), o.xor(b, sign));
}

function least<V>(o: Ops<V>, a: V, b: V): V {
  return o.select(less(o, a, b), a, b);
}

function greatest<V>(o: Ops<V>, a: V, b: V): V {
  return o.select(less(o, a, b), b, a);
}

/** A signed number cut to the nearest one between both limits. */
export function saturate<V>(o: Ops<V>, value: V, lowest: number, highest: number): V {
  return greatest(o, least(o, value, o.constant(highest)), o.constant(lowest));
}

/** All ones or zeros. */
function mask<V>(o: Ops<V>, condition: V): V {
  return o.sub(o.constant(0), condition);
}

function add<V>(o: Ops<V>, a: V, b: V): V {
  return o.add(a, b);
}

function sub<V>(o: Ops<V>, a: V, b: V): V {
  return o.sub(a, b);
}

export const paddb = lanewise(1, add);
export const paddw = lanewise(2, add);
export const paddd = lanewise(4, add);
export const psubb = lanewise(1, sub);
export const psubw = lanewise(2, sub);
export const psubd = lanewise(4, sub);

function saturating(size: 1 | 2, isSigned: boolean, combine: Lane): Semantics {
  const bits = 8 * size;
  const lowest = isSigned ? -(1 << (bits - 1)) : 0;
  const highest = isSigned ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
  const lane: Lane = (o, a, b) => saturate(o, combine(o, a, b), lowest, highest);
  return isSigned ? signed(size, lane) : lanewise(size, lane);
}

export const paddsb = saturating(1, true, add);
export const paddsw = saturating(2, true, add);
export const paddusb = saturating(1, false, add);
export const paddusw = saturating(2, false, add);
export const psubsb = saturating(1, true, sub);
export const psubsw = saturating(2, true, sub);
export const psubusb = saturating(1, false, sub);
export const psubusw = saturating(2, false, sub);

function average<V>(o: Ops<V>, a: V, b: V): V {
  return o.shr(o.add(o.add(a, b), o.constant(1)), o.constant(1));
}

export const pavgb = lanewise(1, average);
export const pavgw = lanewise(2, average);
export const pminub = lanewise(1, least);
export const pmaxub = lanewise(1, greatest);
export const pminsw = signed(2, least);
export const pmaxsw = signed(2, greatest);
export const pmullw = lanewise(2, (o, a, b) => o.mul(a, b));
export const pmulhw = signed(2, (o, a, b) => o.shr(o.mul(a, b), o.constant(16)));
export const pmulhuw = lanewise(2, (o, a, b) => o.shr(o.mul(a, b), o.constant(16)));

const equal: Lane = (o, a, b) => mask(o, o.equal(a, b));
const greater: Lane = (o, a, b) => mask(o, less(o, b, a));
export const pcmpeqb = lanewise(1, equal);
export const pcmpeqw = lanewise(2, equal);
export const pcmpeqd = lanewise(4, equal);
export const pcmpgtb = signed(1, greater);
export const pcmpgtw = signed(2, greater);
export const pcmpgtd = lanewise(4, greater);

export const pand = lanewise(4, (o, a, b) => o.and(a, b));
export const pandn = lanewise(4, (o, a, b) => o.and(o.xor(a, o.constant(-1)), b));
export const por = lanewise(4, (o, a, b) => o.or(a, b));
export const pxor = lanewise(4, (o, a, b) => o.xor(a, b));

/** Products of neighbours are added: a lane of 32 bits from four of 16. */
export const pmaddwd: Semantics = (o, i) => {
  const width = i.dst.size;
  const b = o.vector(i, i.src, width);
  const a = o.vector(i, i.dst, width);
  for (let n = 0; n < width / 4; n++) {
    const low = o.mul(o.signExtend(o.lane(a, 2, 2 * n), 2), o.signExtend(o.lane(b, 2, 2 * n), 2));
    const high = o.mul(o.signExtend(o.lane(a, 2, 2 * n + 1), 2), o.signExtend(o.lane(b, 2, 2 * n + 1), 2));
    o.setLane(a, 4, n, o.add(low, high));
  }
};

/** Sum of the absolute differences of eight bytes, in each quadword. */
export const psadbw: Semantics = (o, i) => {
  const width = i.dst.size;
  const b = o.vector(i, i.src, width);
  const a = o.vector(i, i.dst, width);
  for (let quad = 0; quad < width / 8; quad++) {
    let sum = o.constant(0);
    for (let n = 8 * quad; n < 8 * quad + 8; n++) {
      const x = o.lane(a, 1, n);
      const y = o.lane(b, 1, n);
      sum = o.add(sum, o.sub(greatest(o, x, y), least(o, x, y)));
    }
    o.setLane(a, 4, 2 * quad, sum);
    o.setLane(a, 4, 2 * quad + 1, o.constant(0));
  }
};

// Quadwords are pairs of doublewords.

function quadwise(quad: <V>(o: Ops<V>, aLow: V, aHigh: V, bLow: V, bHigh: V) => readonly [low: V, high: V]): Semantics {
  return (o, i) => {
    const width = i.dst.size;
    const b = o.vector(i, i.src, width);
    const a = o.vector(i, i.dst, width);
    for (let n = 0; n < width / 4; n += 2) {
      const [low, high] = quad(o, o.lane(a, 4, n), o.lane(a, 4, n + 1), o.lane(b, 4, n), o.lane(b, 4, n + 1));
      o.setLane(a, 4, n, low);
      o.setLane(a, 4, n + 1, high);
    }
  };
}

export const paddq = quadwise((o, aLow, aHigh, bLow, bHigh) => {
  const low = o.add(aLow, bLow);
  return [low, o.add(o.add(aHigh, bHigh), o.lessUnsigned(low, aLow))];
});

export const psubq = quadwise((o, aLow, aHigh, bLow, bHigh) => [
  o.sub(aLow, bLow),
  o.sub(o.sub(aHigh, bHigh), o.lessUnsigned(aLow, bLow)),
]);

export const pmuludq = quadwise((o, a, _aHigh, b) => [o.mul(a, b), o.mulHighUnsigned(a, b)]);

// Shifts

/** The count: an immediate, or the low quadword of the source; 255 stands for all that is more. */
function count<V>(o: Ops<V>, i: Instruction): V {
  if (i.src.kind === KIND.immediate) return o.constant(i.src.value);
  const source = o.vector(i, i.src, i.dst.size);
  const most = o.constant(255);
  const low = o.lane(source, 4, 0);
  return o.select(o.or(o.lane(source, 4, 1), o.lessUnsigned(most, low)), most, low);
}

/** `shifted` is for counts below the number of bits; beyond it nothing is left. */
function logical(size: 2 | 4, shifted: Lane): Semantics {
  return (o, i) => {
    const by = count(o, i);
    const isLess = o.lessUnsigned(by, o.constant(8 * size));
    const a = o.vector(i, i.dst, i.dst.size);
    for (let n = 0; n < i.dst.size / size; n++) {
      o.setLane(a, size, n, o.select(isLess, shifted(o, o.lane(a, size, n), by), o.constant(0)));
    }
  };
}

const left: Lane = (o, a, by) => o.shl(a, by);
const right: Lane = (o, a, by) => o.shr(a, by);
export const psllw = logical(2, left);
export const pslld = logical(4, left);
export const psrlw = logical(2, right);
export const psrld = logical(4, right);

/** Beyond the number of bits only signs are left. */
function arithmetic(size: 2 | 4): Semantics {
  return (o, i) => {
    const most = o.constant(8 * size - 1);
    const wanted = count(o, i);
    const by = o.select(o.lessUnsigned(wanted, most), wanted, most);
    const a = o.vector(i, i.dst, i.dst.size);
    for (let n = 0; n < i.dst.size / size; n++) {
      o.setLane(a, size, n, o.sar(o.signExtend(o.lane(a, size, n), size), by));
    }
  };
}

export const psraw = arithmetic(2);
export const psrad = arithmetic(4);

/** A shift of quadwords: `near` is the half that bits leave, `far` the one that gets them. */
function quadShift(near: 0 | 1, out: Lane, back: Lane): Semantics {
  return (o, i) => {
    const by = count(o, i);
    const zero = o.constant(0);
    const isLess = o.lessUnsigned(by, o.constant(64));
    const isHalf = o.lessUnsigned(by, o.constant(32));
    const a = o.vector(i, i.dst, i.dst.size);
    for (let n = 0; n < i.dst.size / 4; n += 2) {
      const giver = o.lane(a, 4, n + near);
      const taker = o.lane(a, 4, n + 1 - near);
      // Bits that cross: by 32 - count, in two steps since a count of 32 would be one of 0.
      const crossing = back(o, back(o, giver, o.constant(1)), o.sub(o.constant(31), by));
      const small = o.or(out(o, taker, by), crossing);
      o.setLane(a, 4, n + 1 - near, o.select(isHalf, small, o.select(isLess, out(o, giver, by), zero)));
      o.setLane(a, 4, n + near, o.select(isHalf, out(o, giver, by), zero));
    }
  };
}

export const psllq = quadShift(0, left, right);
export const psrlq = quadShift(1, right, left);

/** The whole register by bytes. */
function byteShift(direction: 1 | -1): Semantics {
  return (o, i) => {
    const a = o.vector(i, i.dst, 16);
    for (let n = 0; n < 16; n++) {
      const from = n + direction * i.src.value;
      o.setLane(o.scratch, 1, n, from >= 0 && from < 16 ? o.lane(a, 1, from) : o.constant(0));
    }
    o.setVector(i, i.dst, o.scratch, 16);
  };
}

export const pslldq = byteShift(-1);
export const psrldq = byteShift(1);
