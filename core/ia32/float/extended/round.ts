import { type Float80, type FloatContext, FloatFlag, MAX_EXPONENT } from '../float80.ts';

/**
 * The unrounded result of an operation: 64 bits of significand with bit 63 set (SIG_HIGH, SIG_LOW) and the 32 bits that
 * follow (SIG_EXTRA), whose lowest is set when anything not 0 comes after. A typed array, so that no number is boxed.
 */
export const sig = new Int32Array(3);
export const SIG_HIGH = 0;
export const SIG_LOW = 1;
export const SIG_EXTRA = 2;

/** What unmasked overflow subtracts from the exponent and unmasked underflow adds (SDM volume 1, 8.5.4 and 8.5.5). */
export const EXPONENT_ADJUST = 24576;

/** Rounds `sig` to 64 bits, as the operations do that precision control leaves alone (SDM volume 1, 8.1.5.2). */
export function roundExtended(sign: number, exponent: number, out: Float80, context: FloatContext): void {
  const extra = sig[SIG_EXTRA];
  if (exponent <= 0 || exponent >= 0x7ffe) {
    roundAtLimits(sign, exponent, 3, out, context);
    return;
  }
  const high = sig[SIG_HIGH];
  const low = sig[SIG_LOW];
  let up = false;
  if (extra !== 0) {
    context.flags |= FloatFlag.precision;
    up = awayFromZero(sign, low & 1, extra, context);
  }
  context.roundedUp = up;
  if (!up) {
    out.signExponent = (sign << 15) | exponent;
    out.high = high >>> 0;
    out.low = low >>> 0;
    return;
  }
  const nextLow = (low + 1) | 0;
  const nextHigh = nextLow === 0 ? (high + 1) | 0 : high;
  const carried = nextLow === 0 && nextHigh === 0;
  out.signExponent = (sign << 15) | (carried ? exponent + 1 : exponent);
  out.high = carried ? 0x80000000 : nextHigh >>> 0;
  out.low = nextLow >>> 0;
}

/** Rounds `sig` with the exponent, which may be out of range, to the precision that the control word asks for. */
export function round(sign: number, exponent: number, out: Float80, context: FloatContext): void {
  if (context.precision === 3 || context.precision === 1) roundExtended(sign, exponent, out, context);
  else roundAtLimits(sign, exponent, context.precision, out, context);
}

/** Whether a value is rounded away from 0 (SDM volume 1, 4.8.4). `odd`: the last kept bit; `tail`: the bits after, not 0. */
export function awayFromZero(sign: number, odd: number, tail: number, context: FloatContext): boolean {
  switch (context.rounding) {
    case 0:
      return tail < 0 && (tail !== -0x80000000 || odd !== 0);
    case 1:
      return sign !== 0;
    case 2:
      return sign === 0;
    case 3:
      return false;
  }
}

export const INEXACT = 1;
export const CARRIED = 2;

/** Keeps 24, 53 or 64 bits of `sig`: INEXACT when bits were lost, CARRIED when it became the next power of two. */
export function roundSignificand(sign: number, precision: number, context: FloatContext): number {
  let high = sig[SIG_HIGH];
  let low = sig[SIG_LOW];
  let tail = sig[SIG_EXTRA];
  let odd = low & 1;
  if (precision === 2) {
    tail = (low << 21) | (tail !== 0 ? 1 : 0);
    odd = low & 0x800;
    low &= ~0x7ff;
  } else if (precision === 0) {
    tail = (high << 24) | (low >>> 8) | ((low & 0xff) !== 0 || tail !== 0 ? 1 : 0);
    odd = high & 0x100;
    high &= ~0xff;
    low = 0;
  }
  let happened = tail !== 0 ? INEXACT : 0;
  context.roundedUp = tail !== 0 && awayFromZero(sign, odd, tail, context);
  if (context.roundedUp) {
    if (precision === 0) high = (high + 0x100) | 0;
    else {
      low = (low + (precision === 2 ? 0x800 : 1)) | 0;
      if (low === 0) high = (high + 1) | 0;
    }
    if (high === 0 && low === 0) {
      high = -0x80000000;
      happened |= CARRIED;
    }
  }
  sig[SIG_HIGH] = high;
  sig[SIG_LOW] = low;
  sig[SIG_EXTRA] = 0;
  return happened;
}

/** out := the significand in `sig` with a sign and a biased exponent. */
export function store(sign: number, exponent: number, out: Float80): void {
  out.signExponent = (sign << 15) | exponent;
  out.high = sig[SIG_HIGH] >>> 0;
  out.low = sig[SIG_LOW] >>> 0;
}

