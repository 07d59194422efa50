import { BIAS, type Float80, type FloatContext, MAX_EXPONENT } from '../float80.ts';
import { DoubleDouble, INVERSE_FACTORIALS, polynomial } from './doubleDouble.ts';
import { finish, significand } from './finish.ts';
import { invalid, isDenormal, isInfinity, isZero, oneNaN, stopsAtDenormal } from './operands.ts';

/**
 * FSIN, FCOS, FSINCOS and FPTAN (SDM volume 1, 8.3.8 and 8.3.10). Arguments are reduced exactly by pi with 66 bits, as the
 * processors do; the rest is computed to more than 90 bits and rounded once.
 */

/** pi * 2^66, cut off to 66 significant bits (SDM volume 1, 8.3.8). */
const PI_66 = 0xc90fdaa22168c234cn;

/**
 * The argument less the nearest multiple of pi/2, and that multiple modulo 4. It is never 0: no 64-bit number is a multiple
 * of the 66 bits.
 */
const reduced = new DoubleDouble();
let reducedScale = 0;
let quadrant = 0;

const square = new DoubleDouble();
const sine = new DoubleDouble();
const cosine = new DoubleDouble();

/** 1.0 as FPTAN pushes it. */
export function setOne(out: Float80): void {
  out.signExponent = BIAS;
  out.high = 0x80000000;
  out.low = 0;
}

/** Whether |a| is at least 2^63: then C2 is set and nothing else happens (SDM volume 2, FSIN). */
export function isOutOfRange(a: Float80): boolean {
  const exponent = a.signExponent & MAX_EXPONENT;
  return exponent >= BIAS + 63 && exponent < MAX_EXPONENT && (a.high | 0) < 0;
}

/** Handles what is no finite number, and denormals that stop; the result is whether the operation is over. */
function special(a: Float80, out: Float80, context: FloatContext): boolean {
  if (oneNaN(a, out, context)) return true;
  if (isInfinity(a)) {
    invalid(out, context);
    return true;
  }
  if (isDenormal(a) && stopsAtDenormal(context)) return true;
  context.roundedUp = false;
  return false;
}

/** Sets reduced, reducedScale and quadrant. |reduced * 2^reducedScale| <= pi/4; the scale is 0 unless it is tiny. */
function reduce(a: Float80): void {
  const exponent = significand(a, reduced);
  quadrant = 0;
  reducedScale = 0;
  if (exponent < TINY) reducedScale = exponent;
  else reduced.scale(2 ** exponent);
  if (reducedScale === 0 && reduced.high > Math.PI / 4) {
    // In units of 2^-67 both are integers: pi/2 is PI_66, and exponents are at least -1 here.
    const value = ((BigInt(a.high) << 32n) | BigInt(a.low)) << BigInt(exponent + 4);
    let multiple = value / PI_66;
    let rest = value - multiple * PI_66;
    if (rest * 2n > PI_66) {
      multiple++;
      rest -= PI_66;
    }
    const high = Number(rest);
    reduced
      .setNumber(high)
      .addNumber(Number(rest - BigInt(high)))
      .scale(2 ** -67);
    quadrant = Number(multiple & 3n);
  }
  if (a.signExponent & 0x8000) {
    reduced.scale(-1);
    quadrant = -quadrant & 3;
  }
}

/** Below this exponent sin x and tan x are x but for less than half a unit of its last place. */
const TINY = -40;
/** What stands for that little: it directs the rounding. */
const LITTLE = 2 ** -80;

/** out := sin(reduced) / 2^reducedScale. */
function sineOfReduced(out: DoubleDouble): DoubleDouble {
  if (reducedScale !== 0) return out.set(reduced).multiply(square.setNumber(1).addNumber(-LITTLE));
  square.set(reduced).multiply(reduced).scale(-1);
  // x - x^3/3! + x^5/5! ...: signs alternate through the square's.
  return polynomial(square, INVERSE_FACTORIALS, 1, 2, 13, out).multiply(reduced);
}

function cosineOfReduced(out: DoubleDouble): DoubleDouble {
  if (reducedScale !== 0) return out.setNumber(1).addNumber(-LITTLE);
  square.set(reduced).multiply(reduced).scale(-1);
  return polynomial(square, INVERSE_FACTORIALS, 0, 2, 14, out);
}

/** out := sin(reduced + turns * pi/2), with turns modulo 4. */
function finishQuadrant(turns: number, out: Float80, context: FloatContext): void {
  const sign = turns & 2 ? 1 : 0;
  if (turns & 1) finish(cosineOfReduced(cosine), sign, 0, out, context);
  else finish(sineOfReduced(sine), sign, reducedScale, out, context);
}

/** out := sin a (FSIN); false when a is out of range. An unmasked invalid or denormal exception leaves `out`. */
export function sin(a: Float80, out: Float80, context: FloatContext): boolean {
  context.roundedUp = false;
  if (isOutOfRange(a)) return false;
  if (special(a, out, context)) return true;
  if (isZero(a)) out.set(a);
  else {
    reduce(a);
    finishQuadrant(quadrant, out, context);
  }
  return true;
}

/** out := cos a (FCOS); false when a is out of range. */
export function cos(a: Float80, out: Float80, context: FloatContext): boolean {
  context.roundedUp = false;
  if (isOutOfRange(a)) return false;
  if (special(a, out, context)) return true;
  if (isZero(a)) setOne(out);
  else {
    reduce(a);
    finishQuadrant((quadrant + 1) & 3, out, context);
  }
  return true;
}

/** sineOut := sin a and cosineOut := cos a (FSINCOS); false when a is out of range. `sineOut` may be a. */
export function sinCos(a: Float80, sineOut: Float80, cosineOut: Float80, context: FloatContext): boolean {
  context.roundedUp = false;
  if (isOutOfRange(a)) return false;
  if (special(a, cosineOut, context)) {
    if ((context.flags & ~context.masks & 3) === 0) sineOut.set(cosineOut);
  } else if (isZero(a)) {
    setOne(cosineOut);
    sineOut.set(a);
  } else {
    reduce(a);
    finishQuadrant((quadrant + 1) & 3, cosineOut, context);
    finishQuadrant(quadrant, sineOut, context);
  }
  return true;
}

/** out := tan a (FPTAN, which then pushes 1, or the NaN again); false when a is out of range. */
export function tan(a: Float80, out: Float80, context: FloatContext): boolean {
  context.roundedUp = false;
  if (isOutOfRange(a)) return false;
  if (special(a, out, context)) return true;
  if (isZero(a)) {
    out.set(a);
    return true;
  }
  reduce(a);
  if (reducedScale !== 0) {
    finish(sine.set(reduced).multiply(cosine.setNumber(1).addNumber(LITTLE)), 0, reducedScale, out, context);
    return true;
  }
  sineOfReduced(sine);
  cosineOfReduced(cosine);
  if (quadrant & 1) finish(cosine.divide(sine), 1, 0, out, context);
  else finish(sine.divide(cosine), 0, 0, out, context);
  return true;
}

/** Sine and cosine of a small angle given as a double, to 100 bits. */
export function sinCosOfNumber(angle: number, sineOut: DoubleDouble, cosineOut: DoubleDouble): void {
  const x = new DoubleDouble(angle);
  const minusSquare = new DoubleDouble(angle).multiply(x).scale(-1);
  polynomial(minusSquare, INVERSE_FACTORIALS, 1, 2, 13, sineOut).multiply(x);
  polynomial(minusSquare, INVERSE_FACTORIALS, 0, 2, 14, cosineOut);
}
