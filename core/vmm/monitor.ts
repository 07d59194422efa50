import { FLAG } from '../ia32/flags.ts';
import { MachineStop } from '../machine/cpu/fault.ts';
import * as L from '../machine/cpu/layout.ts';
import type { Processor } from '../machine/cpu/processor.ts';
import type { MachineStart, MachineState, Pc, RunEnd } from '../machine/pc.ts';
import type { DomainPlan } from '../xen/domain-plan.ts';
import { Accounts } from './accounts.ts';
import { ConsoleInput } from './console-input.ts';
import { Counts } from './counts.ts';
import { createTechnique } from './create.ts';
import { Emulation } from './emulation.ts';
import { ExitService } from './exit-service.ts';
import { type Hole, Holes } from './full/holes/holes.ts';
import { GuestCopy } from './guest-copy.ts';
import { Host } from './host/host.ts';
import { MachineMemory } from './host/machine-memory.ts';
import { FrameAllocator } from './memory/frames.ts';
import { ShadowPaging } from './memory/shadow.ts';
import { Paravirtualization } from './para/para.ts';
import { Progress } from './progress.ts';
import { ownerOf } from './step-count.ts';
import { ModeError, type MonitorMode, type Paging, type Technique } from './technique.ts';
import { MonitorTimer } from './timer.ts';
import type { MonitorWatcher } from './trace.ts';
import type { VirtualProcessor } from './vcpu.ts';
import { VirtualMachine, type VmOptions } from './vm.ts';
import { restoreVm, saveVm } from './vm-state.ts';

/** Machine memory that the monitor has for itself, in bytes: tables, shadow tables, caches. */
export const MONITOR_MEMORY = 16 << 20;
/** Frames below 1 MB are left alone: a PC has its holes there. */
const FIRST_FRAME = 256;
/** Steps in which the machine's timer surely interrupts. */
const SLICE_STEPS = 10_000;

/** Why run() returned; `trap`: see stopAtTraps. */
export type MonitorEnd = RunEnd | 'trap';

export interface MonitorOptions extends VmOptions {
  readonly mode: MonitorMode;
  readonly paging: Paging;
}

/** What is to run; a paravirtualized kernel has a plan of its domain as well. */
export interface GuestStart extends MachineStart {
  readonly domain?: DomainPlan;
}

/**
 * The virtual machine monitor: runs the guest on the machine by one of its techniques, and does what the machine will not let the guest do.
 * It lets the processor go, and wakes when the processor halts in one of its stubs.
 */
export class Monitor {
  readonly pc: Pc;
  readonly vm: VirtualMachine;
  readonly counts = new Counts();
  readonly shadow: ShadowPaging;
  readonly #host: Host;
  readonly #timer: MonitorTimer;
  readonly #accounts: Accounts;
  readonly #progress: Progress;
  readonly #input: ConsoleInput;
  readonly #service: ExitService;
  readonly #copy: GuestCopy;
  readonly #emulation: Emulation;
  readonly #start: GuestStart;
  readonly #options: MonitorOptions;
  #technique: Technique;
  /** What the processor does: it is halted in the monitor, runs the guest, or waits for an interrupt on the guest's behalf. */
  #state: 'monitor' | 'guest' | 'idle' = 'monitor';
  #watcher: MonitorWatcher | null = null;
  /** Whether run() ends when the monitor has served an exit that is of the guest's doing. */
  stopAtTraps = false;
  #trapped = false;
  /** Whether run() ends where the guest is now. */
  #isPausing = false;
  #breakpoints: ReadonlySet<number> = new Set();
  #holes: Holes | null = null;

