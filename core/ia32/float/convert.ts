import { type Float80, type FloatContext, FloatFlag } from './float80.ts';
import { roundPack64 } from './round.ts';
import {
  BIAS,
  INFINITE_EXPONENT,
  raiseInvalid,
  setInfinity,
  settleNaN,
  settleNaN1,
  setZero,
  Unpacked,
} from './unpack.ts';

/** Conversions between the 80-bit format and the formats of memory operands (SDM volume 1, 4.2 and 4.8). */

const a = new Unpacked();

/** Loads a 32-bit number. Raises denormal and invalid (for an SNaN) as FLD does. */
export function fromFloat32(bits: number, out: Float80, context: FloatContext): void {
  expand(bits >>> 31, (bits >>> 23) & 0xff, 0xff, 127, (bits << 9) >>> 0, 0, out, context);
}

/** Loads a 64-bit number, given as its two halves. */
export function fromFloat64(low: number, high: number, out: Float80, context: FloatContext): void {
  const fraction = ((high << 12) | (low >>> 20)) >>> 0;
  expand(high >>> 31, (high >>> 20) & 0x7ff, 0x7ff, 1023, fraction, (low << 12) >>> 0, out, context);
}

/** The fraction is left-aligned in h:l, without the implied integer bit. */
function expand(
  sign: number,
  exponent: number,
  infinite: number,
  bias: number,
  h: number,
  l: number,
  out: Float80,
  context: FloatContext,
): void {
  if (exponent === 0 && h === 0 && l === 0) {
    setZero(out, sign);
    return;
  }
  if (exponent === 0) {
    context.flags |= FloatFlag.denormal;
    // The first set bit becomes the integer bit.
    const shift = h !== 0 ? Math.clz32(h) : 32 + Math.clz32(l);
    out.signExponent = (sign << 15) | (BIAS - bias - shift);
    out.high = shift >= 32 ? (l << (shift - 32)) >>> 0 : ((h << shift) | (shift === 0 ? 0 : l >>> (32 - shift))) >>> 0;
    out.low = shift >= 32 ? 0 : (l << shift) >>> 0;
    return;
  }
  const isSpecial = exponent === infinite;
  out.signExponent = (sign << 15) | (isSpecial ? INFINITE_EXPONENT : exponent - bias + BIAS);
  out.high = (0x80000000 | (h >>> 1)) >>> 0;
  out.low = ((h << 31) | (l >>> 1)) >>> 0;
  if (isSpecial && (h !== 0 || l !== 0) && (h & 0x80000000) === 0) {
    context.flags |= FloatFlag.invalid;
    out.high = (out.high | 0x40000000) >>> 0;
  }
}

/** A 32-bit signed integer; always exact. */
export function fromInt32(value: number, out: Float80): void {
  fromInt64(value | 0, value < 0 ? -1 : 0, out);
}

/** A 64-bit signed integer as its two halves; always exact. */
export function fromInt64(low: number, high: number, out: Float80): void {
  const sign = high < 0 ? 1 : 0;
  let h = high >>> 0;
  let l = low >>> 0;
  if (sign !== 0) {
    l = -l >>> 0;
    h = (~h + (l === 0 ? 1 : 0)) >>> 0;
  }
  if (h === 0 && l === 0) {
    setZero(out, 0);
    return;
  }
  const shift = h !== 0 ? Math.clz32(h) : 32 + Math.clz32(l);
  out.signExponent = (sign << 15) | (BIAS + 63 - shift);
  out.high = shift >= 32 ? (l << (shift - 32)) >>> 0 : ((h << shift) | (shift === 0 ? 0 : l >>> (32 - shift))) >>> 0;
  out.low = shift >= 32 ? 0 : (l << shift) >>> 0;
}

/** Result of the conversions to memory formats: the value's halves. */
export const stored = { low: 0, high: 0 };

/** Stores as a 32-bit number into stored.low. With an unmasked overflow or underflow the flags say so and the value must not be used. */
export function toFloat32(x: Float80, context: FloatContext): void {
  const bits = narrow(x, 24, 127, 0xff, context);
  stored.low = Number(bits & 0xffffffffn);
  stored.high = 0;
}

/** Stores as a 64-bit number into stored. */
export function toFloat64(x: Float80, context: FloatContext): void {
  const bits = narrow(x, 53, 1023, 0x7ff, context);
  stored.low = Number(bits & 0xffffffffn);
  stored.high = Number(bits >> 32n);
}

