import { FLAG } from '../../ia32/flags.ts';
import { CR0, CR4, CS, DS, EAX, EBP, EBX, ECX, EDI, EDX, ES, ESI, ESP, FS, GS, SS } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import type { Host } from '../host/host.ts';
import * as H from '../host/layout.ts';
import { FRAME, requireOuterRing } from '../host/stubs.ts';
import { FRAME_SIZE } from '../memory/frames.ts';
import type { VirtualProcessor } from '../vcpu.ts';
import { FLAT, HYPERCALL_VECTOR } from './abi.ts';
import type { DescriptorTables } from './descriptor-tables.ts';
import { cacheOf, isGuestCode, isLoadableCode, isLoadableData, isLoadableStack } from './descriptors.ts';
import type { PageTables } from './page-tables.ts';
import type { Traps } from './traps.ts';

/** CR0 bits that the guest sets: TS, by a hypercall. */
const GUEST_CR0 = CR0.TS;
const MONITOR_CR0 = CR0.PE | CR0.MP | CR0.ET | CR0.NE | CR0.WP | CR0.PG;
/** CR4 bits that a guest may set: whether ring 3 may read the time-stamp counter, how I/O breakpoints are taken, and those of SSE. */
export const GUEST_CR4 = CR4.TSD | CR4.DE | CR4.OSFXSR | CR4.OSXMMEXCPT;
const MONITOR_CR4 = CR4.PAE;
/** What the guest's flags never have on the machine. */
const CLEARED_FLAGS = FLAG.IOPL | FLAG.VM | FLAG.VIF | FLAG.VIP;

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
/** Selectors that are always as they are: no need to look at their descriptors. */
const FLAT_SELECTORS: readonly number[] = [0, FLAT.ring1Data, FLAT.ring3Data];

/** Segments of ring 1 that translated and patched code needs, and that reach into the monitor. */
const HIDDEN_SELECTORS: readonly number[] = [H.SELECTOR.cacheCode, H.SELECTOR.vcpuData];
/** INT3 and INTO, which any program may execute. */
const USER_VECTORS: readonly number[] = [VECTOR.BP, VECTOR.OF];
const DIRECT_VECTOR = 0x80;
const TRAP_GATE = 0x8f00;
/** Stack of ring 1 in a TSS (SDM volume 3, 7.2.1). */
const TSS_ESP1 = 0xc;
const TSS_SS1 = 0x10;

/** Whether a guest's segment registers can be loaded. */
type Selectors = 'good' | 'bad data' | 'bad code';

/**
 * The way into rings 1 and 3 and back: the virtual processor's state to the trap frame on the monitor's stack, and from it. The guest's kernel
 * knows that it runs in ring 1, so the virtual processor's privilege level and selectors are the machine's.
 */
export class Ring {
  readonly #host: Host;
  readonly #vcpu: VirtualProcessor;
  readonly #tables: PageTables;
  readonly #descriptors: DescriptorTables;
  readonly #traps: Traps;
  /** Descriptors that are other techniques': selector, low and high word. */
  readonly #hidden: (readonly [number, number, number])[] = [];
  #cr0 = -1;
  #cr4 = -1;
  /** Linear addresses to drop from the TLB before the guest runs. */
  #invalidated: number[] = [];

  constructor(host: Host, vcpu: VirtualProcessor, tables: PageTables, descriptors: DescriptorTables, traps: Traps) {
    this.#host = host;
    this.#vcpu = vcpu;
    this.#tables = tables;
    this.#descriptors = descriptors;
    this.#traps = traps;
  }

  /** INVLPG before the guest runs. */
  invalidate(linear: number): void {
    this.#invalidated.push(linear | 0);
  }

  /** Gates that the guest may call by INT n: breakpoint, overflow, and the hypercall; and no descriptor of ring 1 but the flat ones. */
  start(): void {
    for (const selector of HIDDEN_SELECTORS) {
      const at = H.GDT + (selector & 0xfff8);
      this.#hidden.push([selector, this.#host.read(at, 4), this.#host.read(at + 4, 4)]);
      this.#host.setDescriptor(selector, 0, 0);
    }
    for (const vector of USER_VECTORS) this.#host.setGate(vector, 3);
    this.#host.setGate(HYPERCALL_VECTOR, 1);
    this.setDirectCall();
    this.setKernelStack();
  }

