import { type Float80, MAX_EXPONENT } from '../float80.ts';
import { normalize, SIG_EXTRA, SIG_HIGH, SIG_LOW, sig } from './round.ts';

export const TWO_32 = 4294967296;
/** 2^-32; exact, like TWO_32. */
export const INVERSE_TWO_32 = 1 / 4294967296;

/**
 * The high 32 bits of the product of two unsigned 32-bit numbers whose low 32 bits are `low`. Exact: rounding of the
 * double product is below 2^11, far less than half of the 2^32 that the difference is a multiple of.
 */
export function productHigh(a: number, b: number, low: number): number {
  return Math.floor((a * b - low) * INVERSE_TWO_32 + 0.5);
}

/** Puts the significand of a finite number that is not 0 into `sig`, with bit 63 set, and returns its biased exponent. */
export function loadNormalized(a: Float80): number {
  const exponent = a.signExponent & MAX_EXPONENT;
  sig[SIG_HIGH] = a.high;
  sig[SIG_LOW] = a.low;
  sig[SIG_EXTRA] = 0;
  // Exponents 0 and 1 have the same scale (SDM volume 1, 4.8.3.2).
  return exponent === 0 ? 1 - normalize() : exponent;
}

/** out := the same significand and the sign, and returns the biased exponent. `out.signExponent` holds the sign only. */
export function normalizeInto(a: Float80, out: Float80): number {
  const exponent = loadNormalized(a);
  out.signExponent = a.signExponent & 0x8000;
  out.high = sig[SIG_HIGH] >>> 0;
  out.low = sig[SIG_LOW] >>> 0;
  return exponent;
}
