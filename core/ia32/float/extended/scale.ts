import { BIAS, type Float80, type FloatContext, FloatFlag, MAX_EXPONENT } from '../float80.ts';
import { fromInt32 } from './integer.ts';
import {
  invalid,
  isDenormal,
  isInfinity,
  isZero,
  oneNaN,
  setInfinity,
  setZero,
  stopsAtDenormal,
  twoNaNs,
  zeroDivide,
} from './operands.ts';
import { EXPONENT_ADJUST, roundExtended, SIG_HIGH, SIG_LOW, sig } from './round.ts';
import { loadNormalized } from './wide.ts';

/** More than any two exponents are apart. */
const FAR = 0x20000;

/** out := a * 2^trunc(b) (FSCALE, SDM volume 2, table 3-31). */
export function scale(a: Float80, b: Float80, out: Float80, context: FloatContext): void {
  if (twoNaNs(a, b, out, context)) return;
  const sign = (a.signExponent >>> 15) & 1;
  const down = (b.signExponent & 0x8000) !== 0;
  const bInfinite = isInfinity(b);
  if (bInfinite && (down ? isInfinity(a) : isZero(a))) {
    invalid(out, context);
    return;
  }
  if ((isDenormal(a) || isDenormal(b)) && stopsAtDenormal(context)) return;
  context.roundedUp = false;
  if (isInfinity(a) || (bInfinite && !down)) {
    setInfinity(sign, out);
    return;
  }
  if (isZero(a) || bInfinite) {
    setZero(sign, out);
    return;
  }
  const power = truncated(b);
  const exponent = loadNormalized(a) + (down ? -power : power);
  // Out of range even with an adjusted exponent: an infinity or zero, by no rounding control (SDM volume 1, 8.5.4 and 8.5.5).
  if (exponent >= MAX_EXPONENT + EXPONENT_ADJUST && !(context.masks & FloatFlag.overflow)) {
    context.flags |= FloatFlag.overflow | FloatFlag.precision;
    context.roundedUp = true;
    setInfinity(sign, out);
  } else if (exponent <= -EXPONENT_ADJUST && !(context.masks & FloatFlag.underflow)) {
    context.flags |= FloatFlag.underflow | FloatFlag.precision;
    setZero(sign, out);
  } else roundExtended(sign, exponent, out, context);
}

/** The integer part of |b|, at most FAR. */
function truncated(b: Float80): number {
  const exponent = (b.signExponent & MAX_EXPONENT) - BIAS;
  if (exponent < 0) return 0;
  return exponent > 16 ? FAR : b.high >>> (31 - exponent);
}

/**
 * Takes a apart (FXTRACT, SDM volume 2): `exponent` := its unbiased exponent, `significand` := its significand with the
 * exponent 0. Both cells are left as they were by an unmasked invalid, denormal or zero-divide exception.
 */
export function extract(a: Float80, significand: Float80, exponent: Float80, context: FloatContext): void {
  if (oneNaN(a, exponent, context)) {
    if (!(context.flags & ~context.masks & FloatFlag.invalid)) significand.set(exponent);
    return;
  }
  if (isDenormal(a) && stopsAtDenormal(context)) return;
  context.roundedUp = false;
  const sign = (a.signExponent >>> 15) & 1;
  if (isZero(a)) {
    zeroDivide(1, exponent, context);
    if (context.masks & FloatFlag.zeroDivide) setZero(sign, significand);
  } else if (isInfinity(a)) {
    setInfinity(0, exponent);
    setInfinity(sign, significand);
  } else {
    const biased = loadNormalized(a);
    significand.signExponent = (sign << 15) | BIAS;
    significand.high = sig[SIG_HIGH] >>> 0;
    significand.low = sig[SIG_LOW] >>> 0;
    fromInt32(biased - BIAS, exponent);
  }
}
