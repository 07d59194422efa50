import { BIAS, type Float80, type FloatContext, FloatFlag, MAX_EXPONENT } from '../float80.ts';
import { DoubleDouble, INVERSE_FACTORIALS, polynomial } from './doubleDouble.ts';
import { finish, significand } from './finish.ts';
import { isDenormal, isInfinity, isZero, oneNaN, stopsAtDenormal } from './operands.ts';

const LN_2 = new DoubleDouble(Math.LN2, 2.3190468138462996e-17);

const x = new DoubleDouble();
const t = new DoubleDouble();
const ratio = new DoubleDouble();

/** out := 2^a - 1 (F2XM1, SDM volume 2). The manual defines it for |a| up to 1; beyond, a stays as it is. */
export function exponentialMinusOne(a: Float80, out: Float80, context: FloatContext): void {
  if (oneNaN(a, out, context)) return;
  if (isDenormal(a) && stopsAtDenormal(context)) return;
  context.roundedUp = false;
  const negative = (a.signExponent & 0x8000) !== 0;
  const exponent = a.signExponent & MAX_EXPONENT;
  if (isZero(a)) {
    out.set(a);
    return;
  }
  if (isInfinity(a)) {
    out.set(a);
    if (negative) out.signExponent = 0x8000 | BIAS;
    return;
  }
  if (exponent >= BIAS) {
    // 2^1 - 1 = 1 and 2^-1 - 1 = -1/2 exactly.
    context.flags |= FloatFlag.precision;
    out.set(a);
    if (negative && exponent === BIAS && a.high === 0x80000000 && a.low === 0) out.signExponent = 0x8000 | (BIAS - 1);
    return;
  }
  const scale = significand(a, x);
  // (e^t - 1) / t with t = a ln 2; for tiny numbers t is 0 beside 1.
  const power = 2 ** Math.max(scale, -300) * (negative ? -1 : 1);
  t.set(x).multiply(LN_2).scale(power);
  x.multiply(LN_2);
  polynomial(t, INVERSE_FACTORIALS, 1, 1, 24, ratio).multiply(x);
  finish(ratio, negative ? 1 : 0, scale, out, context);
}