  /** Everything on the machine as it was. */
  stop(): void {
    for (const [selector, low, high] of this.#hidden.splice(0)) this.#host.setDescriptor(selector, low, high);
    for (const vector of [...USER_VECTORS, HYPERCALL_VECTOR, DIRECT_VECTOR]) this.#host.setGate(vector, 0);
    this.#host.write(H.TSS + TSS_ESP1, 4, 0);
    this.#host.write(H.TSS + TSS_SS1, 4, 0);
    this.#host.loadRoot(this.#host.ownRoot, true);
  }

  /**
   * INT 0x80, the system call: if its handler leaves events as they are, the machine's gate leads straight to it, from ring 3 to ring 1, without
   * the monitor.
   */
  setDirectCall(): void {
    const trap = this.#traps.trap(DIRECT_VECTOR);
    if (trap === undefined || trap.masks || trap.eip === 0 || !isGuestCode(trap.cs)) {
      this.#host.setGate(DIRECT_VECTOR, 0);
      return;
    }
    const at = H.IDT + DIRECT_VECTOR * 8;
    this.#host.write(at, 4, (trap.cs << 16) | (trap.eip & 0xffff));
    this.#host.write(at + 4, 4, (trap.eip & 0xffff0000) | TRAP_GATE | (trap.dpl << 13));
  }

  /** Where the processor itself finds the kernel's stack when it goes from ring 3 to ring 1. */
  setKernelStack(): void {
    this.#host.write(H.TSS + TSS_ESP1, 4, this.#traps.kernelEsp | 0);
    this.#host.write(H.TSS + TSS_SS1, 4, this.#traps.kernelSs);
  }

  /** Brings the virtual processor's view of the root up to date with what the guest asked for. */
  syncRoot(): void {
    const { i32 } = this.#vcpu;
    const root = this.#tables.root * FRAME_SIZE;
    i32[L.W_CR3] = root;
    this.#vcpu.loadPdptes(root);
    this.#vcpu.newEpoch();
  }

  /** Puts the virtual processor's state on the machine and lets it go. */
  enter(): void {
    this.#checkSelectors();
    const host = this.#host;
    const vcpu = this.#vcpu;
    const { i32 } = vcpu;
    this.#loadRoot();
    this.#loadControls();
    vcpu.giveX87(host.cpu);
    for (const [register, at] of FRAME_REGISTERS) host.setFrame(at, i32[register]);
    for (const [register, at] of FRAME_SEGMENTS) host.setFrame(at, vcpu.selector(register));
    host.setFrame(FRAME.eip, i32[L.W_EIP]);
    host.setFrame(FRAME.cs, vcpu.selector(CS));
    host.setFrame(FRAME.eflags, (vcpu.eflags() & ~CLEARED_FLAGS) | FLAG.IF);
    host.setFrame(FRAME.esp, i32[ESP]);
    host.setFrame(FRAME.ss, vcpu.selector(SS));
    host.resume();
  }

  #loadRoot(): void {
    const { frames } = this.#tables;
    if (frames.flushNeeded || this.#tables.rootChanged) {
      this.#host.loadRoot(this.#tables.root * FRAME_SIZE, true);
      this.#tables.rootChanged = false;
      frames.flushed();
    } else {
      for (const linear of this.#invalidated) this.#host.execute('invlpg', linear);
    }
    this.#invalidated = [];
  }

  #loadControls(): void {
    const { i32 } = this.#vcpu;
    const cr0 = MONITOR_CR0 | (i32[L.W_CR0] & GUEST_CR0);
    const cr4 = MONITOR_CR4 | (i32[L.W_CR4] & GUEST_CR4);
    if (cr0 !== this.#cr0) this.#host.execute('loadCr0', cr0);
    if (cr4 !== this.#cr4) this.#host.execute('loadCr4', cr4);
    this.#cr0 = cr0;
    this.#cr4 = cr4;
  }

  /** The monitor's stub loads these selectors, and EIP, in ring 0 and must not fault: what cannot be loaded is the guest's to mend. */
  #checkSelectors(): void {
    let state = this.#selectors();
    if (state === 'good') return;
    this.#traps.failsafeCallback(
      state === 'bad data' ? 'a data segment cannot be loaded' : 'CS, EIP or SS cannot be loaded',
    );
    state = this.#selectors();
    if (state !== 'good') this.#traps.crash(`its failsafe callback begins with selectors that cannot be loaded`);
  }

