import type { Float80 } from '../float80.ts';
import { INVERSE_TWO_32, productHigh, TWO_32 } from './wide.ts';

/**
 * Long division of 64-bit significands in digits of up to 32 bits (Knuth, The Art of Computer Programming 2, 4.3.1,
 * with estimates from doubles). State in typed arrays, so that no number is boxed.
 */
export const division = new Int32Array(5);
export const REST_HIGH = 0;
export const REST_LOW = 1;
const DIVISOR_HIGH = 2;
const DIVISOR_LOW = 3;
/** The last digit of the quotient. */
export const DIGIT = 4;
const reciprocal = new Float64Array(1);
const POWERS = Float64Array.from({ length: 33 }, (_, power) => 2 ** power);

/**
 * Starts to divide significands that have their integer bits. Returns whether the quotient's integer part is 1: then the
 * remainder is a - b, else a.
 */
export function startDivision(a: Float80, b: Float80): boolean {
  const aHigh = a.high;
  const aLow = a.low;
  const bHigh = b.high;
  const bLow = b.low;
  const one = aHigh === bHigh ? aLow >= bLow : aHigh > bHigh;
  division[REST_HIGH] = one ? aHigh - bHigh - (aLow < bLow ? 1 : 0) : aHigh;
  division[REST_LOW] = one ? aLow - bLow : aLow;
  division[DIVISOR_HIGH] = bHigh;
  division[DIVISOR_LOW] = bLow;
  reciprocal[0] = 1 / (bHigh * TWO_32 + bLow);
  return one;
}

/** Puts the next `bits` (1 to 32) bits of the quotient into DIGIT; the remainder stays below the divisor. */
export function nextDigit(bits: number): void {
  const restHigh = division[REST_HIGH];
  const restLow = division[REST_LOW];
  const divisorHigh = division[DIVISOR_HIGH];
  const divisorLow = division[DIVISOR_LOW];
  const unsignedHigh = divisorHigh >>> 0;
  const unsignedLow = divisorLow >>> 0;
  // Off by at most one: the estimate's relative error is a few times 2^-53 and the digit has at most 32 bits.
  const scaled = ((restHigh >>> 0) * TWO_32 + (restLow >>> 0)) * reciprocal[0];
  let digit = Math.floor(scaled * POWERS[bits]);

  // rest * 2^bits - digit * divisor: 96 bits, the top word tells whether the digit was right.
  const back = 32 - bits;
  const top = bits === 32 ? restHigh : restHigh >>> back;
  const middle = bits === 32 ? restLow : (restHigh << bits) | (restLow >>> back);
  const bottom = bits === 32 ? 0 : restLow << bits;
  const low0 = Math.imul(digit, unsignedLow) >>> 0;
  const low1 = Math.imul(digit, unsignedHigh) >>> 0;
  const difference0 = (bottom >>> 0) - low0;
  const difference1 =
    (middle >>> 0) - low1 - productHigh(digit, unsignedLow, low0) + Math.floor(difference0 * INVERSE_TWO_32);
  let sign = ((top >>> 0) - productHigh(digit, unsignedHigh, low1) + Math.floor(difference1 * INVERSE_TWO_32)) | 0;
  let high = difference1 | 0;
  let low = difference0 | 0;

  if (sign < 0) {
    digit--;
    low = (low + divisorLow) | 0;
    high = (high + divisorHigh + (low >>> 0 < unsignedLow ? 1 : 0)) | 0;
    sign = 0;
  } else if (sign > 0 || high >>> 0 > unsignedHigh || (high === divisorHigh && low >>> 0 >= unsignedLow)) {
    digit++;
    high = (high - divisorHigh - (low >>> 0 < unsignedLow ? 1 : 0)) | 0;
    low = (low - divisorLow) | 0;
  }
  division[REST_HIGH] = high;
  division[REST_LOW] = low;
  division[DIGIT] = digit;
}

/** The remainder against half of the divisor: 32 bits that follow the quotient, the lowest standing for all beyond. */
export function restTail(): number {
  const high = division[REST_HIGH];
  const low = division[REST_LOW];
  if ((high | low) === 0) return 0;
  if (high < 0) return -0x40000000 | 1;
  const doubleHigh = (high << 1) | (low >>> 31);
  const doubleLow = low << 1;
  const divisorHigh = division[DIVISOR_HIGH];
  const divisorLow = division[DIVISOR_LOW];
  if (doubleHigh === divisorHigh && doubleLow === divisorLow) return -0x80000000;
  const above = doubleHigh === divisorHigh ? doubleLow >>> 0 > divisorLow >>> 0 : doubleHigh >>> 0 > divisorHigh >>> 0;
  return above ? -0x80000000 | 1 : 1;
}
