import { BIAS, type Float80, type FloatContext } from '../float80.ts';
import {
  invalid,
  isDenormal,
  isInfinity,
  isOrdinary,
  isZero,
  oneNaN,
  setInfinity,
  setZero,
  stopsAtDenormal,
} from './operands.ts';
import { round, SIG_EXTRA, SIG_HIGH, SIG_LOW, sig } from './round.ts';
import { loadNormalized, productHigh, TWO_32 } from './wide.ts';

/** out := the square root of a (FSQRT, SDM volume 2). An unmasked invalid or denormal exception leaves `out` as it was. */
export function sqrt(a: Float80, out: Float80, context: FloatContext): void {
  const sign = (a.signExponent >>> 15) & 1;
  if (!isOrdinary(a) || sign !== 0) {
    if (oneNaN(a, out, context)) return;
    context.roundedUp = false;
    if (isZero(a)) {
      setZero(sign, out);
      return;
    }
    if (sign !== 0) {
      invalid(out, context);
      return;
    }
    if (isInfinity(a)) {
      setInfinity(0, out);
      return;
    }
    if (isDenormal(a) && stopsAtDenormal(context)) return;
  }
  const power = loadNormalized(a) - BIAS;
  root(power & 1);
  round(0, (power >> 1) + BIAS, out, context);
}

/**
 * Replaces the 64 bits of `sig`, a number in [1, 2), by its root, or by the root of twice that number when `odd` is 1.
 * The upper half comes from a double; the lower half is what is left, divided by twice the upper half.
 */
function root(odd: number): void {
  // The radicand is N * 2^64 with N in [2^62, 2^64): its root has 64 bits. N may lose its lowest bit to `lowest`.
  const m1 = odd ? sig[SIG_HIGH] >>> 0 : sig[SIG_HIGH] >>> 1;
  const m0 = odd ? sig[SIG_LOW] >>> 0 : ((sig[SIG_LOW] >>> 1) | (sig[SIG_HIGH] << 31)) >>> 0;
  const lowest = odd ? 0 : (sig[SIG_LOW] << 31) >>> 0;

  // At most one too large: the double is off by less than 2^-22, and where N is a square its root is found exactly.
  let upper = Math.min(Math.floor(Math.sqrt(m1 * TWO_32 + m0)), 4294967295);
  // N - upper^2, below 2^33 when `upper` is right.
  let rest = restOfSquare(m1, m0, upper);
  if (rest < 0) {
    upper--;
    rest += 2 * upper + 1;
  }

  // Never too small: leaving lower^2 out outweighs what rounding loses.
  let lower = Math.min(Math.floor((rest * TWO_32 + lowest) / (2 * upper)), 4294967295);
  // The remainder rest * 2^64 + lowest * 2^32 - 2 * upper * lower * 2^32 - lower^2 as high * 2^32 + low.
  const product = Math.imul(upper, lower) >>> 0;
  const square = Math.imul(lower, lower) >>> 0;
  const middle = lowest - 2 * product - productHigh(lower, lower, square) - (square !== 0 ? 1 : 0);
  let low = square === 0 ? 0 : TWO_32 - square;
  let high = (rest - 2 * productHigh(upper, lower, product)) * TWO_32 + middle;
  while (high < 0) {
    lower--;
    // The next smaller root's square is smaller by 2 * (upper * 2^32 + lower) + 1.
    low += 2 * lower + 1;
    high += 2 * upper;
    while (low >= TWO_32) {
      low -= TWO_32;
      high++;
    }
  }
  // The next bit is 1 when the remainder is above root + 1/4; a root is never half way.
  const above = (high - upper) * TWO_32 + (low - lower) > 0;
  sig[SIG_HIGH] = upper;
  sig[SIG_LOW] = lower;
  sig[SIG_EXTRA] = above ? -0x80000000 | 1 : high !== 0 || low !== 0 ? 1 : 0;
}

function restOfSquare(m1: number, m0: number, upper: number): number {
  const low = Math.imul(upper, upper) >>> 0;
  return (m1 - productHigh(upper, upper, low)) * TWO_32 + (m0 - low);
}