  #selectors(): Selectors {
    const vcpu = this.#vcpu;
    const ring = vcpu.cpl;
    const cs = vcpu.selector(CS);
    const ss = vcpu.selector(SS);
    const isFlat =
      (ring === 1 && cs === FLAT.ring1Code && ss === FLAT.ring1Data) ||
      (ring === 3 && cs === FLAT.ring3Code && ss === FLAT.ring3Data);
    if (!isFlat) {
      const isCode = isGuestCode(cs) && (cs & 3) === ring && isLoadableCode(cs, this.#descriptors.descriptor(cs));
      if (!isCode || !isLoadableStack(ss, ring, this.#descriptors.descriptor(ss))) return 'bad code';
    }
    const { limit } = cacheOf(...this.#descriptors.descriptor(cs));
    if (vcpu.i32[L.W_EIP] >>> 0 > limit >>> 0) return 'bad code';
    for (const [register] of FRAME_SEGMENTS) {
      const selector = vcpu.selector(register);
      if (FLAT_SELECTORS.includes(selector)) continue;
      if (!isLoadableData(selector, this.#descriptors.descriptor(selector))) return 'bad data';
    }
    return 'good';
  }

  /** Brings the guest's state back from the trap frame; returns the vector and error code of the trap. */
  leave(): { readonly vector: number; readonly error: number } {
    const host = this.#host;
    const vcpu = this.#vcpu;
    const { i32 } = vcpu;
    requireOuterRing(host.cpu.i32[ESP]);
    const vector = host.frame(FRAME.vector);
    vcpu.takeX87(host.cpu);
    for (const [register, at] of FRAME_REGISTERS) i32[register] = host.frame(at);
    i32[ESP] = host.frame(FRAME.esp);
    i32[L.W_EIP] = host.frame(FRAME.eip);
    const cs = host.frame(FRAME.cs) & 0xffff;
    this.#take(CS, cs);
    this.#take(SS, host.frame(FRAME.ss) & 0xffff);
    for (const [register, at] of FRAME_SEGMENTS) this.#take(register, host.frame(at) & 0xffff);
    vcpu.setCpl(cs & 3);
    vcpu.setEflags(host.frame(FRAME.eflags));
    return { vector, error: host.frame(FRAME.error) };
  }

  /** Makes `target` what the virtual processor would be if the guest came back now; the x87 is left out. */
  observe(target: Processor): void {
    const { cpu } = this.#host;
    target.i32.set(this.#vcpu.i32.subarray(0, L.STATE_BYTES >> 2));
    target.i32.set(cpu.i32.subarray(EAX, EDI + 1), EAX);
    target.i32[L.W_EIP] = cpu.i32[L.W_EIP];
    // The machine's descriptors are those that the guest knows.
    for (const register of [ES, CS, SS, DS, FS, GS]) {
      const limit = cpu.segment(register, L.S_LIMIT);
      target.setSegment(
        register,
        cpu.selector(register),
        cpu.base(register),
        limit,
        cpu.segment(register, L.S_ATTRIBUTES),
      );
    }
    target.setCpl(cpu.cpl);
    target.setEflags(cpu.eflags());
  }

  /** A register that the guest did not load keeps its cache. */
  #take(register: number, selector: number): void {
    if (this.#vcpu.selector(register) !== selector) this.#traps.loadSegment(register, selector);
  }
}