/** Rounds to `bits` of mantissa and a range of the given bias; returns the pattern. */
function narrow(x: Float80, bits: number, bias: number, infinite: number, context: FloatContext): bigint {
  a.set(x);
  const width = BigInt(bits - 1);
  const sign = BigInt(a.sign) << (width + (infinite === 0xff ? 8n : 11n));
  const special = sign | (BigInt(infinite) << width);
  switch (a.kind) {
    case 'unsupported':
      context.flags |= FloatFlag.invalid;
      // The indefinite is negative in every format.
      return (1n << (width + (infinite === 0xff ? 8n : 11n))) | (BigInt(infinite) << width) | (1n << (width - 1n));
    case 'signaling':
    case 'quiet':
      if (a.kind === 'signaling') context.flags |= FloatFlag.invalid;
      return special | (1n << (width - 1n)) | ((a.mantissa() & 0x7fffffffffffffffn) >> (63n - width));
    case 'infinity':
      return special;
    case 'zero':
      return sign;
    case 'finite':
      break;
  }
  if (a.isDenormal) context.flags |= FloatFlag.denormal;
  const biased = a.exponent + bias;
  const normal = roundBits(a.mantissa(), 64 - bits, a.sign, context);
  const carry = normal.value >> BigInt(bits) !== 0n ? 1 : 0;
  const rounded = biased + carry;
  if (rounded >= infinite) {
    context.flags |= FloatFlag.overflow;
    if ((context.masks & FloatFlag.overflow) === 0) return sign;
    context.flags |= FloatFlag.precision;
    const away = context.rounding === 0 || context.rounding === (a.sign !== 0 ? 1 : 2);
    context.roundedUp = away;
    return away ? special : special - 1n;
  }
  if (rounded > 0) {
    note(normal, context);
    return sign + (BigInt(biased - 1) << width) + normal.value;
  }
  if ((context.masks & FloatFlag.underflow) === 0) {
    context.flags |= FloatFlag.underflow;
    return sign;
  }
  const small = roundBits(a.mantissa(), 64 - bits + 1 - biased, a.sign, context);
  if (small.inexact) context.flags |= FloatFlag.underflow;
  note(small, context);
  return sign + small.value;
}

interface Rounded {
  readonly value: bigint;
  readonly inexact: boolean;
  readonly up: boolean;
}

/** Drops `drop` low bits of a mantissa with the context's rounding. */
function roundBits(mantissa: bigint, drop: number, sign: number, context: FloatContext): Rounded {
  const by = BigInt(Math.min(drop, 70));
  const kept = mantissa >> by;
  const below = mantissa - (kept << by);
  const half = 1n << (by - 1n);
  const inexact = below !== 0n;
  let up = false;
  if (context.rounding === 0) up = below > half || (below === half && (kept & 1n) !== 0n);
  else if (context.rounding === 1) up = inexact && sign !== 0;
  else if (context.rounding === 2) up = inexact && sign === 0;
  return { value: up ? kept + 1n : kept, inexact, up };
}

function note(rounded: Rounded, context: FloatContext): void {
  if (!rounded.inexact) return;
  context.flags |= FloatFlag.precision;
  context.roundedUp = rounded.up;
}

/**
 * Rounds to a signed integer of `bits` (16, 32 or 64) into stored; invalid gives the integer indefinite.
 */
export function toInteger(x: Float80, bits: 16 | 32 | 64, context: FloatContext): void {
  const value = integerValue(x, context);
  const limit = 1n << BigInt(bits - 1);
  let result = value;
  if (result === null || result >= limit || result < -limit) {
    context.flags = (context.flags & ~FloatFlag.precision) | FloatFlag.invalid;
    context.roundedUp = false;
    result = -limit;
  }
  const pattern = BigInt.asUintN(64, result);
  stored.low = Number(pattern & 0xffffffffn);
  stored.high = Number(pattern >> 32n);
}

/** The number rounded to an integer, or null for what has none. Numbers of 2^64 and more come as 2^64. */
function integerValue(x: Float80, context: FloatContext): bigint | null {
  a.set(x);
  if (a.kind === 'zero') return 0n;
  if (a.kind !== 'finite') return null;
  let magnitude: bigint;
  if (a.exponent >= 64) {
    magnitude = 1n << 64n;
  } else if (a.exponent >= 63) {
    magnitude = a.mantissa() << BigInt(a.exponent - 63);
  } else {
    const rounded = roundBits(a.mantissa(), 63 - a.exponent, a.sign, context);
    note(rounded, context);
    magnitude = rounded.value;
  }
  return a.sign !== 0 ? -magnitude : magnitude;
}

