import { CS, ESP, SS } from '../../../ia32/registers.ts';
import { ENTRY_CONTROL, PIN, PROCESSOR, SECONDARY } from '../../../ia32/vmx/controls.ts';
import { BLOCKING, INSTRUCTION_ERROR as ERROR, EXIT } from '../../../ia32/vmx/exits.ts';
import { FIELD, type FieldEncoding } from '../../../ia32/vmx/fields.ts';
import { DR7_FIXED, DR7_WRITABLE } from '../debug-registers.ts';
import type { Executor } from '../executor.ts';
import * as L from '../layout.ts';
import * as M from '../msr-numbers.ts';
import { tagOf } from '../tlb-spaces.ts';
import { isPdpte } from '../translation.ts';
import { TIMER_SHIFT } from './capabilities.ts';
import { checkControls, hasEntryControl, secondaryControls } from './check-controls.ts';
import { checkGuestState, INVALID } from './check-guest.ts';
import { checkHostState } from './check-host.ts';
import { CR0_KEPT } from './host-state.ts';
import { injectEvent } from './inject.ts';
import { failEntry } from './leave.ts';
import { loadMsrs } from './msr-lists.ts';
import { failInvalid, failValid, hasVmcs } from './result.ts';
import { GUEST_SEGMENTS, UNUSABLE } from './segments.ts';
import { LAUNCH_CLEAR, LAUNCH_LAUNCHED, launchState, readField, readHigh, setLaunchState } from './vmcs.ts';

/** VM entry (SDM volume 3, chapter 26). */

export function vmlaunch(cpu: Executor): void {
  enterGuest(cpu, LAUNCH_CLEAR);
}

export function vmresume(cpu: Executor): void {
  enterGuest(cpu, LAUNCH_LAUNCHED);
}

function enterGuest(cpu: Executor, required: number): void {
  if (!hasVmcs(cpu)) failInvalid(cpu);
  else if (cpu.heldOff === L.SHADOW_STACK) failValid(cpu, ERROR.entryBlockedByMovSs);
  else if (launchState(cpu) !== required) {
    failValid(cpu, required === LAUNCH_CLEAR ? ERROR.vmlaunchNotClear : ERROR.vmresumeNotLaunched);
  } else if (!checkControls(cpu)) failValid(cpu, ERROR.invalidControls);
  else if (!checkHostState(cpu)) failValid(cpu, ERROR.invalidHostState);
  else enterChecked(cpu);
}

function enterChecked(cpu: Executor): void {
  // What comes now leaves this block: another address space, and perhaps a timer or a processor that is halted.
  cpu.attend();
  const invalid = checkGuestState(cpu);
  if (invalid !== null) {
    failEntry(cpu, EXIT.entryInvalidGuestState, invalid);
    return;
  }
  loadRegisters(cpu);
  if (!loadPdptes(cpu)) {
    failEntry(cpu, EXIT.entryInvalidGuestState, INVALID.pdptes);
    return;
  }
  loadSegments(cpu);
  const bad = loadMsrs(cpu, readField(cpu, FIELD.entryMsrLoadAddress), readField(cpu, FIELD.entryMsrLoadCount));
  if (bad !== 0) {
    failEntry(cpu, EXIT.entryMsrLoading, bad);
    return;
  }
  setLaunchState(cpu, cpu.i32[L.W_VMCS_POINTER], LAUNCH_LAUNCHED);
  // To ask for it tells what waits (transfer-log.ts), while that is still the monitor's.
  const { probe } = cpu;
  begin(cpu);
  probe?.transferred('vmEntry');
  injectEvent(cpu);
}

/** Control and debug registers and MSRs (26.3.2.1), the table registers, EIP, ESP and EFLAGS (26.3.2.3). */
function loadRegisters(cpu: Executor): void {
  const { i32 } = cpu;
  i32[L.W_CR0] = (readField(cpu, FIELD.guestCr0) & ~CR0_KEPT) | (i32[L.W_CR0] & CR0_KEPT);
  i32[L.W_CR3] = readField(cpu, FIELD.guestCr3);
  i32[L.W_CR4] = readField(cpu, FIELD.guestCr4);
  if (hasEntryControl(cpu, ENTRY_CONTROL.loadDebugControls)) {
    cpu.setDebugControl((readField(cpu, FIELD.guestDr7) & DR7_WRITABLE) | DR7_FIXED);
  }
  i32[L.W_MSR + M.SYSENTER_CS] = readField(cpu, FIELD.guestSysenterCs);
  i32[L.W_MSR + M.SYSENTER_ESP] = readField(cpu, FIELD.guestSysenterEsp);
  i32[L.W_MSR + M.SYSENTER_EIP] = readField(cpu, FIELD.guestSysenterEip);
  if (hasEntryControl(cpu, ENTRY_CONTROL.loadPat)) {
    i32[L.W_MSR + M.PAT] = readField(cpu, FIELD.guestPat);
    i32[L.W_MSR + M.PAT + 1] = readHigh(cpu, FIELD.guestPat);
  }
  if (hasEntryControl(cpu, ENTRY_CONTROL.loadEfer)) i32[L.W_MSR + M.EFER] = readField(cpu, FIELD.guestEfer);
  i32[L.W_GDTR_BASE] = readField(cpu, FIELD.guestGdtrBase);
  i32[L.W_GDTR_LIMIT] = readField(cpu, FIELD.guestGdtrLimit);
  i32[L.W_IDTR_BASE] = readField(cpu, FIELD.guestIdtrBase);
  i32[L.W_IDTR_LIMIT] = readField(cpu, FIELD.guestIdtrLimit);
  i32[L.W_EIP] = readField(cpu, FIELD.guestEip);
  i32[ESP] = readField(cpu, FIELD.guestEsp);
  cpu.setEflags(readField(cpu, FIELD.guestEflags));
}

