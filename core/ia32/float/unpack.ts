import { type Float80, type FloatContext, FloatFlag } from './float80.ts';

/** What an 80-bit pattern is (SDM volume 1, tables 4-3 and 8-3). */
export type FloatKind = 'zero' | 'finite' | 'infinity' | 'quiet' | 'signaling' | 'unsupported';

export const BIAS = 16383;
export const INFINITE_EXPONENT = 0x7fff;
const INTEGER_BIT = 0x80000000;
const QUIET_BIT = 0x40000000;

/** A number taken apart: (-1)^sign * (high:low) * 2^(exponent - 63), with bit 31 of `high` set when it is finite. */
export class Unpacked {
  kind: FloatKind = 'zero';
  sign = 0;
  /** Unbiased. */
  exponent = 0;
  high = 0;
  low = 0;
  isDenormal = false;

  set(x: Float80): Unpacked {
    const biased = x.signExponent & 0x7fff;
    this.sign = x.signExponent >>> 15;
    this.high = x.high;
    this.low = x.low;
    this.isDenormal = false;
    const hasInteger = x.high >= INTEGER_BIT;
    if (biased === INFINITE_EXPONENT) {
      const fraction = (x.high & 0x7fffffff) !== 0 || x.low !== 0;
      if (!hasInteger) this.kind = 'unsupported';
      else if (!fraction) this.kind = 'infinity';
      else this.kind = (x.high & QUIET_BIT) !== 0 ? 'quiet' : 'signaling';
      return this;
    }
    if (biased === 0) {
      this.kind = x.high === 0 && x.low === 0 ? 'zero' : 'finite';
      if (this.kind === 'finite') {
        // A denormal, or a pseudo-denormal with its integer bit set: both have exponent 1 - bias.
        this.isDenormal = true;
        this.exponent = 1 - BIAS;
        this.#normalize();
      }
      return this;
    }
    this.kind = hasInteger ? 'finite' : 'unsupported';
    this.exponent = biased - BIAS;
    return this;
  }

  #normalize(): void {
    const shift = this.high !== 0 ? Math.clz32(this.high) : 32 + Math.clz32(this.low);
    this.exponent -= shift;
    if (shift >= 32) {
      this.high = (this.low << (shift - 32)) >>> 0;
      this.low = 0;
    } else if (shift > 0) {
      this.high = ((this.high << shift) | (this.low >>> (32 - shift))) >>> 0;
      this.low = (this.low << shift) >>> 0;
    }
  }

  /** The 64-bit mantissa. */
  mantissa(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }
}

export function setZero(out: Float80, sign: number): void {
  out.signExponent = sign << 15;
  out.high = 0;
  out.low = 0;
}

export function setInfinity(out: Float80, sign: number): void {
  out.signExponent = (sign << 15) | INFINITE_EXPONENT;
  out.high = INTEGER_BIT;
  out.low = 0;
}

/** The QNaN floating-point indefinite: what a masked invalid operation gives. */
export function setIndefinite(out: Float80): void {
  out.signExponent = 0xffff;
  out.high = 0xc0000000;
  out.low = 0;
}

export function raiseInvalid(out: Float80, context: FloatContext): void {
  context.flags |= FloatFlag.invalid;
  setIndefinite(out);
}

function isNotANumber(u: Unpacked): boolean {
  return u.kind === 'quiet' || u.kind === 'signaling';
}

function setNaN(out: Float80, x: Float80): void {
  const { signExponent, high, low } = x;
  out.signExponent = signExponent;
  out.high = (high | QUIET_BIT) >>> 0;
  out.low = low;
}

/**
 * Results that operands decide by their kind alone: unsupported formats and NaNs (SDM volume 1, table 4-7: of two NaNs the
 * larger significand, an SNaN made quiet). Returns whether `out` was set. Also raises the denormal flag otherwise.
 */
export function settleNaN(
  a: Unpacked,
  x: Float80,
  b: Unpacked,
  y: Float80,
  out: Float80,
  context: FloatContext,
): boolean {
  if (a.kind === 'unsupported' || b.kind === 'unsupported') {
    raiseInvalid(out, context);
    return true;
  }
  if (!isNotANumber(a) && !isNotANumber(b)) {
    if (a.isDenormal || b.isDenormal) context.flags |= FloatFlag.denormal;
    return false;
  }
  if (a.kind === 'signaling' || b.kind === 'signaling') context.flags |= FloatFlag.invalid;
  if (!isNotANumber(b)) setNaN(out, x);
  else if (!isNotANumber(a)) setNaN(out, y);
  else if (a.kind !== b.kind) {
    // One signals, one is quiet: the quiet one.
    setNaN(out, a.kind === 'quiet' ? x : y);
  } else {
    const order = a.high - b.high || a.low - b.low || b.sign - a.sign;
    setNaN(out, order >= 0 ? x : y);
  }
  return true;
}

/** The same for one operand. */
export function settleNaN1(a: Unpacked, x: Float80, out: Float80, context: FloatContext): boolean {
  return settleNaN(a, x, NOT_NAN, x, out, context);
}

const NOT_NAN = new Unpacked();
