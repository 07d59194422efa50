import { FLAG } from '../../ia32/flags.ts';
import { CR0, CR4, CS, DS, EAX, EBP, EBX, ECX, EDI, EDX, ES, ESI, ESP, FS, GS, SS } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import type { Exit } from '../exit.ts';
import type { Host } from '../host/host.ts';
import { MONITOR_BASE, MONITOR_ENTRY } from '../host/layout.ts';
import { FRAME, requireOuterRing } from '../host/stubs.ts';
import type { ShadowPaging } from '../memory/shadow.ts';
import type { VirtualProcessor } from '../vcpu.ts';
import { GuestBreakpoints } from './breakpoints.ts';
import type { ShadowDescriptors } from './descriptors.ts';

/** Flags that the guest believes in, but that the machine does not have while it runs: its interrupts and I/O are the monitor's. */
const VIRTUAL_FLAGS = FLAG.IF | FLAG.IOPL | FLAG.VM;
/** CR0 bits that change what the guest's own instructions do, so the machine has them as the guest does. */
const GUEST_CR0 = CR0.TS | CR0.EM | CR0.MP | CR0.NE | CR0.AM;
const MONITOR_CR0 = CR0.PE | CR0.ET | CR0.WP | CR0.PG;
const GUEST_CR4 = CR4.TSD | CR4.DE | CR4.PCE | CR4.OSFXSR | CR4.OSXMMEXCPT;

const FRAME_REGISTERS: readonly (readonly [number, number])[] = [
  [EAX, FRAME.eax],
  [ECX, FRAME.ecx],
  [EDX, FRAME.edx],
  [EBX, FRAME.ebx],
  [EBP, FRAME.ebp],
  [ESI, FRAME.esi],
  [EDI, FRAME.edi],
];
const FRAME_SEGMENTS: readonly (readonly [number, number])[] = [
  [DS, FRAME.ds],
  [ES, FRAME.es],
  [FS, FRAME.fs],
  [GS, FRAME.gs],
];
const SEGMENTS = [ES, CS, SS, DS, FS, GS] as const;
/** Those that kernel code elsewhere has as they are, when CS and GS are that place's. */
export const DATA_SEGMENTS = [ES, SS, DS, FS] as const;

/** Where the guest's kernel code runs; a technique that moves it elsewhere has its own. */
export interface CodePlace {
  /** CS and EIP for the machine, from what the guest believes; and GS, if the place needs one of its own, which the guest cannot load. */
  enter(vcpu: VirtualProcessor): { readonly cs: number; readonly eip: number; readonly gs?: number };
  /** What the guest believes, from the machine's. Null: the machine's are the guest's own. */
  leave(cs: number, eip: number): number | null;
}

/**
 * Ring deprivileging: the guest's ring 0 in ring 1, its ring 3 in ring 3, behind shadow descriptors and shadow tables. Moves the guest's state
 * between the virtual processor and the trap frame on the monitor's stack.
 */
export class Deprivileged {
  readonly #host: Host;
  readonly #vcpu: VirtualProcessor;
  readonly #shadow: ShadowPaging;
  readonly #descriptors: ShadowDescriptors;
  readonly #breakpoints: GuestBreakpoints;
  #cr0 = -1;
  #cr4 = -1;
  /** Selectors as they were put on the machine, in the order of SEGMENTS. */
  readonly #entered = new Int32Array(6);
  #enteredCpl = 0;
  /** Whether the guest went from its kernel to ring 3 in the last stretch without the monitor. */
  leftKernel = false;

  constructor(host: Host, vcpu: VirtualProcessor, shadow: ShadowPaging, descriptors: ShadowDescriptors) {
    this.#host = host;
    this.#vcpu = vcpu;
    this.#shadow = shadow;
    this.#descriptors = descriptors;
    this.#breakpoints = new GuestBreakpoints(host, vcpu);
  }

  start(): void {
    this.#host.showFlatSegments(false);
    this.#shadow.start(MONITOR_ENTRY.stubs);
    this.#descriptors.start();
    this.#cr0 = -1;
    this.#cr4 = -1;
  }

