import { writeDebugRegister } from '../machine/cpu/control.ts';
import { MachineStop } from '../machine/cpu/fault.ts';
import * as L from '../machine/cpu/layout.ts';
import type { Processor } from '../machine/cpu/processor.ts';
import { MXCSR_MASK } from '../machine/cpu/sse/state.ts';
import { type MachineState, Pc, type PcOptions } from '../machine/pc.ts';
import type { EditableRegister, MemoryWindow } from '../protocol/messages.ts';
import type { Setting } from '../protocol/monitor.ts';
import type { Counts } from '../vmm/counts.ts';
import { type GuestStart, MONITOR_MEMORY, Monitor, type MonitorEnd } from '../vmm/monitor.ts';
import { ModeError } from '../vmm/technique.ts';
import type { Input, Moment } from './past/journal.ts';

const GENERAL: readonly EditableRegister[] = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];

export interface GuestMachineOptions extends PcOptions {
  readonly setting: Setting;
}

/** Steps of the machine in which one instruction of the guest's is surely done, the monitor's work for it included. */
const MOST_STEP = 1_000_000;

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
  #setting: Setting;
  #breakpoints: readonly number[] = [];
  #stopsAtTraps = false;
  /** Where the last step() began. */
  #stepFrom = 0;
  #boot = 0;
  /** Steps of the power cycles before this one. */
  #earlier = 0;
  /** Nothing has run or come since the session began. */
  #isFresh = true;

  constructor(start: GuestStart, options: GuestMachineOptions) {
    this.#start = start;
    this.#options = options;
    this.#setting = options.setting;
    this.pc = this.#powerOn();
  }

  /** `used`: a machine to take again, if it is as large, with its monitor. */
  #powerOn(used: Pc | null = null): Pc {
    const { memoryBytes, ...options } = this.#options;
    const { mode, paging } = this.#setting;
    const size = memoryBytes + (mode === 'bare' ? 0 : MONITOR_MEMORY);
    const usedMonitor = used === null ? null : this.monitor;
    // Who looks takes down what the guest has come to before that memory is another's.
    if (used !== null && usedMonitor !== null) this.#watch?.(used, usedMonitor);
    this.monitor = null;
    const pc = used?.physical.size === size ? used : new Pc({ ...options, memoryBytes: size });
    if (pc === used) {
      pc.rebuild();
      pc.clock.setRate(options.rate);
    }
    if (mode === 'bare') pc.start(this.#start);
    else this.monitor = new Monitor(pc, { ...options, mode, paging, memoryBytes }, this.#start, usedMonitor);
    this.#watch?.(pc, this.monitor);
    return pc;
  }

  get setting(): Setting {
    return this.#setting;
  }

  /** The guest goes on in another mode, at its instruction. Throws ModeError to or from `para`, TypeError for a guest that only runs bare. */
  #change(setting: Setting): void {
    const before = this.#setting;
    if (before.mode === 'para' || setting.mode === 'para') {
      throw new ModeError('A paravirtualized kernel is another one: it cannot be changed into while it runs.');
    }
    if (this.monitor !== null && setting.mode !== 'bare') {
      this.monitor.change(setting.mode, setting.paging);
      this.#setting = setting;
    } else if (before.mode !== setting.mode) {
      this.#move(setting, this.save());
    }
    this.setBreakpoints(this.#breakpoints);
    this.stopAtTraps(this.#stopsAtTraps);
  }

  /** Onto a machine of its own, or from there under the monitor. */
  #move(setting: Setting, state: MachineState): void {
    const before = { pc: this.pc, monitor: this.monitor, setting: this.#setting };
    this.#setting = setting;
    try {
      this.pc = this.#powerOn();
      this.#put(state);
    } catch (error) {
      this.pc = before.pc;
      this.monitor = before.monitor;
      this.#setting = before.setting;
      throw error;
    }
  }

  #put(state: MachineState): void {
    if (this.monitor === null) this.pc.restore(state);
    else this.monitor.restore(state);
  }

  /**
   * save(), after which the guest goes on from the state alone: under the monitor on a machine and a monitor made anew, as it would after a
   * restore of that state. So both are one course.
   */
  checkpoint(): MachineState {
    const state = this.save();
    if (this.monitor !== null) this.#renew(state, this.monitor.counts);
    return state;
  }

  /** A monitor made anew runs the guest of this state, and counts on from `counts`. */
  #renew(state: MachineState, counts: Counts | null): void {
    this.pc = this.#powerOn(this.pc);
    this.#put(state);
    if (counts !== null) this.monitor?.goOnCounting(counts);
    this.setBreakpoints(this.#breakpoints);
    this.stopAtTraps(this.#stopsAtTraps);
  }

  /** The guest as the state of a machine that it has for itself. Under the monitor it is taken off the processor for that. */
  save(): MachineState {
    return this.monitor?.save() ?? this.pc.save();
  }

  /** Linear addresses of the guest's. */
  setBreakpoints(addresses: readonly number[]): void {
    this.#breakpoints = addresses;
    if (this.monitor === null) this.pc.cpu.setBreakpoints(addresses);
    else this.monitor.setBreakpoints(addresses);
  }

  /** Whether run() ends with `trap`: when the monitor has served the guest. */
  stopAtTraps(stops: boolean): void {
    this.#stopsAtTraps = stops;
    if (this.monitor !== null) this.monitor.stopAtTraps = stops;
  }

  /**
   * One instruction of the guest's, with all that the monitor does for it, in at most `most` steps of the machine and until virtual time
   * `until`. Returns null if it was not done by then; `goesOn`: it is what the last call began. Throws MachineStop.
   */
  step(most = MOST_STEP, until = Number.POSITIVE_INFINITY, goesOn = false): MonitorEnd | null {
    const { monitor } = this;
    if (monitor !== null) {
      const { cpu } = this.pc;
      this.#isFresh = false;
      try {
        return monitor.step(most, until, goesOn);
      } catch (thrown) {
        if (thrown instanceof MachineStop) cpu.restoreCount(cpu.count);
        throw thrown;
      }
    }
    if (!goesOn) this.#stepFrom = this.steps;
    else if (this.steps !== this.#stepFrom) return 'steps';
    const end = this.run(1, until, true);
    return end === 'steps' && this.steps === this.#stepFrom ? null : end;
  }

  /** Shows the machine, now and after each power cycle; null: no more. */
  watch(watch: MachineWatch | null): void {
    this.#watch = watch;
    watch?.(this.pc, this.monitor);
  }

  /** The processor as the guest believes it has it. */
  get guestProcessor(): Processor {
    return this.monitor?.guest ?? this.pc.cpu;
  }

  /** The byte of the guest's RAM at a guest-physical address, or -1. */
  peekPhysical(address: number): number {
    return (this.monitor?.vcpu ?? this.pc.cpu).physical.peekByte(address);
  }

  /** Whether the guest waits in HLT. */
  get halted(): boolean {
    return this.monitor === null ? this.pc.cpu.halted : this.monitor.waits;
  }

  /** Steps since the session began, over all power cycles. */
  get steps(): number {
    return this.#earlier + this.pc.cpu.count;
  }

  get moment(): Moment {
    return { boot: this.#boot, step: this.steps, time: this.pc.clock.now() };
  }

  /** Pc.run(), but a guest that resets itself is powered off and on before this returns. Throws MachineStop. */
  run(steps: number, until: number, passBreakpoint: boolean): MonitorEnd {
    const { cpu } = this.pc;
    this.#isFresh = false;
    let end: MonitorEnd;
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
    this.setBreakpoints(this.#breakpoints);
    this.stopAtTraps(this.#stopsAtTraps);
    this.#attended();
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
      case 'mode':
        this.#change(input.setting);
        return;
      case 'save':
        this.save();
        return;
      case 'checkpoint':
        this.checkpoint();
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
    // FXRSTOR and LDMXCSR with such a value would fault (SDM volume 1, 10.2.3).
    if (register === 'mxcsr' && (value & ~MXCSR_MASK) !== 0) {
      throw new Error('Bits 16 to 31 of MXCSR are reserved: they must be 0.');
    }
    const cpu = this.#editable();
    const [name, word] = register.split('.');
    if (register === 'eip') cpu.i32[L.W_EIP] = value;
    else if (register === 'eflags') cpu.setEflags(value);
    else if (register === 'mxcsr') cpu.i32[L.W_MXCSR] = value;
    else if (word !== undefined) cpu.i32[L.W_XMM + 4 * Number(name.slice(3)) + Number(word)] = value;
    else if (register.startsWith('dr')) writeDebugRegister(cpu, Number(register.slice(2)), value);
    else cpu.i32[GENERAL.indexOf(register)] = value;
  }

  /** The guest's processor to change. Under the monitor the guest is taken off the machine for it. */
  #editable(): Processor {
    this.monitor?.interrupt();
    return this.monitor?.vcpu ?? this.pc.cpu;
  }

  #writeMemory(space: MemoryWindow['space'], address: number, bytes: Uint8Array): void {
    if (this.#setting.mode === 'para') {
      throw new Error(
        'Memory of a paravirtualized guest cannot be edited: its page tables must stay as they were validated.',
      );
    }
    const cpu = this.#editable();
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
    if (this.monitor === null) this.#put(state);
    else this.#move(this.#setting, state);
    this.setBreakpoints(this.#breakpoints);
    this.#boot = at.boot;
    this.#earlier = at.step - state.count;
  }

  /** Goes on from a checkpoint of this guest's, under a monitor made anew if it was under one. */
  rewind(state: MachineState, at: Moment, setting: Setting, counts: Counts | null): void {
    this.#isFresh = false;
    const wasBare = this.monitor === null;
    this.#setting = setting;
    if (wasBare && setting.mode === 'bare') this.#put(state);
    else this.#renew(state, counts);
    this.#boot = at.boot;
    // The moment is that behind what the monitor had to do first.
    this.#earlier = at.step - this.pc.cpu.count;
  }

  /** Back to where the session began. */
  restart(): void {
    if (this.#isFresh) return;
    this.#setting = this.#options.setting;
    this.pc = this.#powerOn(this.pc);
    this.#boot = 0;
    this.#earlier = 0;
    this.#isFresh = true;
  }
}
