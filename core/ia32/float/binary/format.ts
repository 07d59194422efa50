import { FloatFlag, type RoundingControl } from '../float80.ts';

/**
 * The single and double precision formats of SSE (SDM volume 1, 4.2.2). Numbers lie as bit patterns in a DataView, at byte offsets, so
 * that NaNs keep their bits; in between they are the host's doubles, which hold both formats exactly.
 */
export interface Format {
  readonly size: 4 | 8;
  /** Bits of the significand with its integer bit. */
  readonly precision: number;
  /** Exponents of the smallest normal number and of the largest number. */
  readonly lowest: number;
  readonly highest: number;
  /** The smallest normal number. */
  readonly normal: number;
  /** Between these, results and what tells whether they are exact can be had from the host's arithmetic. */
  readonly easyAbove: number;
  readonly easyBelow: number;
  /** Of the word with the sign: the bit that makes a NaN quiet, and the QNaN floating-point indefinite. */
  readonly quiet: number;
  readonly indefinite: number;
}

export const SINGLE: Format = {
  size: 4,
  precision: 24,
  lowest: -126,
  highest: 127,
  normal: 2 ** -126,
  easyAbove: 2 ** -125,
  easyBelow: 2 ** 127,
  quiet: 1 << 22,
  indefinite: 0xffc00000,
};

export const DOUBLE: Format = {
  size: 8,
  precision: 53,
  lowest: -1022,
  highest: 1023,
  normal: 2 ** -1022,
  easyAbove: 2 ** -900,
  easyBelow: 2 ** 990,
  quiet: 1 << 19,
  indefinite: 0xfff80000,
};

/** MXCSR's part in an operation, and the exception flags that come of it (SDM volume 1, 10.2.3). */
export interface SseContext {
  rounding: RoundingControl;
  /** Denormal operands are zeros. */
  daz: boolean;
  /** Tiny results are zeros, where underflow is masked. */
  ftz: boolean;
  /** Exception masks as FloatFlag. */
  masks: number;
  /** Rounding is to nearest and the precision flag is set and masked: nobody needs to know whether a result is exact. */
  quick: boolean;
  /** OR of FloatFlag. */
  flags: number;
}

/** One operation on the numbers at two places, with its result to a third. */
export type FloatLane = (c: SseContext, v: DataView, a: number, b: number, to: number) => void;

export function get(v: DataView, at: number, format: Format): number {
  return format.size === 4 ? v.getFloat32(at, true) : v.getFloat64(at, true);
}

export function put(v: DataView, at: number, format: Format, value: number): void {
  if (format.size === 4) v.setFloat32(at, value, true);
  else v.setFloat64(at, value, true);
}

/** The word with sign, exponent and quiet bit. */
function topWord(v: DataView, at: number, format: Format): number {
  return v.getInt32(at + format.size - 4, true);
}

export function copy(v: DataView, from: number, to: number, format: Format): void {
  v.setInt32(to, v.getInt32(from, true), true);
  if (format.size === 8) v.setInt32(to + 4, v.getInt32(from + 4, true), true);
}

/** Whether the NaN there signals. */
export function isSignaling(v: DataView, at: number, format: Format): boolean {
  return (topWord(v, at, format) & format.quiet) === 0;
}

/** The NaN made quiet. */
export function putQuiet(v: DataView, from: number, to: number, format: Format): void {
  copy(v, from, to, format);
  v.setInt32(to + format.size - 4, topWord(v, to, format) | format.quiet, true);
}

export function putIndefinite(c: SseContext, v: DataView, to: number, format: Format): void {
  c.flags |= FloatFlag.invalid;
  if (format.size === 8) v.setInt32(to, 0, true);
  v.setInt32(to + format.size - 4, format.indefinite, true);
}

/** The result where an operand is a NaN: the first one that is (SDM volume 1, table 4-7). */
export function putNan(c: SseContext, v: DataView, a: number, b: number, to: number, format: Format): void {
  const x = get(v, a, format);
  const y = get(v, b, format);
  const aIsNan = Number.isNaN(x);
  if ((aIsNan && isSignaling(v, a, format)) || (Number.isNaN(y) && isSignaling(v, b, format))) {
    c.flags |= FloatFlag.invalid;
  }
  putQuiet(v, aIsNan ? a : b, to, format);
}

export function isDenormal(x: number, format: Format): boolean {
  return Math.abs(x) < format.normal && x !== 0;
}

/** The number as the operation sees it: with DAZ a denormal is a zero of its sign. */
export function seen(c: SseContext, x: number, format: Format): number {
  return c.daz && isDenormal(x, format) ? x * 0 : x;
}
