import type { Float80, FloatContext } from '../float80.ts';
import { DoubleDouble } from './doubleDouble.ts';
import { finish, significand } from './finish.ts';
import { isDenormal, isInfinity, isZero, setZero, stopsAtDenormal, twoNaNs } from './operands.ts';
import { sinCosOfNumber } from './trigonometry.ts';

const PI = new DoubleDouble(Math.PI, 1.2246467991473532e-16);

const angle = new DoubleDouble();
const x = new DoubleDouble();
const y = new DoubleDouble();
const sine = new DoubleDouble();
const cosine = new DoubleDouble();
const turned = new DoubleDouble();

/** Ratios below 2^-FAR are their own arctangents but for less than a quarter of the last place's unit. */
const FAR = 40;
/** What stands for that little: it directs the rounding. */
const LITTLE = 2 ** -80;

/**
 * out := the angle of the point (b, a) from the x axis, arctan(a / b) in its quadrant (FPATAN with a in ST1 and b in ST0;
 * SDM volume 2, table 3-30). An unmasked invalid or denormal exception leaves `out`.
 */
export function arctangent(a: Float80, b: Float80, out: Float80, context: FloatContext): void {
  if (twoNaNs(a, b, out, context)) return;
  if ((isDenormal(a) || isDenormal(b)) && stopsAtDenormal(context)) return;
  context.roundedUp = false;
  const sign = (a.signExponent >>> 15) & 1;
  const left = (b.signExponent & 0x8000) !== 0;
  const aInfinite = isInfinity(a);
  const bInfinite = isInfinity(b);
  if (isZero(a) || (bInfinite && !aInfinite)) {
    if (left) finish(PI, sign, 0, out, context);
    else setZero(sign, out);
    return;
  }
  if (aInfinite && bInfinite) {
    // pi/4 or 3 pi/4.
    angle.set(PI).scale(0.25);
    if (left) angle.add(turned.set(PI).scale(0.5));
    finish(angle, sign, 0, out, context);
    return;
  }
  if (aInfinite || isZero(b)) {
    finish(PI, sign, -1, out, context);
    return;
  }
  const distance = significand(a, y) - significand(b, x);
  if (distance < -FAR && !left) {
    finish(y.divide(x).multiply(x.setNumber(1).addNumber(-LITTLE)), sign, distance, out, context);
    return;
  }
  finiteAngle(distance, left);
  finish(angle, sign, 0, out, context);
}

/** angle := arctan of y * 2^distance / x, where x counts as negative when `left`. */
function finiteAngle(distance: number, left: boolean): void {
  // Beyond 2^-200 a side is lost in the sum with pi or pi/2 in any case.
  const bounded = Math.min(Math.max(distance, -200), 200);
  const swap = distance > 0 || (distance === 0 && y.high > x.high);
  if (swap) {
    turned.set(x);
    x.set(y);
    y.set(turned).scale(2 ** -bounded);
  } else y.scale(2 ** bounded);
  // y <= x: an estimate t, then arctan(y/x) = t + arctan((y cos t - x sin t) / (x cos t + y sin t)); cubes are lost.
  const estimate = Math.atan(y.high / x.high);
  sinCosOfNumber(estimate, sine, cosine);
  turned.set(x).multiply(cosine).add(angle.set(y).multiply(sine));
  angle.set(y).multiply(cosine).add(sine.multiply(x).scale(-1)).divide(turned).addNumber(estimate);
  // From the octant to the half plane.
  if (swap) angle.scale(left ? 1 : -1).add(turned.set(PI).scale(0.5));
  else if (left) angle.scale(-1).add(PI);
}