/** FBSTP: 18 digits and a sign, ten bytes, the lowest digits first. */
export function toDecimal(x: Float80, out: Uint8Array, context: FloatContext): void {
  const value = integerValue(x, context);
  const magnitude = value === null ? null : value < 0n ? -value : value;
  if (magnitude === null || magnitude >= 10n ** 18n) {
    context.flags = (context.flags & ~FloatFlag.precision) | FloatFlag.invalid;
    context.roundedUp = false;
    out.set([0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff]);
    return;
  }
  const digits = magnitude.toString().padStart(18, '0');
  for (let n = 0; n < 9; n++) {
    const at = 16 - 2 * n;
    out[n] = (digits.charCodeAt(at) - 48) * 16 + digits.charCodeAt(at + 1) - 48;
  }
  out[9] = x.signExponent >>> 15 !== 0 ? 0x80 : 0;
}

/** FBLD. Digits above 9 are undefined in the manual; they count as their value. */
export function fromDecimal(bytes: Uint8Array, out: Float80): void {
  let value = 0n;
  for (let n = 8; n >= 0; n--) value = value * 100n + BigInt((bytes[n] >>> 4) * 10 + (bytes[n] & 15));
  fromInt64(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)), out);
  if ((bytes[9] & 0x80) !== 0) out.signExponent |= 0x8000;
}

/** FRNDINT. */
export function roundToInteger(x: Float80, out: Float80, context: FloatContext): void {
  a.set(x);
  if (settleNaN1(a, x, out, context)) return;
  if (a.kind !== 'finite' || a.exponent >= 63) {
    out.set(x);
    return;
  }
  const value = integerValue(x, context) ?? 0n;
  const sign = x.signExponent >>> 15;
  const magnitude = value < 0n ? -value : value;
  fromUnsigned(magnitude, out);
  if (sign !== 0) out.signExponent |= 0x8000;
}

function fromUnsigned(magnitude: bigint, out: Float80): void {
  if (magnitude === 0n) {
    setZero(out, 0);
    return;
  }
  const shift = 64 - magnitude.toString(2).length;
  const mantissa = magnitude << BigInt(shift);
  out.signExponent = BIAS + 63 - shift;
  out.high = Number(mantissa >> 32n);
  out.low = Number(mantissa & 0xffffffffn);
}

/** FSCALE: x * 2^trunc(y). */
export function scale(x: Float80, y: Float80, out: Float80, context: FloatContext): void {
  const by = new Unpacked().set(y);
  a.set(x);
  if (by.kind === 'unsupported' || by.kind === 'quiet' || by.kind === 'signaling') {
    raiseOperand(x, y, by, out, context);
    return;
  }
  if (settleNaN1(a, x, out, context)) return;
  if (by.isDenormal) context.flags |= FloatFlag.denormal;
  if (by.kind === 'infinity') {
    if (by.sign === 0 && a.kind === 'zero') raiseInvalid(out, context);
    else if (by.sign !== 0 && a.kind === 'infinity') raiseInvalid(out, context);
    else if (by.sign === 0) setInfinity(out, a.sign);
    else setZero(out, a.sign);
    return;
  }
  if (a.kind !== 'finite' || by.kind === 'zero') {
    out.set(x);
    return;
  }
  const amount = by.exponent < 0 ? 0 : by.exponent > 16 ? 1 << 17 : by.high >>> (31 - by.exponent);
  const exponent = a.exponent + (by.sign !== 0 ? -amount : amount);
  roundPack64(a.sign, exponent, a.high, a.low, 0, out, context);
}

function raiseOperand(x: Float80, y: Float80, by: Unpacked, out: Float80, context: FloatContext): void {
  if (by.kind === 'unsupported') raiseInvalid(out, context);
  else settleNaN(a, x, by, y, out, context);
}

/** FXTRACT: the unbiased exponent as a number, and the significand with exponent 0. */
export function extract(x: Float80, exponent: Float80, significand: Float80, context: FloatContext): void {
  a.set(x);
  if (settleNaN1(a, x, significand, context)) {
    exponent.set(significand);
    return;
  }
  if (a.kind === 'zero') {
    context.flags |= FloatFlag.zeroDivide;
    setZero(significand, a.sign);
    setInfinity(exponent, 1);
    return;
  }
  if (a.kind === 'infinity') {
    setInfinity(significand, a.sign);
    setInfinity(exponent, 0);
    return;
  }
  const { sign, high, low } = a;
  fromInt32(a.exponent, exponent);
  significand.signExponent = (sign << 15) | BIAS;
  significand.high = high;
  significand.low = low;
}
