import { FLAG } from '../../../ia32/flags.ts';
import { CR4, ESP } from '../../../ia32/registers.ts';
import { EXIT_CONTROL, SECONDARY } from '../../../ia32/vmx/controls.ts';
import { BLOCKING, ENTRY_FAILURE, EVENT_TYPE, EXIT, INTERRUPTION } from '../../../ia32/vmx/exits.ts';
import { FIELD, type FieldEncoding } from '../../../ia32/vmx/fields.ts';
import type { Executor } from '../executor.ts';
import { MachineStop } from '../fault.ts';
import * as L from '../layout.ts';
import * as M from '../msr-numbers.ts';
import { ATTRIBUTE } from '../state.ts';
import { TIMER_SHIFT } from './capabilities.ts';
import { isFault } from './exceptions.ts';
import { loadHostState } from './host-state.ts';
import { loadMsrs, storeMsrs } from './msr-lists.ts';
import { GUEST_SEGMENTS, UNUSABLE } from './segments.ts';
import { REGION, readField, writeField, writeField64 } from './vmcs.ts';

/** VMX-abort indicators (SDM volume 3, 27.7). */
const ABORT = { savingMsrs: 1, hostPdptes: 2, loadingMsrs: 4 } as const;

/**
 * Carries out the exit in `cpu.vmExit` (SDM volume 3, chapter 27). EIP must be as the guest shall find it; `injecting`: the event that is
 * being delivered came from the VM entry. Throws MachineStop for a VMX abort.
 */
export function leaveGuest(cpu: Executor, injecting = false): void {
  recordExit(cpu);
  saveGuestState(cpu, injecting);
  const count = readField(cpu, FIELD.exitMsrStoreCount);
  if (!storeMsrs(cpu, readField(cpu, FIELD.exitMsrStoreAddress), count)) abort(cpu, ABORT.savingMsrs);
  enterHost(cpu);
}

/** Back to the monitor from an entry that failed after its checks of controls and host state (26.7). */
export function failEntry(cpu: Executor, reason: number, qualification: number): void {
  writeField(cpu, FIELD.exitReason, reason | ENTRY_FAILURE);
  writeField(cpu, FIELD.exitQualification, qualification);
  enterHost(cpu);
}

function enterHost(cpu: Executor): void {
  // To ask for it tells what waits (transfer-log.ts), while that is still the guest's.
  const { probe } = cpu;
  if (!loadHostState(cpu)) abort(cpu, ABORT.hostPdptes);
  probe?.transferred('vmExit');
  const count = readField(cpu, FIELD.exitMsrLoadCount);
  if (loadMsrs(cpu, readField(cpu, FIELD.exitMsrLoadAddress), count) !== 0) abort(cpu, ABORT.loadingMsrs);
}

/** The processor shuts down, as after a triple fault, and the VMCS says why. */
function abort(cpu: Executor, indicator: number): never {
  cpu.writePhysical((cpu.i32[L.W_VMCS_POINTER] >>> 0) + REGION.abort, 4, indicator);
  throw new MachineStop('tripleFault', `VMX abort ${indicator}`);
}

/** Exit-information fields (27.2). */
function recordExit(cpu: Executor): void {
  const { vmExit } = cpu;
  const vectoring = cpu.delivering;
  const type = (vectoring & INTERRUPTION.typeMask) >> INTERRUPTION.typeShift;
  const isSoftware = vectoring !== 0 && type >= EVENT_TYPE.softwareInterrupt;
  // Where an event was being delivered the bit means nothing.
  const unblocked = cpu.unblocksNmi && vectoring === 0 ? INTERRUPTION.nmiUnblocking : 0;
  cpu.unblocksNmi = false;
  const inQualification = vmExit.reason === EXIT.eptViolation ? unblocked : 0;
  writeField(cpu, FIELD.exitReason, vmExit.reason);
  writeField(cpu, FIELD.exitQualification, vmExit.qualification | inQualification);
  writeField(cpu, FIELD.exitInstructionLength, isSoftware ? cpu.deliveringLength : vmExit.instructionLength);
  writeField(cpu, FIELD.exitInstructionInformation, vmExit.instructionInformation);
  const inInterruption = vmExit.reason === EXIT.exceptionOrNmi ? unblocked : 0;
  writeField(cpu, FIELD.exitInterruptionInformation, vmExit.interruption | inInterruption);
  writeField(cpu, FIELD.exitInterruptionErrorCode, vmExit.errorCode);
  writeField(cpu, FIELD.idtVectoringInformation, vectoring);
  writeField(cpu, FIELD.idtVectoringErrorCode, vectoring === 0 ? 0 : cpu.deliveringCode);
  writeField(cpu, FIELD.guestLinearAddress, vmExit.guestLinear);
  writeField64(cpu, FIELD.guestPhysicalAddress, vmExit.guestPhysical, 0);
  const injected = readField(cpu, FIELD.entryInterruptionInformation);
  if (injected < 0) writeField(cpu, FIELD.entryInterruptionInformation, injected & ~INTERRUPTION.valid);
}

const PDPTES: readonly FieldEncoding[] = [FIELD.guestPdpte0, FIELD.guestPdpte1, FIELD.guestPdpte2, FIELD.guestPdpte3];

