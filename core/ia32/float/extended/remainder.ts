import { Float80, type FloatContext, MAX_EXPONENT } from '../float80.ts';
import { DIGIT, division, nextDigit, REST_HIGH, REST_LOW, restTail, startDivision } from './division.ts';
import { invalid, isDenormal, isInfinity, isZero, setZero, stopsAtDenormal, twoNaNs } from './operands.ts';
import { normalize, roundExtended, SIG_EXTRA, SIG_HIGH, SIG_LOW, sig } from './round.ts';
import { CONDITION } from './status.ts';
import { INVERSE_TWO_32, loadNormalized, normalizeInto } from './wide.ts';

/** Exponent differences from here on are reduced in steps (SDM volume 2, FPREM). */
const PARTIAL = 64;
/** By how much a step lowers the difference: the manual allows 32 to 63, processors leave a multiple of 32. */
function step(difference: number): number {
  return 32 + (difference & 31);
}

/** A NaN or an invalid operation: C0 and C3 stay as they were, which the manual leaves open. */
export const NO_QUOTIENT = -1;

/**
 * out := the remainder of a / b with the quotient cut off (FPREM) or rounded to nearest (FPREM1), exactly (SDM volume 2).
 * Returns the condition codes: C2 when the reduction is only partial, else the quotient's low bits in C0, C3, C1. NO_QUOTIENT
 * where there is none.
 */
export function remainder(a: Float80, b: Float80, nearest: boolean, out: Float80, context: FloatContext): number {
  if (twoNaNs(a, b, out, context)) return NO_QUOTIENT;
  if (isInfinity(a) || isZero(b)) {
    invalid(out, context);
    return NO_QUOTIENT;
  }
  if ((isDenormal(a) || isDenormal(b)) && stopsAtDenormal(context)) return NO_QUOTIENT;
  context.roundedUp = false;
  const sign = (a.signExponent >>> 15) & 1;
  if (isZero(a)) {
    setZero(sign, out);
    return 0;
  }
  if ((b.signExponent & MAX_EXPONENT) === MAX_EXPONENT) {
    roundExtended(sign, loadNormalized(a), out, context);
    return 0;
  }
  const bExponent = normalizeInto(b, divisor);
  const aExponent = normalizeInto(a, dividend);
  const difference = aExponent - bExponent;
  if (difference < 0) {
    // |a| is below |b|: the nearest quotient is 1 above half of |b|, that is, where a has the larger significand.
    const larger = dividend.high === divisor.high ? dividend.low > divisor.low : dividend.high > divisor.high;
    if (nearest && difference === -1 && larger) {
      subtractFromDivisor(dividend.high, dividend.low, 2);
      finish(sign ^ 1, aExponent, out, context);
      return CONDITION.C1;
    }
    roundExtended(sign, loadNormalized(a), out, context);
    return 0;
  }

  let quotient = startDivision(dividend, divisor) ? 1 : 0;
  const partial = difference >= PARTIAL;
  const taken = partial ? step(difference) : difference;
  for (let left = taken; left > 0; ) {
    const bits = Math.min(left, 32);
    nextDigit(bits);
    quotient = bits >= 3 ? division[DIGIT] : (quotient << bits) | division[DIGIT];
    left -= bits;
  }
  const exponent = aExponent - taken;
  if (nearest && !partial) {
    const tail = restTail();
    if (tail < 0 && (tail !== -0x80000000 || (quotient & 1) !== 0)) {
      subtractFromDivisor(division[REST_HIGH], division[REST_LOW], 1);
      finish(sign ^ 1, exponent, out, context);
      return conditionOfQuotient(quotient + 1);
    }
  }
  sig[SIG_HIGH] = division[REST_HIGH];
  sig[SIG_LOW] = division[REST_LOW];
  finish(sign, exponent, out, context);
  return partial ? CONDITION.C2 : conditionOfQuotient(quotient);
}

const dividend = new Float80();
const divisor = new Float80();

/** `sig` := the divisor, once or twice, less a number in halves; the difference has 64 bits. */
function subtractFromDivisor(high: number, low: number, times: 1 | 2): void {
  const difference = times * divisor.low - (low >>> 0);
  sig[SIG_LOW] = difference;
  sig[SIG_HIGH] = times * divisor.high - high + Math.floor(difference * INVERSE_TWO_32);
}

function conditionOfQuotient(quotient: number): number {
  return (quotient & 4 ? CONDITION.C0 : 0) | (quotient & 2 ? CONDITION.C3 : 0) | (quotient & 1 ? CONDITION.C1 : 0);
}

/** Rounds what is in SIG_HIGH and SIG_LOW; it is exact, but may be tiny. A zero has the sign of the dividend. */
function finish(sign: number, exponent: number, out: Float80, context: FloatContext): void {
  sig[SIG_EXTRA] = 0;
  if ((sig[SIG_HIGH] | sig[SIG_LOW]) === 0) setZero(sign, out);
  else roundExtended(sign, exponent - normalize(), out, context);
}
