import { BIAS, type Float80, type FloatContext, FloatFlag, MAX_EXPONENT, type Word64 } from '../float80.ts';
import { isDenormal, isInfinity, isZero, oneNaN, setZero, stopsAtDenormal } from './operands.ts';
import { awayFromZero, normalize, SIG_EXTRA, SIG_HIGH, SIG_LOW, shiftRight, sig } from './round.ts';

/** out := a rounded to an integer by rounding control (FRNDINT, SDM volume 2). */
export function roundToInteger(a: Float80, out: Float80, context: FloatContext): void {
  if (oneNaN(a, out, context)) return;
  if (isDenormal(a) && stopsAtDenormal(context)) return;
  context.roundedUp = false;
  if (isInfinity(a) || isZero(a) || (a.signExponent & MAX_EXPONENT) >= BIAS + 63) {
    out.set(a);
    return;
  }
  const sign = (a.signExponent >>> 15) & 1;
  if (loadInteger(a, context)) context.flags |= FloatFlag.precision;
  storeInteger(sign, out);
}

/**
 * Puts the magnitude of a number below 2^64, rounded to an integer, into SIG_HIGH and SIG_LOW and returns whether it was
 * inexact; sets context.roundedUp.
 */
export function loadInteger(a: Float80, context: FloatContext): boolean {
  sig[SIG_HIGH] = a.high;
  sig[SIG_LOW] = a.low;
  sig[SIG_EXTRA] = 0;
  shiftRight(BIAS + 63 - (a.signExponent & MAX_EXPONENT));
  const tail = sig[SIG_EXTRA];
  context.roundedUp = tail !== 0 && awayFromZero((a.signExponent >>> 15) & 1, sig[SIG_LOW] & 1, tail, context);
  if (context.roundedUp) {
    sig[SIG_LOW]++;
    if (sig[SIG_LOW] === 0) sig[SIG_HIGH]++;
  }
  return tail !== 0;
}

/** out := the integer in SIG_HIGH and SIG_LOW with a sign. */
function storeInteger(sign: number, out: Float80): void {
  if ((sig[SIG_HIGH] | sig[SIG_LOW]) === 0) {
    setZero(sign, out);
    return;
  }
  sig[SIG_EXTRA] = 0;
  const exponent = BIAS + 63 - normalize();
  out.signExponent = (sign << 15) | exponent;
  out.high = sig[SIG_HIGH] >>> 0;
  out.low = sig[SIG_LOW] >>> 0;
}

/** out := a signed integer (FILD m16int, m32int). */
export function fromInt32(value: number, out: Float80): void {
  sig[SIG_HIGH] = 0;
  sig[SIG_LOW] = Math.abs(value);
  storeInteger(value < 0 ? 1 : 0, out);
}

/** out := a signed integer in two halves (FILD m64int). */
export function fromInt64(high: number, low: number, out: Float80): void {
  const negative = (high | 0) < 0;
  sig[SIG_HIGH] = negative ? ~high + ((low | 0) === 0 ? 1 : 0) : high;
  sig[SIG_LOW] = negative ? -low : low;
  storeInteger(negative ? 1 : 0, out);
}

/** Rounds like loadInteger; NaNs, infinities and what has more than 64 bits are not loaded: false. */
function loadBounded(a: Float80, context: FloatContext): boolean {
  const exponent = a.signExponent & MAX_EXPONENT;
  if (exponent > BIAS + 63 || (exponent !== 0 && (a.high | 0) >= 0)) return false;
  inexact = loadInteger(a, context);
  return true;
}
let inexact = false;

function integerIndefinite(context: FloatContext): void {
  context.flags |= FloatFlag.invalid;
  context.roundedUp = false;
}

/**
 * a as a signed integer of 16 or 32 bits, by rounding control (FIST, FISTP; FISTTP with rounding control 3). What does
 * not fit is invalid and gives the integer indefinite; unmasked, nothing is to be stored (SDM volume 1, 8.5.1.2).
 */
export function toInt32(a: Float80, bits: 16 | 32, context: FloatContext): number {
  const limit = bits === 16 ? 0x7fff : 0x7fffffff;
  if (loadBounded(a, context) && sig[SIG_HIGH] === 0) {
    const negative = (a.signExponent & 0x8000) !== 0;
    const magnitude = sig[SIG_LOW] >>> 0;
    if (magnitude <= (negative ? limit + 1 : limit)) {
      if (inexact) context.flags |= FloatFlag.precision;
      return (negative ? -magnitude : magnitude) | 0;
    }
  }
  integerIndefinite(context);
  return -limit - 1;
}

/** The same with 64 bits (FISTP m64int). */
export function toInt64(a: Float80, out: Word64, context: FloatContext): void {
  const negative = (a.signExponent & 0x8000) !== 0;
  const fits =
    loadBounded(a, context) &&
    (sig[SIG_HIGH] >= 0 || (negative && sig[SIG_HIGH] === -0x80000000 && sig[SIG_LOW] === 0));
  if (!fits) {
    integerIndefinite(context);
    out.high = 0x80000000;
    out.low = 0;
    return;
  }
  if (inexact) context.flags |= FloatFlag.precision;
  const high = sig[SIG_HIGH];
  const low = sig[SIG_LOW];
  out.high = (negative ? ~high + (low === 0 ? 1 : 0) : high) >>> 0;
  out.low = (negative ? -low : low) >>> 0;
}
