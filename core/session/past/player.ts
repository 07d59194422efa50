import { MachineStop } from '../../machine/cpu/fault.ts';
import type { MonitorEnd } from '../../vmm/monitor.ts';
import type { GuestMachine } from '../guest-machine.ts';
import type { Entry, Input, Journal, Moment } from './journal.ts';

export function isBefore(a: Moment, b: Moment): boolean {
  if (a.boot !== b.boot) return a.boot < b.boot;
  return a.step !== b.step ? a.step < b.step : a.time < b.time;
}

/** How far a machine may run at once: steps, and virtual time. */
interface Limits {
  readonly steps: number;
  readonly until: number;
}

/**
 * A machine on its course: what the journal says of what is still ahead of it comes at its moments. At the journal's end it runs freely. The
 * machine must not be run past it.
 */
export class Player {
  readonly machine: GuestMachine;
  readonly journal: Journal;
  /** How much of the journal lies behind the machine. */
  position: number;

  constructor(machine: GuestMachine, journal: Journal, position: number) {
    this.machine = machine;
    this.journal = journal;
    this.position = position;
  }

  /** GuestMachine.run(); may come back early with `steps`, where something came. Throws MachineStop. */
  run(steps: number, until: number, passBreakpoint: boolean): MonitorEnd {
    const next = this.journal.at(this.position);
    if (next === null) return this.machine.run(steps, until, passBreakpoint);
    const most = this.#limits(next);
    return (
      this.#carefully(() =>
        this.machine.run(Math.min(steps, most.steps), Math.min(until, most.until), passBreakpoint),
      ) ?? 'steps'
    );
  }

  /** GuestMachine.step(), to its end. Throws MachineStop. */
  step(goesOn = false): MonitorEnd {
    let end = this.#stepOn(goesOn);
    while (end === null) end = this.#stepOn(true);
    return end;
  }

  #stepOn(goesOn: boolean): MonitorEnd | null {
    const next = this.journal.at(this.position);
    if (next === null) return this.machine.step(undefined, undefined, goesOn) ?? 'steps';
    const { steps, until } = this.#limits(next);
    return this.#carefully(() => this.machine.step(steps, until, goesOn));
  }

  #limits(next: Entry): Limits {
    const { boot, step } = this.machine.moment;
    // At the step already, the processor is halted: one more step to run lets time pass.
    const steps = Math.max(1, next.at.step - step);
    // Times of different power cycles cannot be compared.
    return { steps, until: boot < next.at.boot ? Number.POSITIVE_INFINITY : next.at.time };
  }

  #carefully(run: () => MonitorEnd | null): MonitorEnd | null {
    try {
      const end = run();
      return this.arrive() ? 'reset' : end;
    } catch (thrown) {
      // What stopped the machine did not end the course if it was switched off and on then.
      if (!(thrown instanceof MachineStop) || !this.arrive()) throw thrown;
      return 'reset';
    }
  }

  /** Carries out what comes at this very moment; returns whether the power was switched off and on. Throws an Error if the course is another. */
  arrive(): boolean {
    let wasReset = false;
    for (;;) {
      const next = this.journal.at(this.position);
      const { moment } = this.machine;
      if (next === null || isBefore(moment, next.at)) return wasReset;
      if (isBefore(next.at, moment)) throw new Error('The replay went another way than the journal says.');
      this.machine.apply(next.input);
      this.position++;
      if (next.input.kind === 'reset') wasReset = true;
    }
  }

  /** Whether something of the journal is still ahead. */
  get isBehind(): boolean {
    return this.position < this.journal.end;
  }

  /** Something new comes, at a moment: what was ahead will not. */
  record(at: Moment, input: Input): void {
    this.journal.cut(this.position);
    this.journal.record(at, input);
    this.position = this.journal.end;
  }
}
