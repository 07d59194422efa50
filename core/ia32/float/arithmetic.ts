import { type Float80, type FloatContext, FloatFlag } from './float80.ts';
import { roundPack, shifted, shiftRight } from './round.ts';
import { raiseInvalid, setInfinity, settleNaN, settleNaN1, setZero, Unpacked } from './unpack.ts';

/** Basic arithmetic (SDM volume 1, 8.3.5). `out` may be one of the operands. */

const a = new Unpacked();
const b = new Unpacked();

export function add(x: Float80, y: Float80, out: Float80, context: FloatContext): void {
  addSigned(x, y, 0, out, context);
}

/** x - y. */
export function sub(x: Float80, y: Float80, out: Float80, context: FloatContext): void {
  addSigned(x, y, 1, out, context);
}

function addSigned(x: Float80, y: Float80, negate: number, out: Float80, context: FloatContext): void {
  a.set(x);
  b.set(y);
  if (settleNaN(a, x, b, y, out, context)) return;
  const signB = b.sign ^ negate;
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    if (a.kind === b.kind && a.sign !== signB) raiseInvalid(out, context);
    else setInfinity(out, a.kind === 'infinity' ? a.sign : signB);
    return;
  }
  if (a.kind === 'zero' && b.kind === 'zero') {
    setZero(out, a.sign === signB ? a.sign : context.rounding === 1 ? 1 : 0);
    return;
  }
  if (a.kind === 'zero') {
    roundPack(signB, b.exponent, b.high, b.low, 0, out, context);
    return;
  }
  if (b.kind === 'zero') {
    roundPack(a.sign, a.exponent, a.high, a.low, 0, out, context);
    return;
  }
  const isBigger = a.exponent - b.exponent || a.high - b.high || a.low - b.low;
  const big = isBigger >= 0 ? a : b;
  const small = isBigger >= 0 ? b : a;
  const sign = isBigger >= 0 ? a.sign : signB;
  shiftRight(small.high, small.low, 0, big.exponent - small.exponent);
  if (a.sign === signB) sumMagnitudes(sign, big, out, context);
  else subtractMagnitudes(sign, big, out, context);
}

/** big + shifted. */
function sumMagnitudes(sign: number, big: Unpacked, out: Float80, context: FloatContext): void {
  let { extra } = shifted;
  let low = big.low + shifted.low;
  let high = big.high + shifted.high;
  if (low > 0xffffffff) {
    low -= 0x100000000;
    high++;
  }
  let { exponent } = big;
  if (high > 0xffffffff) {
    extra = (((low & 1) << 31) | (extra >>> 1) | (extra & 1)) >>> 0;
    low = (((high & 1) << 31) | (low >>> 1)) >>> 0;
    high = ((high - 0x100000000) / 2 + 0x80000000) >>> 0;
    exponent++;
  }
  roundPack(sign, exponent, high, low, extra, out, context);
}

/** big - shifted, which is not larger. */
function subtractMagnitudes(sign: number, big: Unpacked, out: Float80, context: FloatContext): void {
  let extra = -shifted.extra;
  let low = big.low - shifted.low;
  let high = big.high - shifted.high;
  if (extra < 0) {
    extra += 0x100000000;
    low--;
  }
  if (low < 0) {
    low += 0x100000000;
    high--;
  }
  if (high === 0 && low === 0 && extra === 0) {
    setZero(out, context.rounding === 1 ? 1 : 0);
    return;
  }
  let { exponent } = big;
  while (high === 0) {
    high = low;
    low = extra;
    extra = 0;
    exponent -= 32;
  }
  const shift = Math.clz32(high);
  if (shift > 0) {
    high = ((high << shift) | (low >>> (32 - shift))) >>> 0;
    low = ((low << shift) | (extra >>> (32 - shift))) >>> 0;
    extra = (extra << shift) >>> 0;
    exponent -= shift;
  }
  roundPack(sign, exponent, high, low, extra, out, context);
}

/** High 32 bits of a 32 by 32 bit product; both unsigned. */
function multiplyHigh(x: number, y: number): number {
  const xLow = x & 0xffff;
  const xHigh = x >>> 16;
  const yLow = y & 0xffff;
  const yHigh = y >>> 16;
  const middle = xHigh * yLow + ((xLow * yLow) >>> 16);
  const cross = xLow * yHigh + (middle & 0xffff);
  return xHigh * yHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000);
}