/** Whether RF is saved set: as it would be pushed, had the fault, or the event that was being delivered, gone its way (27.3.3). */
function setsRf({ vmExit, delivering }: Executor, injecting: boolean): boolean {
  if (delivering === 0 || vmExit.reason === EXIT.exceptionOrNmi) return vmExit.resumes;
  const type = (delivering & INTERRUPTION.typeMask) >> INTERRUPTION.typeShift;
  return !injecting && type === EVENT_TYPE.hardwareException && isFault(delivering & INTERRUPTION.vectorMask);
}

/** Guest-state fields (27.3). */
function saveGuestState(cpu: Executor, injecting: boolean): void {
  const { i32 } = cpu;
  const controls = readField(cpu, FIELD.exitControls);
  const msr = (word: number) => i32[L.W_MSR + word];
  writeField(cpu, FIELD.guestCr0, i32[L.W_CR0]);
  writeField(cpu, FIELD.guestCr3, i32[L.W_CR3]);
  writeField(cpu, FIELD.guestCr4, i32[L.W_CR4]);
  writeField(cpu, FIELD.guestSysenterCs, msr(M.SYSENTER_CS));
  writeField(cpu, FIELD.guestSysenterEsp, msr(M.SYSENTER_ESP));
  writeField(cpu, FIELD.guestSysenterEip, msr(M.SYSENTER_EIP));
  if ((controls & EXIT_CONTROL.saveDebugControls) !== 0) {
    writeField(cpu, FIELD.guestDr7, i32[L.W_DR + 7]);
    writeField64(cpu, FIELD.guestDebugControl, msr(M.DEBUG_CONTROL), 0);
  }
  if ((controls & EXIT_CONTROL.savePat) !== 0) writeField64(cpu, FIELD.guestPat, msr(M.PAT), msr(M.PAT + 1));
  if ((controls & EXIT_CONTROL.saveEfer) !== 0) writeField64(cpu, FIELD.guestEfer, msr(M.EFER), 0);
  if ((i32[L.W_VMX_SECONDARY] & SECONDARY.ept) !== 0 && i32[L.W_CR0] < 0 && (i32[L.W_CR4] & CR4.PAE) !== 0) {
    PDPTES.forEach((field, n) => {
      writeField64(cpu, field, cpu.pdpte(n), cpu.pdpteHigh(n));
    });
  }
  for (const { index, selector, base, limit, rights } of GUEST_SEGMENTS) {
    const attributes = cpu.segment(index, L.S_ATTRIBUTES);
    writeField(cpu, selector, cpu.selector(index));
    writeField(cpu, base, cpu.base(index));
    writeField(cpu, limit, cpu.segment(index, L.S_LIMIT));
    writeField(cpu, rights, (attributes & ATTRIBUTE.present) === 0 ? UNUSABLE : attributes);
  }
  // The DPL of SS is CPL, also where SS is not usable (27.3.2).
  const stack = readField(cpu, FIELD.guestSsAccessRights);
  writeField(cpu, FIELD.guestSsAccessRights, (stack & ~0x60) | (cpu.cpl << 5));
  writeField(cpu, FIELD.guestGdtrBase, i32[L.W_GDTR_BASE]);
  writeField(cpu, FIELD.guestGdtrLimit, i32[L.W_GDTR_LIMIT]);
  writeField(cpu, FIELD.guestIdtrBase, i32[L.W_IDTR_BASE]);
  writeField(cpu, FIELD.guestIdtrLimit, i32[L.W_IDTR_LIMIT]);
  writeField(cpu, FIELD.guestEip, i32[L.W_EIP]);
  writeField(cpu, FIELD.guestEsp, i32[ESP]);
  const flags = cpu.eflags();
  writeField(cpu, FIELD.guestEflags, setsRf(cpu, injecting) ? flags | FLAG.RF : flags);
  saveNonRegisterState(cpu, flags);
  if ((controls & EXIT_CONTROL.savePreemptionTimer) !== 0) {
    writeField(cpu, FIELD.preemptionTimer, Math.ceil(timerSteps(cpu) / 2 ** TIMER_SHIFT));
  }
}

/** DR6.BS and its place among the pending debug exceptions. */
const SINGLE_STEP = 1 << 14;

function saveNonRegisterState(cpu: Executor, flags: number): void {
  const { i32 } = cpu;
  const shadow = i32[L.W_SHADOW];
  const held = shadow === L.SHADOW_STI ? BLOCKING.sti : shadow === L.SHADOW_STACK ? BLOCKING.movSs : 0;
  writeField(cpu, FIELD.guestActivity, i32[L.W_HALTED]);
  writeField(cpu, FIELD.guestInterruptibility, held | (i32[L.W_NMI_BLOCKED] !== 0 ? BLOCKING.nmi : 0));
  // A trap that waits behind a shadow (26.3.1.5).
  const waits = shadow !== 0 && (flags & FLAG.TF) !== 0 ? SINGLE_STEP : 0;
  writeField(cpu, FIELD.guestPendingDebugExceptions, i32[L.W_PENDING_DEBUG] | waits);
}

/** Steps until the VMX-preemption timer reaches 0. */
export function timerSteps(cpu: Executor): number {
  const { i32 } = cpu;
  const end = i32[L.W_TIMER_END + 1] * 0x100000000 + (i32[L.W_TIMER_END] >>> 0);
  return Math.max(0, end - cpu.stepCount());
}
