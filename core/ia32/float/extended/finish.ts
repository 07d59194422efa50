import { BIAS, type Float80, type FloatContext, FloatFlag, MAX_EXPONENT } from '../float80.ts';
import type { DoubleDouble } from './doubleDouble.ts';
import { normalize, roundExtended, SIG_EXTRA, SIG_HIGH, SIG_LOW, sig } from './round.ts';
import { loadNormalized, TWO_32 } from './wide.ts';

/** Between 80-bit numbers, whose exponents no double has, and sums of two doubles with a power of two beside. */

/** out := the significand of a finite number that is not 0, in [1, 2), exactly; returns its unbiased exponent. */
export function significand(a: Float80, out: DoubleDouble): number {
  const exponent = loadNormalized(a) - BIAS;
  out
    .setNumber((sig[SIG_HIGH] >>> 0) * TWO_32)
    .addNumber(sig[SIG_LOW] >>> 0)
    .scale(2 ** -63);
  return exponent;
}

const bits = new DataView(new ArrayBuffer(8));

/**
 * out := (-1)^sign * value * 2^scale, rounded once, whatever precision control says. The value is a normal double and not 0.
 * It is reported as inexact even where it is exact, as processors do.
 */
export function finish(value: DoubleDouble, sign: number, scale: number, out: Float80, context: FloatContext): void {
  const negative = value.high < 0 ? 1 : 0;
  bits.setFloat64(0, value.high);
  const exponent = ((bits.getUint32(0) >>> 20) & 0x7ff) - 1023;
  const power = (negative ? -1 : 1) * 2 ** (31 - exponent);
  const top = value.high * power;
  const high = Math.floor(top);
  // What follows the upper 32 bits, in units of 2^-32; the lower double may make it slightly negative.
  const below = (top - high) * TWO_32 + value.low * power * TWO_32;
  const low = Math.floor(below);
  sig[SIG_HIGH] = low < 0 ? high - 1 : low >= TWO_32 ? high + 1 : high;
  sig[SIG_LOW] = low;
  // A difference that rounds up to 1 stays below it.
  sig[SIG_EXTRA] = Math.min(Math.floor((below - low) * TWO_32), TWO_32 - 1);
  const shift = normalize();
  roundExtended(sign ^ negative, exponent + scale - shift + BIAS, out, context);
  const denormal = (out.signExponent & MAX_EXPONENT) === 0;
  context.flags |= denormal ? FloatFlag.precision | FloatFlag.underflow : FloatFlag.precision;
}
