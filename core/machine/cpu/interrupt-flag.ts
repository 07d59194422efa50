import { FLAG } from '../../ia32/flags.ts';
import type { Executor } from './executor.ts';
import * as L from './layout.ts';
import { hasVirtualInterrupts, setVirtualInterrupts } from './virtual-8086.ts';

/** CLI and STI of IF need CPL <= IOPL, in virtual-8086 mode IOPL 3 (SDM volume 2, CLI). */
function checkInterruptFlag(cpu: Executor): void {
  const allowed = !cpu.protectedMode || (cpu.virtual8086 ? cpu.iopl === 3 : cpu.cpl <= cpu.iopl);
  if (!allowed) cpu.generalProtection(0);
}

/** CLI. */
export function clearInterruptFlag(cpu: Executor): void {
  if (hasVirtualInterrupts(cpu)) {
    setVirtualInterrupts(cpu, false);
    return;
  }
  checkInterruptFlag(cpu);
  cpu.i32[L.W_EFLAGS] &= ~FLAG.IF;
}

/** STI: the instruction after it still runs with interrupts held off. */
export function sti(cpu: Executor): void {
  if (hasVirtualInterrupts(cpu)) {
    setVirtualInterrupts(cpu, true);
    return;
  }
  checkInterruptFlag(cpu);
  if ((cpu.i32[L.W_EFLAGS] & FLAG.IF) === 0) cpu.i32[L.W_SHADOW] = L.SHADOW_STI;
  cpu.i32[L.W_EFLAGS] |= FLAG.IF;
}