  stop(): void {
    this.#breakpoints.unload();
    this.#descriptors.stop();
    this.#shadow.stop();
    this.#host.loadRoot(this.#host.ownRoot, true);
    this.#host.showFlatSegments(true);
  }

  /**
   * Whether rings 1 and 3 of the machine can stand for what the virtual processor is in. Brings the descriptor tables up to date. `needed`: the
   * segment registers that the machine gets from the guest.
   */
  ready(needed: readonly number[] = SEGMENTS): boolean {
    const vcpu = this.#vcpu;
    if (!vcpu.usesDescriptors || vcpu.cpl === 1 || vcpu.cpl === 2) return false;
    // IRET to a 16-bit stack loads SP alone: the guest would find half of the monitor's ESP (SDM volume 2, IRET).
    if (vcpu.i32[L.W_STACK_MASK] !== -1) return false;
    // An interrupt shadow must end before anything is delivered: the instruction behind STI or MOV SS is emulated. So is what a trap waits for.
    if (vcpu.i32[L.W_SHADOW] !== 0 || vcpu.hasPendingDebug) return false;
    this.#descriptors.update();
    for (const register of needed) if (!this.#descriptors.isReversible(register)) return false;
    // The monitor's own IRET must not fault: beyond the limit that CS has on the machine the fetch is emulated.
    return !needed.includes(CS) || (vcpu.base(CS) >>> 0) + (vcpu.i32[L.W_EIP] >>> 0) < MONITOR_BASE;
  }

  /** Puts the virtual processor's state on the machine and lets it go. Call ready() before. */
  enter(place: CodePlace | null): void {
    const host = this.#host;
    const vcpu = this.#vcpu;
    const { i32 } = vcpu;
    this.#shadow.load();
    this.#loadControls();
    this.#breakpoints.load();
    vcpu.giveX87(host.cpu);
    for (const [register, at] of FRAME_REGISTERS) host.setFrame(at, i32[register]);
    const ring = vcpu.cpl === 0 ? 1 : 3;
    const code = place?.enter(vcpu) ?? { cs: deprivileged(vcpu.selector(CS), ring), eip: i32[L.W_EIP] };
    for (const [register, at] of FRAME_SEGMENTS) host.setFrame(at, vcpu.selector(register));
    if (code.gs !== undefined) host.setFrame(FRAME.gs, code.gs);
    const ss = deprivileged(vcpu.selector(SS), ring);
    host.setFrame(FRAME.eip, code.eip);
    host.setFrame(FRAME.cs, code.cs);
    host.setFrame(FRAME.eflags, (vcpu.eflags() & ~VIRTUAL_FLAGS) | FLAG.IF);
    host.setFrame(FRAME.esp, i32[ESP]);
    host.setFrame(FRAME.ss, ss);
    SEGMENTS.forEach((register, n) => {
      this.#entered[n] = register === CS ? code.cs : register === SS ? ss : vcpu.selector(register);
      if (register === GS && code.gs !== undefined) this.#entered[n] = code.gs;
    });
    this.#enteredCpl = vcpu.cpl;
    host.resume();
  }

  #loadControls(): void {
    const { i32 } = this.#vcpu;
    const cr0 = MONITOR_CR0 | (i32[L.W_CR0] & GUEST_CR0);
    const cr4 = CR4.PAE | (i32[L.W_CR4] & GUEST_CR4);
    if (cr0 !== this.#cr0) this.#host.execute('loadCr0', cr0);
    if (cr4 !== this.#cr4) this.#host.execute('loadCr4', cr4);
    this.#cr0 = cr0;
    this.#cr4 = cr4;
  }

  /** Brings the guest's state back from the trap frame; returns the vector and error code of the trap. */
  leave(place: CodePlace | null): { readonly vector: number; readonly error: number } {
    const host = this.#host;
    const vcpu = this.#vcpu;
    const { i32 } = vcpu;
    requireOuterRing(host.cpu.i32[ESP]);
    const vector = host.frame(FRAME.vector);
    vcpu.takeX87(host.cpu);
    for (const [register, at] of FRAME_REGISTERS) i32[register] = host.frame(at);
    i32[ESP] = host.frame(FRAME.esp);
    const cs = host.frame(FRAME.cs) & 0xffff;
    const eip = host.frame(FRAME.eip);
    const moved = place?.leave(cs, eip) ?? null;
    const cpl = (cs & 3) === 1 ? 0 : 3;
    this.leftKernel = this.#enteredCpl === 0 && cpl === 3;
    this.#takeSegments(vcpu, cpl, moved === null, register => {
      if (register === CS) return cs;
      const at = FRAME_SEGMENTS.find(([segment]) => segment === register)?.[1];
      return host.frame(at ?? FRAME.ss) & 0xffff;
    });
    vcpu.setCpl(cpl);
    i32[L.W_EIP] = moved ?? eip;
    // A fault sets RF in the frame that it pushes; the guest's own lasts for no more than an instruction. But one that has met its breakpoint, or
    // has none, must not meet it again where it is emulated.
    const isGuests = vector >= FIRST_INTERRUPT || vector === VECTOR.DB || vcpu.hasBreakpoints;
    const flags = host.frame(FRAME.eflags) & ~(VIRTUAL_FLAGS | (isGuests ? 0 : FLAG.RF));
    vcpu.setEflags(flags | (vcpu.eflags() & VIRTUAL_FLAGS));
    return { vector, error: host.frame(FRAME.error) };
  }

