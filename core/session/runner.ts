import { ESP } from '../ia32/registers.ts';
import { MachineStop } from '../machine/cpu/fault.ts';
import type { Processor } from '../machine/cpu/processor.ts';
import type { Pc } from '../machine/pc.ts';
import type { BreakCount, BreakOn, Breakpoint } from '../protocol/breakpoints.ts';
import type { StepKind, StopReason } from '../protocol/messages.ts';
import type { Monitor, MonitorEnd } from '../vmm/monitor.ts';
import type { MonitorWatcher } from '../vmm/trace.ts';
import { BreakEvents } from './breaks/break-events.ts';
import { Breaks } from './breaks/breaks.ts';
import type { GuestMachine } from './guest-machine.ts';
import type { Player } from './past/player.ts';
import { describeProcessor } from './report.ts';
import { decodeAt, isPrivileged } from './views/code-view.ts';
import { tellAll } from './watching/fan.ts';

/** What run() is to reach. Stepping over and out may take long, so they are goals too. */
type Goal =
  | { readonly kind: 'run' }
  /** Until the instruction at this linear address, with the stack no deeper than now. */
  | { readonly kind: 'over'; readonly address: number; readonly esp: number }
  /** Until a return leaves the stack above this. */
  | { readonly kind: 'out'; readonly esp: number }
  /** Until just before the first privileged instruction. */
  | { readonly kind: 'privileged' }
  /** Until the guest has been in the monitor; bare, until something went through its IDT. */
  | { readonly kind: 'trap' };

/** Is shown a machine whose power has just come on; returns who is to be told what it does, or null. */
export type Looker = (pc: Pc, monitor: Monitor | null) => MonitorWatcher | null;

/** Single steps in one call of run(): the call must come back soon. */
const SINGLE_STEPS = 50_000;
/** The same under the monitor, where each takes longer. */
const SINGLE_STEPS_MONITORED = 2000;
/** Steps of the machine after which the guest surely stands between two of its instructions, if it can at all. */
const MOST_SETTLING = 10_000;

/** Instructions after which stepping over means going on behind them. */
const CALLS: readonly string[] = ['call', 'callIndirect', 'callFar', 'int', 'int3', 'into', 'loop', 'loope', 'loopne'];
const RETURNS: readonly string[] = ['ret', 'retFar', 'iret', 'sysexit'];

/** Runs a machine on its course: to goals, and to breakpoints. */
export class Runner {
  /** Why the machine does not run; what it was when it last did not. */
  stop: StopReason = { kind: 'start' };
  readonly #breaks = new Breaks();
  #events: BreakEvents | null = null;
  #looker: Looker | null = null;
  /** What the looker gave for the present machine. */
  #watcher: MonitorWatcher | null = null;
  #player: Player;
  #goal: Goal = { kind: 'run' };
  /** The next run starts at the instruction where it stopped, so a breakpoint there does not count. */
  #pass = false;
  /** Where breakpoints were met in the last run, none of which stops. */
  #declined: number | null = null;

  constructor(player: Player) {
    this.#player = player;
    player.machine.watch(this.#show);
  }

  get #machine(): GuestMachine {
    return this.#player.machine;
  }

