import type { Instruction } from '../../ia32/instruction.ts';
import { CR0, CR4, EAX, EDX } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { SECONDARY } from '../../ia32/vmx/controls.ts';
import { DR6, DR6_FIXED, DR6_WRITABLE, DR7, DR7_FIXED, DR7_WRITABLE } from './debug-registers.ts';
import type { Executor } from './executor.ts';
import { popFlags } from './flags.ts';
import * as L from './layout.ts';
import { hasVirtualFlags, popVirtualFlags } from './virtual-8086.ts';
import { CR0_FIXED } from './vmx/capabilities.ts';
import { mergedCr0, mergedCr4, visibleCr0, visibleCr4 } from './vmx/control-registers.ts';
import { debugExits } from './vmx/exceptions.ts';
import { guestTimeStamp } from './vmx/time.ts';

/** Control registers, debug registers, the interrupt flag, and the instructions that stop or flush. */

/** Bits of CR0 that can be changed; ET is fixed to 1 (SDM volume 3, 2.5). */
const CR0_WRITABLE = CR0.PE | CR0.MP | CR0.EM | CR0.TS | CR0.NE | CR0.WP | CR0.AM | CR0.NW | CR0.CD | CR0.PG;
/** Bits of CR4 that this processor has; setting another raises #GP(0). */
export const CR4_ALLOWED =
  CR4.VME | CR4.PVI | CR4.TSD | CR4.DE | CR4.PSE | CR4.PAE | CR4.MCE | CR4.PGE | CR4.PCE | CR4.OSFXSR | CR4.OSXMMEXCPT;

/** Bits that VMX operation fixes to 1 (SDM volume 3, 23.8); an unrestricted guest may be without protection and paging. */
function fixedCr0(cpu: Executor): number {
  if (cpu.i32[L.W_VMX_OPERATION] === L.VMX_OFF) return 0;
  return (cpu.i32[L.W_VMX_SECONDARY] & SECONDARY.unrestrictedGuest) !== 0 ? CR0.NE : CR0_FIXED;
}

/** MOV to CR0 and LMSW (SDM volume 2, MOV to control registers). */
export function setCr0(cpu: Executor, value: number): void {
  const next = (value & CR0_WRITABLE) | CR0.ET;
  const before = cpu.i32[L.W_CR0];
  const paging = (next & CR0.PG) !== 0;
  if (paging && (next & CR0.PE) === 0) cpu.generalProtection(0);
  if ((next & CR0.NW) !== 0 && (next & CR0.CD) === 0) cpu.generalProtection(0);
  if ((fixedCr0(cpu) & ~next) !== 0) cpu.generalProtection(0);
  if (paging && before >= 0 && (cpu.i32[L.W_CR4] & CR4.PAE) !== 0) cpu.loadPdptes(cpu.i32[L.W_CR3]);
  cpu.i32[L.W_CR0] = next;
  if (((before ^ next) & (CR0.PG | CR0.WP | CR0.PE)) !== 0) cpu.flushGlobal();
  cpu.updateAlignment();
}

export function setCr3(cpu: Executor, value: number): void {
  if (cpu.paePaging) cpu.loadPdptes(value);
  cpu.i32[L.W_CR3] = value;
  cpu.flushLocal();
}

export function setCr4(cpu: Executor, value: number): void {
  const isVmx = cpu.i32[L.W_VMX_OPERATION] !== L.VMX_OFF;
  if ((value & ~(CR4_ALLOWED | (cpu.hasVmx ? CR4.VMXE : 0))) !== 0) cpu.generalProtection(0);
  if (isVmx && (value & CR4.VMXE) === 0) cpu.generalProtection(0);
  const before = cpu.i32[L.W_CR4];
  const changed = before ^ value;
  if (cpu.i32[L.W_CR0] < 0 && (value & CR4.PAE) !== 0 && (changed & (CR4.PAE | CR4.PSE | CR4.PGE)) !== 0) {
    cpu.loadPdptes(cpu.i32[L.W_CR3]);
  }
  cpu.i32[L.W_CR4] = value;
  if ((changed & (CR4.PAE | CR4.PSE | CR4.PGE)) !== 0) cpu.flushGlobal();
  if ((changed & CR4.DE) !== 0) cpu.updateBreakpoints();
}

function controlRegister(cpu: Executor, number: number): number {
  switch (number) {
    case 0:
      return visibleCr0(cpu);
    case 2:
      return cpu.i32[L.W_CR2];
    case 3:
      return cpu.i32[L.W_CR3];
    default:
      return visibleCr4(cpu);
  }
}

export function movFromControl(cpu: Executor, i: Instruction): void {
  cpu.setRegister(i.dst.register, controlRegister(cpu, i.src.register));
}

