import { BIAS, Float80, type FloatContext, MAX_EXPONENT } from '../float80.ts';
import { DIGIT, division, nextDigit, restTail, startDivision } from './division.ts';
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
import { normalizeInto } from './wide.ts';

/** out := a / b (FDIV, SDM volume 2). An unmasked invalid, denormal or zero-divide exception leaves `out` as it was. */
export function div(a: Float80, b: Float80, out: Float80, context: FloatContext): void {
  const sign = ((a.signExponent ^ b.signExponent) >>> 15) & 1;
  if (isOrdinary(a) && isOrdinary(b)) {
    const exponent = (a.signExponent & MAX_EXPONENT) - (b.signExponent & MAX_EXPONENT) + BIAS;
    divide(a, b, sign, exponent, out, context);
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
    const exponent = normalizeInto(a, normalA) - normalizeInto(b, normalB) + BIAS;
    divide(normalA, normalB, sign, exponent, out, context);
  }
}

const normalA = new Float80();
const normalB = new Float80();

/** Divides significands that have their integer bits; `exponent` is that of a quotient in [1, 2). */
function divide(a: Float80, b: Float80, sign: number, exponent: number, out: Float80, context: FloatContext): void {
  if (startDivision(a, b)) {
    // The integer bit is 1, then 63 bits follow.
    nextDigit(31);
    sig[SIG_HIGH] = division[DIGIT] | -0x80000000;
    nextDigit(32);
    sig[SIG_LOW] = division[DIGIT];
    sig[SIG_EXTRA] = restTail();
    round(sign, exponent, out, context);
  } else {
    nextDigit(32);
    sig[SIG_HIGH] = division[DIGIT];
    nextDigit(32);
    sig[SIG_LOW] = division[DIGIT];
    sig[SIG_EXTRA] = restTail();
    round(sign, exponent - 1, out, context);
  }
}
