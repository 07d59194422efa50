import { BIAS, type Float80, type FloatContext, FloatFlag, MAX_EXPONENT } from '../float80.ts';
import { DoubleDouble, polynomial } from './doubleDouble.ts';
import { finish, significand } from './finish.ts';
import {
  invalid,
  isDenormal,
  isInfinity,
  isZero,
  setInfinity,
  setZero,
  stopsAtDenormal,
  twoNaNs,
  zeroDivide,
} from './operands.ts';

/** FYL2X and FYL2XP1 (SDM volume 1, 8.3.10): b * log2 of a, or of a + 1. */

const LOG2_E = new DoubleDouble(Math.LOG2E, 2.0355273740931033e-17);

/** 1 / (2n + 1) for n from 0. */
const INVERSE_ODD: readonly DoubleDouble[] = Array.from({ length: 22 }, (_, n) =>
  new DoubleDouble(1).divide(new DoubleDouble(2 * n + 1)),
);

const x = new DoubleDouble();
const y = new DoubleDouble();
const quotient = new DoubleDouble();
const square = new DoubleDouble();

/** out := log2((1 + s) / (1 - s)) for |s| below 0.18, by 2 artanh s. */
function logOfQuotient(s: DoubleDouble, out: DoubleDouble): DoubleDouble {
  square.set(s).multiply(s);
  return polynomial(square, INVERSE_ODD, 0, 1, 20, out).multiply(s).multiply(LOG2_E).scale(2);
}

/** value := log2(value * 2^power) for a value in [1, 2); exactly 0 for 1. */
function logOf(value: DoubleDouble, power: number): DoubleDouble {
  let whole = power;
  if (value.high > Math.SQRT2) {
    value.scale(0.5);
    whole++;
  }
  // s = (m - 1) / (m + 1); m - 1 is exact.
  quotient.set(value).addNumber(1);
  value.addNumber(-1);
  quotient.set(value.divide(quotient));
  return logOfQuotient(quotient, value).addNumber(whole);
}

/**
 * The special values of b * log, after NaNs: log is 0, infinite or finite with a sign. Returns whether the operation is over.
 */
function product(log: number, b: Float80, out: Float80, context: FloatContext): boolean {
  const sign = ((b.signExponent >>> 15) & 1) ^ (log < 0 || Object.is(log, -0) ? 1 : 0);
  const infinite = Math.abs(log) === Number.POSITIVE_INFINITY;
  if ((log === 0 && isInfinity(b)) || (infinite && isZero(b))) {
    invalid(out, context);
    return true;
  }
  context.roundedUp = false;
  if (infinite || isInfinity(b)) setInfinity(sign, out);
  else if (log === 0 || isZero(b)) setZero(sign, out);
  else return false;
  return true;
}

/** out := b * log2 a (FYL2X with a in ST0 and b in ST1; SDM volume 2). Unmasked exceptions leave `out`. */
export function logarithm(a: Float80, b: Float80, out: Float80, context: FloatContext): void {
  if (twoNaNs(a, b, out, context)) return;
  const negative = (a.signExponent & 0x8000) !== 0;
  if (isZero(a)) {
    logarithmOfZero(b, out, context);
    return;
  }
  if (negative) {
    invalid(out, context);
    return;
  }
  const isOne = a.signExponent === BIAS && a.high === 0x80000000 && a.low === 0;
  const exponent = a.signExponent & MAX_EXPONENT;
  const coarse = isInfinity(a) ? Number.POSITIVE_INFINITY : isOne ? 0 : exponent < BIAS ? -1 : 1;
  if (coarse === 0 && isInfinity(b)) {
    invalid(out, context);
    return;
  }
  if ((isDenormal(a) || isDenormal(b)) && stopsAtDenormal(context)) return;
  if (product(coarse, b, out, context)) return;
  logOf(x, significand(a, x));
  const scale = significand(b, y);
  finish(x.multiply(y), (b.signExponent >>> 15) & 1, scale, out, context);
}

/** log2 0 is minus infinity: dividing by zero, unless b is 0 or infinite. */
function logarithmOfZero(b: Float80, out: Float80, context: FloatContext): void {
  const sign = ((b.signExponent >>> 15) & 1) ^ 1;
  if (isZero(b)) invalid(out, context);
  else if (isInfinity(b)) {
    context.roundedUp = false;
    setInfinity(sign, out);
  } else zeroDivide(sign, out, context);
}

/** Below this exponent log2(1 + x) is x * log2 e * (1 - x/2) to more than 64 bits. */
const SMALL = -40;

/**
 * out := b * log2(a + 1) (FYL2XP1 with a in ST0 and b in ST1). The manual defines it for |a| up to 1 - sqrt(1/2); beyond,
 * it goes on as the mathematical function where there is one, and gives a where there is none, as AMD's processors do.
 */
export function logarithmPlusOne(a: Float80, b: Float80, out: Float80, context: FloatContext): void {
  if (twoNaNs(a, b, out, context)) return;
  const negative = (a.signExponent & 0x8000) !== 0;
  if (negative && isInfinity(a)) {
    invalid(out, context);
    return;
  }
  const sign = (b.signExponent >>> 15) & 1;
  const coarse = isZero(a) ? (negative ? -0 : 0) : isInfinity(a) ? Number.POSITIVE_INFINITY : negative ? -1 : 1;
  if ((isDenormal(a) || isDenormal(b)) && stopsAtDenormal(context)) return;
  if (product(coarse, b, out, context)) return;
  const exponent = significand(a, x);
  if (negative) x.scale(-1);
  const scale = significand(b, y);
  if (exponent < SMALL) {
    quotient.setNumber(1).addNumber(exponent < -300 ? 0 : -x.high * 2 ** (exponent - 1));
    finish(x.multiply(LOG2_E).multiply(quotient).multiply(y), sign, scale + exponent, out, context);
    return;
  }
  if (negative && exponent >= 0) {
    context.flags |= FloatFlag.precision;
    out.set(a);
    return;
  }
  if (exponent >= -1) {
    // From 2^100 on, a + 1 is a.
    if (exponent < 100) x.scale(2 ** exponent).addNumber(1);
    const power = exponent < 100 ? Math.floor(Math.log2(x.high)) : exponent;
    logOf(exponent < 100 ? x.scale(2 ** -power) : x, power);
    finish(x.multiply(y), sign, scale, out, context);
    return;
  }
  x.scale(2 ** exponent);
  quotient.set(x).addNumber(2);
  logOfQuotient(quotient.set(square.set(x).divide(quotient)), x);
  finish(x.multiply(y), sign, scale, out, context);
}
