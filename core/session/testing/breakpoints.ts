import type { BreakOn, Breakpoint } from '../../protocol/breakpoints.ts';

/** Breakpoints without conditions, numbered from 1. */
export function breakAt(...all: readonly BreakOn[]): Breakpoint[] {
  return all.map((on, n) => ({ id: n + 1, on, condition: '', enabled: true, ignore: 0 }));
}

/** One before each of these instructions. */
export function breakBefore(...addresses: readonly number[]): Breakpoint[] {
  return breakAt(...addresses.map((address): BreakOn => ({ kind: 'execute', address })));
}
