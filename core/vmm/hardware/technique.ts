import { FLAG } from '../../ia32/flags.ts';
import { CR0, CR4, CS, EAX, EDI, ESP } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { ENTRY_CONTROL, EXIT_CONTROL, PIN, PROCESSOR, SECONDARY } from '../../ia32/vmx/controls.ts';
import { EVENT_TYPE, EXIT, INTERRUPTION } from '../../ia32/vmx/exits.ts';
import { FIELD } from '../../ia32/vmx/fields.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import { isFault } from '../../machine/cpu/vmx/exceptions.ts';
import type { Exit, Handling, OwnExit } from '../exit.ts';
import type { Host } from '../host/host.ts';
import * as H from '../host/layout.ts';
import { snippetAddress, FRAME_SIZE as TRAP_FRAME } from '../host/stubs.ts';
import type { Paging, Technique } from '../technique.ts';
import type { VirtualProcessor } from '../vcpu.ts';
import { type Fields, GUEST_FIELDS, guestState, liveGuestState, takeGuestState } from './guest-state.ts';
import type { GuestPaging } from './paging.ts';
import { Vmcs } from './vmcs.ts';

/** Capability MSRs: what each set of controls must and may have (SDM volume 3, appendix A.3 to A.5). */
const IA32_VMX_TRUE_PINBASED_CTLS = 0x48d;
const IA32_VMX_TRUE_PROCBASED_CTLS = 0x48e;
const IA32_VMX_TRUE_EXIT_CTLS = 0x48f;
const IA32_VMX_TRUE_ENTRY_CTLS = 0x490;
const IA32_VMX_PROCBASED_CTLS2 = 0x48b;

const PROCESSOR_CONTROLS =
  PROCESSOR.hltExiting |
  PROCESSOR.movDebugExiting |
  PROCESSOR.unconditionalIoExiting |
  PROCESSOR.tscOffsetting |
  PROCESSOR.rdpmcExiting |
  PROCESSOR.secondaryControls;

const EXIT_FIELDS = [
  FIELD.exitReason,
  FIELD.exitQualification,
  FIELD.exitInterruptionInformation,
  FIELD.exitInterruptionErrorCode,
  FIELD.idtVectoringInformation,
  FIELD.idtVectoringErrorCode,
  FIELD.guestPhysicalAddress,
  FIELD.instructionError,
] as const;

/** Fields of registers by which the guest's addresses are translated. */
const PAGING_FIELDS: ReadonlySet<number> = new Set<number>([
  FIELD.guestCr0,
  FIELD.guestCr3,
  FIELD.guestCr4,
  FIELD.guestEfer,
  ...[FIELD.guestPdpte0, FIELD.guestPdpte1, FIELD.guestPdpte2, FIELD.guestPdpte3].flatMap(field => [field, field + 1]),
]);
/** Exits whose instruction may do so. */
const LOADS_CR3: ReadonlySet<number> = new Set<number>([EXIT.taskSwitch, EXIT.controlRegisterAccess]);

/** What EXIT_FIELDS are, and the first of GUEST_FIELDS behind them. */
const SAVED_NAMES = [
  'exit reason',
  'exit qualification',
  'interruption information',
  'interruption error code',
  'IDT-vectoring information',
  'IDT-vectoring error code',
  'guest-physical address',
  'VM-instruction error',
  'guest CR0',
  'guest CR3',
  'guest CR4',
  'guest ESP',
  'guest EIP',
  'guest EFLAGS',
] as const;

/**
 * Hardware assist: the guest runs in VMX non-root operation, its kernel in ring 0, and what the VMCS says exits.
 */
export class HardwareAssist implements Technique {
  readonly mode = 'hardware';
  readonly savedNames = SAVED_NAMES;
  readonly counts: { reads: number; launches: number; resumes: number } = { reads: 0, launches: 0, resumes: 0 };
  readonly #host: Host;
  readonly #vcpu: VirtualProcessor;
  readonly #emulate: () => void;
  readonly #paging: GuestPaging;
  readonly #vmcs: Vmcs;
  #processorControls = 0;
  #isLaunched = false;
  /** What is emulated for the last exit may load CR3 with the value that it has. */
  #mayRemap = false;
  /** Values of EXIT_FIELDS and GUEST_FIELDS at the last exit. */
  #saved: readonly number[] = [];

