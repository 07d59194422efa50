import { BIAS, type Float80, type FloatContext, MAX_EXPONENT } from '../float80.ts';
import { quotientDigit, restTail, startDivision } from './division.ts';
import {
  invalid,
  isDenormal,
  isInfinity,
  isOrdinary,
  isZero,
  setInfinity,
  setZero,
  stopsAtDenormal,
  twoNaNs,
  zeroDivide,
} from './operands.ts';
import { round, SIG_EXTRA, SIG_HIGH, SIG_LOW, sig } from './round.ts';
import { loadNormalized } from './wide.ts';

/** out := a / b (FDIV, SDM volume 2). An unmasked invalid, denormal or zero-divide exception leaves `out` as it was. */
export function div(a: Float80, b: Float80, out: Float80, context: FloatContext): void {
  const sign = ((a.signExponent ^ b.signExponent) >>> 15) & 1;
  if (isOrdinary(a) && isOrdinary(b)) {
    const exponent = (a.signExponent & MAX_EXPONENT) - (b.signExponent & MAX_EXPONENT) + BIAS;
    divide(a.high | 0, a.low | 0, b.high | 0, b.low | 0, sign, exponent, out, context);
  } else divSpecial(a, b, sign, out, context);
}

function divSpecial(a: Float80, b: Float80, sign: number, out: Float80, context: FloatContext): void {
  if (twoNaNs(a, b, out, context)) return;
  const aInfinite = isInfinity(a);
  const bInfinite = isInfinity(b);
  const aZero = isZero(a);
  const bZero = isZero(b);
  if ((aInfinite && bInfinite) || (aZero && bZero)) {
    invalid(out, context);
    return;
  }
  // Divide by zero comes before the denormal operand (SDM volume 1, 4.9.2).
  if (bZero && !aInfinite) {
    zeroDivide(sign, out, context);
    return;
  }
  if ((isDenormal(a) || isDenormal(b)) && stopsAtDenormal(context)) return;
  context.roundedUp = false;
  if (aInfinite) setInfinity(sign, out);
  else if (bInfinite || aZero) setZero(sign, out);
  else {
    const bExponent = loadNormalized(b);
    const bHigh = sig[SIG_HIGH];
    const bLow = sig[SIG_LOW];
    const exponent = loadNormalized(a) - bExponent + BIAS;
    divide(sig[SIG_HIGH], sig[SIG_LOW], bHigh, bLow, sign, exponent, out, context);
  }
}

/** Divides normalized significands; `exponent` is that of a quotient in [1, 2). */
function divide(
  aHigh: number,
  aLow: number,
  bHigh: number,
  bLow: number,
  sign: number,
  exponent: number,
  out: Float80,
  context: FloatContext,
): void {
  if (aHigh === bHigh ? aLow >>> 0 >= bLow >>> 0 : aHigh >>> 0 > bHigh >>> 0) {
    // The integer bit is 1, then 63 bits follow.
    startDivision((aHigh - bHigh - (aLow >>> 0 < bLow >>> 0 ? 1 : 0)) | 0, (aLow - bLow) | 0, bHigh, bLow);
    const upper = quotientDigit(31);
    sig[SIG_LOW] = quotientDigit(32);
    sig[SIG_HIGH] = upper | -0x80000000;
    sig[SIG_EXTRA] = restTail();
    round(sign, exponent, out, context);
  } else {
    startDivision(aHigh, aLow, bHigh, bLow);
    sig[SIG_HIGH] = quotientDigit(32);
    sig[SIG_LOW] = quotientDigit(32);
    sig[SIG_EXTRA] = restTail();
    round(sign, exponent - 1, out, context);
  }
}
