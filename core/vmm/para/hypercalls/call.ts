import type { Domain } from '../domain.ts';

/** EBX, ECX, EDX, ESI, EDI, EBP: unsigned words. */
export type Arguments = readonly [number, number, number, number, number, number];

/** What a hypercall does; answers what EAX is to be. Throws Refused, which becomes an error number. */
export type Hypercall = (domain: Domain, args: Arguments) => number;

/** A signed 64-bit argument in two registers or words, as a number. */
export function longOf(low: number, high: number): number {
  return (high | 0) * 0x100000000 + (low >>> 0);
}
