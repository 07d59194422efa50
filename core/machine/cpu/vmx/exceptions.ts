import { CR0 } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import { EVENT_TYPE, EXIT, INTERRUPTION } from '../../../ia32/vmx/exits.ts';
import { FIELD } from '../../../ia32/vmx/fields.ts';
import type { Executor } from '../executor.ts';
import * as L from '../layout.ts';
import { readField } from './vmcs.ts';

/** Exceptions of a guest that the exception bitmap makes exits (SDM volume 3, 25.2). */

function isWanted(cpu: Executor, vector: number, code: number | null): boolean {
  if (cpu.i32[L.W_VMX_OPERATION] !== L.VMX_NON_ROOT) return false;
  const bit = ((readField(cpu, FIELD.exceptionBitmap) >>> vector) & 1) !== 0;
  if (vector !== VECTOR.PF) return bit;
  const mask = readField(cpu, FIELD.pageFaultErrorCodeMask);
  const matches = ((code ?? 0) & mask) === readField(cpu, FIELD.pageFaultErrorCodeMatch);
  return matches ? bit : !bit;
}

/** Whether the instruction that an exception came up in is to run again: EFLAGS are pushed with RF set (SDM volume 3, 17.3.1.1). */
export function isFault(vector: number): boolean {
  return vector !== VECTOR.DB && vector !== VECTOR.DF;
}

function setInterruption(cpu: Executor, vector: number, type: number, code: number | null): void {
  const exit = cpu.vmExit;
  // Real mode pushes no error codes.
  const hasCode = code !== null && (cpu.i32[L.W_CR0] & CR0.PE) !== 0;
  const valid = INTERRUPTION.valid | (hasCode ? INTERRUPTION.errorCodeValid : 0);
  exit.interruption = valid | vector | (type << INTERRUPTION.typeShift);
  exit.errorCode = hasCode ? code : 0;
}

/** Whether an exception that the processor detected exits; then `cpu.vmExit` is ready. `cpu.fault` has the address of a page fault. */
export function exceptionExits(cpu: Executor, vector: number, code: number | null): boolean {
  if (!isWanted(cpu, vector, code)) return false;
  const exit = cpu.vmExit.set(EXIT.exceptionOrNmi, vector === VECTOR.PF ? cpu.fault.address : 0);
  setInterruption(cpu, vector, EVENT_TYPE.hardwareException, code);
  exit.resumes = isFault(vector);
  return true;
}

/** The same for a debug exception: the qualification has what DR6 would get, and DR6 and DR7 stay (27.2.1 and 27.3.2). */
export function debugExits(cpu: Executor, conditions: number): boolean {
  if (!exceptionExits(cpu, VECTOR.DB, null)) return false;
  cpu.vmExit.qualification = conditions;
  return true;
}

/** INT1, INT3 and INTO: throws the exit if there is one. */
export function exitSoftwareException(cpu: Executor, vector: number, type: number, length: number): void {
  if (!isWanted(cpu, vector, null)) return;
  cpu.vmExit.set(EXIT.exceptionOrNmi, 0, length);
  setInterruption(cpu, vector, type, null);
  throw cpu.vmExit;
}

/** Notes what is being delivered to a guest, for an exit on the way. */
export function beginDelivery(cpu: Executor, vector: number, type: number, code: number | null, length: number): void {
  if (cpu.i32[L.W_VMX_OPERATION] !== L.VMX_NON_ROOT) return;
  const hasCode = code === null ? 0 : INTERRUPTION.errorCodeValid;
  cpu.delivering = INTERRUPTION.valid | vector | (type << INTERRUPTION.typeShift) | hasCode;
  cpu.deliveringCode = code ?? 0;
  cpu.deliveringLength = length;
}

/** Where a task switch comes from: bits 31:30 of its qualification (SDM volume 3, table 27-2). */
export const TASK_SWITCH = { call: 0, iret: 1, jump: 2, gate: 3 } as const;

/** A guest cannot switch tasks: throws the exit (25.4.2). */
export function exitTaskSwitch(cpu: Executor, selector: number, source: 0 | 1 | 2 | 3, length: number): void {
  if (cpu.i32[L.W_VMX_OPERATION] !== L.VMX_NON_ROOT) return;
  throw cpu.vmExit.set(EXIT.taskSwitch, (selector & 0xffff) | (source << 30), length);
}
