import { type BootOptions, type BootPlan, ImageError, type SymbolFile } from '../guests/boot.ts';
import { symbolsFromElf } from '../guests/elf-symbols.ts';
import { loadImage } from '../guests/load.ts';
import { loadXen } from '../guests/xen.ts';
import { readXenNotes } from '../guests/xen-notes.ts';
import * as L from '../machine/cpu/layout.ts';
import type { Processor } from '../machine/cpu/processor.ts';
import type { MachineState, Pc, PcOptions } from '../machine/pc.ts';
import type { BreakCount, BreakOn, Breakpoint } from '../protocol/breakpoints.ts';
import type { BackKind, EditableRegister, StepKind, StopReason } from '../protocol/messages.ts';
import type { Mode, Setting } from '../protocol/monitor.ts';
import type { Answer, Question } from '../protocol/questions.ts';
import type { Counts } from '../vmm/counts.ts';
import type { Monitor } from '../vmm/monitor.ts';
import { ModeError, type Paging } from '../vmm/technique.ts';
import type { DomainPlan } from '../xen/domain-plan.ts';
import { GuestMachine } from './guest-machine.ts';
import { History, type HistoryOptions, type Taken } from './past/history.ts';
import { type Input, Journal, type Moment } from './past/journal.ts';
import { BackError, Past } from './past/past.ts';
import { Player } from './past/player.ts';
import { type Checkpoint, type Mark, POWER_ON, replay } from './past/replay.ts';
import { type Course, isEqual } from './past/travel.ts';
import { type Looker, Runner } from './runner.ts';
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
  /** See PcOptions. */
  readonly translate?: PcOptions['translate'];
  /** See BoardOptions. */
  readonly onTestExit?: PcOptions['onTestExit'];
  /** Under `hardware`: nested unless said. */
  readonly paging?: Paging;
  /** Whether, and how, checkpoints are kept to step back with; not unless said. */
  readonly history?: HistoryOptions;
  /** The session is in its past now: so many bytes of the console were printed there. What follows is printed again. */
  readonly onRewind?: (printed: number) => void;
  /** A machine is near the moment that the session goes to: what it does from there on can be recorded, and is the session's past then. */
  readonly onNear?: (machine: GuestMachine) => void;
}

export const MIN_MEMORY_MIB = 1;
/** The machine's memory is one WebAssembly.Memory of 32-bit addresses; more than this serves no guest yet. */
export const MAX_MEMORY_MIB = 2048;

