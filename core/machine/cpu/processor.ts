import { FLAG } from '../../ia32/flags.ts';
import type { OperationName } from '../../ia32/operations.ts';
import { CR0, CS, EDX, LDTR, TR } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import type { PhysicalMemory } from '../physical.ts';
import type { Translator } from '../translate/translator.ts';
import { type Block, Blocks } from './blocks.ts';
import { SIGNATURE } from './cpuid.ts';
import { BREAKPOINT_ENABLED, DR6, DR6_FIXED, DR7_FIXED } from './debug-registers.ts';
import { Executor } from './executor.ts';
import { deliverException } from './interrupts.ts';
import { LARGE_ZERO } from './large.ts';
import * as L from './layout.ts';
import { resetMsrs } from './msr.ts';
import { checkVirtualInterrupt } from './virtual-8086.ts';
import { atBoundary, interruptExits, leaveByInterrupt, leaveByNmi, nmiExits, trapDebug } from './vmx/boundary.ts';
import { leaveGuest, timerSteps } from './vmx/leave.ts';
import type { Watcher, WatchListener, WatchRange } from './watch.ts';
import { resetX87 } from './x87/state.ts';

/** The interrupt controller at the processor's INTR pin. */
export interface InterruptSource {
  /** Whether INTR is raised. */
  pending(): boolean;
  /** Acknowledges and gives the vector. */
  acknowledge(): number;
}

const NO_PAGES: ReadonlySet<number> = new Set();

/**
 * Thrown where an instruction in the middle of a block accesses a device that has to know the step: it starts anew by itself. It has changed
 * nothing that matters, as before a fault.
 */
const STARTS_ANEW = Symbol('starts anew');

/** In place of the number of an instruction in its block: there is none yet; translated code runs. */
const FETCHING = -1;
const TRANSLATED = -2;
const DELIVERING = -3;

/**
 * Operations that enter a handler as the last thing they do, which clears TF: no trap follows (SDM volume 3, 17.3.1.4). An INTO that
 * does not leaves TF set.
 */
const SOFTWARE_INTERRUPTS: ReadonlySet<OperationName> = new Set<OperationName>(['int', 'int1', 'int3', 'into']);

/** With one of these flags set instructions run one by one, as something may come before or behind each. */
const STEPPED = FLAG.TF | FLAG.RF | FLAG.VIP;

