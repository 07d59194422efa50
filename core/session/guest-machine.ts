import { MachineStop } from '../machine/cpu/fault.ts';
import * as L from '../machine/cpu/layout.ts';
import type { Processor } from '../machine/cpu/processor.ts';
import { type MachineState, Pc, type PcOptions, type RunEnd } from '../machine/pc.ts';
import type { EditableRegister, MemoryWindow } from '../protocol/messages.ts';
import { type GuestStart, MONITOR_MEMORY, Monitor } from '../vmm/monitor.ts';
import type { MonitorMode, Paging } from '../vmm/technique.ts';
import type { Input, Moment } from './journal.ts';

const GENERAL: readonly EditableRegister[] = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];

/** How the guest is run: on the machine itself, or under the monitor by one of its techniques. */
export type Mode = 'bare' | MonitorMode;

export interface GuestMachineOptions extends PcOptions {
  readonly mode: Mode;
  /** For the hardware technique. */
  readonly paging: Paging;
}

/** Is shown a machine whose power has just come on. */
export type MachineWatch = (pc: Pc, monitor: Monitor | null) => void;

/**
 * A guest's machine over all of its power cycles. What it does follows from the guest, the options and the inputs alone: everything
 * from outside goes through apply() or type(), so that a journal of these is enough to have it all again.
 */
export class GuestMachine {
  pc: Pc;
  /** Runs the guest on the machine, unless the guest has the machine for itself. */
  monitor: Monitor | null = null;
  #watch: MachineWatch | null = null;
  readonly #start: GuestStart;
  readonly #options: GuestMachineOptions;
  #boot = 0;
  /** Steps of the power cycles before this one. */
  #earlier = 0;
  /** Nothing has run or come since the session began. */
  #isFresh = true;

  constructor(start: GuestStart, options: GuestMachineOptions) {
    this.#start = start;
    this.#options = options;
    this.pc = this.#powerOn();
  }

  #powerOn(): Pc {
    const { mode, memoryBytes, ...options } = this.#options;
    if (mode === 'bare') {
      const pc = new Pc({ ...options, memoryBytes });
      pc.start(this.#start);
      this.#watch?.(pc, null);
      return pc;
    }
    const pc = new Pc({ ...options, memoryBytes: memoryBytes + MONITOR_MEMORY });
    this.monitor = new Monitor(pc, { ...options, mode, memoryBytes }, this.#start);
    this.#watch?.(pc, this.monitor);
    return pc;
  }

  /** Shows the machine, now and after each power cycle; null: no more. */
  watch(watch: MachineWatch | null): void {
    this.#watch = watch;
    watch?.(this.pc, this.monitor);
  }

  /** The processor as the guest believes it has it. */
  get guestProcessor(): Processor {
    return this.monitor?.vcpu ?? this.pc.cpu;
  }

  /** Steps since the session began, over all power cycles. */
  get steps(): number {
    return this.#earlier + this.pc.cpu.count;
  }

  get moment(): Moment {
    return { boot: this.#boot, step: this.steps, time: this.pc.clock.now() };
  }

  /** Pc.run(), but a guest that resets itself is powered off and on before this returns. Throws MachineStop. */
  run(steps: number, until: number, passBreakpoint: boolean): RunEnd {
    const { cpu } = this.pc;
    this.#isFresh = false;
    let end: RunEnd;
    try {
      end = (this.monitor ?? this.pc).run(steps, until, passBreakpoint);
    } catch (thrown) {
      // As at the end of any run: what is left of the grant is no part of the machine's state.
      if (thrown instanceof MachineStop) cpu.restoreCount(cpu.count);
      throw thrown;
    }
    if (end === 'reset') this.#powerCycle();
    return end;
  }

  #powerCycle(): void {
    this.#earlier += this.pc.cpu.count;
    this.#boot++;
    this.pc = this.#powerOn();
  }

  /** Carries out an input. Throws an Error with one sentence if that cannot be done; then nothing has changed. */
  apply(input: Input): void {
    this.#isFresh = false;
    switch (input.kind) {
      case 'console':
        this.type(input.bytes);
        return;
      case 'register':
        this.#writeRegister(input.register, input.value);
        return;
      case 'memory':
        this.#writeMemory(input.space, input.address, input.bytes);
        return;
      case 'rate':
        this.pc.clock.setRate(input.rate);
        return;
      case 'reset':
        this.#powerCycle();
        return;
    }
  }

  /** Types on the serial console; returns how many bytes were taken. */
  type(bytes: Uint8Array): number {
    this.#isFresh = false;
    const taken = (this.monitor ?? this.pc).input(bytes);
    this.#attended();
    return taken;
  }

  #writeRegister(register: EditableRegister, value: number): void {
    const { cpu } = this.pc;
    if (register === 'eip') cpu.i32[L.W_EIP] = value;
    else if (register === 'eflags') cpu.setEflags(value);
    else cpu.i32[GENERAL.indexOf(register)] = value;
  }

  #writeMemory(space: MemoryWindow['space'], address: number, bytes: Uint8Array): void {
    const { cpu } = this.pc;
    const targets = Array.from(bytes, (_, n) => {
      const at = (address + n) >>> 0;
      return space === 'linear' ? cpu.lookUp(at | 0) : at;
    });
    if (targets.some(at => at < 0 || cpu.physical.peekByte(at) < 0)) {
      throw new Error(`There is no memory to write at ${space} address ${(address >>> 0).toString(16)}.`);
    }
    targets.forEach((at, n) => {
      cpu.writePhysical(at, 1, bytes[n]);
    });
    this.#attended();
  }

  /**
   * Between runs nobody has to look up. Left set, the request would be in a snapshot, and whether it is there depends on what code
   * happens to be cached.
   */
  #attended(): void {
    this.pc.cpu.i32[L.W_ATTEND] = 0;
  }

  /** Puts a saved state into this machine, as of a moment. Throws TypeError if it does not fit; then nothing has changed. */
  restore(state: MachineState, at: Moment): void {
    this.#isFresh = false;
    this.pc.restore(state);
    this.#boot = at.boot;
    this.#earlier = at.step - state.count;
  }

  /** Back to where the session began. */
  restart(): void {
    if (this.#isFresh) return;
    this.pc = this.#powerOn();
    this.#boot = 0;
    this.#earlier = 0;
    this.#isFresh = true;
  }
}