  get #guest(): Processor {
    return this.#machine.guestProcessor;
  }

  /** Runs this one from now on. */
  take(player: Player): void {
    const before = this.#machine;
    this.#events?.detach();
    before.watch(null);
    tell(before.pc, before.monitor, null);
    before.setBreakpoints([]);
    this.#player = player;
    this.#machine.watch(this.#show);
    this.#place();
  }

  /** Has `looker` shown the machine, now and after each power cycle; null: no more. */
  look(looker: Looker | null): void {
    this.#looker = looker;
    this.#machine.watch(this.#show);
  }

  readonly #show = (pc: Pc, monitor: Monitor | null): void => {
    this.#watcher = this.#looker?.(pc, monitor) ?? null;
    this.#events?.attach(pc, monitor);
    this.#tell(pc, monitor);
  };

  #tell(pc: Pc, monitor: Monitor | null): void {
    tell(pc, monitor, tellAll([this.#events, this.#watcher].filter(watcher => watcher !== null)));
  }

  /** Throws ExpressionError for a condition that means nothing; then nothing has changed. */
  setBreakpoints(breakpoints: readonly Breakpoint[]): void {
    this.#breaks.set(breakpoints);
    this.#place();
  }

  get breakCounts(): readonly BreakCount[] {
    return this.#breaks.counts;
  }

  /** Has the machine stop, and listens for, what the breakpoints ask for. */
  #place(): void {
    this.#machine.setBreakpoints(this.#breaks.addresses);
    this.#events?.detach();
    const { events } = this.#breaks;
    this.#events = events.length === 0 ? null : new BreakEvents(events);
    const { pc, monitor } = this.#machine;
    this.#events?.attach(pc, monitor);
    this.#tell(pc, monitor);
  }

  /** What the guest does next may be at a breakpoint: `pass` that one. */
  restart(stop: StopReason, pass: boolean): void {
    this.stop = stop;
    this.#pass = pass;
  }

  /** Sets out to run on, to the given goal; run() does the work. */
  begin(goal: 'run' | 'privileged' | StepKind): void {
    const cpu = this.#guest;
    const esp = cpu.i32[ESP] >>> 0;
    this.#setUntil(null);
    this.#pass = true;
    this.#goal = { kind: 'run' };
    switch (goal) {
      case 'out':
        this.#goal = { kind: 'out', esp };
        return;
      case 'over': {
        const i = decodeAt(cpu, cpu.linearEip);
        const isCall = i !== null && (CALLS.includes(i.row.operation) || i.repeat !== 0);
        if (isCall) this.#goal = { kind: 'over', address: (cpu.linearEip + i.length) >>> 0, esp };
        else this.#single();
        return;
      }
      case 'into':
        this.#single();
        return;
      case 'machine':
        // What it met on the way does not make it more than one.
        if (this.#run(1, Number.POSITIVE_INFINITY, { kind: 'step' }) && this.#declined !== null) {
          this.stop = { kind: 'step' };
        }
        return;
      default:
        this.#goal = { kind: goal };
    }
  }

  /** Sets out to run on until this happens once. */
  beginUntil(on: BreakOn): void {
    this.begin('run');
    this.#setUntil(on);
  }

  #setUntil(on: BreakOn | null): void {
    if (on === null && !this.#breaks.hasUntil) return;
    this.#breaks.setUntil(on);
    this.#place();
  }

  /** One instruction of the guest's, or an event that it is given. */
  #single(): void {
    let goesOn = false;
    while (this.#take(() => this.#player.step(goesOn), { kind: 'step' }) && this.#declined !== null) goesOn = true;
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
        return this.#runSingly(until, executed => RETURNS.includes(executed) && this.#guest.i32[ESP] >>> 0 > goal.esp);
      case 'privileged':
        return this.#runToPrivileged(until);
      case 'trap':
        return this.#runToTrap(steps, until);
    }
  }

  /** Runs; `reached` is the reason to give when all steps are done, null to stay running. */
  #run(steps: number, until: number, reached: StopReason | null): boolean {
    return this.#take(() => this.#player.run(steps, until, this.#pass), reached);
  }

  #take(run: () => MonitorEnd, reached: StopReason | null): boolean {
    const events = this.#events;
    this.#declined = null;
    let end: MonitorEnd;
    events?.begin(this.#guest);
    try {
      end = run();
      if (events !== null && events.met.length > 0) end = this.#settle(end);
    } catch (thrown) {
      if (!(thrown instanceof MachineStop)) throw thrown;
      this.stop = { kind: thrown.kind, report: `${thrown.message}\n${describeProcessor(this.#guest)}` };
      return false;
    } finally {
      if (events !== null) events.isListening = false;
    }
    this.#pass = false;
    const met = events?.take() ?? [];
    if (end === 'breakpoint' || met.length > 0) {
      const address = this.#guest.linearEip >>> 0;
      // Where an instruction has only been interrupted, it is still the one that the run began at, or came by.
      const isAnew = met.every(({ by }) => by !== address);
      const hit = this.#breaks.judge(met, this.#guest, isAnew ? address : null);
      if (hit !== null && !isLast(end)) {
        this.stop = { kind: 'breakpoint', address, hit };
        return false;
      }
      this.#pass = true;
      if (end === 'breakpoint') {
        this.#declined = address;
        return true;
      }
    }
    switch (end) {
      case 'steps':
      case 'idle':
        if (reached === null) return true;
        this.stop = reached;
        return false;
      case 'trap':
        this.stop = { kind: 'step' };
        return false;
      case 'powerOff':
      case 'deadHalt':
        this.stop = { kind: end };
        return false;
      case 'reset':
        this.restart({ kind: 'start' }, false);
        return true;
    }
  }

  /** Runs on to where the guest stands between two of its instructions, if the machine is in the middle of what stands for one. */
  #settle(first: MonitorEnd): MonitorEnd {
    const { monitor } = this.#machine;
    let end = first;
    for (let n = 0; n < MOST_SETTLING && monitor !== null && !monitor.isBetween && !isLast(end); n++) {
      end = this.#player.run(1, Number.POSITIVE_INFINITY, true);
      if (end === 'steps') end = first;
    }
    return end;
  }

  /** A breakpoint of its own behind the call; one that is met deeper in a recursion does not count. */
  #runOver(steps: number, until: number, address: number, esp: number): boolean {
    this.#machine.setBreakpoints([...this.#breaks.addresses, address]);
    const running = this.#run(steps, until, null);
    this.#machine.setBreakpoints(this.#breaks.addresses);
    if (!running || this.#declined !== address || this.#guest.i32[ESP] >>> 0 < esp) return running;
    this.stop = { kind: 'step' };
    return false;
  }

  /** Step by step until `isThere`, given the operation that was just executed, says so. */
  #runSingly(until: number, isThere: (executed: string) => boolean): boolean {
    const { monitor } = this.#machine;
    const most = monitor === null ? SINGLE_STEPS : SINGLE_STEPS_MONITORED;
    for (let n = 0; n < most && this.#machine.pc.clock.now() < until; n++) {
      const guest = this.#guest;
      const executed = decodeAt(guest, guest.linearEip)?.row.operation ?? '';
      const before = this.#machine.steps;
      const running = monitor === null ? this.#run(1, until, null) : this.#take(() => this.#player.step(), null);
      if (!running) return false;
      if (isThere(executed)) {
        this.stop = { kind: 'step' };
        return false;
      }
      // Waiting for virtual time or for input.
      if (this.#machine.steps === before) return true;
    }
    return true;
  }

  #runToTrap(steps: number, until: number): boolean {
    const machine = this.#machine;
    if (machine.monitor === null) return this.#runToDelivery(until);
    machine.stopAtTraps(true);
    const running = this.#run(steps, until, null);
    machine.stopAtTraps(false);
    return running;
  }

  #runToDelivery(until: number): boolean {
    const { cpu } = this.#machine.pc;
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
    const isNext = () => isPrivileged(this.#guest);
    if (!isNext()) {
      const running = this.#runSingly(until, isNext);
      if (running || this.stop.kind !== 'step') return running;
    }
    this.stop = { kind: 'privileged' };
    return false;
  }
}

/** Whether the machine is off, or on anew. */
function isLast(end: MonitorEnd): boolean {
  return end === 'powerOff' || end === 'reset' || end === 'deadHalt';
}

function tell(pc: Pc, monitor: Monitor | null, watcher: MonitorWatcher | null): void {
  if (monitor === null) pc.cpu.probe = watcher;
  else monitor.watch(watcher);
}
