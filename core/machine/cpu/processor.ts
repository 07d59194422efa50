import { FLAG } from '../../ia32/flags.ts';
import { CR0, CS, EDX, LDTR, TR } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import type { PhysicalMemory } from '../physical.ts';
import { Blocks } from './blocks.ts';
import { SIGNATURE } from './cpuid.ts';
import { dispatch } from './dispatch.ts';
import { Executor } from './executor.ts';
import { deliverException } from './interrupts.ts';
import * as L from './layout.ts';
import { resetMsrs } from './msr.ts';
import { resetX87 } from './x87/state.ts';

/** The interrupt controller at the processor's INTR pin. */
export interface InterruptSource {
  /** Whether INTR is raised. */
  pending(): boolean;
  /** Acknowledges and gives the vector. */
  acknowledge(): number;
}

/** DR6.BS: single step (SDM volume 3, 17.2.3). */
const DR6_BS = 1 << 14;

/**
 * The IA-32 processor: fetches blocks, runs them, delivers exceptions and interrupts.
 *
 * Time is counted in steps: an instruction that was started, retired or not, is one; a repeated string instruction is one for each
 * 4 KB (strings.ts); a fetch that faults is one. Interrupts are taken only between instructions, at a count that does not
 * depend on how code was cut into blocks: every instruction that can make one deliverable ends its block.
 */
export class Processor extends Executor {
  readonly blocks: Blocks;
  interrupts: InterruptSource | null = null;
  /** Set by the board when INTR may be raised: looked at between blocks. */
  interruptPending = false;
  /** Linear addresses before which run() stops; null when there are none, which costs nothing. */
  breakpoints: ReadonlySet<number> | null = null;
  /** Whether run() stopped at a breakpoint, before that instruction. */
  atBreakpoint = false;
  /** Steps since reset, without those of the current run. */
  #counted = 0;
  /** Steps granted to the current run, and the part of them that attend() took out of W_BUDGET. */
  #granted = 0;
  #reserve = 0;
  #stopping = false;
  #fetching = false;
  #breakpointPages: ReadonlySet<number> = new Set();

  constructor(physical: PhysicalMemory) {
    super(physical);
    this.blocks = new Blocks(this);
    this.reset();
  }

  /** State after RESET (SDM volume 3, table 9-1). */
  reset(): void {
    const { i32 } = this;
    i32.fill(0, 0, L.STATE_BYTES >> 2);
    for (let index = 0; index < 6; index++) this.setSegment(index, 0, 0, 0xffff, 0x93);
    this.setSegment(CS, 0xf000, 0xffff0000 | 0, 0xffff, 0x93);
    this.setSegment(LDTR, 0, 0, 0xffff, 0x82);
    this.setSegment(TR, 0, 0, 0xffff, 0x8b);
    i32[L.W_EIP] = 0xfff0;
    i32[EDX] = SIGNATURE;
    i32[L.W_EFLAGS] = FLAG.ONE;
    i32[L.W_GDTR_LIMIT] = 0xffff;
    i32[L.W_IDTR_LIMIT] = 0xffff;
    i32[L.W_CR0] = CR0.CD | CR0.NW | CR0.ET;
    i32[L.W_DR + 6] = 0xffff0ff0 | 0;
    i32[L.W_DR + 7] = 0x400;
    this.setCpl(0);
    resetMsrs(this);
    resetX87(this);
    this.flushAll();
    this.codePages.clear();
    this.#counted = 0;
    this.#granted = 0;
    this.#reserve = 0;
  }

  /** Steps since reset. */
  get count(): number {
    return this.#counted + this.#granted - this.#reserve - this.i32[L.W_BUDGET];
  }

  /** Sets the count of a restored snapshot. */
  restoreCount(count: number): void {
    this.#counted = count;
    this.#granted = 0;
    this.#reserve = 0;
    this.i32[L.W_BUDGET] = 0;
  }

  setBreakpoints(addresses: readonly number[]): void {
    this.breakpoints = addresses.length === 0 ? null : new Set(addresses.map(a => a | 0));
    this.#breakpointPages = new Set(addresses.map(a => a >>> 12));
  }

  /** Linear address of CS:EIP. */
  get linearEip(): number {
    return (this.base(CS) + this.i32[L.W_EIP]) | 0;
  }

  get halted(): boolean {
    return this.i32[L.W_HALTED] !== 0;
  }

