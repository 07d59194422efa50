import { BIAS, Float80, type FloatContext, FloatFlag, MAX_EXPONENT, MEMORY_DENORMAL, type Word64 } from '../float80.ts';
import { isInfinity, isZero, oneNaN } from './operands.ts';
import {
  CARRIED,
  denormalize,
  INEXACT,
  normalize,
  overflow,
  roundSignificand,
  SIG_EXTRA,
  SIG_HIGH,
  SIG_LOW,
  sig,
  store,
} from './round.ts';
import { loadNormalized } from './wide.ts';

/** Single and double precision in memory (SDM volume 1, 4.2). */

/**
 * out := single-precision bits, exactly, as the memory operand of an arithmetic instruction: a NaN keeps signaling, and a
 * denormal is marked with MEMORY_DENORMAL, so that the operation raises what it must.
 */
export function expandFloat32(bits: number, out: Float80): void {
  expand((bits >>> 31) & 1, (bits >>> 23) & 0xff, 0xff, 127, bits << 8, 0, out);
}

/** The same for double-precision bits in two halves. */
export function expandFloat64(high: number, low: number, out: Float80): void {
  expand((high >>> 31) & 1, (high >>> 20) & 0x7ff, 0x7ff, 1023, (high << 11) | (low >>> 21), low << 11, out);
}

/** `fractionHigh` and `fractionLow`: the fraction in bits 62 and below; bit 63 is ignored. */
function expand(
  sign: number,
  exponent: number,
  maximum: number,
  bias: number,
  fractionHigh: number,
  fractionLow: number,
  out: Float80,
): void {
  let biased = exponent - bias + BIAS;
  sig[SIG_HIGH] = fractionHigh | -0x80000000;
  sig[SIG_LOW] = fractionLow;
  if (exponent === maximum) biased = MAX_EXPONENT;
  else if (exponent === 0) {
    sig[SIG_HIGH] = fractionHigh & 0x7fffffff;
    if ((sig[SIG_HIGH] | fractionLow) === 0) biased = 0;
    else {
      sig[SIG_EXTRA] = 0;
      biased = (1 - bias + BIAS - normalize()) | MEMORY_DENORMAL;
    }
  }
  out.signExponent = (sign << 15) | biased;
  out.high = sig[SIG_HIGH] >>> 0;
  out.low = sig[SIG_LOW] >>> 0;
}

/** out := single-precision bits (FLD m32fp). An unmasked invalid exception leaves `out`; a denormal is loaded all the same. */
export function fromFloat32(bits: number, out: Float80, context: FloatContext): void {
  if ((bits & 0x7f800000) === 0x7f800000 && (bits & 0x007fffff) !== 0 && stopsAtSignal(bits & 0x00400000, context))
    return;
  expandFloat32(bits, out);
  settle(out, context);
}

/** The same for double-precision bits in two halves (FLD m64fp). */
export function fromFloat64(high: number, low: number, out: Float80, context: FloatContext): void {
  const notANumber = (high & 0x7ff00000) === 0x7ff00000 && ((high & 0x000fffff) | low) !== 0;
  if (notANumber && stopsAtSignal(high & 0x00080000, context)) return;
  expandFloat64(high, low, out);
  settle(out, context);
}

/** For a NaN: raises invalid when its quiet bit is clear; true when that is unmasked. */
function stopsAtSignal(quietBit: number, context: FloatContext): boolean {
  if (quietBit !== 0) return false;
  context.flags |= FloatFlag.invalid;
  context.roundedUp = false;
  return (context.masks & FloatFlag.invalid) === 0;
}

/** A loaded value in a register: a NaN is quiet, and being a denormal has been reported. */
function settle(out: Float80, context: FloatContext): void {
  context.roundedUp = false;
  if (out.signExponent & MEMORY_DENORMAL) {
    context.flags |= FloatFlag.denormal;
    out.signExponent &= 0xffff;
  } else if ((out.signExponent & MAX_EXPONENT) === MAX_EXPONENT && !isInfinity(out)) {
    out.high = (out.high | 0x40000000) >>> 0;
  }
}

/** Sign, exponent field and significand of the narrower format. */
const narrowed = new Float80();

/**
 * a as single-precision bits (FST m32fp). An unmasked invalid, overflow or underflow exception is the only one raised and
 * nothing is to be stored (SDM volume 1, 8.5.4 and 8.5.5).
 */
export function toFloat32(a: Float80, context: FloatContext): number {
  narrow(a, 0, 127, 0xff, context);
  const sign = (narrowed.signExponent & 0x8000) << 16;
  const exponent = (narrowed.signExponent & 0xff) << 23;
  return (sign | exponent | ((narrowed.high >>> 8) & 0x7fffff)) >>> 0;
}

/** The same for double precision. */
export function toFloat64(a: Float80, out: Word64, context: FloatContext): void {
  narrow(a, 2, 1023, 0x7ff, context);
  const sign = (narrowed.signExponent & 0x8000) << 16;
  const exponent = (narrowed.signExponent & 0x7ff) << 20;
  out.high = (sign | exponent | ((narrowed.high >>> 11) & 0xfffff)) >>> 0;
  out.low = ((narrowed.high << 21) | (narrowed.low >>> 11)) >>> 0;
}

/** Rounds to the precision (coded like precision control), bias and largest exponent of a narrower format. */
function narrow(a: Float80, precision: number, bias: number, maximum: number, context: FloatContext): void {
  context.roundedUp = false;
  if (oneNaN(a, narrowed, context) || isInfinity(a) || isZero(a)) {
    if (isInfinity(a) || isZero(a)) narrowed.set(a);
    return;
  }
  const sign = (a.signExponent >>> 15) & 1;
  const exponent = loadNormalized(a) - BIAS + bias;
  const high = sig[SIG_HIGH];
  const low = sig[SIG_LOW];
  const happened = roundSignificand(sign, precision, context);
  const rounded = happened & CARRIED ? exponent + 1 : exponent;
  if (rounded >= maximum) {
    context.roundedUp = false;
    context.flags |= FloatFlag.overflow;
    if (!(context.masks & FloatFlag.overflow)) return;
    overflow(sign, precision, narrowed, context);
    if (!context.roundedUp) narrowed.signExponent = (sign << 15) | (maximum - 1);
    return;
  }
  if (exponent > 0) {
    if (happened & INEXACT) context.flags |= FloatFlag.precision;
    store(sign, rounded, narrowed);
    return;
  }
  if (rounded <= 0 && !(context.masks & FloatFlag.underflow)) {
    context.roundedUp = false;
    context.flags |= FloatFlag.underflow;
    return;
  }
  sig[SIG_HIGH] = high;
  sig[SIG_LOW] = low;
  denormalize(sign, exponent, rounded <= 0, precision, narrowed, context);
}
