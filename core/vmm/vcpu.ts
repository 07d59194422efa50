import { CS } from '../ia32/registers.ts';
import { DR7 } from '../machine/cpu/debug-registers.ts';
import * as L from '../machine/cpu/layout.ts';
import { Processor } from '../machine/cpu/processor.ts';
import type { GuestMemory } from './memory/guest-memory.ts';

const GENERAL_WORDS = 8;
/** x87 state that direct execution changes on the machine, MXCSR with it: words from W_X87; and those of the XMM registers. */
const X87_WORDS = 16 + 32;
const XMM_WORDS = 32;

/**
 * The processor that the guest believes it has: its registers as the guest would read them in ring 0, over guest-physical memory. It is the
 * machine's own processor class, so what the monitor emulates has the same one meaning as everything else: the decoder, checks,
 * semantics and delivery of exceptions are the machine's.
 */
export class VirtualProcessor extends Processor {
  readonly memory: GuestMemory;
  /** A guest finds no VMX: the machine's is the monitor's. */
  override hasVmx = false;
  /** Hears that the guest invalidated what it knows of translations: all (null) or those of one linear address. */
  onFlush: (linear: number | null) => void = () => {};

  constructor(memory: GuestMemory) {
    super(memory);
    this.memory = memory;
  }

  /** The TLB of this processor is always empty; what the guest flushes are the tables that the machine runs on. */
  override flushAll(): void {
    // But when it is made, in new memory.
    if (this.i32[L.W_TLB] !== L.INVALID) super.flushAll();
    else this.newEpoch();
    this.flushed(null);
  }

  override flushLocal(): void {
    this.newEpoch();
    this.flushed(null);
  }

  override flushGlobal(): void {
    this.newEpoch();
    this.flushed(null);
  }

  override flushPage(linear: number): void {
    this.newEpoch();
    this.flushed(linear);
  }

  private flushed(linear: number | null): void {
    // Not set yet while the constructor of the base class runs.
    if (this.memory !== undefined) this.onFlush(linear);
  }

  /** A breakpoint that what it emulates has met is delivered at once: the machine, which may go on from here, would not know of it. */
  override run(steps: number, passBreakpoint: boolean): number {
    let taken = super.run(steps, passBreakpoint);
    while (this.hasPendingDebug && this.i32[L.W_SHADOW] !== L.SHADOW_STACK) taken += super.run(1, true);
    return taken;
  }

  /** Whether a debug trap waits for delivery. */
  get hasPendingDebug(): boolean {
    return (this.i32[L.W_VMX_WATCH] & L.WATCH_DEBUG) !== 0;
  }

  /** Whether the guest has breakpoints by address. */
  get hasBreakpoints(): boolean {
    return (this.i32[L.W_DR + 7] & DR7.enabled) !== 0;
  }

  /**
   * Emulates one instruction, or a part of a repeated one, without taking an interrupt. A fault of the guest's is delivered to its
   * handlers. Throws MachineStop for a triple fault.
   */
  emulate(): void {
    this.interruptPending = false;
    try {
      this.run(1, true);
    } finally {
      this.noticeInterrupt();
    }
  }

  /** Whether an NMI waits for the end of the one before: the machine does not tell of the guest's IRET. */
  get nmiWaits(): boolean {
    return this.i32[L.W_NMI_PENDING] !== 0 && !this.hasNmi;
  }

  /** Whether an interrupt or NMI could be taken before the next instruction. */
  get interruptible(): boolean {
    const isHeard = (this.i32[L.W_EFLAGS] & INTERRUPT_FLAG) !== 0 && (this.interrupts?.pending() ?? false);
    return this.interruptPending && (isHeard || this.hasNmi) && this.i32[L.W_SHADOW] === 0;
  }

  /** Who only looks is no work of the monitor's: its references are not counted. */
  override lookUp(linear: number): number {
    const { machine } = this.memory;
    const before = machine.references;
    const physical = super.lookUp(linear);
    machine.references = before;
    return physical;
  }

  /** Copies general registers and the state of x87 and SSE from another processor. */
  takeRegisters(from: Processor): void {
    copyWords(from, this, L.W_GENERAL, GENERAL_WORDS);
    this.takeX87(from);
  }

  takeX87(from: Processor): void {
    copyX87(from, this);
  }

  giveX87(to: Processor): void {
    copyX87(this, to);
  }

  /** Whether this is 32-bit protected-mode code; everything else about segments is in the caches. */
  get isKernel(): boolean {
    return this.cpl === 0 && this.usesDescriptors;
  }

  /** Linear address of CS:EIP, unsigned. */
  get address(): number {
    return (this.base(CS) + this.i32[L.W_EIP]) >>> 0;
  }
}

function copyX87(from: Processor, to: Processor): void {
  copyWords(from, to, L.W_X87, X87_WORDS);
  copyWords(from, to, L.W_XMM, XMM_WORDS);
}

/** Done at every exit: word by word takes less time than views of so few. */
function copyWords({ i32: from }: Processor, { i32: to }: Processor, first: number, count: number): void {
  for (let word = first; word < first + count; word++) to[word] = from[word];
}

const INTERRUPT_FLAG = 1 << 9;
