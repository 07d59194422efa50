import { type Float80, type FloatContext, FloatFlag } from './float80.ts';
import { BIAS, INFINITE_EXPONENT, setInfinity, setZero } from './unpack.ts';

/** Exponent adjustment of results for unmasked overflow and underflow (SDM volume 1, 8.5.4 and 8.5.5). */
const WRAP = 24576;

/** The mantissa that is being rounded: 64 bits and 32 bits beyond, the last of which is sticky. */
let high = 0;
let low = 0;
let inexact = false;
let increased = false;
let carried = false;

/** Bits that precision control keeps. */
function kept(context: FloatContext): 24 | 53 | 64 {
  return context.precision === 0 ? 24 : context.precision === 2 ? 53 : 64;
}

/** Rounds (h:l:extra) to `bits` into high:low; on a carry out of bit 63 the mantissa is 1.0 and `carried` is set. */
function roundMantissa(
  h: number,
  l: number,
  extra: number,
  bits: 24 | 53 | 64,
  sign: number,
  context: FloatContext,
): void {
  let guard: number;
  let sticky: boolean;
  let last: number;
  high = h;
  low = l;
  if (bits === 64) {
    guard = extra >>> 31;
    sticky = (extra & 0x7fffffff) !== 0;
    last = low & 1;
  } else if (bits === 53) {
    guard = (low >>> 10) & 1;
    sticky = (low & 0x3ff) !== 0 || extra !== 0;
    last = (low >>> 11) & 1;
    low = (low & ~0x7ff) >>> 0;
  } else {
    guard = (high >>> 7) & 1;
    sticky = (high & 0x7f) !== 0 || low !== 0 || extra !== 0;
    last = (high >>> 8) & 1;
    high = (high & ~0xff) >>> 0;
    low = 0;
  }
  inexact = guard !== 0 || sticky;
  carried = false;
  switch (context.rounding) {
    case 0:
      increased = guard !== 0 && (sticky || last !== 0);
      break;
    case 1:
      increased = inexact && sign !== 0;
      break;
    case 2:
      increased = inexact && sign === 0;
      break;
    case 3:
      increased = false;
  }
  if (!increased) return;
  if (bits === 24) {
    high += 0x100;
  } else {
    low += bits === 64 ? 1 : 0x800;
    if (low > 0xffffffff) {
      low -= 0x100000000;
      high++;
    }
  }
  if (high > 0xffffffff) {
    high = 0x80000000;
    low = 0;
    carried = true;
  }
}

function note(context: FloatContext): void {
  if (!inexact) return;
  context.flags |= FloatFlag.precision;
  context.roundedUp = increased;
}

/**
 * Rounds (-1)^sign * (h:l:extra) * 2^(exponent - 63) to the context's precision and range. Bit 31 of `h` must be set; bit 0 of `extra`
 * stands for all that lies beyond.
 */
export function roundPack(
  sign: number,
  exponent: number,
  h: number,
  l: number,
  extra: number,
  out: Float80,
  context: FloatContext,
): void {
  roundTo(kept(context), sign, exponent, h, l, extra, out, context);
}

/** The same to all 64 bits, whatever precision control says. */
export function roundPack64(
  sign: number,
  exponent: number,
  h: number,
  l: number,
  extra: number,
  out: Float80,
  context: FloatContext,
): void {
  roundTo(64, sign, exponent, h, l, extra, out, context);
}

function roundTo(
  bits: 24 | 53 | 64,
  sign: number,
  exponent: number,
  h: number,
  l: number,
  extra: number,
  out: Float80,
  context: FloatContext,
): void {
  roundMantissa(h, l, extra, bits, sign, context);
  const biased = exponent + BIAS + (carried ? 1 : 0);
  if (biased >= INFINITE_EXPONENT) {
    overflow(bits, sign, biased, out, context);
    return;
  }
  if (biased <= 0) {
    underflow(bits, sign, exponent, biased, h, l, extra, out, context);
    return;
  }
  note(context);
  pack(out, sign, biased, high, low);
}

function pack(out: Float80, sign: number, biased: number, h: number, l: number): void {
  out.signExponent = (sign << 15) | biased;
  out.high = h;
  out.low = l;
}

function overflow(bits: 24 | 53 | 64, sign: number, biased: number, out: Float80, context: FloatContext): void {
  context.flags |= FloatFlag.overflow;
  if ((context.masks & FloatFlag.overflow) === 0) {
    note(context);
    pack(out, sign, biased - WRAP, high, low);
    return;
  }
  context.flags |= FloatFlag.precision;
  const toInfinity =
    context.rounding === 0 || (context.rounding === 1 && sign !== 0) || (context.rounding === 2 && sign === 0);
  context.roundedUp = toInfinity;
  if (toInfinity) setInfinity(out, sign);
  else if (bits === 24) pack(out, sign, 0x7ffe, 0xffffff00, 0);
  else pack(out, sign, 0x7ffe, 0xffffffff, bits === 53 ? 0xfffff800 : 0xffffffff);
}

/** Masked: the number is denormalized, and is an underflow if that loses bits. Unmasked: its exponent is wrapped. */
function underflow(
  bits: 24 | 53 | 64,
  sign: number,
  exponent: number,
  biased: number,
  h: number,
  l: number,
  extra: number,
  out: Float80,
  context: FloatContext,
): void {
  if ((context.masks & FloatFlag.underflow) === 0) {
    context.flags |= FloatFlag.underflow;
    note(context);
    pack(out, sign, biased + WRAP, high, low);
    return;
  }
  const shift = 1 - BIAS - exponent;
  shiftRight(h, l, extra, shift);
  roundMantissa(shifted.high, shifted.low, shifted.extra, bits, sign, context);
  if (inexact) context.flags |= FloatFlag.underflow;
  note(context);
  if (high === 0 && low === 0) {
    setZero(out, sign);
    return;
  }
  // Rounding may carry into the integer bit: then it is the smallest normal number.
  pack(out, sign, high >= 0x80000000 ? 1 : 0, high, low);
}

/** Result of shiftRight. */
export const shifted = { high: 0, low: 0, extra: 0 };

/** Shifts 96 bits right, 0 or more; what falls out stays in bit 0 of `extra`. */
export function shiftRight(h: number, l: number, x: number, by: number): void {
  let rest = by;
  shifted.high = h;
  shifted.low = l;
  shifted.extra = x;
  if (rest > 96) rest = 96;
  while (rest >= 32) {
    const lost = shifted.extra !== 0 ? 1 : 0;
    shifted.extra = (shifted.low | lost) >>> 0;
    shifted.low = shifted.high;
    shifted.high = 0;
    rest -= 32;
  }
  if (rest === 0) return;
  const lost = (shifted.extra << (32 - rest)) >>> 0 !== 0 ? 1 : 0;
  shifted.extra = ((shifted.low << (32 - rest)) | (shifted.extra >>> rest) | lost) >>> 0;
  shifted.low = ((shifted.high << (32 - rest)) | (shifted.low >>> rest)) >>> 0;
  shifted.high >>>= rest;
}