const VM_ENTRIES: ReadonlySet<OperationName> = new Set<OperationName>(['vmlaunch', 'vmresume']);

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
  /** Translates what is hot; null: everything is executed. */
  translator: Translator | null = null;
  /** Linear addresses before which run() stops; null when there are none, which costs nothing. */
  breakpoints: ReadonlySet<number> | null = null;
  /** Whether run() stopped at a breakpoint, before that instruction. */
  atBreakpoint = false;
  /** Steps since reset, without those of the current run. */
  #counted = LARGE_ZERO;
  /** Steps granted to the current run; W_RESERVE is the part of them that attend() took out of W_BUDGET. */
  #granted = LARGE_ZERO;
  #stopping = false;
  /** Instructions that were counted at once for the block that runs; 0 between blocks. */
  #countedAtOnce = 0;
  /** Pages with a breakpoint or a watched instruction, where instructions run one by one; null when there are none. */
  #stopPages: ReadonlySet<number> | null = null;
  #pausing = false;

  constructor(physical: PhysicalMemory) {
    super(physical);
    this.blocks = new Blocks(this);
    this.stepCount = () => this.count;
    physical.onTimed = () => this.#meetTimed();
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
    i32[L.W_DR + 6] = DR6_FIXED;
    this.setDebugControl(DR7_FIXED);
    this.debug.hits = 0;
    i32[L.W_VMCS_POINTER] = L.NO_VMCS;
    this.delivering = 0;
    this.heldOff = 0;
    this.setCpl(0);
    resetMsrs(this);
    resetX87(this);
    this.tlb.enterSpace(0);
    this.flushAll();
    this.codePages.clear();
    this.walks = 0;
    this.walkReferences = 0;
    this.nestedWalks = 0;
    this.nestedReferences = 0;
    this.restoreCount(0);
  }

  /** Steps since reset. */
  get count(): number {
    return this.lastStep - this.i32[L.W_RESERVE] - this.i32[L.W_BUDGET];
  }

  protected override get lastStep(): number {
    return this.#counted + this.#granted;
  }

  /** Sets the count, as of a restored snapshot. */
  restoreCount(count: number): void {
    if (this.i32[L.W_LOGGED] !== 0) this.tellLogged();
    this.#counted = count;
    this.#granted = 0;
    this.i32[L.W_RESERVE] = 0;
    this.i32[L.W_BUDGET] = 0;
  }

  setBreakpoints(addresses: readonly number[]): void {
    this.breakpoints = addresses.length === 0 ? null : new Set(addresses.map(a => a | 0));
    this.#findStopPages();
  }

  protected override watch(watcher: Watcher, ranges: readonly WatchRange[], onHit: WatchListener): void {
    super.watch(watcher, ranges, onHit);
    this.#findStopPages();
  }

  #findStopPages(): void {
    const pages = new Set(this.watches.executions);
    for (const address of this.breakpoints ?? []) pages.add(address >>> 12);
    const before = this.#stopPages ?? NO_PAGES;
    this.#stopPages = pages.size === 0 ? null : pages;
    // Nobody stops in translated code.
    for (const page of pages) if (!before.has(page)) this.translator?.dropLinear(page);
  }

  /** Whether somebody may want to stop in a linear page. */
  stopsIn(page: number): boolean {
    return this.#stopPages?.has(page) === true;
  }

  /**
   * Ends the current run() before the next instruction, as a breakpoint there does, for those who listen to what happens. Nothing changes for the
   * guest: it goes on as if the run had not ended.
   */
  pause(): void {
    this.#pausing = true;
    // The run loop looks closer.
    this.#stopPages ??= NO_PAGES;
    this.attend();
  }

  /** Linear address of CS:EIP. */
  get linearEip(): number {
    return (this.base(CS) + this.i32[L.W_EIP]) | 0;
  }

  /** Whether it waits for something from outside. A guest's preemption timer runs on while its HLT waits. */
  get halted(): boolean {
    return this.i32[L.W_HALTED] !== 0 && (this.i32[L.W_VMX_WATCH] & L.WATCH_TIMER) === 0;
  }

  /** Whether an interrupt would end the halt. */
  get isWakeable(): boolean {
    const isHeard = (this.i32[L.W_EFLAGS] & FLAG.IF) !== 0 || interruptExits(this);
    return isHeard && this.i32[L.W_HALTED] !== L.SHUTDOWN;
  }

  /** Whether something is there that ends the halt. */
  get wakes(): boolean {
    return this.hasNmi || (this.isWakeable && (this.interrupts?.pending() ?? false));
  }

  override attend(): void {
    this.i32[L.W_ATTEND] = 1;
  }

  /** Set by the board when INTR may be raised: looked at between blocks. */
  get interruptPending(): boolean {
    return this.i32[L.W_INTERRUPT] !== 0;
  }

  set interruptPending(isPending: boolean) {
    this.i32[L.W_INTERRUPT] = isPending ? 1 : 0;
  }

  #meetTimed(): void {
    if (this.#countedAtOnce <= 1) return;
    // What is no RAM is never in the TLB.
    this.forgetWalk();
    throw STARTS_ANEW;
  }

  /** An NMI has come. */
  raiseNmi(): void {
    this.i32[L.W_NMI_PENDING] = 1;
    this.interruptPending = true;
    this.attend();
  }

  /** The interrupt controller may have something else to say than before. */
  noticeInterrupt(): void {
    this.interruptPending = this.i32[L.W_NMI_PENDING] !== 0 || (this.interrupts?.pending() ?? false);
  }

  /** Whether something has to be looked at before the next instruction, behind one that ends a block. */
  get looksUp(): boolean {
    const { i32 } = this;
    if (i32[L.W_SHADOW] !== 0 || (i32[L.W_EFLAGS] & STEPPED) !== 0) return true;
    if ((i32[L.W_VMX_WATCH] & ~L.WATCH_TIMER) !== 0) return true;
    return this.interruptPending && (this.isWakeable || this.hasNmi);
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
    const before = this.count;
    this.#counted = before;
    this.#granted = steps;
    i32[L.W_RESERVE] = 0;
    i32[L.W_BUDGET] = steps;
    this.atBreakpoint = false;
    this.#stopping = false;
    this.#pausing = false;
    let pass = passBreakpoint;
    while (!this.atBreakpoint && !this.#pausing) {
      if (i32[L.W_BUDGET] <= 0) {
        if (this.#stopping) break;
        i32[L.W_BUDGET] += i32[L.W_RESERVE];
        i32[L.W_RESERVE] = 0;
        if (i32[L.W_BUDGET] <= 0) break;
      }
      if (i32[L.W_VMX_WATCH] !== 0) {
        if (atBoundary(this)) continue;
        if ((i32[L.W_VMX_WATCH] & L.WATCH_TIMER) !== 0) this.#limitByTimer();
      }
      if (i32[L.W_HALTED] !== 0 && !this.takeInterrupt()) {
        if (this.halted) break;
        // Only the timer runs.
        i32[L.W_BUDGET] = 0;
        continue;
      }
      this.#loop(pass);
      pass = false;
    }
    if (this.#pausing) {
      this.#pausing = false;
      this.atBreakpoint = true;
      i32[L.W_ATTEND] = 0;
      this.#findStopPages();
    }
    this.#countedAtOnce = 0;
    // Between runs the budget is 0, so that a snapshot does not depend on how the last run was asked for.
    this.restoreCount(this.count);
    return this.#counted - before;
  }

  /** Makes the run loop look up when the VMX-preemption timer reaches 0. */
  #limitByTimer(): void {
    const { i32 } = this;
    const beyond = i32[L.W_BUDGET] - timerSteps(this);
    if (beyond <= 0) return;
    i32[L.W_BUDGET] -= beyond;
    i32[L.W_RESERVE] += beyond;
  }

  /** Takes a pending interrupt if IF and the shadow allow it, or if it exits from a guest. Returns whether it did. */
  takeInterrupt(): boolean {
    const { interrupts, i32 } = this;
    if (i32[L.W_SHADOW] !== 0) return false;
    if (this.hasNmi) {
      this.#takeNmi();
      return true;
    }
    if (interrupts === null || !this.isWakeable) return false;
    this.noticeInterrupt();
    if (!interrupts.pending()) return false;
    if (interruptExits(this)) {
      leaveByInterrupt(this, () => interrupts.acknowledge());
      this.noticeInterrupt();
      return true;
    }
    i32[L.W_HALTED] = 0;
    const vector = interrupts.acknowledge();
    this.noticeInterrupt();
    deliverException(this, vector, 'external', null);
    return true;
  }

  /** Whether an NMI waits that nothing blocks. */
  get hasNmi(): boolean {
    return this.i32[L.W_NMI_PENDING] !== 0 && this.i32[L.W_NMI_BLOCKED] === 0;
  }

  /** IF does not matter, and the next one waits for IRET (SDM volume 3, 6.7.1). */
  #takeNmi(): void {
    const { i32 } = this;
    i32[L.W_NMI_PENDING] = 0;
    this.noticeInterrupt();
    if (nmiExits(this)) {
      leaveByNmi(this);
      return;
    }
    i32[L.W_HALTED] = 0;
    i32[L.W_NMI_BLOCKED] = 1;
    deliverException(this, VECTOR.NMI, 'external', null);
  }

  /** Runs blocks until the budget is used up or something calls attend(). */
  #loop(passFirst: boolean): void {
    const { i32 } = this;
    let pass = passFirst;
    let previous: Block | null = null;
    // The block that runs: kept outside of the try, so that a fault knows where it happened. -1 while fetching.
    let n: number = FETCHING;
    let length = 0;
    let start = 0;
    let startsAnew = false;
    while (i32[L.W_BUDGET] > 0) {
      n = FETCHING;
      try {
        let single = startsAnew || (i32[L.W_EFLAGS] & STEPPED) !== 0 || i32[L.W_SHADOW] !== 0;
        startsAnew = false;
        if ((i32[L.W_VMX_WATCH] & ~L.WATCH_TIMER) !== 0) {
          if (atBoundary(this)) continue;
          single = single || (i32[L.W_VMX_WATCH] & L.WATCH_TRAP) !== 0;
        }
        if (this.interruptPending) {
          this.#countedAtOnce = 0;
          if (this.takeInterrupt()) {
            single = false;
            if ((i32[L.W_VMX_WATCH] & L.WATCH_DEBUG) !== 0) continue;
            if ((i32[L.W_VMX_WATCH] & L.WATCH_TRAP) !== 0) {
              i32[L.W_VMX_WATCH] |= L.WATCH_TRAPPED;
              continue;
            }
          }
          // Where a further one is deliverable at once, only one instruction comes between them.
          single = single || (this.interruptPending && (i32[L.W_EFLAGS] & FLAG.IF) !== 0);
        }
        const offset = i32[L.W_EIP];
        const linear = (i32[L.W_SEGMENTS + CS * L.SEGMENT_WORDS + L.S_BASE] + offset) | 0;
        if (single || this.#nearBreakpoint(linear)) {
          if (this.#pausing || (!pass && this.breakpoints?.has(linear))) {
            this.atBreakpoint = true;
            return;
          }
          if (this.watches.executions.size !== 0) {
            this.watches.notice('execute', linear, 1);
            if (this.debug.hits !== 0 && this.#meetsBreakpoint()) {
              previous = null;
              continue;
            }
          }
          this.#stepOne();
          pass = false;
          previous = null;
          continue;
        }
        const key = this.linkKey;
        let block: Block;
        if (previous !== null && previous.linkKey === key && previous.linkLinear === linear && previous.link !== null) {
          block = previous.link;
        } else if (
          previous !== null &&
          previous.otherKey === key &&
          previous.otherLinear === linear &&
          previous.other !== null
        ) {
          block = previous.other;
        } else {
          if (this.#fetchFaults(linear)) {
            n = DELIVERING;
            previous = null;
            this.#deliverFault();
            continue;
          }
          block = this.blocks.find();
          if (previous !== null && block.isCached) link(previous, block, this.linkKey, linear);
        }
        if (this.translator !== null) {
          n = TRANSLATED;
          // Translated code has counted as far as the instruction that it has carried out.
          this.#countedAtOnce = 1;
          const entered = this.translator.enter(block);
          if (entered === 'fault') {
            n = DELIVERING;
            previous = null;
            this.#deliverFault();
            continue;
          }
          if (i32[L.W_ATTEND] !== 0) this.#lookUp(0);
          if (entered === 'further') {
            previous = null;
            continue;
          }
        }
        const { instructions, handlers } = block;
        length = Math.min(instructions.length, i32[L.W_BUDGET]);
        // The whole block is counted at once: whatever asks for the count in between ends its block.
        i32[L.W_BUDGET] -= length;
        this.#countedAtOnce = length;
        let eip = offset;
        for (n = 0; n < length; n++) {
          const instruction = instructions[n];
          start = eip;
          eip = (eip + instruction.length) | 0;
          i32[L.W_EIP] = eip;
          handlers[n](this, instruction);
          if (i32[L.W_ATTEND] !== 0) {
            this.#lookUp(length - 1 - n);
            break;
          }
        }
        previous = block;
      } catch (thrown) {
        if (n === DELIVERING) throw thrown;
        previous = null;
        this.debug.hits = 0;
        this.#countedAtOnce = 0;
        if (n === TRANSLATED) {
          start = this.translator?.start ?? 0;
          length = 1;
          n = 0;
        }
        if (thrown === STARTS_ANEW) {
          if (n !== FETCHING) {
            i32[L.W_BUDGET] += length - n;
            i32[L.W_EIP] = start;
          }
          startsAnew = true;
          continue;
        }
        // A fetch that faults is a step of its own.
        if (n === FETCHING) {
          i32[L.W_BUDGET]--;
        } else {
          i32[L.W_BUDGET] += length - 1 - n;
          if (thrown !== this.fault || !this.fault.inNewTask) i32[L.W_EIP] = start;
        }
        this.#leave(thrown);
      }
    }
  }

  /** The instruction is not done: its fault is delivered, or it exits from the guest. Throws what is neither. */
  #leave(thrown: unknown): void {
    const { i32 } = this;
    const attend = i32[L.W_ATTEND] !== 0;
    i32[L.W_ATTEND] = 0;
    if (thrown === this.vmExit) leaveGuest(this);
    else if (thrown === this.fault) deliverException(this, this.fault.vector, 'exception', this.fault.code);
    else throw thrown;
    if ((i32[L.W_VMX_WATCH] & L.WATCH_TRAP) !== 0) i32[L.W_VMX_WATCH] |= L.WATCH_TRAPPED;
    if (attend || this.#pausing) {
      i32[L.W_RESERVE] += i32[L.W_BUDGET];
      i32[L.W_BUDGET] = 0;
    }
  }

  /** The same for a fault that is known before somebody throws it: of the instruction at EIP, or of its fetch, which is a step. */
  #deliverFault(): void {
    this.#countedAtOnce = 0;
    this.i32[L.W_BUDGET]--;
    this.#leave(this.fault);
  }

  /**
   * Whether fetching at EIP, a linear address, raises a page fault. Segmentation comes first. Who has no translator need not be quick, and may have a TLB
   * that takes nothing, for which asking is a walk more.
   */
  #fetchFaults(linear: number): boolean {
    const { i32 } = this;
    if (this.translator === null || i32[i32[L.W_EXECUTE_TABLE] + (linear >>> 12)] !== L.INVALID) return false;
    return i32[L.W_EIP] >>> 0 <= i32[L.W_CODE_LIMIT] >>> 0 && this.pageFaults(linear, 'execute', this.cpl === 3);
  }

  /** Somebody has called attend() in an instruction, behind which `left` were counted that did not run: the run loop looks up. */
  #lookUp(left: number): void {
    const { i32 } = this;
    this.pendBreakpoints();
    i32[L.W_ATTEND] = 0;
    i32[L.W_RESERVE] += i32[L.W_BUDGET] + left;
    i32[L.W_BUDGET] = 0;
  }

  #nearBreakpoint(linear: number): boolean {
    return this.#stopPages !== null && (this.#pausing || this.#stopPages.has(linear >>> 12));
  }

  /**
   * An instruction breakpoint is a fault before its instruction, and a step; RF, and a load of SS just before, keep it from coming (SDM volume
   * 3, 17.3.1.1 and 6.8.3). Returns whether it came.
   */
  #meetsBreakpoint(): boolean {
    const { i32 } = this;
    const conditions = this.debug.take();
    if ((i32[L.W_EFLAGS] & FLAG.RF) !== 0 || i32[L.W_SHADOW] === L.SHADOW_STACK) return false;
    i32[L.W_BUDGET]--;
    trapDebug(this, conditions);
    return true;
  }

  /** One instruction with all that may follow it: the end of an interrupt shadow or of RF, the single-step trap. */
  #stepOne(): void {
    const { i32 } = this;
    const traced = (i32[L.W_EFLAGS] & FLAG.TF) !== 0;
    this.#countedAtOnce = 1;
    checkVirtualInterrupt(this);
    const wasGuest = i32[L.W_VMX_OPERATION] === L.VMX_NON_ROOT;
    const block = this.blocks.find();
    const instruction = block.instructions[0];
    const shadow = i32[L.W_SHADOW];
    this.heldOff = shadow;
    i32[L.W_SHADOW] = 0;
    // RF lasts for one instruction (SDM volume 3, 17.3.1.1); one that does not come to its end leaves it.
    const resumes = i32[L.W_EFLAGS] & FLAG.RF;
    i32[L.W_EFLAGS] &= ~FLAG.RF;
    i32[L.W_BUDGET]--;
    const start = i32[L.W_EIP];
    i32[L.W_EIP] = (start + instruction.length) | 0;
    try {
      block.handlers[0](this, instruction);
    } catch (thrown) {
      // The caller counts a step for a fault that happened while fetching, which is what this looks like to it.
      i32[L.W_BUDGET]++;
      if (thrown !== this.fault || !this.fault.inNewTask) {
        i32[L.W_EIP] = start;
        i32[L.W_SHADOW] = shadow;
        // What RF is behind a VM exit is the exit's to say (SDM volume 3, 27.3.3).
        if (thrown !== this.vmExit) i32[L.W_EFLAGS] |= resumes;
      }
      throw thrown;
    } finally {
      this.heldOff = 0;
    }
    const hits = this.debug.take();
    if (i32[L.W_ATTEND] !== 0) {
      i32[L.W_ATTEND] = 0;
      i32[L.W_RESERVE] += i32[L.W_BUDGET];
      i32[L.W_BUDGET] = 0;
    }
    // A VM entry leaves nothing pending from before it, even if it came back at once: that left CF and ZF clear.
    const isGuest = i32[L.W_VMX_OPERATION] === L.VMX_NON_ROOT;
    const enters = VM_ENTRIES.has(instruction.row.operation) && (this.statusFlags() & (FLAG.CF | FLAG.ZF)) === 0;
    if (isGuest !== wasGuest || enters) return;
    const entered = SOFTWARE_INTERRUPTS.has(instruction.row.operation) && (i32[L.W_EFLAGS] & FLAG.TF) === 0;
    // The trap after an instruction that began with TF set (SDM volume 3, 17.3.1.4).
    const traps = traced && !entered && i32[L.W_SHADOW] !== L.SHADOW_STACK;
    if (hits !== 0) this.pendDebug(hits | BREAKPOINT_ENABLED | (traps ? DR6.singleStep : 0));
    if ((i32[L.W_VMX_WATCH] & L.WATCH_TRAP) !== 0) {
      i32[L.W_VMX_WATCH] |= L.WATCH_TRAPPED;
      // The exit comes first.
      if (traps) i32[L.W_PENDING_DEBUG] |= DR6.singleStep;
    } else if (traps && hits === 0) trapDebug(this, DR6.singleStep);
  }
}

/** Remembers which block followed another, so that the next time it need not be looked up. The two last ones are kept. */
function link(from: Block, to: Block, key: number, linear: number): void {
  from.other = from.link;
  from.otherKey = from.linkKey;
  from.otherLinear = from.linkLinear;
  from.link = to;
  from.linkKey = key;
  from.linkLinear = linear;
}
