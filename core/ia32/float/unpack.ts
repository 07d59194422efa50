import { BIAS, type Float80, MAX_EXPONENT } from './float80.ts';

/** What an 80-bit pattern is (SDM volume 1, tables 4-3 and 8-3). */
export type FloatKind = 'zero' | 'finite' | 'infinity' | 'quiet' | 'signaling' | 'unsupported';

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
    if (biased === MAX_EXPONENT) {
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