  override attend(): void {
    const { i32 } = this;
    this.#reserve += i32[L.W_BUDGET];
    i32[L.W_BUDGET] = 0;
  }

  /** Ends the current run() after this instruction: a device has news for the board. */
  stop(): void {
    this.#stopping = true;
    this.attend();
  }

  /**
   * Runs `steps` (1 to 2^30), fewer if the processor halts without a deliverable interrupt or meets a breakpoint; a breakpoint at the first
   * instruction is passed over when `passBreakpoint` is set. Returns the steps taken. Throws MachineStop.
   */
  run(steps: number, passBreakpoint: boolean): number {
    const { i32 } = this;
    this.#counted = this.count;
    this.#granted = steps;
    this.#reserve = 0;
    i32[L.W_BUDGET] = steps;
    this.atBreakpoint = false;
    this.#stopping = false;
    let pass = passBreakpoint;
    while (!this.atBreakpoint) {
      if (i32[L.W_BUDGET] <= 0) {
        if (this.#stopping) break;
        i32[L.W_BUDGET] += this.#reserve;
        this.#reserve = 0;
        if (i32[L.W_BUDGET] <= 0) break;
      }
      try {
        if (i32[L.W_HALTED] !== 0 && !this.#takeInterrupt()) break;
        this.#loop(pass);
      } catch (thrown) {
        if (thrown !== this.fault) throw thrown;
        this.#deliverFault();
      }
      pass = false;
    }
    return steps - this.#reserve - i32[L.W_BUDGET];
  }

  /** A fault of an instruction returns to its start; one that happened while fetching counts as a step. */
  #deliverFault(): void {
    const { i32 } = this;
    if (this.#fetching) {
      this.#fetching = false;
      i32[L.W_BUDGET]--;
    } else {
      i32[L.W_EIP] = i32[L.W_START];
    }
    deliverException(this, this.fault.vector, 'exception', this.fault.code);
  }

  /** Takes a pending interrupt if IF and the shadow allow it. Returns whether it did. */
  #takeInterrupt(): boolean {
    const { interrupts, i32 } = this;
    if (interrupts === null || (i32[L.W_EFLAGS] & FLAG.IF) === 0 || i32[L.W_SHADOW] !== 0) return false;
    this.interruptPending = interrupts.pending();
    if (!this.interruptPending) return false;
    i32[L.W_HALTED] = 0;
    const vector = interrupts.acknowledge();
    this.interruptPending = interrupts.pending();
    deliverException(this, vector, 'external', null);
    return true;
  }

  #loop(passFirst: boolean): void {
    const { i32 } = this;
    let pass = passFirst;
    while (i32[L.W_BUDGET] > 0) {
      if (this.interruptPending) this.#takeInterrupt();
      let single = false;
      if (this.breakpoints !== null) {
        const linear = this.linearEip;
        if (this.#breakpointPages.has(linear >>> 12)) {
          if (!pass && this.breakpoints.has(linear)) {
            this.atBreakpoint = true;
            return;
          }
          single = true;
        }
        pass = false;
      }
      const traced = (i32[L.W_EFLAGS] & FLAG.TF) !== 0;
      const resumed = (i32[L.W_EFLAGS] & FLAG.RF) !== 0;
      const shadowed = i32[L.W_SHADOW] !== 0;
      this.#fetching = true;
      const block = this.blocks.find();
      this.#fetching = false;
      const { instructions, handlers, codes } = block;
      const length = single || traced || resumed || shadowed ? 1 : instructions.length;
      i32[L.W_SHADOW] = 0;
      // RF lasts for one instruction (SDM volume 3, 17.3.1.1).
      if (resumed) i32[L.W_EFLAGS] &= ~FLAG.RF;
      let eip = i32[L.W_EIP];
      for (let n = 0; n < length; n++) {
        const instruction = instructions[n];
        i32[L.W_START] = eip;
        eip = (eip + instruction.length) | 0;
        i32[L.W_EIP] = eip;
        i32[L.W_BUDGET]--;
        dispatch(this, codes[n], handlers[n], instruction);
        if (i32[L.W_BUDGET] <= 0) break;
      }
      if (traced) this.#singleStep();
    }
  }

  /** The trap after an instruction that began with TF set (SDM volume 3, 17.3.1.4). */
  #singleStep(): void {
    this.i32[L.W_DR + 6] |= DR6_BS;
    deliverException(this, VECTOR.DB, 'exception', null);
  }
}
