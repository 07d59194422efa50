import { invalid, oneNaN, setInfinity, setZero, stopsAtDenormal, twoNaNs, zeroDivide } from './extended/operands.ts';
import { roundExtended, SIG_EXTRA, SIG_HIGH, SIG_LOW, sig } from './extended/round.ts';
import { BIAS, type Float80, type FloatContext } from './float80.ts';
import { Unpacked } from './unpack.ts';

/**
 * Transcendental functions (SDM volume 1, 8.3.7 to 8.3.10) in fixed point with BITS fraction bits, then rounded once: the error stays
 * below the one unit in the last place that the manual allows. Arguments are reduced with the 66-bit pi of the processors.
 */
const BITS = 160n;
const ONE = 1n << BITS;

/** ln 2 and pi / 4 to 192 bits, as integers times 2^-192. */
const LN2 = 0xb17217f7d1cf79abc9e3b39803f2f6af40f343267298b62dn >> (192n - BITS);
const PI = 0xc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74n;
/** pi / 2 with the 66 bits that the processors have. */
const HALF_PI_66 = ((PI >> 126n) << BITS) >> 65n;
const HALF_PI = (PI << 1n) >> (192n - BITS + 0n);

const a = new Unpacked();
const b = new Unpacked();

/** Rounds (-1)^sign * (high:low:extra) * 2^(exponent - 63) to 64 bits: precision control does not count here. */
function round64(
  sign: number,
  exponent: number,
  high: number,
  low: number,
  extra: number,
  out: Float80,
  context: FloatContext,
): void {
  sig[SIG_HIGH] = high;
  sig[SIG_LOW] = low;
  sig[SIG_EXTRA] = extra;
  roundExtended(sign, exponent + BIAS, out, context);
}

/** Settles an operand that is a NaN, unsupported, or a denormal whose exception is unmasked. */
function settled(u: Unpacked, x: Float80, out: Float80, context: FloatContext): boolean {
  return oneNaN(x, out, context) || (u.isDenormal && stopsAtDenormal(context));
}

/** The same for the operands x and y, unpacked in u and w. */
function bothSettled(u: Unpacked, x: Float80, w: Unpacked, y: Float80, out: Float80, context: FloatContext): boolean {
  return twoNaNs(x, y, out, context) || ((u.isDenormal || w.isDenormal) && stopsAtDenormal(context));
}

/** The operand as fixed point; |x| below 2^64. Bits beyond the fraction are cut off. */
function fixed(u: Unpacked): bigint {
  const shift = BigInt(u.exponent - 63) + BITS;
  const magnitude = shift >= 0n ? u.mantissa() << shift : u.mantissa() >> -shift;
  return u.sign !== 0 ? -magnitude : magnitude;
}

/** Rounds a fixed-point value times 2^scale; results of these functions are always inexact. */
function finish(value: bigint, scale: number, out: Float80, context: FloatContext): void {
  const sign = value < 0n ? 1 : 0;
  const magnitude = value < 0n ? -value : value;
  const length = magnitude.toString(2).length;
  const wide = length >= 96 ? magnitude >> BigInt(length - 96) : magnitude << BigInt(96 - length);
  const exponent = length - 1 - Number(BITS) + scale;
  const extra = (Number(wide & 0xffffffffn) | 1) >>> 0;
  round64(sign, exponent, Number(wide >> 64n), Number((wide >> 32n) & 0xffffffffn), extra, out, context);
}

function multiply(x: bigint, y: bigint): bigint {
  return (x * y) >> BITS;
}

/** x reduced by a multiple of pi / 2 into [-pi/4, pi/4], and the multiple modulo 4. */
function reduce(x: bigint): { readonly rest: bigint; readonly quadrant: number } {
  const half = HALF_PI_66 >> 1n;
  const quotient = (x >= 0n ? x + half : x - half) / HALF_PI_66;
  return { rest: x - quotient * HALF_PI_66, quadrant: Number(((quotient % 4n) + 4n) % 4n) };
}

