import { type Instruction, KIND } from '../instruction.ts';
import type { Ops, Semantics } from '../ops.ts';
import { EDI } from '../registers.ts';

/** Moves between MMX and XMM registers, general registers and memory (SDM volume 1, 9.4.1, 10.4.1 and 11.4.1). */

/** Clears the lanes of four bytes from `first` on. */
function clear<V>(o: Ops<V>, place: number, first: number): void {
  for (let n = first; n < 4; n++) o.setLane(place, 4, n, o.constant(0));
}

/** The whole of the destination: a register, or memory of its size. */
export const movVector: Semantics = (o, i) => {
  const { size } = i.dst;
  o.setVector(i, i.dst, o.vector(i, i.src, size), size);
};

/** Eight bytes; the upper half of a register stays. */
export const movLow: Semantics = (o, i) => o.setVector(i, i.dst, o.vector(i, i.src, 8), 8);

/** Eight bytes; the upper half of a register becomes 0. */
export const movq: Semantics = (o, i) => {
  o.setVector(i, i.dst, o.vector(i, i.src, 8), 8);
  if (i.dst.kind === KIND.xmm) clear(o, o.vector(i, i.dst, 16), 2);
};

/** From memory they clear the rest of the register, between registers they leave it. */
function movScalar(size: 4 | 8): Semantics {
  return (o, i) => {
    o.setVector(i, i.dst, o.vector(i, i.src, size), size);
    if (i.src.kind !== KIND.xmm) clear(o, o.vector(i, i.dst, 16), size >> 2);
  };
}

export const movss = movScalar(4);
export const movsd = movScalar(8);

/** MOVHPS, MOVHPD from memory and MOVLHPS: a low half to the upper one. */
export const movHigh: Semantics = (o, i) => {
  const from = o.vector(i, i.src, 8);
  const to = o.vector(i, i.dst, 16);
  for (let n = 0; n < 2; n++) o.setLane(to, 4, n + 2, o.lane(from, 4, n));
};

export const movHighToMemory: Semantics = (o, i) => o.setVector(i, i.dst, o.vector(i, i.src, 16) + 8, 8);

export const movhlps: Semantics = (o, i) => o.setVector(i, i.dst, o.vector(i, i.src, 16) + 8, 8);

export const movd: Semantics = (o, i) => {
  const value = o.read(i, i.src);
  const to = o.vector(i, i.dst, i.dst.size);
  o.setLane(to, 4, 0, value);
  for (let n = 1; n < i.dst.size >> 2; n++) o.setLane(to, 4, n, o.constant(0));
};

export const movdToGeneral: Semantics = (o, i) => o.write(i, i.dst, o.lane(o.vector(i, i.src, i.src.size), 4, 0));

/** Each doubleword from one of the source's. */
function duplicate(size: number, from: readonly [number, number, number, number]): Semantics {
  return (o, i) => {
    const source = o.vector(i, i.src, size);
    from.forEach((lane, n) => {
      o.setLane(o.scratch, 4, n, o.lane(source, 4, lane));
    });
    o.setVector(i, i.dst, o.scratch, 16);
  };
}

export const movddup = duplicate(8, [0, 1, 0, 1]);
export const movsldup = duplicate(16, [0, 0, 2, 2]);
export const movshdup = duplicate(16, [1, 1, 3, 3]);

/** The signs of all lanes as bits of a general register. */
function signs(size: 1 | 4, stride: number): Semantics {
  return (o, i) => {
    const source = o.vector(i, i.src, i.src.size);
    let mask = o.constant(0);
    for (let n = 0; n < i.src.size / (size * stride); n++) {
      const sign = o.shr(o.lane(source, size, n * stride + stride - 1), o.constant(8 * size - 1));
      mask = o.or(mask, o.shl(sign, o.constant(n)));
    }
    o.write(i, i.dst, mask);
  };
}

export const pmovmskb = signs(1, 1);
export const movmskps = signs(4, 1);
export const movmskpd = signs(4, 2);

export const pinsrw: Semantics = (o, i) => {
  const value = o.read(i, i.src);
  const { size } = i.dst;
  o.setLane(o.vector(i, i.dst, size), 2, i.third.value & (size / 2 - 1), value);
};

export const pextrw: Semantics = (o, i) => {
  const { size } = i.src;
  o.write(i, i.dst, o.lane(o.vector(i, i.src, size), 2, i.third.value & (size / 2 - 1)));
};

/** The bytes whose mask has its sign set, with the offsets at which they are stored. */
function eachMasked<V>(o: Ops<V>, i: Instruction, then: (offset: V, value: V) => void): void {
  const { size } = i.dst;
  const value = o.vector(i, i.dst, size);
  const mask = o.vector(i, i.src, size);
  const wrap = o.constant(i.addressSize === 2 ? 0xffff : -1);
  const to = o.register(EDI);
  for (let n = 0; n < size; n++) {
    const offset = o.and(o.add(to, o.constant(n)), wrap);
    o.when(o.shr(o.lane(mask, 1, n), o.constant(7)), () => then(offset, o.lane(value, 1, n)));
  }
}

/** MASKMOVQ and MASKMOVDQU: to DS:[EDI]. All bytes are looked at before the first is stored. */
export const maskmov: Semantics = (o, i) => {
  eachMasked(o, i, offset => o.probeStore(i.segment, offset, 1));
  eachMasked(o, i, (offset, value) => o.store(i.segment, offset, 1, value));
};