const PDPTES: readonly FieldEncoding[] = [FIELD.guestPdpte0, FIELD.guestPdpte1, FIELD.guestPdpte2, FIELD.guestPdpte3];

/** PDPTEs of a guest with PAE paging: with EPT from the VMCS, without from memory (26.3.2.4). False if they are not valid. */
function loadPdptes(cpu: Executor): boolean {
  if (!cpu.paePaging) return true;
  if ((secondaryControls(cpu) & SECONDARY.ept) === 0) return cpu.readPdptes(cpu.i32[L.W_CR3]);
  const values = PDPTES.map(field => [readField(cpu, field), readHigh(cpu, field)] as const);
  if (!values.every(([low, high]) => isPdpte(low, high))) return false;
  cpu.i32.set(values.flat(), L.W_PDPTE);
  return true;
}

function loadSegments(cpu: Executor): void {
  for (const { index, selector, base, limit, rights } of GUEST_SEGMENTS) {
    const attributes = readField(cpu, rights);
    // The base and limit of an unusable segment are kept, but nothing can use them. CS always is one that can be used (26.3.2.2).
    const usable = (attributes & UNUSABLE) === 0 || index === CS ? attributes & 0xf0ff : 0;
    cpu.setSegment(index, readField(cpu, selector), readField(cpu, base), readField(cpu, limit), usable);
    if (index === SS) cpu.setCpl((attributes >> 5) & 3);
  }
}

/** Non-root operation begins: controls, the timer, what holds off or waits for delivery (26.3.2.5 to 26.6). */
function begin(cpu: Executor): void {
  const { i32 } = cpu;
  const pin = readField(cpu, FIELD.pinControls);
  const processor = readField(cpu, FIELD.processorControls);
  const secondary = secondaryControls(cpu);
  const blocking = readField(cpu, FIELD.guestInterruptibility);
  const pending = readField(cpu, FIELD.guestPendingDebugExceptions);
  i32[L.W_VMX_OPERATION] = L.VMX_NON_ROOT;
  i32[L.W_VMX_PIN] = pin;
  i32[L.W_VMX_PROCESSOR] = processor;
  i32[L.W_VMX_SECONDARY] = secondary;
  i32[L.W_EPT_POINTER] = (secondary & SECONDARY.ept) !== 0 ? readField(cpu, FIELD.eptPointer) : 0;
  i32[L.W_HALTED] = readField(cpu, FIELD.guestActivity);
  i32[L.W_SHADOW] =
    (blocking & BLOCKING.movSs) !== 0 ? L.SHADOW_STACK : (blocking & BLOCKING.sti) !== 0 ? L.SHADOW_STI : 0;
  i32[L.W_NMI_BLOCKED] = (blocking & BLOCKING.nmi) !== 0 ? 1 : 0;
  i32[L.W_PENDING_DEBUG] = pending;
  let watch = pending !== 0 ? L.WATCH_DEBUG : 0;
  if ((processor & PROCESSOR.interruptWindowExiting) !== 0) watch |= L.WATCH_WINDOW;
  if ((processor & PROCESSOR.monitorTrapFlag) !== 0) watch |= L.WATCH_TRAP;
  if ((pin & PIN.preemptionTimer) !== 0) {
    watch |= L.WATCH_TIMER;
    const end = cpu.stepCount() + (readField(cpu, FIELD.preemptionTimer) >>> 0) * 2 ** TIMER_SHIFT;
    i32[L.W_TIMER_END] = end % 0x100000000;
    i32[L.W_TIMER_END + 1] = Math.floor(end / 0x100000000);
  }
  i32[L.W_VMX_WATCH] = watch;
  cpu.updateAlignment();
  cpu.enterSpace((secondary & SECONDARY.vpid) === 0 ? 0 : tagOf(readField(cpu, FIELD.vpid), i32[L.W_EPT_POINTER]));
}
