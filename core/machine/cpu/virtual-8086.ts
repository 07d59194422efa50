import { FLAG } from '../../ia32/flags.ts';
import { CR4, CS, SS, TR } from '../../ia32/registers.ts';
import type { Executor } from './executor.ts';
import * as L from './layout.ts';
import { loadReal, StackWindow, setStackPointer } from './segmentation.ts';

/**
 * The virtual interrupt flag (SDM volume 3, 20.3 and 20.4): with CR4.VME code in virtual-8086 mode, with CR4.PVI code in ring 3, has EFLAGS.VIF
 * for its IF where IOPL keeps it from the real one. VIP tells that an interrupt waits for VIF: then what would set it is #GP.
 */

/** Whether CLI and STI mean VIF. */
export function hasVirtualInterrupts(cpu: Executor): boolean {
  if (!cpu.protectedMode || cpu.iopl === 3) return false;
  const cr4 = cpu.i32[L.W_CR4];
  return cpu.virtual8086 ? (cr4 & CR4.VME) !== 0 : cpu.cpl === 3 && (cr4 & CR4.PVI) !== 0;
}

/** Whether this is virtual-8086 mode below IOPL 3, where flags are virtual; the opcode table's checks have made sure of CR4.VME. */
export function hasVirtualFlags(cpu: Executor): boolean {
  return cpu.virtual8086 && cpu.iopl !== 3;
}

/** CLI and STI of VIF. */
export function setVirtualInterrupts(cpu: Executor, on: boolean): void {
  const flags = cpu.i32[L.W_EFLAGS];
  if (on && (flags & FLAG.VIP) !== 0) cpu.generalProtection(0);
  cpu.i32[L.W_EFLAGS] = on ? flags | FLAG.VIF : flags & ~FLAG.VIF;
}

/**
 * Before an instruction: VIF and VIP both set are #GP(0), so that the monitor handles the interrupt that waits. It happens behind an IRET, a return
 * or a task switch to such code (SDM volume 3, 20.3.2 and 20.4).
 */
export function checkVirtualInterrupt(cpu: Executor): void {
  const waiting = FLAG.VIF | FLAG.VIP;
  if ((cpu.i32[L.W_EFLAGS] & waiting) === waiting && hasVirtualInterrupts(cpu)) cpu.generalProtection(0);
}

/** FLAGS as PUSHF and INT push them: IOPL 3, and VIF in the place of IF. #GP(0) for 32 bits, which would show VM. */
export function virtualFlags(cpu: Executor, size: number): number {
  if (size === 4) cpu.generalProtection(0);
  const flags = cpu.eflags();
  return (flags & ~FLAG.IF) | FLAG.IOPL | ((flags & FLAG.VIF) !== 0 ? FLAG.IF : 0);
}

/** Raises what POPF and IRET of these FLAGS raise: a trap flag, or interrupts when one waits, is the monitor's affair. */
export function checkVirtualFlags(cpu: Executor, value: number): void {
  const waits = (cpu.i32[L.W_EFLAGS] & FLAG.VIP) !== 0 && (value & FLAG.IF) !== 0;
  if (waits || (value & FLAG.TF) !== 0) cpu.generalProtection(0);
}

/** FLAGS of POPF and IRET: IF goes to VIF, and IOPL stays. */
export function loadVirtualFlags(cpu: Executor, value: number): void {
  const kept = FLAG.IF | FLAG.IOPL | FLAG.VIF | 0xffff0000;
  cpu.setEflags(
    (value & 0xffff & ~kept) | (cpu.eflags() & kept & ~FLAG.VIF) | ((value & FLAG.IF) !== 0 ? FLAG.VIF : 0),
  );
}

/** Offset of the I/O map base in a TSS, below which the interrupt redirection bitmap lies, a bit for each vector. */
const IO_MAP_BASE = 0x66;
const BITMAP_BYTES = 32;

/** Whether INT n goes to the 8086 program's own handler: its bit in the redirection bitmap is clear (20.3.3, methods 5 and 6). */
function isRedirected(cpu: Executor, vector: number): boolean {
  const limit = cpu.segment(TR, L.S_LIMIT) >>> 0;
  const base = cpu.base(TR);
  if (limit < IO_MAP_BASE + 1) cpu.generalProtection(0);
  const at = cpu.readSystem((base + IO_MAP_BASE) | 0, 2) - BITMAP_BYTES + (vector >>> 3);
  if (at < 0 || at > limit) cpu.generalProtection(0);
  return ((cpu.readSystem((base + at) | 0, 1) >> (vector & 7)) & 1) === 0;
}

/** INT n with CR4.VME: enters the handler that the table at linear address 0 names, if it is redirected. Returns whether it was. */
export function redirectInterrupt(cpu: Executor, vector: number): boolean {
  if (!cpu.virtual8086 || (cpu.i32[L.W_CR4] & CR4.VME) === 0 || !isRedirected(cpu, vector)) return false;
  const { i32 } = cpu;
  const isVirtual = cpu.iopl !== 3;
  const entry = cpu.readSystem(vector * 4, 4);
  const stack = StackWindow.current(cpu);
  stack.probe(3, 2);
  stack.push(2, isVirtual ? virtualFlags(cpu, 2) : cpu.eflags());
  stack.push(2, cpu.selector(CS));
  stack.push(2, i32[L.W_EIP]);
  setStackPointer(cpu, stack.pointer);
  loadReal(cpu, CS, entry >>> 16);
  i32[L.W_EIP] = entry & 0xffff;
  cpu.setEflags(cpu.eflags() & ~(FLAG.TF | FLAG.RF | (isVirtual ? FLAG.VIF : FLAG.IF)));
  return true;
}

/** POPF: nothing has changed if it faults. */
export function popVirtualFlags(cpu: Executor, size: number): void {
  // POPFD is refused before it reads the stack (SDM volume 2, POPF).
  if (size === 4) cpu.generalProtection(0);
  const before = cpu.stackPointer();
  const value = cpu.load(SS, before, 2);
  checkVirtualFlags(cpu, value);
  cpu.setStackPointer((before + 2) | 0);
  loadVirtualFlags(cpu, value);
}
