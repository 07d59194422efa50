import { FLAG } from '../../ia32/flags.ts';
import { CS, DS, ES, ESP, FS, GS, SS } from '../../ia32/registers.ts';
import { VECTOR, VECTOR_NAMES } from '../../ia32/vectors.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { VirtualProcessor } from '../vcpu.ts';
import { FLAT, Refused } from './abi.ts';
import type { ParaCounts } from './counts.ts';
import type { DescriptorTables } from './descriptor-tables.ts';
import { cacheOf, isGuestCode, isLoadableStack } from './descriptors.ts';
import type { GuestAccess } from './guest-access.ts';
import type { SharedInfo } from './shared-info.ts';

/** A handler of the guest's kernel. */
export interface Handler {
  readonly cs: number;
  readonly eip: number;
}

/** An entry of the trap table (struct trap_info). */
export interface Trap extends Handler {
  /** Least privileged ring that may call it by INT n. */
  readonly dpl: number;
  /** Whether events are masked on the way in, as an interrupt gate does. */
  readonly masks: boolean;
}

/** Flags that a handler does not begin with (SDM volume 3, 6.12.1.2). */
const CLEARED = FLAG.TF | FLAG.NT | FLAG.RF | FLAG.VM | FLAG.IOPL;
const DATA_SEGMENTS = [DS, ES, FS, GS] as const;
const NO_HANDLER: Handler = { cs: 0, eip: 0 };
const VECTORS = 256;

/** Ends the guest with a reason. */
export type Crash = (why: string) => never;

/**
 * How the monitor enters the guest's kernel: the trap table for exceptions, the callbacks for events and for selectors that cannot be loaded.
 * What the processor would push, the monitor pushes; the high half of CS carries the mask of events as it was.
 */
export class Traps {
  event: Handler = NO_HANDLER;
  failsafe: Handler = NO_HANDLER;
  failsafeMasks = false;
  /** Stack for entries from ring 3. */
  kernelSs: number = FLAT.ring1Data;
  kernelEsp = 0;
  readonly #table: (Trap | undefined)[] = new Array(VECTORS).fill(undefined);
  readonly #vcpu: VirtualProcessor;
  readonly #access: GuestAccess;
  readonly #shared: SharedInfo;
  readonly #descriptors: DescriptorTables;
  readonly #counts: ParaCounts;
  readonly crash: Crash;
  /** The stack of ring 3 that an entry leaves. */
  #userEsp = 0;
  #userSs = 0;

  constructor(
    vcpu: VirtualProcessor,
    access: GuestAccess,
    shared: SharedInfo,
    descriptors: DescriptorTables,
    counts: ParaCounts,
    crash: Crash,
  ) {
    this.#counts = counts;
    this.#vcpu = vcpu;
    this.#access = access;
    this.#shared = shared;
    this.#descriptors = descriptors;
    this.crash = crash;
  }

  trap(vector: number): Trap | undefined {
    return this.#table[vector];
  }

  setTrap(vector: number, trap: Trap | undefined): void {
    this.#table[vector] = trap;
  }

  /** Loads a segment register of the virtual processor from the tables as they are. */
  loadSegment(register: number, selector: number): void {
    const [low, high] = this.#descriptors.descriptor(selector);
    if ((selector & 0xfffc) === 0 || (high & 0x9000) !== 0x9000) {
      this.#vcpu.setSegment(register, selector, 0, 0, 0);
      return;
    }
    const { base, limit, attributes } = cacheOf(low, high);
    this.#vcpu.setSegment(register, selector, base, limit, attributes);
  }

  /** The guest sees an exception, or an interrupt that it called itself. `code` null: the vector has no error code. */
  deliver(vector: number, code: number | null): void {
    const trap = this.#table[vector];
    if (trap === undefined || trap.eip === 0) {
      const name = VECTOR_NAMES[vector] ?? `vector ${vector}`;
      const where = this.#vcpu.address.toString(16);
      const at = vector === VECTOR.PF ? ` for address ${(this.#shared.cr2 >>> 0).toString(16)}` : '';
      this.crash(`${name} at ${where}${at}, and it has no handler for that`);
    }
    this.#bounce(trap, code, trap.masks, false);
    this.#vcpu.probe?.delivered(vector, 'exception', code);
  }

  /** The guest hears of events that are pending. */
  upcall(): void {
    if (this.event.eip === 0) return;
    this.#counts.upcalls++;
    this.#bounce(this.event, null, true, false);
  }

  /** The guest has selectors in its segment registers that cannot be loaded: it finds them on its stack, and its registers empty. */
  failsafeCallback(why: string): void {
    if (this.failsafe.eip === 0) this.crash(`${why}, and it has no failsafe callback`);
    this.#counts.failsafes++;
    this.#bounce(this.failsafe, null, this.failsafeMasks, true);
    for (const register of DATA_SEGMENTS) this.#vcpu.setSegment(register, 0, 0, 0, 0);
  }

  /** Whether an event has somewhere to go. */
  get hearsEvents(): boolean {
    return this.event.eip !== 0;
  }

  #bounce(handler: Handler, code: number | null, masks: boolean, saveSegments: boolean): void {
    const vcpu = this.#vcpu;
    const { i32 } = vcpu;
    const fromUser = vcpu.cpl > 1;
    if (fromUser) this.#switchStack();
    const words: number[] = [];
    if (saveSegments) for (const register of DATA_SEGMENTS) words.push(vcpu.selector(register));
    if (code !== null) words.push(code);
    const mask = this.#shared.upcallMask;
    const flags = (vcpu.eflags() & ~FLAG.IF) | (mask === 0 ? FLAG.IF : 0);
    words.push(i32[L.W_EIP], (vcpu.selector(CS) & 0xffff) | (mask << 16), flags);
    if (fromUser) words.push(this.#userEsp, this.#userSs);
    const esp = (i32[ESP] - words.length * 4) | 0;
    const base = vcpu.base(SS);
    try {
      for (const [n, word] of words.entries()) this.#access.write((base + esp + n * 4) >>> 0, 4, word);
    } catch (thrown) {
      if (!(thrown instanceof Refused)) throw thrown;
      this.crash(`its kernel stack at ${(esp >>> 0).toString(16)} cannot be written for a trap: ${thrown.message}`);
    }
    this.#counts.bounces++;
    if (masks) this.#shared.upcallMask = 1;
    if (!isGuestCode(handler.cs)) this.crash(`its handler has the selector ${handler.cs.toString(16)}`);
    vcpu.setEflags((vcpu.eflags() & ~CLEARED) | FLAG.IF);
    this.loadSegment(CS, handler.cs);
    vcpu.setCpl(1);
    i32[L.W_EIP] = handler.eip | 0;
    i32[ESP] = esp;
  }

  /** From ring 3 (or 2) the kernel's stack is taken, as the processor takes it from a TSS. */
  #switchStack(): void {
    const vcpu = this.#vcpu;
    this.#userEsp = vcpu.i32[ESP];
    this.#userSs = vcpu.selector(SS);
    if (!isLoadableStack(this.kernelSs, 1, this.#descriptors.descriptor(this.kernelSs))) {
      this.crash(`its kernel stack has the selector ${this.kernelSs.toString(16)}`);
    }
    this.loadSegment(SS, this.kernelSs);
    vcpu.i32[ESP] = this.kernelEsp | 0;
  }
}