/** Instructions that a guest does when it is paused. */
const SETTLING = 8;

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
  readonly #options: SessionOptions;
  readonly #history: History | null;
  readonly #past: Past | null;
  readonly #runner: Runner;
  #live: Course;
  /** Where the same step in another mode came to. */
  #same: Moment | null = null;

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
    this.#runner = new Runner(this.#live.player);
    this.#history = options.history === undefined ? null : new History(options.history, this.setting);
    this.#past = this.#history && this.#newPast(this.#history);
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
    const { startTime, rate, translate, onTestExit, mode = 'bare', paging = 'nested' } = this.#options;
    const memoryBytes = this.guest.memoryMib * 1048576;
    return new GuestMachine(this.plan, {
      memoryBytes,
      startTime,
      rate,
      translate,
      onTestExit,
      onConsole,
      setting: { mode, paging },
    });
  }

  /** How the guest is run now. */
  get setting(): Setting {
    return this.#machine.setting;
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

  /** Has `looker` shown the machine, now and after each power cycle, and told what it does; null: no more. */
  watchMachines(looker: Looker | null): void {
    this.#runner.look(looker);
  }

  /** Whether the guest waits in HLT right now. */
  get halted(): boolean {
    return this.#machine.halted;
  }

  /** Steps since the session began, over all resets. */
  get steps(): number {
    return this.#machine.steps;
  }

  /** Why the machine does not run; what it was when it last did not. */
  get stop(): StopReason {
    return this.#runner.stop;
  }

  set stop(stop: StopReason) {
    this.#runner.stop = stop;
  }

  /** Whether the machine cannot go on. */
  get ended(): boolean {
    const { kind } = this.stop;
    return kind === 'powerOff' || kind === 'deadHalt' || kind === 'tripleFault' || kind === 'unimplemented';
  }

  // Running

  /** Throws ExpressionError for a condition that means nothing; then nothing has changed. */
  setBreakpoints(breakpoints: readonly Breakpoint[]): void {
    this.#runner.setBreakpoints(breakpoints);
  }

  /** How often each was met; only what is not 0. */
  get breakCounts(): readonly BreakCount[] {
    return this.#runner.breakCounts;
  }

  /** Sets out to run on, to the given goal; run() does the work. A step is done at once. */
  begin(goal: 'run' | 'privileged' | StepKind): void {
    const before = goal === 'into' ? this.#machine.moment : null;
    this.#runner.begin(goal);
    if (before !== null && this.stop.kind === 'step') this.#past?.notice(before, this.#machine.moment);
  }

  /**
   * A person pauses a guest that runs: under the monitor it goes on by a few of its instructions, so that it stands between two of them, and what
   * was before it need not be searched for in the past.
   */
  pause(): void {
    const isWanted = this.monitor !== null && this.#past !== null && !this.isPast;
    for (let n = 0; isWanted && n < SETTLING && !this.halted; n++) {
      this.begin('into');
      if (this.stop.kind !== 'step') return;
    }
    this.stop = { kind: 'pause' };
  }

  /** Sets out to run on until this happens once. */
  beginUntil(on: BreakOn): void {
    this.#runner.beginUntil(on);
  }

  /**
   * Goes on towards the goal for at most `steps` steps, and until virtual time `until` (nanoseconds). Returns whether the machine still
   * runs; if not, `stop` says why. While it searches the past, the machine stands still meanwhile; throws BackError if there is no such moment.
   */
  run(steps: number, until: number): boolean {
    return this.#past?.isSearching === true ? this.#past.run(steps) : this.#runner.run(steps, until);
  }

  // What comes from outside

  /** Carries out an input and writes it down. */
  #apply(input: Input): void {
    const at = this.#machine.moment;
    this.#machine.apply(input);
    this.#record(at, input);
  }

  /** What came is written down; if the session is in its past, what came later then will not come. */
  #record(at: Moment, input: Input): void {
    const { player } = this.#live;
    this.#past?.forget();
    player.record(at, input);
    this.#history?.trim({ at, position: player.position }, this.journal.first);
  }

  /** Power off and on: the guest starts from its beginning. Breakpoints stay. */
  reset(): void {
    this.#apply({ kind: 'reset' });
    this.#runner.restart({ kind: 'start' }, false);
  }

  /**
   * The guest goes on in another mode, at its instruction. Throws an Error with one sentence if it cannot; then it goes on as it was.
   */
  change(setting: Setting): void {
    this.#apply({ kind: 'mode', setting });
    this.#runner.restart(this.ended ? this.stop : { kind: 'pause' }, true);
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
    this.#runner.restart(this.stop, false);
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
    this.#past?.forget();
    this.#history?.restart(this.#taken(), state);
    this.#runner.restart({ kind: 'pause' }, false);
  }

  // The past

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

  #taken(counts: Counts | null = null): Taken {
    return { ...this.mark(), setting: this.setting, counts, printed: this.#live.printed };
  }

  #newPast(history: History): Past {
    return new Past({
      journal: this.journal,
      history,
      newCourse: () => this.#newCourse(),
      swap: scout => this.#swap(scout),
      onNear: machine => this.#options.onNear?.(machine),
    });
  }

  /** Another machine is looked at from now on; returns the one before. */
  #swap(scout: Course): Course {
    const before = this.#live;
    this.#live = scout;
    this.#runner.take(scout.player);
    this.#runner.restart({ kind: 'pause' }, true);
    this.#options.onRewind?.(scout.printed);
    return before;
  }

  /**
   * Another so many milliseconds were run: takes a checkpoint if it is time for one. `now`: milliseconds, never going back. Call between runs.
   * A paravirtualized guest has none, so its past is replayed from power-on.
   */
  remember(milliseconds: number, now: () => number): void {
    const history = this.#history;
    const isStill = this.isPast || this.ended || this.isSearching || this.setting.mode === 'para';
    if (history === null || isStill || !history.isDue(milliseconds, this.monitor !== null)) return;
    const started = now();
    const counts = this.monitor?.counts ?? null;
    const { state } = this.checkpoint();
    if (state !== null) history.keep(this.#taken(counts), state);
    history.took(now() - started);
  }

  /** Whether the session was taken back and has not come to where it was: what came from outside then comes again. */
  get isPast(): boolean {
    return this.#past?.isBehind(this.#live) ?? this.#live.player.isBehind;
  }

  /** Whether run() looks for a moment in the past. */
  get isSearching(): boolean {
    return this.#past?.isSearching ?? false;
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

  get #ways(): Past {
    if (this.#past === null) throw new BackError('This session keeps no history to go back in.');
    return this.#past;
  }

  /**
   * Sets out to the past; run() does the work. `address`: the linear address of four bytes, as the guest maps it now. Throws BackError if
   * that cannot be.
   */
  beginBack(kind: BackKind, address = 0): void {
    this.#ways.begin(this.#live, kind, address, () => {});
  }

  /** Sets out to a step, back or on within the past. Returns false if the session is there already. Throws BackError if it is not in the past. */
  beginGoTo(step: number): boolean {
    return this.#ways.beginAt(this.#live, step, () => {});
  }

  /** Sets out to find who changed four bytes last; the session stays where it is. Throws BackError if that cannot be. */
  beginLastWrite(
    question: Extract<Question, { kind: 'lastWrite' }>,
    then: (answer: Extract<Answer, { kind: 'lastWrite' }>) => void,
  ): void {
    this.#ways.beginLastWrite(this.#live, question, this.symbols, then);
  }

  /**
   * Sets out to before the guest's last instruction that left for the monitor, or bare that needed privilege; there the mode is changed, and that
   * one instruction executed. Right after that it is the same instruction once more, whether it left or not. Throws BackError or ModeError if that cannot be; so does run(), and then nothing has changed.
   */
  beginSameStep(setting: Setting): void {
    if (setting.mode === 'para' || this.setting.mode === 'para') {
      throw new ModeError('A paravirtualized kernel is another one: the same step is not in both.');
    }
    const isAgain = this.#same !== null && isEqual(this.#same, this.#machine.moment);
    const kind = isAgain ? 'step' : this.monitor === null ? 'privileged' : 'left';
    const ways = this.#ways;
    ways.begin(this.#live, kind, 0, () => {
      // Behind STI or a load of SS an instruction goes with that, and a monitor emulates it on the way: an earlier one shows more.
      if (this.processor.i32[L.W_SHADOW] !== 0) {
        this.beginSameStep(setting);
        return;
      }
      try {
        this.change(setting);
      } catch (error) {
        ways.leave();
        throw error;
      }
      this.begin('into');
      this.#same = this.#machine.moment;
    });
  }

  /** Gives a search up. */
  abandon(): void {
    this.#past?.abandon();
  }
}
