import type { EventSource } from '../../machine/cpu/interrupts.ts';
import type { Processor } from '../../machine/cpu/processor.ts';

const INT_N = 0xcd;

/**
 * Linear address of the instruction that was interrupted, faulted or called a handler, from the return address that the processor saved: behind an
 * INT n of two bytes, an INT3, INTO or INT1 of one. In a segment with a base it is the offset.
 */
export function causeOf(cpu: Processor, vector: number, source: EventSource, saved: number): number {
  if (source !== 'software') return saved;
  const from = (saved - 2) | 0;
  const first = cpu.lookUp(from);
  // This is done for each system call: one walk will do.
  const second = (from & 0xfff) === 0xfff ? cpu.lookUp((from + 1) | 0) : first + 1;
  const isMapped = first >= 0 && second >= 0;
  const isInt = isMapped && cpu.physical.peekByte(first) === INT_N && cpu.physical.peekByte(second) === vector;
  return (saved - (isInt ? 2 : 1)) >>> 0;
}