  /** `pc` must have MONITOR_MEMORY more than the guest. `used`: another monitor, which goes. Throws OutOfFrames if there is less. */
  constructor(pc: Pc, options: MonitorOptions, start: GuestStart, used: Monitor | null = null) {
    this.pc = pc;
    this.#start = start;
    this.#options = options;
    pc.powerOn();
    const memory = new MachineMemory(pc.cpu);
    this.#accounts = new Accounts(pc.cpu, memory, this.counts);
    this.#progress = new Progress(this.#accounts.steps);
    const frames = new FrameAllocator(
      Array.from({ length: (pc.physical.size >>> 12) - FIRST_FRAME }, (_, n) => FIRST_FRAME + n),
    );
    this.#host = new Host(pc.cpu, memory, frames);
    this.vm = new VirtualMachine(options, memory, frames, pc.clock, used?.vm);
    this.vm.onMap = () => {
      this.shadow.dropAll();
      this.#technique?.remap?.();
    };
    this.#timer = new MonitorTimer(this.#host, pc.clock);
    this.shadow = new ShadowPaging(this.#host, this.vm.vcpu);
    this.#input = new ConsoleInput(this.#host);
    this.#copy = new GuestCopy(this.vm.memory, memory, used === null ? null : used.#copy);
    this.#emulation = new Emulation(pc.cpu, this.vm.vcpu, this.#accounts);
    this.#service = new ExitService({
      cpu: pc.cpu,
      host: this.#host,
      vcpu: this.vm.vcpu,
      shadow: this.shadow,
      timer: this.#timer,
      input: this.#input,
      accounts: this.#accounts,
      progress: this.#progress,
      serve: exit => this.#technique.serve(exit),
    });
    this.#host.install();
    this.vm.start(start, hasFirmware(start));
    this.#technique = this.#create(options);
    this.#technique.start();
    this.#accounts.chargeSetup();
  }

  /**
   * Puts the guest under another technique while it runs: it goes on at its instruction, and what it costs is counted anew. Throws ModeError to
   * or from `para`, whose kernel is another one.
   */
  change(mode: MonitorMode, paging: Paging): void {
    if (mode === 'para' || this.mode === 'para')
      throw new ModeError('A paravirtualized kernel starts anew: it cannot be changed into.');
    this.interrupt();
    this.#accounts.clear();
    this.#technique.stop();
    this.#technique = this.#create({ ...this.#options, mode, paging });
    this.#technique.watchHoles?.(this.#holes);
    this.#technique.start();
    this.#accounts.chargeSetup();
  }

  /** The guest as a machine's state; it goes on from there. Throws ModeError for a paravirtualized one. */
  save(): MachineState {
    if (this.mode === 'para')
      throw new ModeError('A paravirtualized guest cannot be saved: its page tables hold machine frames.');
    this.interrupt();
    return saveVm(this.vm, this.pc, this.#underWay);
  }

  /** Replaces the guest by one that was saved, here or on a machine of its own. Throws TypeError if it does not fit; then nothing has changed. */
  restore(state: MachineState): void {
    if (this.mode === 'para') throw new ModeError('A paravirtualized kernel starts anew: it cannot be changed into.');
    const { cpu } = this.pc;
    this.interrupt();
    this.#accounts.charge();
    this.#technique.stop();
    const before = cpu.count;
    try {
      restoreVm(this.vm, this.pc, state);
    } finally {
      // The count is that of the guest's past, which this monitor did not run.
      this.#accounts.steps.skip(cpu.count - before);
      this.#technique.start();
      this.#accounts.chargeSetup();
    }
  }

  #create({ mode, paging, startTime, onConsole }: MonitorOptions): Technique {
    return createTechnique(mode, paging, {
      host: this.#host,
      vm: this.vm,
      shadow: this.shadow,
      pc: this.pc,
      domain: this.#start.domain ?? null,
      startTime,
      onConsole,
      emulate: () => this.#service.emulate(),
      emulated: () => {
        this.#accounts.executedBy(this.vcpu).emulated++;
      },
    });
  }

  /** The technique, where the guest has its devices by way of it; else null. */
  get para(): Paravirtualization | null {
    return this.#technique instanceof Paravirtualization ? this.#technique : null;
  }

  /** The technique in charge, for those who look: counts, translations. */
  get technique(): Technique {
    return this.#technique;
  }

  get mode(): MonitorMode {
    return this.#technique.mode;
  }

  /**
   * Has it noted where sensitive instructions of the guest's kernel go wrong, from now on or no longer. It slows a technique down that has such
   * holes; the guest does not notice. Call between runs.
   */
  watchHoles(watched: boolean): void {
    this.#holes = watched ? (this.#holes ?? new Holes()) : null;
    this.#technique.watchHoles?.(this.#holes);
  }

  /** What watchHoles() found; none without it. */
  get holes(): readonly Hole[] {
    return this.#holes?.all ?? [];
  }

  /** What the technique counted of its own. */
  get techniqueCounts(): object {
    return this.#technique.counts ?? {};
  }

  get vcpu(): VirtualProcessor {
    return this.vm.vcpu;
  }

  /** Whether the machine's processor runs the guest's code right now, and not the monitor's. */
  get isInGuest(): boolean {
    return this.#state === 'guest' && ownerOf(this.pc.cpu) !== 'monitor';
  }

  /** Whether the monitor waits for an interrupt because the guest does. */
  get waits(): boolean {
    return this.#state === 'idle';
  }

  /** Whether the guest stands between two of its own instructions, on the machine or off it. */
  get isBetween(): boolean {
    if (this.#state === 'monitor') return true;
    return this.isInGuest && (this.#technique.isBetween?.() ?? true);
  }

  /**
   * The processor as the guest believes it has it: the virtual one while the guest is off the machine, else a copy as of now. Only to look at;
   * in the monitor's stubs it is what it was before.
   */
  get guest(): Processor {
    if (this.#state !== 'guest') return this.vcpu;
    if (this.isInGuest) this.#copy.take(this.#technique);
    return this.#copy.current ?? this.vcpu;
  }

  /** Has it told what goes on; null: nobody looks. Call between runs. */
  watch(watcher: MonitorWatcher | null): void {
    this.#watcher = watcher;
    this.#accounts.watch(watcher);
    this.vcpu.probe = watcher?.virtual ?? null;
  }

  /**
   * Ends the run with `breakpoint` before the guest's next instruction: for those who are told something. If the monitor is at work for the
   * guest, it ends that first. The guest goes on later as if the run had not ended.
   */
  pause(): void {
    this.#isPausing = true;
    if (this.#state === 'guest') this.pc.cpu.pause();
  }

  /** Bytes for the guest's serial port, by way of the machine's; returns how many it took: as many as the guest's has room for with what is under way. */
  input(bytes: Uint8Array): number {
    const room = this.vm.board.uart.room - this.#underWay.length;
    return this.pc.input(bytes.subarray(0, Math.max(0, room)));
  }

  /** Typed bytes that have not come to the guest's serial port yet. */
  get #underWay(): readonly number[] {
    return [...this.#input.waiting, ...this.pc.typed];
  }

  /**
   * Runs the machine for `steps` of its steps, or until virtual time reaches `until`. Throws MachineStop if the guest cannot go on.
   */
  run(steps: number, until: number, passBreakpoint: boolean): MonitorEnd {
    this.#progress.mark();
    try {
      return this.#run(steps, until, passBreakpoint);
    } finally {
      // On the way in or out, what it costs belongs to the exit that comes next, or came last.
      if (this.#state !== 'guest') this.#accounts.charge();
    }
  }

  #run(steps: number, until: number, passBreakpoint: boolean): MonitorEnd {
    const { cpu, clock } = this.pc;
    const last = cpu.count + steps;
    let pass = passBreakpoint;
    for (;;) {
      if (this.#isPausing) {
        this.#isPausing = false;
        return 'breakpoint';
      }
      if (this.#trapped) {
        this.#trapped = false;
        if (this.stopAtTraps) return 'trap';
      }
      if (cpu.count >= last || clock.now() >= until) return 'steps';
      if (this.#state === 'monitor') {
        const end = this.#prepare(last, passBreakpoint && !this.#progress.hasMoved);
        if (end !== null) return end;
        continue;
      }
      const end = this.pc.run(last - cpu.count, until, pass);
      pass = false;
      if (end === 'deadHalt') this.#wake();
      else if (this.#isPausing) continue;
      // The guest came back to the instruction where the run began, for what the monitor did first: that is no second time.
      else if (end === 'breakpoint' && passBreakpoint && !this.#progress.hasMoved) pass = true;
      else return end;
    }
  }

  /**
   * Runs until the guest has executed one of its own instructions, or was given an event, or neither in `most` steps of the machine: whatever
   * has to be done for it is done. Returns null if that takes longer, or beyond virtual time `until`; with `goesOn` it goes on from there. Throws
   * MachineStop.
   */
  step(most: number, until = Number.POSITIVE_INFINITY, goesOn = false): MonitorEnd | null {
    if (!goesOn) this.#progress.mark();
    const { cpu, clock } = this.pc;
    const last = cpu.count + most;
    try {
      if (goesOn && this.#progress.hasMoved && this.isBetween) return 'steps';
      while (cpu.count < last && clock.now() < until) {
        const end = this.#run(1, until, true);
        if (end !== 'steps' || (this.#progress.hasMoved && this.isBetween)) return end;
      }
      return null;
    } finally {
      this.#accounts.charge();
    }
  }

  /** Counts on from what another monitor counted of this guest. Call between runs. */
  goOnCounting(from: Counts): void {
    this.#accounts.goOn(from);
  }

  /** Linear addresses of the guest's before which run() stops. */
  setBreakpoints(addresses: readonly number[]): void {
    this.#breakpoints = new Set(addresses.map(address => address >>> 0));
    this.#placeBreakpoints();
  }

  /** Where translated code stands for the guest's, that is where the machine stops. */
  #placeBreakpoints(): void {
    const guests = [...this.#breakpoints];
    const places = guests.flatMap(address => this.#technique.placesOf?.(address) ?? []);
    this.pc.cpu.setBreakpoints([...guests, ...places]);
  }

  /**
   * Takes the guest off the machine where it is, so that its whole state is in the virtual processor. If the machine runs it, the button on the
   * front does that, before its next instruction.
   */
  interrupt(): void {
    this.#emulation.end();
    if (this.#state === 'guest') {
      this.pc.press(true);
      while (this.#state === 'guest') {
        if (this.pc.run(SLICE_STEPS, Number.POSITIVE_INFINITY, true) === 'deadHalt') this.#wake();
      }
      this.pc.press(false);
    } else if (this.#state === 'idle') {
      if (this.pc.cpu.halted) {
        this.#host.park();
        this.#state = 'monitor';
      }
      // The interrupt that ends the wait is on its way through its stub: parked, it would never be served, and no other would come.
      while (this.#state === 'idle') {
        if (this.pc.run(SLICE_STEPS, Number.POSITIVE_INFINITY, true) === 'deadHalt') this.#wake();
      }
    }
  }

  /** Lets the guest go on, in whatever way it can: on the machine, emulated up to the count `last`, or waiting. Returns why it cannot. */
  #prepare(last: number, passBreakpoint: boolean): RunEnd | null {
    const { vm, vcpu } = this;
    // Where a run ended in the middle, the next goes on as if it had not: the course does not depend on how it was cut into runs.
    if (this.#emulation.isUnderWay) {
      if (!passBreakpoint && this.#breakpoints.has(vcpu.address)) return 'breakpoint';
      if (this.#mustEmulate) this.#emulateUntilReady(last);
      else this.#emulation.end();
      return null;
    }
    const { requested } = vm;
    if (requested !== null) {
      vm.requested = null;
      if (requested === 'powerOff') return 'powerOff';
      this.#restart();
    }
    this.#input.feed(bytes => this.para?.input(bytes) ?? vm.board.uart.receive(Uint8Array.from(bytes)));
    const deadline = Math.min(vm.advance(), this.para?.advance() ?? Number.POSITIVE_INFINITY);
    if (vcpu.interruptible) {
      vcpu.takeInterrupt();
      this.counts.injected++;
      this.#progress.note();
    }
    if (vcpu.halted) {
      const isHeard = (vcpu.i32[L.W_EFLAGS] & FLAG.IF) !== 0;
      if (!isHeard && !vm.board.hasNmiWire) return 'deadHalt';
      this.#timer.set(deadline);
      this.#accounts.charge();
      this.#accounts.serveNone();
      this.#watcher?.waits();
      this.#host.idle();
      this.#state = 'idle';
      return null;
    }
    if (!this.#canEnter) {
      if (!passBreakpoint && this.#breakpoints.has(vcpu.address)) return 'breakpoint';
      this.#emulation.begin();
      if (!this.#isPausing) this.#emulateUntilReady(last);
      return null;
    }
    if (this.#breakpoints.size > 0) this.#placeBreakpoints();
    this.#timer.set(deadline);
    this.#technique.enter();
    this.#copy.expire();
    this.#state = 'guest';
    return null;
  }

  /** The guest pulled its reset line: it starts anew; the machine runs on. */
  #restart(): void {
    this.#accounts.charge();
    this.#technique.stop();
    this.vm.start(this.#start, hasFirmware(this.#start));
    this.#technique.start();
    this.#accounts.chargeSetup();
  }

  /** Emulates instructions until the technique can go on or something else must be looked at, or the count comes to `last`. */
  #emulateUntilReady(last: number): void {
    const { vcpu } = this;
    const { cpu } = this.pc;
    const isCut = () => cpu.count >= last || this.#isPausing || this.#breakpoints.has(vcpu.address);
    const taken = this.#emulation.run(isCut, () => this.#mustEmulate);
    this.#progress.note();
    this.#watcher?.emulated(taken);
  }

  /** Whether the next instruction is to be emulated as well. */
  get #mustEmulate(): boolean {
    const { vcpu, vm } = this;
    return !vcpu.halted && vm.requested === null && !this.#canEnter;
  }

  /** Whether the guest may go on on the machine. */
  get #canEnter(): boolean {
    return this.#technique.ready() && !this.vcpu.nmiWaits;
  }

  /** The processor has halted in the monitor. */
  #wake(): void {
    const before = this.#progress.done;
    const wasIdle = this.#state === 'idle';
    this.#state = 'monitor';
    if (wasIdle) {
      const vector = this.#host.vector();
      this.#watcher?.woke(vector);
      this.#service.interrupt(vector);
      return;
    }
    const handling = this.#service.handle(this.#technique.exit(), this.para, this.#watcher);
    if (this.#progress.done !== before) this.#trapped = this.stopAtTraps;
    if (handling === 'stop') throw new MachineStop('tripleFault', 'the guest met a triple fault');
  }
}

/** Whether the board's own firmware comes before the guest: not for a domain of Xen's, nor where the guest is firmware. */
function hasFirmware(start: GuestStart): boolean {
  return start.domain === undefined && start.rom === undefined;
}
