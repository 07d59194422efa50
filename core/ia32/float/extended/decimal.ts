import { BIAS, type Float80, type FloatContext, FloatFlag, MAX_EXPONENT } from '../float80.ts';
import { fromInt64, loadInteger } from './integer.ts';
import { SIG_HIGH, SIG_LOW, sig } from './round.ts';
import { INVERSE_TWO_32, TWO_32 } from './wide.ts';

/**
 * Packed BCD: 18 digits and a sign in ten bytes (SDM volume 1, 4.7). The ten bytes stand in a Float80 cell: bytes 9 and 8
 * in signExponent, 7 to 4 in high, 3 to 0 in low.
 */

const BILLION = 1_000_000_000;
/** 10^18 in halves. */
const LIMIT_HIGH = 0x0de0b6b3;
const LIMIT_LOW = 0xa7640000;

/** a as packed BCD by rounding control (FBSTP); what does not fit is invalid and gives the BCD indefinite. */
export function toDecimal(a: Float80, out: Float80, context: FloatContext): void {
  const exponent = a.signExponent & MAX_EXPONENT;
  const sign = a.signExponent & 0x8000;
  if (exponent > BIAS + 63 || (exponent !== 0 && (a.high | 0) >= 0)) {
    decimalIndefinite(out, context);
    return;
  }
  const inexact = loadInteger(a, context);
  const high = sig[SIG_HIGH] >>> 0;
  const low = sig[SIG_LOW] >>> 0;
  if (high > LIMIT_HIGH || (high === LIMIT_HIGH && low >= LIMIT_LOW)) {
    decimalIndefinite(out, context);
    return;
  }
  if (inexact) context.flags |= FloatFlag.precision;
  // Never too small, as multiples of 10^9 below 2^60 are exact in a double; one too large when the rest is negative.
  let billions = Math.floor((high * TWO_32 + low) / BILLION);
  let rest = (low - Math.imul(billions, BILLION)) | 0;
  if (rest < 0) {
    billions--;
    rest += BILLION;
  }
  // Eight digits, then the ninth of the lower half, and so on upwards.
  const restTop = Math.floor(rest / 100_000_000);
  const middle = Math.floor(billions / 10_000_000);
  out.low = packed(rest - restTop * 100_000_000);
  out.high = ((packed(billions - middle * 10_000_000) << 4) | restTop) >>> 0;
  out.signExponent = sign | packed(middle);
}

function decimalIndefinite(out: Float80, context: FloatContext): void {
  context.flags |= FloatFlag.invalid;
  context.roundedUp = false;
  out.signExponent = 0xffff;
  out.high = 0xc0000000;
  out.low = 0;
}

/** Up to eight decimal digits, four bits each. */
function packed(value: number): number {
  let rest = value;
  let digits = 0;
  for (let shift = 0; rest > 0; shift += 4) {
    const tenth = Math.floor(rest / 10);
    digits |= (rest - tenth * 10) << shift;
    rest = tenth;
  }
  return digits >>> 0;
}

function unpacked(digits: number, count: number): number {
  let value = 0;
  for (let shift = (count - 1) * 4; shift >= 0; shift -= 4) value = value * 10 + ((digits >>> shift) & 15);
  return value;
}

/** out := packed BCD (FBLD). Digits above 9 are not checked: the manual leaves them undefined. */
export function fromDecimal(bytes: Float80, out: Float80): void {
  const sign = bytes.signExponent & 0x8000;
  // 10^9 * upper + lower, with 32-bit halves of a product below 2^60.
  const lower = (bytes.high & 15) * 100_000_000 + unpacked(bytes.low, 8);
  const upper = unpacked(bytes.signExponent & 0xff, 2) * 10_000_000 + unpacked(bytes.high >>> 4, 7);
  const low = Math.imul(upper, BILLION) >>> 0;
  const sum = low + lower;
  const high = Math.floor((upper * BILLION - low) * INVERSE_TWO_32 + 0.5) + Math.floor(sum * INVERSE_TWO_32);
  fromInt64(high, sum >>> 0, out);
  out.signExponent |= sign;
}
