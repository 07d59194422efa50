import { type Float80, type FloatContext, MAX_EXPONENT } from '../float80.ts';
import { quotientDigit, restHigh, restLow, restTail, startDivision } from './division.ts';
import { invalid, isDenormal, isInfinity, isZero, setZero, stopsAtDenormal, twoNaNs } from './operands.ts';
import { normalize, roundExtended, SIG_EXTRA, SIG_HIGH, SIG_LOW, sig } from './round.ts';
import { CONDITION } from './status.ts';
import { loadNormalized } from './wide.ts';

/** Exponent differences from here on are reduced in steps (SDM volume 2, FPREM). */
const PARTIAL = 64;
/** By how much a step lowers the difference: the manual allows 32 to 63, processors leave a multiple of 32. */
function step(difference: number): number {
  return 32 + (difference & 31);
}

/**
 * out := the remainder of a / b with the quotient cut off (FPREM) or rounded to nearest (FPREM1), exactly (SDM volume 2).
 * Returns the condition codes: C2 when the reduction is only partial, else the quotient's low bits in C0, C3, C1.
 */
export function remainder(a: Float80, b: Float80, nearest: boolean, out: Float80, context: FloatContext): number {
  if (twoNaNs(a, b, out, context)) return 0;
  if (isInfinity(a) || isZero(b)) {
    invalid(out, context);
    return 0;
  }
  if ((isDenormal(a) || isDenormal(b)) && stopsAtDenormal(context)) return 0;
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
  const bExponent = loadNormalized(b);
  const bHigh = sig[SIG_HIGH];
  const bLow = sig[SIG_LOW];
  const aExponent = loadNormalized(a);
  const difference = aExponent - bExponent;
  if (difference < 0) {
    const aHigh = sig[SIG_HIGH];
    const aLow = sig[SIG_LOW];
    // Above half of b: only then is the nearest quotient 1.
    if (nearest && difference === -1 && isAbove(aHigh, aLow, bHigh, bLow)) {
      const low = (bLow << 1) - (aLow >>> 0);
      const borrow = (bLow << 1) >>> 0 < aLow >>> 0 ? 1 : 0;
      finish(sign ^ 1, aExponent, ((bHigh << 1) | (bLow >>> 31)) - aHigh - borrow, low, out, context);
      return CONDITION.C1;
    }
    roundExtended(sign, aExponent, out, context);
    return 0;
  }

  let quotient = 0;
  const aHigh = sig[SIG_HIGH];
  const aLow = sig[SIG_LOW];
  if (isAbove(bHigh, bLow, aHigh, aLow)) startDivision(aHigh, aLow, bHigh, bLow);
  else {
    startDivision((aHigh - bHigh - (aLow >>> 0 < bLow >>> 0 ? 1 : 0)) | 0, (aLow - bLow) | 0, bHigh, bLow);
    quotient = 1;
  }
  const partial = difference >= PARTIAL;
  const taken = partial ? step(difference) : difference;
  for (let left = taken; left > 0; ) {
    const bits = Math.min(left, 32);
    const digit = quotientDigit(bits);
    quotient = bits >= 3 ? digit : (quotient << bits) | digit;
    left -= bits;
  }
  const exponent = aExponent - taken;
  if (nearest && !partial) {
    const tail = restTail();
    if (tail < 0 && (tail !== -0x80000000 || (quotient & 1) !== 0)) {
      const borrow = bLow >>> 0 < restLow() >>> 0 ? 1 : 0;
      finish(sign ^ 1, exponent, bHigh - restHigh() - borrow, bLow - restLow(), out, context);
      return conditionOfQuotient(quotient + 1);
    }
  }
  finish(sign, exponent, restHigh(), restLow(), out, context);
  return partial ? CONDITION.C2 : conditionOfQuotient(quotient);
}

/** Whether a > b, as unsigned 64-bit numbers. */
function isAbove(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  return aHigh === bHigh ? aLow >>> 0 > bLow >>> 0 : aHigh >>> 0 > bHigh >>> 0;
}

function conditionOfQuotient(quotient: number): number {
  return (quotient & 4 ? CONDITION.C0 : 0) | (quotient & 2 ? CONDITION.C3 : 0) | (quotient & 1 ? CONDITION.C1 : 0);
}

/** The result is exact; it may still be tiny. */
function finish(sign: number, exponent: number, high: number, low: number, out: Float80, context: FloatContext): void {
  sig[SIG_HIGH] = high;
  sig[SIG_LOW] = low;
  sig[SIG_EXTRA] = 0;
  // A zero remainder has the sign of the dividend; it never comes from the upper neighbour of a quotient.
  if ((sig[SIG_HIGH] | sig[SIG_LOW]) === 0) setZero(sign, out);
  else roundExtended(sign, exponent - normalize(), out, context);
}
