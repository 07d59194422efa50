import { FloatFlag, type RoundingControl } from '../float80.ts';
import { type Format, put, SINGLE, type SseContext } from './format.ts';

/** Rounding (SDM volume 1, 4.8.4), and overflow and underflow with it (4.9.1.4 and 4.9.1.5). */

const cell = new DataView(new ArrayBuffer(8));

/** 2^exponent, from -1074 on. */
function powerOf2(exponent: number): number {
  cell.setBigUint64(0, exponent >= -1022 ? BigInt(exponent + 1023) << 52n : 1n << BigInt(exponent + 1074));
  return cell.getFloat64(0);
}

/** A number that is exact: mantissa * 2^exponent. */
export interface Exact {
  mantissa: bigint;
  exponent: number;
}

/** A finite number taken apart. */
export function exactly(x: number): Exact {
  cell.setFloat64(0, x);
  const bits = cell.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const magnitude = biased === 0 ? fraction : fraction | (1n << 52n);
  return { mantissa: x < 0 ? -magnitude : magnitude, exponent: Math.max(biased, 1) - 1075 };
}

function bitsIn(magnitude: bigint): number {
  return magnitude.toString(2).length;
}

/** Whether the last drop() lost something. */
let isInexact = false;

/** The magnitude without its `count` lowest bits, rounded. */
function drop(magnitude: bigint, count: number, negative: boolean, rounding: RoundingControl): bigint {
  isInexact = false;
  if (count <= 0) return magnitude << BigInt(-count);
  const kept = magnitude >> BigInt(count);
  const lost = magnitude - (kept << BigInt(count));
  if (lost === 0n) return kept;
  isInexact = true;
  const half = 1n << BigInt(count - 1);
  const isUp = rounding === 0 ? lost > half || (lost === half && (kept & 1n) === 1n) : rounding === (negative ? 1 : 2);
  return isUp ? kept + 1n : kept;
}

/** The rounded value of an exact one that is not 0. Sets flags. */
export function roundExact(c: SseContext, { mantissa, exponent }: Exact, format: Format): number {
  const negative = mantissa < 0n;
  const magnitude = negative ? -mantissa : mantissa;
  const sign = negative ? -1 : 1;
  let count = bitsIn(magnitude) - format.precision;
  let kept = drop(magnitude, count, negative, c.rounding);
  const top = exponent + count + bitsIn(kept) - 1;
  if (top > format.highest) {
    c.flags |= FloatFlag.overflow;
    if (isInexact || (c.masks & FloatFlag.overflow) !== 0) c.flags |= FloatFlag.precision;
    const toInfinity = c.rounding === 0 || c.rounding === (negative ? 1 : 2);
    return sign * (toInfinity ? Infinity : (2 - powerOf2(1 - format.precision)) * powerOf2(format.highest));
  }
  // Tininess is detected after rounding.
  if (top < format.lowest) {
    if ((c.masks & FloatFlag.underflow) === 0) {
      c.flags |= FloatFlag.underflow | (isInexact ? FloatFlag.precision : 0);
      return 0;
    }
    if (c.ftz) {
      c.flags |= FloatFlag.underflow | FloatFlag.precision;
      return sign * 0;
    }
    count = format.lowest - format.precision + 1 - exponent;
    kept = drop(magnitude, count, negative, c.rounding);
    if (isInexact) c.flags |= FloatFlag.underflow;
  }
  if (isInexact) c.flags |= FloatFlag.precision;
  return sign * Number(kept) * powerOf2(exponent + count);
}

/**
 * Writes `nearest`, the exact value's nearest neighbour in the format, or where the rounding mode says so the one on its other side;
 * `error` has the sign of what the exact value is more. No zero, and not at the ends of the format.
 */
export function putNearest(
  c: SseContext,
  v: DataView,
  to: number,
  format: Format,
  nearest: number,
  error: number,
): void {
  put(v, to, format, nearest);
  if (error === 0) return;
  c.flags |= FloatFlag.precision;
  const { rounding } = c;
  if (rounding === 0) return;
  const isUp = rounding === 2 || (rounding === 3 && nearest < 0);
  if (error > 0 !== isUp) return;
  const step = isUp === nearest > 0 ? 1 : -1;
  const low = v.getInt32(to, true);
  v.setInt32(to, low + step, true);
  if (format.size === 8 && low === (step === 1 ? -1 : 0)) v.setInt32(to + 4, v.getInt32(to + 4, true) + step, true);
}

/** Writes a double, rounded to single precision. */
export function putSingle(c: SseContext, v: DataView, to: number, x: number): void {
  const nearest = Math.fround(x);
  const magnitude = Math.abs(nearest);
  if (magnitude > SINGLE.easyAbove && magnitude < SINGLE.easyBelow) {
    putNearest(c, v, to, SINGLE, nearest, x - nearest);
  } else if (x === 0 || Math.abs(x) === Infinity) v.setFloat32(to, x, true);
  else v.setFloat32(to, roundExact(c, exactly(x), SINGLE), true);
}
