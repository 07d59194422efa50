import { FLAG } from '../../ia32/flags.ts';
import type { Executor } from './executor.ts';

/** Flags that POPF and IRET can change at all; VM and RF are special. */
const WRITABLE =
  FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.TF | FLAG.DF | FLAG.OF | FLAG.NT | FLAG.AC | FLAG.ID;

/**
 * Writes EFLAGS as POPF and IRET do: IF only if CPL <= IOPL, IOPL only at CPL 0 (SDM volume 1, 3.4.3.3); bits
 * above 15 only for 32-bit operands. The rest of `value` is silently ignored: the hole that POPF is famous for.
 */
export function popFlags(cpu: Executor, value: number, size: number, extra: number): void {
  let mask = WRITABLE | extra;
  if (cpu.cpl <= cpu.iopl) mask |= FLAG.IF;
  if (cpu.cpl === 0) mask |= FLAG.IOPL;
  if (size === 2) mask &= 0xffff;
  cpu.setEflags((cpu.eflags() & ~mask) | (value & mask));
}
