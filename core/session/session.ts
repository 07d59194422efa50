import { type BootOptions, type BootPlan, ImageError, type SymbolFile } from '../guests/boot.ts';
import { symbolsFromElf } from '../guests/elf-symbols.ts';
import { loadImage } from '../guests/load.ts';
import { loadXen } from '../guests/xen.ts';
import { readXenNotes } from '../guests/xen-notes.ts';
import { ESP } from '../ia32/registers.ts';
import { MachineStop } from '../machine/cpu/fault.ts';
import type { Processor } from '../machine/cpu/processor.ts';
import type { MachineState, Pc } from '../machine/pc.ts';
import type { BackKind, EditableRegister, StepKind, StopReason } from '../protocol/messages.ts';
import type { Mode, Setting } from '../protocol/monitor.ts';
import type { Counts } from '../vmm/counts.ts';
import type { Monitor, MonitorEnd } from '../vmm/monitor.ts';
import { ModeError, type Paging } from '../vmm/technique.ts';
import type { DomainPlan } from '../xen/domain-plan.ts';
import { type BackRequest, type Course, goBack, type Search } from './back.ts';
import { classOf, decodeAt } from './code-view.ts';
import { GuestMachine, type MachineWatch } from './guest-machine.ts';
import { History, type HistoryOptions, type Taken } from './history.ts';
import { type Input, Journal, type Moment } from './journal.ts';
import { isBefore, Player } from './player.ts';
import { type Checkpoint, type Mark, POWER_ON, replay } from './replay.ts';
import { describeProcessor } from './report.ts';
import { parseSymbols, SymbolTable } from './symbols.ts';

/** An image with all that is needed to start it, and to start it again. */
export interface Guest {
  readonly name: string;
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array | null;
  /** Text of a symbol file, or null: then an ELF image's own symbols count. */
  readonly symbols: string | null;
  readonly commandLine: string;
  readonly memoryMib: number;
}

export interface SessionOptions {
  /** Date of the real-time clock at power-on, in Unix seconds. */
  readonly startTime: number;
  /** Steps a virtual second at the start. */
  readonly rate: number;
  readonly onConsole: (byte: number) => void;
  /** Bare unless said. */
  readonly mode?: Mode;
  /** Under `hardware`: nested unless said. */
  readonly paging?: Paging;
  /** Whether, and how, checkpoints are kept to step back with; not unless said. */
  readonly history?: HistoryOptions;
  /** The session is in its past now: so many bytes of the console were printed there. What follows is printed again. */
  readonly onRewind?: (printed: number) => void;
}

/** It cannot go back to what was asked for. */
export class BackError extends Error {}

/** What run() is to reach. Stepping over and out may take long, so they are goals too. */
type Goal =
  | { readonly kind: 'run' }
  /** Until the instruction at this linear address, with the stack no deeper than now. */
  | { readonly kind: 'over'; readonly address: number; readonly esp: number }
  /** Until a return leaves the stack above this. */
  | { readonly kind: 'out'; readonly esp: number }
  /** Until just before the first privileged instruction. */
  | { readonly kind: 'privileged' }
  /** Until the search has come to a moment in the past. */
  | { readonly kind: 'back'; readonly search: Search; readonly request: BackRequest }
  /** Until the guest has been in the monitor; bare, until something went through its IDT. */
  | { readonly kind: 'trap' };

export const MIN_MEMORY_MIB = 1;
/** The machine's memory is one WebAssembly.Memory of 32-bit addresses; more than this serves no guest yet. */
export const MAX_MEMORY_MIB = 2048;

/** Single steps in one call of run(): the call must come back soon. */
const SINGLE_STEPS = 50_000;
/** The same under the monitor, where each takes longer. */
const SINGLE_STEPS_MONITORED = 2000;

/** Why a search found nothing. */
const NOT_FOUND: Readonly<Record<BackKind, string>> = {
  step: 'Nothing was executed before.',
  trap: 'There was no trap before.',
  write: 'These four bytes have not changed before.',
};

