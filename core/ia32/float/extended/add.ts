import { type Float80, type FloatContext, MAX_EXPONENT } from '../float80.ts';
import {
  invalid,
  isDenormal,
  isInfinity,
  isOrdinary,
  setInfinity,
  setZero,
  stopsAtDenormal,
  twoNaNs,
} from './operands.ts';
import { normalize, round, SIG_EXTRA, SIG_HIGH, SIG_LOW, sig } from './round.ts';

/** out := a + b (FADD, SDM volume 2). An unmasked invalid or denormal exception leaves `out` as it was. */
export function add(a: Float80, b: Float80, out: Float80, context: FloatContext): void {
  addSigned(a, b, 0, out, context);
}

/** out := a - b (FSUB). */
export function sub(a: Float80, b: Float80, out: Float80, context: FloatContext): void {
  addSigned(a, b, 0x8000, out, context);
}

/** a + b with the sign of b inverted when `invert` is 8000H. A NaN keeps its sign. */
function addSigned(a: Float80, b: Float80, invert: number, out: Float80, context: FloatContext): void {
  const aExponent = a.signExponent & MAX_EXPONENT;
  const bExponent = b.signExponent & MAX_EXPONENT;
  const aSign = (a.signExponent >>> 15) & 1;
  const bSign = ((b.signExponent ^ invert) >>> 15) & 1;
  if (!isOrdinary(a) || !isOrdinary(b)) {
    if (addSpecial(a, b, aSign, bSign, out, context)) return;
  }
  // A denormal has the exponent 1 and no integer bit; aligned like the others, it needs nothing else.
  const aScale = aExponent === 0 ? 1 : aExponent;
  const bScale = bExponent === 0 ? 1 : bExponent;
  if (aScale >= bScale) align(a, b, aScale - bScale, aScale, aSign, bSign, out, context);
  else align(b, a, bScale - aScale, bScale, bSign, aSign, out, context);
}

/** NaNs and infinities; denormals are only reported. Returns whether the operation is over. */
function addSpecial(
  a: Float80,
  b: Float80,
  aSign: number,
  bSign: number,
  out: Float80,
  context: FloatContext,
): boolean {
  if (twoNaNs(a, b, out, context)) return true;
  const aInfinite = isInfinity(a);
  const bInfinite = isInfinity(b);
  if (aInfinite && bInfinite && aSign !== bSign) {
    invalid(out, context);
    return true;
  }
  if ((isDenormal(a) || isDenormal(b)) && stopsAtDenormal(context)) return true;
  if (!aInfinite && !bInfinite) return false;
  context.roundedUp = false;
  setInfinity(aInfinite ? aSign : bSign, out);
  return true;
}

/** Adds or subtracts the significands, that of b shifted right by `distance`. */
function align(
  a: Float80,
  b: Float80,
  distance: number,
  exponent: number,
  aSign: number,
  bSign: number,
  out: Float80,
  context: FloatContext,
): void {
  const aHigh = a.high | 0;
  const aLow = a.low | 0;
  let bHigh = b.high | 0;
  let bLow = b.low | 0;
  let extra = 0;
  if (distance > 0) {
    let left = distance;
    let lost = 0;
    if (left >= 32) {
      if (left >= 96) {
        lost = bHigh | bLow;
        bHigh = bLow = left = 0;
      } else if (left >= 64) {
        lost = bLow;
        extra = bHigh;
        bHigh = bLow = 0;
        left -= 64;
      } else {
        extra = bLow;
        bLow = bHigh;
        bHigh = 0;
        left -= 32;
      }
    }
    if (left > 0) {
      lost |= extra << (32 - left);
      extra = (extra >>> left) | (bLow << (32 - left));
      bLow = (bLow >>> left) | (bHigh << (32 - left));
      bHigh = bHigh >>> left;
    }
    if (lost !== 0) extra |= 1;
  }

  if (aSign === bSign) {
    let low = (aLow + bLow) | 0;
    const carry = low >>> 0 < aLow >>> 0 ? 1 : 0;
    let high = (aHigh + bHigh + carry) | 0;
    const carried = carry ? high >>> 0 <= aHigh >>> 0 : high >>> 0 < aHigh >>> 0;
    if (carried) {
      extra = (extra >>> 1) | (low << 31) | (extra & 1);
      low = (low >>> 1) | (high << 31);
      high = (high >>> 1) | -0x80000000;
      sig[SIG_HIGH] = high;
      sig[SIG_LOW] = low;
      sig[SIG_EXTRA] = extra;
      round(aSign, exponent + 1, out, context);
      return;
    }
    if (high >= 0) {
      addDenormals(high, low, aSign, out, context);
      return;
    }
    sig[SIG_HIGH] = high;
    sig[SIG_LOW] = low;
    sig[SIG_EXTRA] = extra;
    round(aSign, exponent, out, context);
    return;
  }

  const borrowLow = extra !== 0 ? 1 : 0;
  let low = (aLow - bLow - borrowLow) | 0;
  const borrow = borrowLow ? aLow >>> 0 <= bLow >>> 0 : aLow >>> 0 < bLow >>> 0;
  let high = (aHigh - bHigh - (borrow ? 1 : 0)) | 0;
  extra = -extra | 0;
  let sign = aSign;
  if (distance === 0 && (borrow ? aHigh >>> 0 <= bHigh >>> 0 : aHigh >>> 0 < bHigh >>> 0)) {
    low = -low | 0;
    high = low === 0 ? -high | 0 : ~high;
    sign = bSign;
  }
  if (high < 0) {
    sig[SIG_HIGH] = high;
    sig[SIG_LOW] = low;
    sig[SIG_EXTRA] = extra;
    round(sign, exponent, out, context);
  } else if ((high | low | extra) === 0) {
    context.roundedUp = false;
    // An exact zero difference is +0, or -0 when rounding down (SDM volume 1, 4.8.3.1).
    setZero(context.rounding === 1 ? 1 : 0, out);
  } else {
    sig[SIG_HIGH] = high;
    sig[SIG_LOW] = low;
    sig[SIG_EXTRA] = extra;
    const shift = normalize();
    round(sign, exponent - shift, out, context);
  }
}

/** The sum of two denormals or zeros of one sign. */
function addDenormals(high: number, low: number, sign: number, out: Float80, context: FloatContext): void {
  if ((high | low) === 0) {
    context.roundedUp = false;
    setZero(sign, out);
    return;
  }
  sig[SIG_HIGH] = high;
  sig[SIG_LOW] = low;
  sig[SIG_EXTRA] = 0;
  const shift = normalize();
  round(sign, 1 - shift, out, context);
}