export function mul(x: Float80, y: Float80, out: Float80, context: FloatContext): void {
  a.set(x);
  b.set(y);
  if (settleNaN(a, x, b, y, out, context)) return;
  const sign = a.sign ^ b.sign;
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    if (a.kind === 'zero' || b.kind === 'zero') raiseInvalid(out, context);
    else setInfinity(out, sign);
    return;
  }
  if (a.kind === 'zero' || b.kind === 'zero') {
    setZero(out, sign);
    return;
  }
  // Columns of 32 bits, from the lowest.
  const w0 = Math.imul(a.low, b.low) >>> 0;
  const c1 = multiplyHigh(a.low, b.low) + (Math.imul(a.low, b.high) >>> 0) + (Math.imul(a.high, b.low) >>> 0);
  const w1 = c1 >>> 0;
  const c2 =
    Math.floor(c1 / 0x100000000) +
    multiplyHigh(a.low, b.high) +
    multiplyHigh(a.high, b.low) +
    (Math.imul(a.high, b.high) >>> 0);
  const w2 = c2 >>> 0;
  const w3 = (Math.floor(c2 / 0x100000000) + multiplyHigh(a.high, b.high)) >>> 0;
  const sticky = w0 !== 0 ? 1 : 0;
  const exponent = a.exponent + b.exponent + 1;
  if (w3 >= 0x80000000) {
    roundPack(sign, exponent, w3, w2, (w1 | sticky) >>> 0, out, context);
  } else {
    const high = ((w3 << 1) | (w2 >>> 31)) >>> 0;
    const low = ((w2 << 1) | (w1 >>> 31)) >>> 0;
    roundPack(sign, exponent - 1, high, low, ((w1 << 1) | (w0 >>> 31) | sticky) >>> 0, out, context);
  }
}

/** x / y. */
export function div(x: Float80, y: Float80, out: Float80, context: FloatContext): void {
  a.set(x);
  b.set(y);
  const before = context.flags;
  if (settleNaN(a, x, b, y, out, context)) return;
  const sign = a.sign ^ b.sign;
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    if (a.kind === b.kind) raiseInvalid(out, context);
    else if (a.kind === 'infinity') setInfinity(out, sign);
    else setZero(out, sign);
    return;
  }
  if (b.kind === 'zero') {
    if (a.kind === 'zero') {
      raiseInvalid(out, context);
    } else {
      // Division by zero comes before the denormal operand in priority (SDM volume 1, 4.9.2).
      context.flags = before | FloatFlag.zeroDivide;
      setInfinity(out, sign);
    }
    return;
  }
  if (a.kind === 'zero') {
    setZero(out, sign);
    return;
  }
  // Numerator and denominator are 64-bit integers with their top bits set, so the quotient has 96 or 97 bits.
  const numerator = a.mantissa() << 96n;
  const denominator = b.mantissa();
  const quotient = numerator / denominator;
  roundInteger(sign, a.exponent - b.exponent - 96, quotient, quotient * denominator !== numerator, out, context);
}

/** Rounds an integer of at least 64 bits times 2^scale. */
function roundInteger(
  sign: number,
  scale: number,
  value: bigint,
  inexact: boolean,
  out: Float80,
  context: FloatContext,
): void {
  const length = value.toString(2).length;
  const top = value >> BigInt(length - 64);
  const below = value & ((1n << BigInt(length - 64)) - 1n);
  const spare = BigInt(length - 64);
  const extra = spare >= 32n ? below >> (spare - 32n) : below << (32n - spare);
  const rest = spare >= 32n && (below & ((1n << (spare - 32n)) - 1n)) !== 0n;
  const sticky = inexact || rest ? 1 : 0;
  const high = Number(top >> 32n);
  const low = Number(top & 0xffffffffn);
  roundPack(sign, scale + length - 1, high, low, (Number(extra) | sticky) >>> 0, out, context);
}

export function sqrt(x: Float80, out: Float80, context: FloatContext): void {
  a.set(x);
  if (settleNaN1(a, x, out, context)) return;
  if (a.kind === 'zero') {
    setZero(out, a.sign);
    return;
  }
  if (a.sign !== 0) {
    context.flags &= ~FloatFlag.denormal;
    raiseInvalid(out, context);
    return;
  }
  if (a.kind === 'infinity') {
    setInfinity(out, 0);
    return;
  }
  // An even exponent, and enough bits for a root of 98 bits.
  const exponent = a.exponent - 63;
  const odd = exponent & 1;
  const shift = 132 + odd;
  const value = a.mantissa() << BigInt(shift);
  const root = integerRoot(value);
  roundInteger(0, (exponent - shift) / 2, root, root * root !== value, out, context);
}

/** Floor of the square root, by Newton's method. */
function integerRoot(value: bigint): bigint {
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
