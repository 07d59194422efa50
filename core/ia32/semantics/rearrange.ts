import type { Ops, Semantics } from '../ops.ts';
import { saturate } from './packed.ts';

/** Packing, interleaving and shuffling of lanes (SDM volume 1, 9.4.4, 9.4.5, 10.4.4 and 11.4.1.4). The result is made aside: it mixes lanes. */

/** Both operands' signed lanes of `from` bytes become lanes of half the size, the destination's below. */
function pack(from: 2 | 4, lowest: number, highest: number): Semantics {
  return (o, i) => {
    const width = i.dst.size;
    const count = width / from;
    const b = o.vector(i, i.src, width);
    const a = o.vector(i, i.dst, width);
    for (let n = 0; n < 2 * count; n++) {
      const lane = n < count ? o.lane(a, from, n) : o.lane(b, from, n - count);
      o.setLane(o.scratch, from / 2, n, saturate(o, o.signExtend(lane, from), lowest, highest));
    }
    o.setVector(i, i.dst, o.scratch, width);
  };
}

export const packsswb = pack(2, -0x80, 0x7f);
export const packuswb = pack(2, 0, 0xff);
export const packssdw = pack(4, -0x8000, 0x7fff);

/** Lanes of `size` bytes from the low or the upper halves of both operands, in turns; one of 8 bytes is two of 4. */
function unpack(size: 1 | 2 | 4 | 8, upper: boolean): Semantics {
  const step = Math.min(size, 4);
  const parts = size / step;
  return (o, i) => {
    const width = i.dst.size;
    const half = width / 2;
    const b = o.vector(i, i.src, i.src.size);
    const a = o.vector(i, i.dst, width);
    const first = upper ? half / step : 0;
    for (let n = 0; n < half / step; n++) {
      const to = 2 * parts * Math.floor(n / parts) + (n % parts);
      o.setLane(o.scratch, step, to, o.lane(a, step, first + n));
      o.setLane(o.scratch, step, to + parts, o.lane(b, step, first + n));
    }
    o.setVector(i, i.dst, o.scratch, width);
  };
}

export const punpcklbw = unpack(1, false);
export const punpcklwd = unpack(2, false);
export const punpckldq = unpack(4, false);
export const punpcklqdq = unpack(8, false);
export const punpckhbw = unpack(1, true);
export const punpckhwd = unpack(2, true);
export const punpckhdq = unpack(4, true);
export const punpckhqdq = unpack(8, true);

/** Each of four lanes from the one that two bits of the immediate name, counted from `first`; the other lanes are copied. */
function shuffle(size: 2 | 4, first: number): Semantics {
  return (o, i) => {
    const width = i.dst.size;
    const source = o.vector(i, i.src, width);
    for (let n = 0; n < width / size; n++) {
      const isIn = n >= first && n < first + 4;
      o.setLane(o.scratch, size, n, o.lane(source, size, isIn ? first + chosen(i.third.value, n - first) : n));
    }
    o.setVector(i, i.dst, o.scratch, width);
  };
}

function chosen(order: number, n: number): number {
  return (order >> (2 * n)) & 3;
}

export const pshufw = shuffle(2, 0);
export const pshufd = shuffle(4, 0);
export const pshuflw = shuffle(2, 0);
export const pshufhw = shuffle(2, 4);

/** Two lanes from the destination, then two from the source. */
export const shufps: Semantics = (o, i) => {
  const b = o.vector(i, i.src, 16);
  const a = o.vector(i, i.dst, 16);
  for (let n = 0; n < 4; n++) o.setLane(o.scratch, 4, n, o.lane(n < 2 ? a : b, 4, chosen(i.third.value, n)));
  o.setVector(i, i.dst, o.scratch, 16);
};

/** A quadword from the destination, then one from the source. */
export const shufpd: Semantics = (o, i) => {
  const b = o.vector(i, i.src, 16);
  const a = o.vector(i, i.dst, 16);
  copyQuad(o, 0, a, i.third.value & 1);
  copyQuad(o, 1, b, (i.third.value >> 1) & 1);
  o.setVector(i, i.dst, o.scratch, 16);
};

function copyQuad<V>(o: Ops<V>, to: number, place: number, quad: number): void {
  for (let n = 0; n < 2; n++) o.setLane(o.scratch, 4, 2 * to + n, o.lane(place, 4, 2 * quad + n));
}
