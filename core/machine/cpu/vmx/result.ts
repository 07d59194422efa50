import { FLAG } from '../../../ia32/flags.ts';
import type { InstructionError } from '../../../ia32/vmx/exits.ts';
import { FIELD } from '../../../ia32/vmx/fields.ts';
import type { Executor } from '../executor.ts';
import * as L from '../layout.ts';
import { writeField } from './vmcs.ts';

/** How VMX instructions tell success and failure (SDM volume 3, 30.2). */

export function succeed(cpu: Executor): void {
  cpu.setStatusFlags(0);
}

export function failInvalid(cpu: Executor): void {
  cpu.setStatusFlags(FLAG.CF);
}

/** There must be a current VMCS, which takes the error number. */
export function failValid(cpu: Executor, error: InstructionError): void {
  cpu.setStatusFlags(FLAG.ZF);
  writeField(cpu, FIELD.instructionError, error);
}

export function hasVmcs(cpu: Executor): boolean {
  return cpu.i32[L.W_VMCS_POINTER] !== L.NO_VMCS;
}

export function fail(cpu: Executor, error: InstructionError): void {
  if (hasVmcs(cpu)) failValid(cpu, error);
  else failInvalid(cpu);
}
