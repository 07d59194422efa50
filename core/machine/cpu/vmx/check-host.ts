import { CR4 } from '../../../ia32/registers.ts';
import { EXIT_CONTROL } from '../../../ia32/vmx/controls.ts';
import { FIELD, type FieldEncoding } from '../../../ia32/vmx/fields.ts';
import { CR4_ALLOWED } from '../control.ts';
import type { Executor } from '../executor.ts';
import { isPat } from '../msr.ts';
import { EFER_NXE } from '../msr-numbers.ts';
import { CR0_FIXED } from './capabilities.ts';
import { readField, readHigh } from './vmcs.ts';

/** Checks of the host-state area by VM entry (SDM volume 3, 26.2.2 to 26.2.4). */

const SELECTORS: readonly FieldEncoding[] = [
  FIELD.hostEsSelector,
  FIELD.hostCsSelector,
  FIELD.hostSsSelector,
  FIELD.hostDsSelector,
  FIELD.hostFsSelector,
  FIELD.hostGsSelector,
  FIELD.hostTrSelector,
];
const NOT_NULL: readonly FieldEncoding[] = [FIELD.hostCsSelector, FIELD.hostSsSelector, FIELD.hostTrSelector];

/** Whether a CR4 value is one that VMX operation supports. */
export function isCr4(value: number): boolean {
  return (value & CR4.VMXE) !== 0 && (value & ~(CR4_ALLOWED | CR4.VMXE)) === 0;
}

export function isPatField(cpu: Executor, field: FieldEncoding): boolean {
  return isPat(readField(cpu, field)) && isPat(readHigh(cpu, field));
}

/** Only NXE exists; LMA and LME must be 0 like the controls for IA-32e mode. */
export function isEferField(cpu: Executor, field: FieldEncoding): boolean {
  return (readField(cpu, field) & ~EFER_NXE) === 0 && readHigh(cpu, field) === 0;
}

/** Whether the host state is valid; otherwise the entry fails with error 8. */
export function checkHostState(cpu: Executor): boolean {
  const controls = readField(cpu, FIELD.exitControls);
  if ((CR0_FIXED & ~readField(cpu, FIELD.hostCr0)) !== 0 || !isCr4(readField(cpu, FIELD.hostCr4))) return false;
  if ((controls & EXIT_CONTROL.loadPat) !== 0 && !isPatField(cpu, FIELD.hostPat)) return false;
  if ((controls & EXIT_CONTROL.loadEfer) !== 0 && !isEferField(cpu, FIELD.hostEfer)) return false;
  // RPL and TI.
  if (SELECTORS.some(field => (readField(cpu, field) & 7) !== 0)) return false;
  return NOT_NULL.every(field => readField(cpu, field) !== 0);
}
