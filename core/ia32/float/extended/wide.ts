import { type Float80, MAX_EXPONENT } from '../float80.ts';
import { normalize, SIG_EXTRA, SIG_HIGH, SIG_LOW, sig } from './round.ts';

/**
 * The high 32 bits of the product of two unsigned 32-bit numbers whose low 32 bits are `low`. Exact: rounding of the
 * double product is below 2^11, far less than half of the 2^32 that the difference is a multiple of.
 */
export function productHigh(a: number, b: number, low: number): number {
  return Math.floor((a * b - low) * 2 ** -32 + 0.5);
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
