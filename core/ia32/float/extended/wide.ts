/** Products of 32-bit halves without BigInt: values are bit patterns in numbers. */

/**
 * The high 32 bits (as a number, unsigned) of the unsigned product of `a` and `b`, both unsigned numbers, whose low bits
 * are `low` (unsigned). Exact: the double product is off by at most 2^10, so the difference is off by less than half of 2^32.
 */
export function productHigh(a: number, b: number, low: number): number {
  return Math.floor((a * b - low) * 2 ** -32 + 0.5);
}
