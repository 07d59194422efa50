import { CR0 } from '../../../ia32/registers.ts';
import {
  type ENTRY_CONTROL,
  EPT_POINTER,
  EXIT_CONTROL,
  PIN,
  PROCESSOR,
  SECONDARY,
} from '../../../ia32/vmx/controls.ts';
import { EVENT_TYPE, INTERRUPTION } from '../../../ia32/vmx/exits.ts';
import { FIELD, type FieldEncoding } from '../../../ia32/vmx/fields.ts';
import type { Executor } from '../executor.ts';
import { ALLOWED, CR3_TARGETS, isAllowed } from './capabilities.ts';
import { readField, readHigh } from './vmcs.ts';

/** Checks of the VMX controls by VM entry (SDM volume 3, 26.2.1). */

/** Whether an EPT pointer can be used (26.2.1.1). */
export function isEptPointer(low: number, high: number): boolean {
  const type = low & EPT_POINTER.memoryTypeMask;
  return (
    (type === EPT_POINTER.uncacheable || type === EPT_POINTER.writeBack) &&
    (low & EPT_POINTER.walkLengthMask) === EPT_POINTER.fourLevels &&
    // Reserved: bits 11:7.
    (low & 0xf80) === 0 &&
    high === 0
  );
}

/** The secondary controls in effect. */
export function secondaryControls(cpu: Executor): number {
  const isActive = (readField(cpu, FIELD.processorControls) & PROCESSOR.secondaryControls) !== 0;
  return isActive ? readField(cpu, FIELD.secondaryControls) : 0;
}

function isAddress(cpu: Executor, field: FieldEncoding, alignment: number): boolean {
  return (readField(cpu, field) & (alignment - 1)) === 0 && readHigh(cpu, field) === 0;
}

/** An MSR area: aligned to 16 bytes, its last byte below 4 GB; nothing is asked of one without entries. */
function isMsrArea(cpu: Executor, address: FieldEncoding, count: FieldEncoding): boolean {
  const entries = readField(cpu, count) >>> 0;
  if (entries === 0) return true;
  const last = (readField(cpu, address) >>> 0) + entries * 16 - 1;
  return isAddress(cpu, address, 16) && last <= 0xffffffff;
}

function checkExecution(cpu: Executor): boolean {
  const pin = readField(cpu, FIELD.pinControls);
  const processor = readField(cpu, FIELD.processorControls);
  const secondary = secondaryControls(cpu);
  const has = (control: number) => (secondary & control) !== 0;
  if (!isAllowed(pin, ALLOWED.pin) || !isAllowed(processor, ALLOWED.processor)) return false;
  if (!isAllowed(secondary, ALLOWED.secondary)) return false;
  if (readField(cpu, FIELD.cr3TargetCount) >>> 0 > CR3_TARGETS) return false;
  const bitmaps = (processor & PROCESSOR.ioBitmaps) !== 0;
  if (bitmaps && !(isAddress(cpu, FIELD.ioBitmapA, 4096) && isAddress(cpu, FIELD.ioBitmapB, 4096))) return false;
  if ((processor & PROCESSOR.msrBitmaps) !== 0 && !isAddress(cpu, FIELD.msrBitmaps, 4096)) return false;
  if (has(SECONDARY.vpid) && readField(cpu, FIELD.vpid) === 0) return false;
  if (has(SECONDARY.ept)) return isEptPointer(readField(cpu, FIELD.eptPointer), readHigh(cpu, FIELD.eptPointer));
  return !has(SECONDARY.unrestrictedGuest);
}

function checkExit(cpu: Executor): boolean {
  const controls = readField(cpu, FIELD.exitControls);
  if (!isAllowed(controls, ALLOWED.exit)) return false;
  const hasTimer = (readField(cpu, FIELD.pinControls) & PIN.preemptionTimer) !== 0;
  if (!hasTimer && (controls & EXIT_CONTROL.savePreemptionTimer) !== 0) return false;
  return (
    isMsrArea(cpu, FIELD.exitMsrStoreAddress, FIELD.exitMsrStoreCount) &&
    isMsrArea(cpu, FIELD.exitMsrLoadAddress, FIELD.exitMsrLoadCount)
  );
}

/** Exceptions with an error code: bit n for vector n (SDM volume 3, table 6-1). */
const WITH_ERROR_CODE = [8, 10, 11, 12, 13, 14, 17].reduce((bits, vector) => bits | (1 << vector), 0);

/** The event to inject (26.2.1.3). */
function checkEvent(cpu: Executor): boolean {
  const information = readField(cpu, FIELD.entryInterruptionInformation);
  if ((information & INTERRUPTION.valid) === 0) return true;
  const vector = information & INTERRUPTION.vectorMask;
  const type = (information & INTERRUPTION.typeMask) >> INTERRUPTION.typeShift;
  if (type === 1 || (information & 0x7ffff000) !== 0) return false;
  if (type === EVENT_TYPE.nmi && vector !== 2) return false;
  if (type === EVENT_TYPE.hardwareException && vector > 31) return false;
  if (type === EVENT_TYPE.other && vector !== 0) return false;
  const isReal =
    (secondaryControls(cpu) & SECONDARY.unrestrictedGuest) !== 0 && (readField(cpu, FIELD.guestCr0) & CR0.PE) === 0;
  const needsCode = !isReal && type === EVENT_TYPE.hardwareException && ((WITH_ERROR_CODE >>> vector) & 1) !== 0;
  const hasCode = (information & INTERRUPTION.errorCodeValid) !== 0;
  if (hasCode !== needsCode) return false;
  if (hasCode && (readField(cpu, FIELD.entryExceptionErrorCode) & ~0x7fff) !== 0) return false;
  const isSoftware = type >= EVENT_TYPE.softwareInterrupt && type <= EVENT_TYPE.softwareException;
  const length = readField(cpu, FIELD.entryInstructionLength);
  return !isSoftware || (length >= 1 && length <= 15);
}

function checkEntry(cpu: Executor): boolean {
  return (
    isAllowed(readField(cpu, FIELD.entryControls), ALLOWED.entry) &&
    checkEvent(cpu) &&
    isMsrArea(cpu, FIELD.entryMsrLoadAddress, FIELD.entryMsrLoadCount)
  );
}

/** Whether the controls are valid; otherwise the entry fails with error 7. */
export function checkControls(cpu: Executor): boolean {
  return checkExecution(cpu) && checkExit(cpu) && checkEntry(cpu);
}

/** Whether an entry control is set. */
export function hasEntryControl(cpu: Executor, control: (typeof ENTRY_CONTROL)[keyof typeof ENTRY_CONTROL]): boolean {
  return (readField(cpu, FIELD.entryControls) & control) !== 0;
}
