import { type Float80, type FloatContext, FloatFlag, MAX_EXPONENT, MEMORY_DENORMAL } from '../float80.ts';

/** What numbers other than finite normal ones do to an operation (SDM volume 1, 4.8.3, 8.2.2 and 8.5.1 to 8.5.3). */

/** An unnormal, pseudo-NaN or pseudo-infinity: its integer bit is clear though its exponent is not 0 (SDM volume 1, 8.2.2). */
export function isUnsupported(a: Float80): boolean {
  return (a.signExponent & MAX_EXPONENT) !== 0 && (a.high | 0) >= 0;
}

/** A quiet or signaling NaN. */
export function holdsNaN(a: Float80): boolean {
  return (a.signExponent & MAX_EXPONENT) === MAX_EXPONENT && (a.high | 0) < 0 && ((a.high << 1) | a.low) !== 0;
}

export function isSignalingNaN(a: Float80): boolean {
  return holdsNaN(a) && (a.high & 0x40000000) === 0;
}

export function isInfinity(a: Float80): boolean {
  return (a.signExponent & MAX_EXPONENT) === MAX_EXPONENT && (a.high | 0) === -0x80000000 && a.low === 0;
}

export function isZero(a: Float80): boolean {
  return (a.signExponent & MAX_EXPONENT) === 0 && (a.high | a.low) === 0;
}

/** A denormal or pseudo-denormal, or an operand that was a denormal in memory. */
export function isDenormal(a: Float80): boolean {
  if ((a.signExponent & MAX_EXPONENT) === 0) return (a.high | a.low) !== 0;
  return (a.signExponent & MEMORY_DENORMAL) !== 0;
}

/** Whether the exponent is neither 0 nor that of NaNs, the integer bit is set and the number was normal in memory. */
export function isOrdinary(a: Float80): boolean {
  return (a.high | 0) < 0 && ((a.signExponent & ~0x8000) - 1) >>> 0 < MAX_EXPONENT - 1;
}

export function setInfinity(sign: number, out: Float80): void {
  out.signExponent = (sign << 15) | MAX_EXPONENT;
  out.high = 0x80000000;
  out.low = 0;
}

export function setZero(sign: number, out: Float80): void {
  out.signExponent = sign << 15;
  out.high = 0;
  out.low = 0;
}

/** The real indefinite: the default NaN (SDM volume 1, 4.8.3.7). */
export function setIndefinite(out: Float80): void {
  out.signExponent = 0xffff;
  out.high = 0xc0000000;
  out.low = 0;
}

/** Invalid arithmetic operand: masked, the result is the real indefinite (SDM volume 1, 8.5.1.2). */
export function invalid(out: Float80, context: FloatContext): void {
  context.flags |= FloatFlag.invalid;
  context.roundedUp = false;
  if (context.masks & FloatFlag.invalid) setIndefinite(out);
}

/** Raises the denormal exception; true when it is unmasked and the operation must stop (SDM volume 1, 8.5.2). */
export function stopsAtDenormal(context: FloatContext): boolean {
  context.flags |= FloatFlag.denormal;
  context.roundedUp = false;
  return (context.masks & FloatFlag.denormal) === 0;
}

/** Raises divide by zero; masked, the result is an infinity (SDM volume 1, 8.5.3). */
export function zeroDivide(sign: number, out: Float80, context: FloatContext): void {
  context.flags |= FloatFlag.zeroDivide;
  context.roundedUp = false;
  if (context.masks & FloatFlag.zeroDivide) setInfinity(sign, out);
}

function quiet(a: Float80, out: Float80): void {
  out.signExponent = a.signExponent & 0xffff;
  out.high = (a.high | 0x40000000) >>> 0;
  out.low = a.low;
}

/** Handles an operand that is unsupported or a NaN and returns whether it was one. */
export function oneNaN(a: Float80, out: Float80, context: FloatContext): boolean {
  if (isUnsupported(a)) {
    invalid(out, context);
    return true;
  }
  if (!holdsNaN(a)) return false;
  context.roundedUp = false;
  if (isSignalingNaN(a)) {
    context.flags |= FloatFlag.invalid;
    if (!(context.masks & FloatFlag.invalid)) return true;
  }
  quiet(a, out);
  return true;
}

/** Handles operands of which one is unsupported or a NaN (SDM volume 1, table 4-7) and returns whether there was one. */
export function twoNaNs(a: Float80, b: Float80, out: Float80, context: FloatContext): boolean {
  if (isUnsupported(a) || isUnsupported(b)) {
    invalid(out, context);
    return true;
  }
  const aNaN = holdsNaN(a);
  if (!aNaN || !holdsNaN(b)) return oneNaN(aNaN ? a : b, out, context);
  context.roundedUp = false;
  const aSignals = isSignalingNaN(a);
  const bSignals = isSignalingNaN(b);
  if (aSignals || bSignals) {
    context.flags |= FloatFlag.invalid;
    if (!(context.masks & FloatFlag.invalid)) return true;
  }
  quiet(aSignals === bSignals ? largerSignificand(a, b) : aSignals ? b : a, out);
  return true;
}

/** Of two equal significands the positive one: the manual does not say, processors do. */
function largerSignificand(a: Float80, b: Float80): Float80 {
  if (a.high !== b.high) return a.high > b.high ? a : b;
  if (a.low !== b.low) return a.low > b.low ? a : b;
  return a.signExponent & 0x8000 ? b : a;
}