  /** `emulate`: has the monitor emulate the instruction at the guest's EIP. */
  constructor(host: Host, vcpu: VirtualProcessor, paging: GuestPaging, emulate: () => void) {
    this.#host = host;
    this.#vcpu = vcpu;
    this.#emulate = emulate;
    this.#paging = paging;
    this.#vmcs = new Vmcs(host);
  }

  start(): void {
    const host = this.#host;
    host.loadRoot(host.ownRoot, true);
    host.execute('loadCr0', CR0.PE | CR0.ET | CR0.NE | CR0.WP | CR0.PG);
    host.execute('loadCr4', CR4.PAE | CR4.VMXE);
    this.#vmcs.start();
    this.#isLaunched = false;
    this.#vmcs.write([...this.#controls(), ...this.#paging.start(), ...this.#hostState()]);
    this.#drop();
  }

  /** What the TLB has of the guest is not true any more. */
  #drop(): void {
    const { vpid } = this.#paging;
    if (vpid !== 0) this.#vmcs.dropTranslations(vpid);
  }

  /** Controls that are wanted, within what the processor says it has. */
  #adjust(capability: number, wanted: number): number {
    const [must, may] = this.#vmcs.readMsr(capability);
    return (wanted | must) & may;
  }

  #controls(): Fields {
    const paging = this.#paging;
    const processor = PROCESSOR_CONTROLS | paging.processorControls;
    const secondary = SECONDARY.wbinvdExiting | paging.secondaryControls;
    this.#processorControls = this.#adjust(IA32_VMX_TRUE_PROCBASED_CTLS, processor);
    const exits = EXIT_CONTROL.acknowledgeInterrupt | EXIT_CONTROL.saveEfer | EXIT_CONTROL.loadEfer;
    const entries = ENTRY_CONTROL.loadEfer | ENTRY_CONTROL.loadDebugControls;
    return [
      [FIELD.pinControls, this.#adjust(IA32_VMX_TRUE_PINBASED_CTLS, PIN.externalInterruptExiting)],
      [FIELD.processorControls, this.#processorControls],
      [FIELD.secondaryControls, this.#adjust(IA32_VMX_PROCBASED_CTLS2, secondary)],
      [FIELD.exitControls, this.#adjust(IA32_VMX_TRUE_EXIT_CTLS, exits)],
      [FIELD.entryControls, this.#adjust(IA32_VMX_TRUE_ENTRY_CTLS, entries)],
      // VMX operation keeps CR0.NE set: what a guest without it must not see comes here.
      [FIELD.exceptionBitmap, paging.exceptionBitmap | (1 << VECTOR.MF)],
      [FIELD.pageFaultErrorCodeMask, 0],
      [FIELD.pageFaultErrorCodeMatch, 0],
      [FIELD.cr0Mask, paging.cr0Held],
      [FIELD.cr4Mask, paging.cr4Held],
      [FIELD.guestEfer + 1, 0],
      [FIELD.cr3TargetCount, 0],
      [FIELD.vmcsLinkPointer, -1],
      [FIELD.vmcsLinkPointer + 1, -1],
      [FIELD.entryInterruptionInformation, 0],
      [FIELD.exitMsrStoreCount, 0],
      [FIELD.exitMsrLoadCount, 0],
      [FIELD.entryMsrLoadCount, 0],
      [FIELD.guestDebugControl, 0],
      [FIELD.guestDebugControl + 1, 0],
    ];
  }

  /** Where an exit leads: the monitor, at its HLT. */
  #hostState(): Fields {
    const { i32 } = this.#host.cpu;
    const data = [
      FIELD.hostEsSelector,
      FIELD.hostSsSelector,
      FIELD.hostDsSelector,
      FIELD.hostFsSelector,
      FIELD.hostGsSelector,
    ];
    return [
      ...data.map((field): readonly [number, number] => [field, H.SELECTOR.monitorData]),
      [FIELD.hostCsSelector, H.SELECTOR.monitorCode],
      [FIELD.hostTrSelector, H.SELECTOR.task],
      [FIELD.hostCr0, i32[L.W_CR0]],
      [FIELD.hostCr3, i32[L.W_CR3]],
      [FIELD.hostCr4, i32[L.W_CR4]],
      [FIELD.hostTrBase, H.TSS],
      [FIELD.hostGdtrBase, H.GDT],
      [FIELD.hostIdtrBase, H.IDT],
      [FIELD.hostEfer, i32[L.W_MSR]],
      [FIELD.hostEfer + 1, 0],
      [FIELD.hostEsp, H.STACK_TOP - TRAP_FRAME],
      [FIELD.hostEip, snippetAddress('exited')],
    ];
  }

  remap(): void {
    this.#vmcs.write(this.#paging.remap());
    this.#drop();
  }

  stop(): void {
    this.#vmcs.stop();
    this.#paging.stop();
    this.#host.execute('loadCr4', CR4.PAE);
  }

  get paging(): Paging {
    return this.#paging.kind;
  }

  ready(): boolean {
    return this.#paging.isEnterable();
  }

  enter(): void {
    const host = this.#host;
    const vcpu = this.#vcpu;
    const { i32 } = vcpu;
    const window = vcpu.interruptPending ? PROCESSOR.interruptWindowExiting : 0;
    const offset = vcpu.timeStamp() - host.cpu.timeStamp();
    const changed = this.#vmcs.write([
      ...guestState(vcpu),
      ...this.#paging.registers(),
      [FIELD.processorControls, this.#processorControls | window],
      [FIELD.tscOffset, offset | 0],
      [FIELD.tscOffset + 1, Math.floor(offset / 0x100000000) | 0],
    ]);
    // With a VPID, no VM entry does what a load of the register would have done.
    if (this.#mayRemap || changed.some(([field]) => PAGING_FIELDS.has(field))) this.#drop();
    this.#mayRemap = false;
    host.execute('loadCr2', i32[L.W_CR2]);
    vcpu.giveX87(host.cpu);
    const machine = host.cpu.i32;
    for (let n = EAX; n < 8; n++) if (n !== ESP) machine[n] = i32[n];
    machine[L.W_DR + 6] = i32[L.W_DR + 6];
    // DR7, which enables them, comes with the VM entry.
    if (vcpu.hasBreakpoints) machine.set(i32.subarray(L.W_DR, L.W_DR + 4), L.W_DR);
    machine[L.W_EIP] = snippetAddress(this.#isLaunched ? 'vmresume' : 'vmlaunch') | 0;
    machine[L.W_HALTED] = 0;
    if (this.#isLaunched) this.counts.resumes++;
    else this.counts.launches++;
  }

  exit(): Exit {
    const { cpu } = this.#host;
    const vcpu = this.#vcpu;
    const { i32 } = vcpu;
    // The exit left ESP to the host; the guest's comes from the VMCS.
    for (let n = EAX; n < 8; n++) if (n !== ESP) i32[n] = cpu.i32[n];
    i32[L.W_CR2] = cpu.i32[L.W_CR2];
    i32[L.W_DR + 6] = cpu.i32[L.W_DR + 6];
    vcpu.takeX87(cpu);
    const failed = cpu.i32[L.W_EIP] !== ((snippetAddress('exited') + 1) | 0);
    const values = this.#vmcs.read([...EXIT_FIELDS, ...GUEST_FIELDS]);
    this.counts.reads += values.length;
    this.#saved = values;
    const [reason, qualification, information, code, vectoring, vectoringCode, address, error] = values;
    this.#mayRemap = LOADS_CR3.has(reason);
    if (failed) return { kind: 'entryFailure', reason: error };
    if (reason < 0) return { kind: 'entryFailure', reason: reason & 0xffff };
    this.#isLaunched = true;
    takeGuestState(vcpu, values.slice(EXIT_FIELDS.length), this.#paging);
    const isMemory = reason === EXIT.exceptionOrNmi || reason === EXIT.eptViolation;
    // A task switch may be the delivery of an event, through a task gate.
    const isCut = (isMemory || reason === EXIT.taskSwitch) && (vectoring & INTERRUPTION.valid) !== 0;
    // An exit that is a fault, or in the delivery of one, saves RF set (27.3.3). The guest's own lasts for no more than an instruction; but with RF one
    // that is emulated does not meet its breakpoint again.
    const isOfFault = reason === EXIT.exceptionOrNmi || isFault(vectoring & INTERRUPTION.vectorMask);
    const setsRf = isCut ? isOfFault : isMemory && !vcpu.hasBreakpoints;
    if (setsRf) vcpu.setEflags(vcpu.eflags() & ~FLAG.RF);
    if (isCut) return this.#undelivered(vectoring, vectoringCode);
    switch (reason) {
      case EXIT.exceptionOrNmi:
        // The virtual processor knows whether the guest has an #MF.
        if ((information & INTERRUPTION.vectorMask) === VECTOR.MF)
          return { kind: 'instruction', reason, qualification };
        return { kind: 'pageFault', address: qualification, error: code };
      case EXIT.externalInterrupt:
        return { kind: 'interrupt', vector: information & 0xff };
      case EXIT.tripleFault:
        return { kind: 'tripleFault' };
      case EXIT.interruptWindow:
        return { kind: 'interruptWindow' };
      case EXIT.eptViolation:
        return { kind: 'eptViolation', address: address >>> 0, qualification };
      default:
        // Its breakpoint was met, or passed over with RF, before it came to exit, which saves RF as 0.
        if (vcpu.hasBreakpoints) vcpu.setEflags(vcpu.eflags() | FLAG.RF);
        return { kind: 'instruction', reason, qualification };
    }
  }

  saved(into: Int32Array): void {
    const values = this.#saved;
    for (let n = 0; n < SAVED_NAMES.length; n++) into[n] = values[n];
  }

  observe(target: Processor): void {
    const { cpu } = this.#host;
    target.i32.set(this.#vcpu.i32.subarray(0, L.STATE_BYTES >> 2));
    target.i32.set(cpu.i32.subarray(EAX, EDI + 1), EAX);
    target.i32[L.W_CR2] = cpu.i32[L.W_CR2];
    target.i32[L.W_DR + 6] = cpu.i32[L.W_DR + 6];
    takeGuestState(target, liveGuestState(cpu), this.#paging);
  }

  /**
   * The exit came while the processor delivered an event to the guest, whose stack or tables were not there. That has left no trace in the
   * guest, whose handler is still to be entered (SDM volume 3, 27.2.4): the virtual processor does it. For a software interrupt the guest's
   * EIP is at it, and it runs once more.
   */
  #undelivered(vectoring: number, code: number): Exit {
    const type = (vectoring & INTERRUPTION.typeMask) >> INTERRUPTION.typeShift;
    if (type !== EVENT_TYPE.hardwareException)
      return { kind: 'instruction', reason: EXIT.exceptionOrNmi, qualification: 0 };
    const vcpu = this.#vcpu;
    vcpu.fault.address = vcpu.i32[L.W_CR2];
    const hasCode = (vectoring & INTERRUPTION.errorCodeValid) !== 0;
    return { kind: 'exception', vector: vectoring & INTERRUPTION.vectorMask, code: hasCode ? code : null };
  }

  /** What exits is emulated; memory that is not there is a device's, or nobody's. */
  serve(exit: OwnExit): Handling {
    if (exit.kind === 'entryFailure') {
      const at = (this.#vcpu.base(CS) + this.#vcpu.i32[L.W_EIP]) >>> 0;
      throw new Error(`VM entry failed at ${at.toString(16)}: ${exit.reason}.`);
    }
    this.#emulate();
    return 'resume';
  }
}