/** Sum of the series whose first term is given; each next one is the last times -square / ((n + 1)(n + 2)). */
function alternating(first: bigint, square: bigint, from: bigint): bigint {
  let term = first;
  let sum = first;
  for (let n = from; term !== 0n && term !== -1n; n += 2n) {
    term = -multiply(term, square) / ((n + 1n) * (n + 2n));
    sum += term;
  }
  return sum;
}

function sine(x: bigint): bigint {
  return alternating(x, multiply(x, x), 1n);
}

function cosine(x: bigint): bigint {
  return alternating(ONE, multiply(x, x), 0n);
}

/** Below this exponent sin x, tan x and 2^x - 1 are x (times ln 2) to more than 64 bits. */
const TINY = -34;

/** Whether |x| >= 2^63: not reduced, C2 says so (SDM volume 1, 8.3.8). */
function isTooLarge(u: Unpacked): boolean {
  return u.kind === 'finite' && u.exponent >= 63;
}

type Trigonometric = 'sin' | 'cos';

/** FSIN and FCOS. Returns false if the operand is out of range: then C2 is set and nothing else changes. */
export function trigonometric(which: Trigonometric, x: Float80, out: Float80, context: FloatContext): boolean {
  a.set(x);
  if (isTooLarge(a)) return false;
  if (settled(a, x, out, context)) return true;
  if (a.kind === 'infinity') {
    invalid(out, context);
    return true;
  }
  if (a.kind === 'zero') {
    if (which === 'sin') setZero(a.sign, out);
    else round64(0, 0, 0x80000000, 0, 0, out, context);
    return true;
  }
  if (which === 'sin' && a.exponent < TINY) {
    tiny(out, context, -1);
    return true;
  }
  const { rest, quadrant } = reduce(fixed(a));
  const turn = which === 'sin' ? quadrant : (quadrant + 1) % 4;
  const value = turn % 2 === 0 ? sine(rest) : cosine(rest);
  finish(turn >= 2 ? -value : value, 0, out, context);
  return true;
}

/** A result just below (-1) or above (1) the operand in magnitude. */
function tiny(out: Float80, context: FloatContext, towards: 1 | -1): void {
  const mantissa = (a.mantissa() << 32n) + BigInt(towards);
  const length = mantissa.toString(2).length;
  const wide = length === 96 ? mantissa : mantissa << 1n;
  const exponent = a.exponent - (96 - length);
  round64(
    a.sign,
    exponent,
    Number(wide >> 64n),
    Number((wide >> 32n) & 0xffffffffn),
    Number(wide & 0xffffffffn),
    out,
    context,
  );
}

/** FPTAN without its push of 1.0. Returns false if the operand is out of range. */
export function tangent(x: Float80, out: Float80, context: FloatContext): boolean {
  a.set(x);
  if (isTooLarge(a)) return false;
  if (settled(a, x, out, context)) return true;
  if (a.kind === 'infinity') invalid(out, context);
  else if (a.kind === 'zero') setZero(a.sign, out);
  else if (a.exponent < TINY) tiny(out, context, 1);
  else {
    const { rest, quadrant } = reduce(fixed(a));
    const s = sine(rest);
    const c = cosine(rest);
    finish(quadrant % 2 === 0 ? (s << BITS) / c : -(c << BITS) / s, 0, out, context);
  }
  return true;
}

/** arctan of a fixed-point number from 0 to 1: halved twice by atan x = 2 atan(x / (1 + sqrt(1 + x^2))), then its series. */
function arcTangent(x: bigint): bigint {
  let reduced = x;
  for (let n = 0; n < 3; n++) reduced = (reduced << BITS) / (ONE + root(ONE + multiply(reduced, reduced)));
  const square = multiply(reduced, reduced);
  let power = reduced;
  let sum = reduced;
  for (let n = 3n; power !== 0n && power !== -1n; n += 2n) {
    power = -multiply(power, square);
    sum += power / n;
  }
  return sum << 3n;
}

