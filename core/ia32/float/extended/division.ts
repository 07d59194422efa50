import { productHigh } from './wide.ts';

/**
 * Long division of 64-bit significands in digits of up to 32 bits (Knuth, The Art of Computer Programming 2, 4.3.1,
 * with estimates from doubles). State in typed arrays, so that no number is boxed.
 */
const word = new Int32Array(4);
const REST_HIGH = 0;
const REST_LOW = 1;
const DIVISOR_HIGH = 2;
const DIVISOR_LOW = 3;
const reciprocal = new Float64Array(1);

/** Sets a normalized divisor and a remainder smaller than it. */
export function startDivision(restHigh: number, restLow: number, divisorHigh: number, divisorLow: number): void {
  word[REST_HIGH] = restHigh;
  word[REST_LOW] = restLow;
  word[DIVISOR_HIGH] = divisorHigh;
  word[DIVISOR_LOW] = divisorLow;
  reciprocal[0] = 1 / ((divisorHigh >>> 0) * 4294967296 + (divisorLow >>> 0));
}

/** The next `bits` (1 to 32) bits of the quotient, as a signed pattern; the remainder stays below the divisor. */
export function quotientDigit(bits: number): number {
  const restHigh = word[REST_HIGH];
  const restLow = word[REST_LOW];
  const divisorHigh = word[DIVISOR_HIGH];
  const divisorLow = word[DIVISOR_LOW];
  const unsignedHigh = divisorHigh >>> 0;
  const unsignedLow = divisorLow >>> 0;
  // Off by at most one: the estimate's relative error is a few times 2^-53 and the digit has at most 32 bits.
  const scaled = ((restHigh >>> 0) * 4294967296 + (restLow >>> 0)) * reciprocal[0];
  let digit = Math.floor(scaled * 2 ** bits);

  // rest * 2^bits - digit * divisor: 96 bits, the top word tells whether the digit was right.
  const back = 32 - bits;
  const top = bits === 32 ? restHigh : restHigh >>> back;
  const middle = bits === 32 ? restLow : (restHigh << bits) | (restLow >>> back);
  const bottom = bits === 32 ? 0 : restLow << bits;
  const low0 = Math.imul(digit, unsignedLow) >>> 0;
  const low1 = Math.imul(digit, unsignedHigh) >>> 0;
  const difference0 = (bottom >>> 0) - low0;
  const difference1 =
    (middle >>> 0) - low1 - productHigh(digit, unsignedLow, low0) + Math.floor(difference0 * 2 ** -32);
  let sign = ((top >>> 0) - productHigh(digit, unsignedHigh, low1) + Math.floor(difference1 * 2 ** -32)) | 0;
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
  word[REST_HIGH] = high;
  word[REST_LOW] = low;
  return digit | 0;
}

/** The remainder's halves, as signed patterns. */
export function restHigh(): number {
  return word[REST_HIGH];
}
export function restLow(): number {
  return word[REST_LOW];
}

/** The remainder against half of the divisor: 32 bits that follow the quotient, the lowest standing for all beyond. */
export function restTail(): number {
  const high = word[REST_HIGH];
  const low = word[REST_LOW];
  if ((high | low) === 0) return 0;
  if (high < 0) return -0x40000000 | 1;
  const doubleHigh = (high << 1) | (low >>> 31);
  const doubleLow = low << 1;
  const divisorHigh = word[DIVISOR_HIGH];
  const divisorLow = word[DIVISOR_LOW];
  if (doubleHigh === divisorHigh && doubleLow === divisorLow) return -0x80000000;
  const above = doubleHigh === divisorHigh ? doubleLow >>> 0 > divisorLow >>> 0 : doubleHigh >>> 0 > divisorHigh >>> 0;
  return above ? -0x80000000 | 1 : 1;
}