/** Rounding with everything that can happen: reduced precision, overflow (SDM volume 1, 8.5.4), underflow (8.5.5). */
function roundAtLimits(sign: number, exponent: number, precision: number, out: Float80, context: FloatContext): void {
  if (exponent <= 0) {
    roundTiny(sign, exponent, precision, out, context);
    return;
  }
  const happened = roundSignificand(sign, precision, context);
  const rounded = happened & CARRIED ? exponent + 1 : exponent;
  if (rounded < MAX_EXPONENT) {
    if (happened & INEXACT) context.flags |= FloatFlag.precision;
    store(sign, rounded, out);
  } else if (context.masks & FloatFlag.overflow) {
    overflow(sign, precision, out, context);
  } else {
    context.flags |= FloatFlag.overflow | (happened & INEXACT ? FloatFlag.precision : 0);
    store(sign, rounded - EXPONENT_ADJUST, out);
  }
}

/** The masked response to overflow (SDM volume 1, table 4-10): infinity or the largest number of the precision. */
export function overflow(sign: number, precision: number, out: Float80, context: FloatContext): void {
  context.flags |= FloatFlag.overflow | FloatFlag.precision;
  const infinite = awayFromZero(sign, 1, -1, context);
  context.roundedUp = infinite;
  out.signExponent = (sign << 15) | (infinite ? MAX_EXPONENT : MAX_EXPONENT - 1);
  out.high = infinite ? 0x80000000 : precision === 0 ? 0xffffff00 : 0xffffffff;
  out.low = infinite || precision === 0 ? 0 : precision === 2 ? 0xfffff800 : 0xffffffff;
}

/** Tininess is seen after rounding as if the exponent were unbounded (SDM volume 1, 4.9.1.5). */
function roundTiny(sign: number, exponent: number, precision: number, out: Float80, context: FloatContext): void {
  const high = sig[SIG_HIGH];
  const low = sig[SIG_LOW];
  const extra = sig[SIG_EXTRA];
  const unbounded = roundSignificand(sign, precision, context);
  const rounded = unbounded & CARRIED ? exponent + 1 : exponent;
  if (rounded <= 0 && !(context.masks & FloatFlag.underflow)) {
    context.flags |= FloatFlag.underflow | (unbounded & INEXACT ? FloatFlag.precision : 0);
    store(sign, rounded + EXPONENT_ADJUST, out);
    return;
  }
  sig[SIG_HIGH] = high;
  sig[SIG_LOW] = low;
  sig[SIG_EXTRA] = extra;
  denormalize(sign, exponent, rounded <= 0, precision, out, context);
}

/**
 * The masked response to underflow (SDM volume 1, 4.9.1.5): out := `sig` as a denormal of a format whose smallest normal
 * exponent is 1. It is reported when the result is tiny and inexact.
 */
export function denormalize(
  sign: number,
  exponent: number,
  tiny: boolean,
  precision: number,
  out: Float80,
  context: FloatContext,
): void {
  shiftRight(1 - exponent);
  if (roundSignificand(sign, precision, context) & INEXACT)
    context.flags |= FloatFlag.precision | (tiny ? FloatFlag.underflow : 0);
  // Rounding may give the smallest normal number: then the integer bit is set.
  store(sign, sig[SIG_HIGH] < 0 ? 1 : 0, out);
}

/** Shifts `sig` right; what falls out stays as a set lowest bit. */
export function shiftRight(count: number): void {
  let high = sig[SIG_HIGH];
  let low = sig[SIG_LOW];
  let extra = sig[SIG_EXTRA];
  let lost = 0;
  let left = count;
  if (count >= 96) {
    lost = high | low | extra;
    high = low = extra = left = 0;
  }
  for (; left >= 32; left -= 32) {
    lost |= extra;
    extra = low;
    low = high;
    high = 0;
  }
  if (left > 0) {
    lost |= extra << (32 - left);
    extra = (extra >>> left) | (low << (32 - left));
    low = (low >>> left) | (high << (32 - left));
    high = high >>> left;
  }
  sig[SIG_HIGH] = high;
  sig[SIG_LOW] = low;
  sig[SIG_EXTRA] = lost !== 0 ? extra | 1 : extra;
}

/** Shifts `sig`, which is not 0, left until bit 63 is set and returns by how much. */
export function normalize(): number {
  let high = sig[SIG_HIGH];
  let low = sig[SIG_LOW];
  let extra = sig[SIG_EXTRA];
  let count = 0;
  // Twice when all but the bits beyond cancelled: 1 - (1 - 2^-64).
  while (high === 0) {
    high = low;
    low = extra;
    extra = 0;
    count += 32;
  }
  const shift = Math.clz32(high);
  if (shift > 0) {
    high = (high << shift) | (low >>> (32 - shift));
    low = (low << shift) | (extra >>> (32 - shift));
    extra = extra << shift;
  }
  sig[SIG_HIGH] = high;
  sig[SIG_LOW] = low;
  sig[SIG_EXTRA] = extra;
  return count + shift;
}
