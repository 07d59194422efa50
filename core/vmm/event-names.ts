import { VECTOR_NAMES } from '../ia32/vectors.ts';
import type { EventSource } from '../machine/cpu/interrupts.ts';
import type { Transfer } from '../machine/cpu/probe.ts';

/** Names of what the machine's probe tells, as people read them. */

export const TRANSFER_NAMES: Readonly<Record<Transfer, string>> = {
  iret: 'iret',
  retFar: 'retf',
  callGate: 'call gate',
  taskSwitch: 'task switch',
  sysenter: 'sysenter',
  sysexit: 'sysexit',
  vmEntry: 'VM entry',
  vmExit: 'VM exit',
};

/** The name of what went through the IDT: `interrupt 32`, `int 0x80`, `#PF`. */
export function deliveryName(vector: number, source: EventSource): string {
  if (source === 'external') return `interrupt ${vector}`;
  if (source === 'software') return `int 0x${vector.toString(16)}`;
  return VECTOR_NAMES[vector] ?? `exception ${vector}`;
}