function root(x: bigint): bigint {
  const value = x << BITS;
  let guess = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** FPATAN: the angle of the point (x, y), that is arctan(y / x) in the right quadrant (SDM volume 2, table 3-30). */
export function arcTangent2(y: Float80, x: Float80, out: Float80, context: FloatContext): void {
  a.set(y);
  b.set(x);
  if (bothSettled(a, y, b, x, out, context)) return;
  const { sign } = a;
  const isBig = (u: Unpacked, v: Unpacked) => u.kind === 'infinity' || v.kind === 'zero';
  if (a.kind === 'zero' || (b.kind === 'infinity' && a.kind !== 'infinity')) {
    if (b.sign === 0) setZero(sign, out);
    else signed(sign, HALF_PI << 1n, out, context);
    return;
  }
  if (isBig(a, b)) {
    const both = a.kind === 'infinity' && b.kind === 'infinity';
    const angle = !both ? HALF_PI : b.sign === 0 ? HALF_PI >> 1n : HALF_PI + (HALF_PI >> 1n);
    signed(sign, angle, out, context);
    return;
  }
  const distance = a.exponent - b.exponent;
  if (distance < -80 && b.sign === 0) {
    // The quotient itself, whose exponent may be far below the fixed point.
    finish((a.mantissa() << BITS) / b.mantissa(), distance, out, context);
    if (sign !== 0) out.signExponent |= 0x8000;
    return;
  }
  let angle: bigint;
  if (distance > 80) angle = HALF_PI;
  else if (distance < -80) angle = 0n;
  else {
    const spread = BigInt(Math.abs(distance));
    const my = distance >= 0 ? a.mantissa() << spread : a.mantissa();
    const mx = distance >= 0 ? b.mantissa() : b.mantissa() << spread;
    angle = my <= mx ? arcTangent((my << BITS) / mx) : HALF_PI - arcTangent((mx << BITS) / my);
  }
  signed(sign, b.sign !== 0 ? (HALF_PI << 1n) - angle : angle, out, context);
}

function signed(sign: number, value: bigint, out: Float80, context: FloatContext): void {
  finish(sign !== 0 ? -value : value, 0, out, context);
}

/** e^x - 1 for |x| below 1. */
function exponentialLess1(x: bigint): bigint {
  let term = x;
  let sum = x;
  for (let n = 2n; term !== 0n && term !== -1n; n++) {
    term = multiply(term, x) / n;
    sum += term;
  }
  return sum;
}

/** F2XM1: 2^x - 1 for -1 <= x <= 1; outside of that the manual leaves it undefined, and x is returned. */
export function exponential(x: Float80, out: Float80, context: FloatContext): void {
  a.set(x);
  if (settled(a, x, out, context)) return;
  if (a.kind === 'zero') {
    setZero(a.sign, out);
    return;
  }
  if (a.kind === 'infinity') {
    if (a.sign === 0) setInfinity(0, out);
    else round64(1, 0, 0x80000000, 0, 0, out, context);
    return;
  }
  if (a.exponent > 0 || (a.exponent === 0 && (a.high !== 0x80000000 || a.low !== 0))) {
    out.set(x);
    return;
  }
  if (a.exponent === 0) {
    // 2^1 - 1 and 2^-1 - 1 are exact.
    round64(a.sign, a.sign === 0 ? 0 : -1, 0x80000000, 0, 0, out, context);
    return;
  }
  if (a.exponent < -70) {
    finish((a.sign !== 0 ? -1n : 1n) * multiply(a.mantissa() << (BITS - 63n), LN2), a.exponent, out, context);
    return;
  }
  finish(exponentialLess1(multiply(fixed(a), LN2)), 0, out, context);
}

/** ln(m) for m from 1 to 2 in fixed point: 2 artanh((m - 1) / (m + 1)). */
function naturalLogarithm(numerator: bigint, denominator: bigint): bigint {
  const x = (numerator << BITS) / denominator;
  const square = multiply(x, x);
  let power = x;
  let sum = x;
  for (let n = 3n; power !== 0n && power !== -1n; n += 2n) {
    power = multiply(power, square);
    sum += power / n;
  }
  return sum << 1n;
}

/** y times a logarithm that is not 0 in fixed point. */
function timesY(y: Unpacked, logarithm: bigint, scale: number, out: Float80, context: FloatContext): void {
  const product = (y.mantissa() * logarithm) >> 63n;
  finish(y.sign !== 0 ? -product : product, y.exponent + scale, out, context);
}

/** FYL2X: y * log2(x) (SDM volume 2, table 3-59). */
export function logarithm(y: Float80, x: Float80, out: Float80, context: FloatContext): void {
  a.set(x);
  b.set(y);
  if (bothSettled(b, y, a, x, out, context)) return;
  if (a.kind !== 'zero' && a.sign !== 0) {
    invalid(out, context);
    return;
  }
  const isOne = a.kind === 'finite' && a.exponent === 0 && a.high === 0x80000000 && a.low === 0;
  // The logarithm's sign.
  const negative = a.kind === 'zero' || (a.kind === 'finite' && a.exponent < 0) ? 1 : 0;
  if (a.kind === 'zero' || a.kind === 'infinity') {
    if (b.kind === 'zero') invalid(out, context);
    else {
      if (a.kind === 'zero' && b.kind !== 'infinity') zeroDivide(b.sign ^ negative, out, context);
      else setInfinity(b.sign ^ negative, out);
    }
    return;
  }
  if (b.kind === 'infinity') {
    if (isOne) invalid(out, context);
    else setInfinity(b.sign ^ negative, out);
    return;
  }
  if (b.kind === 'zero' || isOne) {
    setZero(b.sign ^ negative, out);
    return;
  }
  const isPower = a.high === 0x80000000 && a.low === 0;
  if (isPower && b.kind === 'finite') {
    exactProduct(b, a.exponent, out, context);
    return;
  }
  // Near 1 the mantissa counts from the nearer power of two, so that nothing cancels.
  const above = a.exponent === -1 ? 64n : 63n;
  const unit = 1n << above;
  const mantissa = a.mantissa();
  const exponent = a.exponent === -1 ? 0 : a.exponent;
  const ln = naturalLogarithm(mantissa - unit, mantissa + unit);
  const log2 = (ln << BITS) / LN2 + BigInt(exponent) * ONE;
  timesY(b, log2, 0, out, context);
}

/** y times a small integer. */
function exactProduct(y: Unpacked, factor: number, out: Float80, context: FloatContext): void {
  const product = y.mantissa() * BigInt(Math.abs(factor));
  const length = product.toString(2).length;
  const wide = product << BigInt(96 - length);
  const sign = y.sign ^ (factor < 0 ? 1 : 0);
  const exponent = y.exponent + length - 64;
  round64(
    sign,
    exponent,
    Number(wide >> 64n),
    Number((wide >> 32n) & 0xffffffffn),
    Number(wide & 0xffffffffn),
    out,
    context,
  );
}

/** FYL2XP1: y * log2(x + 1), for |x| up to 1 - sqrt(1/2). */
export function logarithmPlus1(y: Float80, x: Float80, out: Float80, context: FloatContext): void {
  a.set(x);
  b.set(y);
  if (bothSettled(b, y, a, x, out, context)) return;
  if (a.kind === 'infinity' || (a.kind === 'finite' && a.exponent >= 0 && a.sign !== 0)) {
    if (a.kind === 'infinity' && a.sign === 0 && b.kind !== 'zero') setInfinity(b.sign, out);
    else invalid(out, context);
    return;
  }
  if (b.kind === 'infinity') {
    if (a.kind === 'zero') invalid(out, context);
    else setInfinity(a.sign ^ b.sign, out);
    return;
  }
  if (a.kind === 'zero' || b.kind === 'zero') {
    setZero(a.sign ^ b.sign, out);
    return;
  }
  // ln(1 + x) = 2 artanh(x / (2 + x)), with x as its mantissa times 2^exponent so that small ones keep their bits.
  const isSmall = a.exponent < -80;
  const magnitude = (a.sign !== 0 ? -1n : 1n) * a.mantissa();
  const value = isSmall ? magnitude << (BITS - 63n) : fixed(a);
  const ln = isSmall ? value : naturalLogarithm(value, (ONE << 1n) + value);
  timesY(b, (ln << BITS) / LN2, isSmall ? a.exponent : 0, out, context);
}
