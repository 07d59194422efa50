import { BIAS, Float80, type FloatContext, MAX_EXPONENT } from '../float80.ts';
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
} from './operands.ts';
import { normalize, round, SIG_EXTRA, SIG_HIGH, SIG_LOW, sig } from './round.ts';
import { INVERSE_TWO_32, normalizeInto, productHigh } from './wide.ts';

/** out := a * b (FMUL, SDM volume 2). An unmasked invalid or denormal exception leaves `out` as it was. */
export function mul(a: Float80, b: Float80, out: Float80, context: FloatContext): void {
  const sign = ((a.signExponent ^ b.signExponent) >>> 15) & 1;
  if (isOrdinary(a) && isOrdinary(b)) {
    const exponent = (a.signExponent & MAX_EXPONENT) + (b.signExponent & MAX_EXPONENT) - BIAS;
    multiply(a, b, sign, exponent, out, context);
  } else mulSpecial(a, b, sign, out, context);
}

function mulSpecial(a: Float80, b: Float80, sign: number, out: Float80, context: FloatContext): void {
  if (twoNaNs(a, b, out, context)) return;
  const infinite = isInfinity(a) || isInfinity(b);
  const zero = isZero(a) || isZero(b);
  if (infinite && zero) {
    invalid(out, context);
    return;
  }
  if ((isDenormal(a) || isDenormal(b)) && stopsAtDenormal(context)) return;
  context.roundedUp = false;
  if (infinite) setInfinity(sign, out);
  else if (zero) setZero(sign, out);
  else {
    const exponent = normalizeInto(a, normalA) + normalizeInto(b, normalB) - BIAS;
    multiply(normalA, normalB, sign, exponent, out, context);
  }
}

const normalA = new Float80();
const normalB = new Float80();

/** Multiplies significands that have their integer bits; `exponent` is that of a product in [1, 2). */
function multiply(a: Float80, b: Float80, sign: number, exponent: number, out: Float80, context: FloatContext): void {
  const aHigh = a.high;
  const aLow = a.low;
  const bHigh = b.high;
  const bLow = b.low;
  // Four products of halves, added column by column; sums of a few words stay exact in a double.
  const low00 = Math.imul(aLow, bLow) >>> 0;
  const low01 = Math.imul(aLow, bHigh) >>> 0;
  const low10 = Math.imul(aHigh, bLow) >>> 0;
  const low11 = Math.imul(aHigh, bHigh) >>> 0;
  const column1 = productHigh(aLow, bLow, low00) + low01 + low10;
  const column2 =
    productHigh(aLow, bHigh, low01) + productHigh(aHigh, bLow, low10) + low11 + Math.floor(column1 * INVERSE_TWO_32);
  const high = (productHigh(aHigh, bHigh, low11) + Math.floor(column2 * INVERSE_TWO_32)) | 0;
  sig[SIG_HIGH] = high;
  sig[SIG_LOW] = column2;
  sig[SIG_EXTRA] = column1 | (low00 !== 0 ? 1 : 0);
  if (high < 0) round(sign, exponent + 1, out, context);
  else {
    normalize();
    round(sign, exponent, out, context);
  }
}