  /**
   * Segment registers of the guest in `target`, which has them as they were entered, from the selectors that the machine has now. `withCode`:
   * CS as well.
   */
  #takeSegments(target: Processor, cpl: number, withCode: boolean, selectorOf: (register: number) => number): void {
    SEGMENTS.forEach((register, n) => {
      if (register === CS && !withCode) return;
      const selector = selectorOf(register);
      // A register that the guest did not load keeps its cache.
      if (selector === this.#entered[n]) return;
      const seen = register === CS || register === SS ? (selector & ~3) | cpl : selector;
      const segment = this.#descriptors.segment(selector);
      if (segment === null) target.setSegment(register, seen, 0, 0, 0);
      else target.setSegment(register, seen, segment.base, segment.limit, segment.attributes);
    });
  }

  /**
   * For those who look while the guest runs: makes `target` what the virtual processor would be if it came back now. Nothing of the guest
   * changes. `isElsewhere`: CS and EIP of the machine are not the guest's. The x87 is left out.
   */
  observe(target: Processor, isElsewhere: boolean): void {
    const { cpu } = this.#host;
    const vcpu = this.#vcpu;
    target.i32.set(vcpu.i32.subarray(0, L.STATE_BYTES >> 2));
    target.i32.set(cpu.i32.subarray(EAX, EDI + 1), EAX);
    target.i32[L.W_EIP] = cpu.i32[L.W_EIP];
    const cpl = cpu.cpl === 1 ? 0 : 3;
    this.#takeSegments(target, cpl, !isElsewhere, register => cpu.selector(register));
    target.setCpl(cpl);
    target.setEflags((cpu.eflags() & ~VIRTUAL_FLAGS) | (vcpu.eflags() & VIRTUAL_FLAGS));
  }

  /** What a trap through the machine's IDT means, for a vector that no technique has a meaning of its own for. */
  explain(vector: number, error: number): Exit {
    switch (vector) {
      case VECTOR.PF:
        return { kind: 'pageFault', address: this.#host.cpu.i32[L.W_CR2], error };
      case VECTOR.GP:
      case VECTOR.SS:
      case VECTOR.NP:
      case VECTOR.TS:
        return { kind: 'protection', vector, code: error };
      default:
        if (vector >= FIRST_INTERRUPT) return { kind: 'interrupt', vector };
        return { kind: 'exception', vector, code: vector === VECTOR.AC ? error : null };
    }
  }
}

/** Vectors below are exceptions. */
const FIRST_INTERRUPT = 32;

/** A code or stack selector of the guest's with the privilege level that it really has. */
function deprivileged(selector: number, ring: number): number {
  return (selector & 0xfffc) | ring;
}
