import { FIELD } from '../../../ia32/vmx/fields.ts';
import type { Executor } from '../executor.ts';
import * as L from '../layout.ts';
import { readField } from './vmcs.ts';

/**
 * CR0 and CR4 of a guest: bits that are set in a guest/host mask belong to the monitor. They read as in the read shadow, and writing leaves
 * them alone (SDM volume 3, 24.6.6 and 25.3). Outside of a guest all bits are plain.
 */

function isGuest(cpu: Executor): boolean {
  return cpu.i32[L.W_VMX_OPERATION] === L.VMX_NON_ROOT;
}

/** CR0 as instructions read it. */
export function visibleCr0(cpu: Executor): number {
  const value = cpu.i32[L.W_CR0];
  if (!isGuest(cpu)) return value;
  const mask = readField(cpu, FIELD.cr0Mask);
  return (value & ~mask) | (readField(cpu, FIELD.cr0Shadow) & mask);
}

export function visibleCr4(cpu: Executor): number {
  const value = cpu.i32[L.W_CR4];
  if (!isGuest(cpu)) return value;
  const mask = readField(cpu, FIELD.cr4Mask);
  return (value & ~mask) | (readField(cpu, FIELD.cr4Shadow) & mask);
}

/** What writing a value to CR0 really writes. */
export function mergedCr0(cpu: Executor, value: number): number {
  if (!isGuest(cpu)) return value;
  const mask = readField(cpu, FIELD.cr0Mask);
  return (value & ~mask) | (cpu.i32[L.W_CR0] & mask);
}

export function mergedCr4(cpu: Executor, value: number): number {
  if (!isGuest(cpu)) return value;
  const mask = readField(cpu, FIELD.cr4Mask);
  return (value & ~mask) | (cpu.i32[L.W_CR4] & mask);
}