/** Instructions after which stepping over means going on behind them. */
const CALLS: readonly string[] = ['call', 'callIndirect', 'callFar', 'int', 'int3', 'into', 'loop', 'loope', 'loopne'];
const RETURNS: readonly string[] = ['ret', 'retFar', 'iret', 'sysexit'];

/** A paravirtualized kernel's start: its domain says where it begins, the registers of a processor count for nothing. */
type DomainStart = Omit<BootPlan, 'kind'> & { readonly kind: 'xen'; readonly domain: DomainPlan };

/** Throws ModeError for a kernel that is not made for the monitor's interface, ImageError for one that cannot be started. */
function loadDomain(kernel: Uint8Array, options: BootOptions): DomainStart {
  if (readXenNotes(kernel) === null) {
    throw new ModeError('This kernel is not made for --mode para: it has no Xen notes.');
  }
  const { segments, symbols, domain } = loadXen(kernel, options);
  return { kind: 'xen', segments, symbols, domain, registers: { eip: 0, codeSelector: 8, dataSelector: 16 } };
}

/** A machine and what a person does with it: run, pause, step, break, reset, look, change, save. */
export class Session {
  readonly guest: Guest;
  readonly symbolFile: SymbolFile | null;
  readonly symbols: SymbolTable;
  readonly plan: BootPlan | DomainStart;
  /** What came to the machine from outside: replay() gives it all again. */
  readonly journal = new Journal();
  /** Why the machine does not run; what it was when it last did not. */
  stop: StopReason = { kind: 'start' };
  readonly #options: SessionOptions;
  readonly #history: History | null;
  #live: Course;
  /** A second machine, which searches the past; made when it is first asked for. */
  #scout: Course | null = null;
  #watch: MachineWatch | null = null;
  /** In the past: where the present was. */
  #present: Moment | null = null;
  /** Moments between the guest's instructions before the present, as the last search found them. */
  #boundaries: readonly Moment[] = [];
  #breakpoints: readonly number[] = [];
  #goal: Goal = { kind: 'run' };
  /** The next run starts at the instruction where it stopped, so a breakpoint there does not count. */
  #pass = false;

  /** Throws ImageError, or an Error with one clear sentence, if the guest cannot be started. */
  constructor(guest: Guest, options: SessionOptions) {
    const { memoryMib } = guest;
    if (!Number.isInteger(memoryMib) || memoryMib < MIN_MEMORY_MIB || memoryMib > MAX_MEMORY_MIB) {
      throw new ImageError(`The memory must be a whole number of MiB from ${MIN_MEMORY_MIB} to ${MAX_MEMORY_MIB}.`);
    }
    const memoryBytes = memoryMib * 1048576;
    const boot = { memoryBytes, commandLine: guest.commandLine, initrd: guest.initrd };
    this.plan = options.mode === 'para' ? loadDomain(guest.kernel, boot) : loadImage(guest.kernel, boot);
    this.symbolFile = guest.symbols === null ? symbolsFromElf(guest.kernel) : parseSymbols(guest.symbols);
    this.symbols = new SymbolTable(this.symbolFile);
    this.guest = guest;
    this.#options = options;
    this.#live = this.#newCourse();
    this.#history = options.history === undefined ? null : new History(options.history, this.setting);
  }