export function movToControl(cpu: Executor, i: Instruction): void {
  const value = cpu.register(i.src.register);
  switch (i.dst.register) {
    case 0:
      setCr0(cpu, mergedCr0(cpu, value));
      return;
    case 2:
      cpu.i32[L.W_CR2] = value;
      return;
    case 3:
      setCr3(cpu, value);
      return;
    default:
      setCr4(cpu, mergedCr4(cpu, value));
  }
}

export function smsw(cpu: Executor, i: Instruction): void {
  cpu.write(i, i.dst, visibleCr0(cpu));
}

/** LMSW changes PE, MP, EM and TS only, and cannot clear PE. */
export function lmsw(cpu: Executor, i: Instruction): void {
  const before = cpu.i32[L.W_CR0];
  const low = cpu.read(i, i.dst) & 15;
  setCr0(cpu, mergedCr0(cpu, (before & ~14) | low | (before & CR0.PE)));
}

export function clts(cpu: Executor): void {
  cpu.i32[L.W_CR0] = mergedCr0(cpu, cpu.i32[L.W_CR0] & ~CR0.TS);
}

/** DR4 and DR5 are DR6 and DR7 unless CR4.DE makes them undefined (SDM volume 3, 17.2.2). */
function debugRegister(cpu: Executor, number: number): number {
  if (number !== 4 && number !== 5) return number;
  if ((cpu.i32[L.W_CR4] & CR4.DE) !== 0) cpu.raiseFault(VECTOR.UD, null);
  return number + 2;
}

/** DR7.GD makes every access to a debug register raise #DB (SDM volume 3, 17.2.4). */
function checkDebugAccess(cpu: Executor): void {
  if ((cpu.i32[L.W_DR + 7] & DR7.generalDetect) === 0) return;
  if (debugExits(cpu, DR6.access)) throw cpu.vmExit;
  cpu.i32[L.W_DR + 6] |= DR6.access;
  cpu.raiseFault(VECTOR.DB, null);
}

export function movFromDebug(cpu: Executor, i: Instruction): void {
  const number = debugRegister(cpu, i.src.register);
  checkDebugAccess(cpu);
  cpu.setRegister(i.dst.register, cpu.i32[L.W_DR + number]);
}

export function movToDebug(cpu: Executor, i: Instruction): void {
  const number = debugRegister(cpu, i.dst.register);
  checkDebugAccess(cpu);
  writeDebugRegister(cpu, number, cpu.register(i.src.register));
}

/** DR0 to DR3, DR6 or DR7; fixed bits stay as they are (SDM volume 3, 17.2). */
export function writeDebugRegister(cpu: Executor, number: number, value: number): void {
  if (number === 6) cpu.i32[L.W_DR + 6] = (value & DR6_WRITABLE) | DR6_FIXED;
  else if (number === 7) cpu.setDebugControl((value & DR7_WRITABLE) | DR7_FIXED);
  else {
    cpu.i32[L.W_DR + number] = value;
    cpu.updateBreakpoints();
  }
}

export function invlpg(cpu: Executor, i: Instruction): void {
  cpu.flushPage((cpu.base(i.memory.segment) + cpu.offset(i)) | 0);
}

/** There is no cache to write back or to drop. */
export function invd(): void {}
export function wbinvd(): void {}

export function hlt(cpu: Executor): void {
  cpu.i32[L.W_HALTED] = 1;
  cpu.attend();
}

export function popf(cpu: Executor, i: Instruction): void {
  if (hasVirtualFlags(cpu)) {
    popVirtualFlags(cpu, i.operandSize);
    return;
  }
  const value = cpu.pop(i.operandSize);
  popFlags(cpu, value, i.operandSize, 0);
}

/** Time-stamp counter into EDX:EAX; CR4.TSD keeps it from user code. */
export function rdtsc(cpu: Executor): void {
  if ((cpu.i32[L.W_CR4] & CR4.TSD) !== 0 && cpu.cpl !== 0) cpu.generalProtection(0);
  const [low, high] = guestTimeStamp(cpu);
  cpu.setRegister(EAX, low);
  cpu.setRegister(EDX, high);
}

/** There are no performance counters: every counter number is out of range. */
export function rdpmc(cpu: Executor): void {
  cpu.generalProtection(0);
}

export function ud(cpu: Executor): void {
  cpu.raiseFault(VECTOR.UD, null);
}

/** An instruction of more than 15 bytes (SDM volume 3, table 6-2). */
export function tooLong(cpu: Executor): void {
  cpu.generalProtection(0);
}

/** BOUND: the index must lie between the two signed bounds in memory. */
export function bound(cpu: Executor, i: Instruction): void {
  const size = i.operandSize;
  const index = cpu.signExtend(cpu.read(i, i.dst), size);
  const at = cpu.offset(i);
  const lower = cpu.signExtend(cpu.load(i.memory.segment, at, size), size);
  const upper = cpu.signExtend(cpu.load(i.memory.segment, (at + size) & i.memory.mask, size), size);
  if (index < lower || index > upper) cpu.raiseFault(VECTOR.BR, null);
}
