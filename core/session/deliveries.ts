import type { EventSource } from '../machine/cpu/interrupts.ts';
import type { Processor } from '../machine/cpu/processor.ts';

const INT_N = 0xcd;

/**
 * Linear address of the instruction that was interrupted, faulted or called a handler, from the return address that the processor saved: behind an
 * INT n of two bytes, an INT3, INTO or INT1 of one. In a segment with a base it is the offset.
 */
export function causeOf(cpu: Processor, vector: number, source: EventSource, saved: number): number {
  if (source !== 'software') return saved;
  const isInt = cpu.peekByte((saved - 2) | 0) === INT_N && cpu.peekByte((saved - 1) | 0) === vector;
  return (saved - (isInt ? 2 : 1)) >>> 0;
}
