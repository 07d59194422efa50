/**
 * 0 for fields of numbers beyond 31 bits. V8 keeps smaller ones in a way of their own: when such a field grows out of it, all machine code that was made
 * for objects of its class is thrown away, in the midst of a boot. It takes -0 for no small integer.
 */
export const LARGE_ZERO = -0;
