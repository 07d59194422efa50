import { MachineStop } from '../../machine/cpu/fault.ts';
import type { MachineState } from '../../machine/pc.ts';
import type { Setting } from '../../protocol/monitor.ts';
import type { GuestMachine } from '../guest-machine.ts';
import type { Journal, Moment } from './journal.ts';
import { isBefore } from './player.ts';

/** A moment, and how much of the journal lies before it: several inputs can come at one moment. */
export interface Mark {
  readonly at: Moment;
  /** Position in the journal. */
  readonly position: number;
}

/** Something to replay from. */
export interface Checkpoint extends Mark {
  /** Null: power-on, for which nothing needs to be kept. */
  readonly state: MachineState | null;
  /** What it ran in; what the machine runs in, unless said. */
  readonly setting?: Setting;
}

/** Where every session begins that was not restored from a file. */
export const POWER_ON: Checkpoint = { at: { boot: 0, step: 0, time: 0 }, position: 0, state: null };

/**
 * Brings a machine to a mark, or to a step: then everything that came at that step has come. The machine is one of the guest and options
 * that the journal is of; what it was before does not matter. Costs a restore, and the run from the checkpoint to there. Returns the mark
 * of where it is now.
 *
 * Throws RangeError if the journal does not reach back to the checkpoint or the target lies before it, and an Error if the machine
 * does not get there: it ended before, or the journal is of another.
 */
export function replay(machine: GuestMachine, from: Checkpoint, journal: Journal, to: Mark | number): Mark {
  const entries = journal.since(from.position);
  const isStep = typeof to === 'number';
  if (isStep ? to < from.at.step : to.position < from.position || isBefore(to.at, from.at)) {
    throw new RangeError('A replay goes forward: this lies before the checkpoint.');
  }
  if (from.state === null) machine.restart();
  else machine.rewind(from.state, from.at, from.setting ?? machine.setting, null);
  machine.pc.cpu.setBreakpoints([]);
  let { position } = from;
  for (const { at, input } of entries) {
    if (isStep ? at.step > to : position >= to.position) break;
    runToMoment(machine, at);
    machine.apply(input);
    position++;
  }
  if (isStep) runToStep(machine, to);
  else runToMoment(machine, to.at);
  return { at: machine.moment, position };
}

function runToStep(machine: GuestMachine, step: number): void {
  while (machine.steps < step) runOn(machine, step - machine.steps, Number.POSITIVE_INFINITY);
}

function runToMoment(machine: GuestMachine, to: Moment): void {
  // Times of different power cycles cannot be compared.
  while (machine.moment.boot < to.boot) {
    runOn(machine, Math.max(1, to.step - machine.steps), Number.POSITIVE_INFINITY);
  }
  // At the step already, the processor is halted: one more step to run lets time pass.
  while (isBefore(machine.moment, to)) runOn(machine, Math.max(1, to.step - machine.steps), to.time);
  if (isBefore(to, machine.moment)) throw new Error('The replay went another way than the journal says.');
}

function runOn(machine: GuestMachine, steps: number, until: number): void {
  const before = machine.moment;
  try {
    machine.run(steps, until, true);
  } catch (thrown) {
    // It stopped the machine that is replayed as well; whether the target is reached with it is the caller's to see.
    if (!(thrown instanceof MachineStop)) throw thrown;
  }
  if (!isBefore(before, machine.moment)) throw new Error('The machine ended before the moment that is to be replayed.');
}
