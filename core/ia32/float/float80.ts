/**
 * The 80-bit double extended format of the x87 (SDM volume 1, 4.2): a mutable cell, so that arithmetic allocates nothing.
 * value = (-1)^sign * mantissa * 2^(exponent - 16383 - 63); the mantissa has an explicit integer bit (bit 63).
 */
export class Float80 {
  /** Sign in bit 15, biased exponent in bits 14..0; MEMORY_DENORMAL may be set in an operand that came from memory. */
  signExponent = 0;
  /** Mantissa bits 63..32, unsigned. */
  high = 0;
  /** Mantissa bits 31..0, unsigned. */
  low = 0;

  /** Copies `from` into this cell and returns this cell. */
  set(from: Float80): Float80 {
    this.signExponent = from.signExponent;
    this.high = from.high;
    this.low = from.low;
    return this;
  }
}

/** A mutable 64-bit pattern in two unsigned halves: a double or a quadword integer in memory. */
export class Word64 {
  high = 0;
  low = 0;
}

/** Exponent bias (SDM volume 1, table 4-3). */
export const BIAS = 16383;
/** The exponent of infinities and NaNs. */
export const MAX_EXPONENT = 0x7fff;

/**
 * Set in `signExponent` of a memory operand that was a denormal in its own format (SDM volume 1, 8.5.2): as an 80-bit
 * value it is normal, but it still raises the denormal exception. No result has it.
 */
export const MEMORY_DENORMAL = 0x10000;

/** Exception flags as in the x87 status word, bits 5..0 (SDM volume 1, 8.1.3.3). */
export const FloatFlag = { invalid: 1, denormal: 2, zeroDivide: 4, overflow: 8, underflow: 16, precision: 32 } as const;

/** Rounding control as encoded in the control word, bits 11..10: nearest even, down, up, toward zero. */
export type RoundingControl = 0 | 1 | 2 | 3;
/** Precision control as encoded in the control word, bits 9..8: 24 bits, reserved, 53 bits, 64 bits. */
export type PrecisionControl = 0 | 1 | 2 | 3;

/** Rounding mode in, exception flags out. An operation ORs into `flags` and sets `roundedUp` (for C1). */
export interface FloatContext {
  rounding: RoundingControl;
  precision: PrecisionControl;
  /** OR of FloatFlag since the caller cleared it. */
  flags: number;
  /** Whether the last inexact result was rounded away from zero (C1, SDM volume 1, 8.1.3.3). */
  roundedUp: boolean;
  /** Exception masks in the control word, bits 5..0: unmasked overflow and underflow give a scaled result (SDM 4.9.1). */
  masks: number;
}