  get #machine(): GuestMachine {
    return this.#live.player.machine;
  }

  /** A machine at power-on. It prints for all to see while it is the one that is looked at. */
  #newCourse(): Course {
    const machine = this.#newMachine(byte => {
      course.printed++;
      if (course === this.#live) this.#options.onConsole(byte);
    });
    const course: Course = { player: new Player(machine, this.journal, 0), printed: 0 };
    return course;
  }

  #newMachine(onConsole: (byte: number) => void): GuestMachine {
    const { startTime, rate, mode = 'bare', paging = 'nested' } = this.#options;
    const memoryBytes = this.guest.memoryMib * 1048576;
    return new GuestMachine(this.plan, { memoryBytes, startTime, rate, onConsole, setting: { mode, paging } });
  }

  /** How the guest is run now. */
  get setting(): Setting {
    return this.#machine.setting;
  }

  /**
   * The guest goes on in another mode, at its instruction. Throws an Error with one sentence if it cannot; then it goes on as it was.
   */
  change(setting: Setting): void {
    this.#apply({ kind: 'mode', setting });
    this.#pass = true;
    if (!this.ended) this.stop = { kind: 'pause' };
  }

  /** The processor as the guest believes it has it. Only to look at. */
  get processor(): Processor {
    return this.#machine.guestProcessor;
  }

  /** The monitor that runs the guest, or null when the guest has the machine for itself. */
  get monitor(): Monitor | null {
    return this.#machine.monitor;
  }

  /** The machine of this power cycle. Only looking at it is free: what changes it goes through this class, into the journal. */
  get pc(): Pc {
    return this.#machine.pc;
  }

  /** Has `watch` shown the machine, now and after each power cycle; null: no more. */
  watchMachines(watch: MachineWatch | null): void {
    this.#watch = watch;
    this.#machine.watch(watch);
  }

  /** Whether the guest waits in HLT right now. */
  get halted(): boolean {
    return this.#machine.halted;
  }

  /** Steps since the session began, over all resets. */
  get steps(): number {
    return this.#machine.steps;
  }

  /** Whether the machine cannot go on. */
  get ended(): boolean {
    const { kind } = this.stop;
    return kind === 'powerOff' || kind === 'deadHalt' || kind === 'tripleFault' || kind === 'unimplemented';
  }

  /** Power off and on: the guest starts from its beginning. Breakpoints stay. */
  reset(): void {
    this.#apply({ kind: 'reset' });
    this.#afterPowerCycle();
  }

  #afterPowerCycle(): void {
    this.stop = { kind: 'start' };
    this.#pass = false;
    this.setBreakpoints(this.#breakpoints);
  }

  /** Carries out an input and writes it down. */
  #apply(input: Input): void {
    const at = this.#machine.moment;
    this.#machine.apply(input);
    this.#record(at, input);
  }

  /** What came is written down; if the session is in its past, what came later then will not come. */
  #record(at: Moment, input: Input): void {
    const { player } = this.#live;
    this.abandon();
    player.record(at, input);
    this.#present = null;
    this.#boundaries = [];
    this.#history?.trim({ at, position: player.position }, this.journal.first);
  }

  /** Linear addresses. */
  setBreakpoints(addresses: readonly number[]): void {
    this.#breakpoints = [...addresses];
    this.#machine.setBreakpoints(this.#breakpoints);
  }

  /** Sets out to run on, to the given goal; run() does the work. */
  begin(goal: 'run' | 'privileged' | StepKind): void {
    const cpu = this.processor;
    const esp = cpu.i32[ESP] >>> 0;
    this.#pass = true;
    this.#goal = { kind: 'run' };
    switch (goal) {
      case 'out':
        this.#goal = { kind: 'out', esp };
        return;
      case 'over': {
        const i = decodeAt(cpu, cpu.linearEip);
        const isCall = i !== null && (CALLS.includes(i.row.operation) || i.repeat !== 0);
        if (isCall) this.#goal = { kind: 'over', address: (cpu.linearEip + i.length) | 0, esp };
        else this.#single();
        return;
      }
      case 'into':
        this.#single();
        return;
      case 'machine':
        this.#run(1, Number.POSITIVE_INFINITY, { kind: 'step' });
        return;
      default:
        this.#goal = { kind: goal };
    }
  }

  #single(): void {
    this.#take(() => this.#live.player.step(), { kind: 'step' });
  }

  /**
   * Goes on towards the goal for at most `steps` steps, and until virtual time `until` (nanoseconds). Returns whether the machine still
   * runs; if not, `stop` says why.
   */
  run(steps: number, until: number): boolean {
    const goal = this.#goal;
    switch (goal.kind) {
      case 'run':
        return this.#run(steps, until, null);
      case 'over':
        return this.#runOver(steps, until, goal.address, goal.esp);
      case 'out':
        return this.#runSingly(
          until,
          executed => RETURNS.includes(executed) && this.processor.i32[ESP] >>> 0 > goal.esp,
        );
      case 'privileged':
        return this.#runToPrivileged(until);
      case 'trap':
        return this.#runToTrap(steps, until);
      case 'back':
        return this.#runBack(steps, goal.search, goal.request);
    }
  }

  /** Runs; `reached` is the reason to give when all steps are done, null to stay running. */
  #run(steps: number, until: number, reached: StopReason | null): boolean {
    return this.#take(() => this.#live.player.run(steps, until, this.#pass), reached);
  }

  #take(run: () => MonitorEnd, reached: StopReason | null): boolean {
    let end: MonitorEnd;
    try {
      end = run();
    } catch (thrown) {
      if (!(thrown instanceof MachineStop)) throw thrown;
      this.stop = {
        kind: thrown.kind,
        report: `${thrown.message}\n${describeProcessor(this.#machine.guestProcessor)}`,
      };
      return false;
    }
    this.#pass = false;
    switch (end) {
      case 'steps':
      case 'idle':
        if (reached === null) return true;
        this.stop = reached;
        return false;
      case 'breakpoint':
        this.stop = { kind: 'breakpoint', address: this.processor.linearEip >>> 0 };
        return false;
      case 'trap':
        this.stop = { kind: 'step' };
        return false;
      case 'powerOff':
      case 'deadHalt':
        this.stop = { kind: end };
        return false;
      case 'reset':
        this.#afterPowerCycle();
        return true;
    }
  }

  /** A breakpoint of its own behind the call; one that is met deeper in a recursion does not count. */
  #runOver(steps: number, until: number, address: number, esp: number): boolean {
    this.#machine.setBreakpoints([...this.#breakpoints, address >>> 0]);
    const running = this.#run(steps, until, null);
    this.#machine.setBreakpoints(this.#breakpoints);
    if (running || this.stop.kind !== 'breakpoint' || this.stop.address !== address >>> 0) return running;
    if (this.#breakpoints.includes(address >>> 0)) return false;
    if (this.processor.i32[ESP] >>> 0 < esp) {
      this.#pass = true;
      return true;
    }
    this.stop = { kind: 'step' };
    return false;
  }

  /** Step by step until `isThere`, given the operation that was just executed, says so. */
  #runSingly(until: number, isThere: (executed: string) => boolean): boolean {
    const { cpu, clock } = this.pc;
    const most = this.monitor === null ? SINGLE_STEPS : SINGLE_STEPS_MONITORED;
    for (let n = 0; n < most && clock.now() < until; n++) {
      const guest = this.processor;
      const executed = decodeAt(guest, guest.linearEip)?.row.operation ?? '';
      const before = cpu.count;
      const running =
        this.monitor === null ? this.#run(1, until, null) : this.#take(() => this.#live.player.step(), null);
      if (!running) return false;
      if (isThere(executed)) {
        this.stop = { kind: 'step' };
        return false;
      }
      // Waiting for virtual time or for input.
      if (cpu.count === before) return true;
    }
    return true;
  }

  #runToTrap(steps: number, until: number): boolean {
    if (this.monitor === null) return this.#runToDelivery(until);
    this.#machine.stopAtTraps(true);
    const running = this.#run(steps, until, null);
    this.#machine.stopAtTraps(false);
    return running;
  }

  #runToDelivery(until: number): boolean {
    const { cpu } = this.pc;
    const next = cpu.probe;
    let isThere = false;
    cpu.probe = {
      delivered: (vector, source, code) => {
        isThere = true;
        next?.delivered(vector, source, code);
      },
      transferred: by => next?.transferred(by),
    };
    try {
      return this.#runSingly(until, () => isThere);
    } finally {
      cpu.probe = next;
    }
  }

  #runToPrivileged(until: number): boolean {
    const isNext = () => {
      const cpu = this.processor;
      const i = decodeAt(cpu, cpu.linearEip);
      return i !== null && (classOf(i) === 'privileged' || classOf(i) === 'io');
    };
    if (!isNext()) {
      const running = this.#runSingly(until, isNext);
      if (running || this.stop.kind !== 'step') return running;
    }
    this.stop = { kind: 'privileged' };
    return false;
  }

  /** Types on the serial console; returns how many bytes were taken. */
  input(bytes: Uint8Array): number {
    const at = this.#machine.moment;
    const taken = this.#machine.type(bytes);
    if (taken > 0) this.#record(at, { kind: 'console', bytes: bytes.slice(0, taken) });
    return taken;
  }

  /** Steps a virtual second from here on. In the past it is what it was then. */
  setRate(rate: number): void {
    if (!this.isPast) this.#apply({ kind: 'rate', rate });
  }

  writeRegister(register: EditableRegister, value: number): void {
    this.#apply({ kind: 'register', register, value });
    this.#pass = false;
  }

  /** Throws an Error with one sentence if a byte is not in mapped RAM; then nothing was written. */
  writeMemory(space: 'linear' | 'physical', address: number, bytes: Uint8Array): void {
    this.#apply({ kind: 'memory', space, address, bytes: bytes.slice() });
  }

  /** `length` bytes of the guest's, -1 for each that is not mapped. */
  readMemory(space: 'linear' | 'physical', address: number, length: number): Int16Array {
    const cpu = this.processor;
    return Int16Array.from({ length }, (_, n) => {
      const at = (address + n) >>> 0;
      return space === 'linear' ? cpu.peekByte(at | 0) : cpu.physical.peekByte(at);
    });
  }

  /** The guest as the state of a machine that it has for itself. Throws an Error with one sentence for a paravirtualized one. */
  save(): MachineState {
    const at = this.#machine.moment;
    const state = this.#machine.save();
    if (this.monitor !== null) this.#record(at, { kind: 'save' });
    return state;
  }

  /** Puts a saved state into this machine; the journal begins anew. Throws TypeError if it does not fit; then nothing has changed. */
  restore(state: MachineState): void {
    const { boot, step } = this.#machine.moment;
    const at = { boot, step: step - this.pc.cpu.count + state.count, time: 0 };
    this.#machine.restore(state, at);
    this.journal.restart();
    this.#live.player.position = this.journal.end;
    this.#present = null;
    this.#boundaries = [];
    this.#history?.restart(this.#taken(), state);
    this.stop = { kind: 'pause' };
    this.#pass = false;
  }

  /** Where the session is now: what replay() can be told to come to. */
  mark(): Mark {
    return { at: this.#machine.moment, position: this.#live.player.position };
  }

  /** The machine as it is now, to replay from. It keeps all memory that is not zero: as much as save() does. */
  checkpoint(): Checkpoint {
    const at = this.#machine.moment;
    const state = this.#machine.checkpoint();
    if (this.monitor !== null) this.#record(at, { kind: 'checkpoint' });
    return { ...this.mark(), state, setting: this.setting };
  }

  /**
   * The machine as it was at a mark or a step, replayed from a checkpoint before it; see replay(). This session's own machine goes on
   * undisturbed, so for that time there are two. What the guest prints on the way goes to `onConsole`.
   */
  stateAt(to: Mark | number, from: Checkpoint = POWER_ON, onConsole: (byte: number) => void = () => {}): Checkpoint {
    const machine = this.#newMachine(onConsole);
    const mark = replay(machine, from, this.journal, to);
    return { ...mark, state: machine.save() };
  }

  // The past

  #taken(counts: Counts | null = null): Taken {
    return { ...this.mark(), setting: this.setting, counts, printed: this.#live.printed };
  }

  /**
   * Another so many milliseconds were run: takes a checkpoint if it is time for one. `now`: milliseconds, never going back. Call between runs.
   * A paravirtualized guest has none, so its past is replayed from power-on.
   */
  remember(milliseconds: number, now: () => number): void {
    const history = this.#history;
    const isStill = this.isPast || this.ended || this.isSearching || this.setting.mode === 'para';
    if (history === null || isStill || !history.isDue(milliseconds)) return;
    const started = now();
    const counts = this.monitor?.counts ?? null;
    const { state } = this.checkpoint();
    if (state !== null) history.keep(this.#taken(counts), state);
    history.took(now() - started);
  }

  /** Whether the session was taken back and has not come to where it was: what came from outside then comes again. */
  get isPast(): boolean {
    const { player } = this.#live;
    if (this.#present !== null && !isBefore(player.machine.moment, this.#present)) this.#present = null;
    return player.isBehind || this.#present !== null;
  }

  /** Whether run() looks for a moment in the past. */
  get isSearching(): boolean {
    return this.#goal.kind === 'back';
  }

  /** The first step that one can go back to, or null if nothing is kept; and what the history costs. */
  get history(): {
    readonly from: number;
    readonly checkpoints: number;
    readonly bytes: number;
    readonly spent: number;
  } | null {
    const history = this.#history;
    if (history === null || history.kept.length === 0) return null;
    const { kept, bytes, spent } = history;
    return { from: kept[0].at.step, checkpoints: kept.length, bytes, spent };
  }

  /**
   * Sets out to the past; run() does the work. `address`: the linear address of four bytes, as the guest maps it now. Throws BackError if
   * that cannot be.
   */
  beginBack(kind: BackKind, address = 0): void {
    const history = this.#history;
    if (history === null) throw new BackError('This session keeps no history to go back in.');
    if (this.steps <= (history.kept[0]?.at.step ?? this.steps)) {
      throw new BackError('The history does not reach back any further.');
    }
    const physical = kind === 'write' ? this.processor.lookUp(address | 0) : 0;
    if (physical < 0) throw new BackError(`There is no memory at linear address ${(address >>> 0).toString(16)}.`);
    const here = this.#machine.moment;
    const request: BackRequest = { kind, here, address: physical, boundaries: this.#boundaries };
    this.#scout ??= this.#newCourse();
    this.#goal = { kind: 'back', search: goBack(this.#scout, this.journal, history, request), request };
  }

  /** Gives a search up. */
  abandon(): void {
    if (this.isSearching) this.#goal = { kind: 'run' };
  }

  /** Throws BackError if there is no such moment; then nothing has changed. */
  #runBack(steps: number, search: Search, request: BackRequest): boolean {
    try {
      for (let taken = 0; taken < steps; ) {
        const { done, value } = search.next();
        if (!done) {
          taken += Math.max(value, 1);
          continue;
        }
        if (!value) throw new BackError(NOT_FOUND[request.kind]);
        this.#goal = { kind: 'run' };
        this.#goTo(request);
        return false;
      }
      return true;
    } catch (error) {
      this.#goal = { kind: 'run' };
      if (error instanceof BackError || !(error instanceof Error)) throw error;
      throw new BackError(error.message);
    }
  }

  /** The machine that searched is the one that is looked at now; the other one is for the next search. */
  #goTo({ here, boundaries }: BackRequest): void {
    if (this.#scout === null) return;
    const before = this.#live;
    if (!this.isPast) this.#present = here;
    before.player.machine.watch(null);
    before.player.machine.setBreakpoints([]);
    this.#live = this.#scout;
    this.#scout = before;
    this.#boundaries = boundaries;
    this.setBreakpoints(this.#breakpoints);
    this.#machine.watch(this.#watch);
    this.stop = { kind: 'pause' };
    this.#pass = true;
    this.#options.onRewind?.(this.#live.printed);
  }
}
