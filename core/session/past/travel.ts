import { MachineStop } from '../../machine/cpu/fault.ts';
import type { GuestMachine } from '../guest-machine.ts';
import { type History, type Kept, stateOf } from './history.ts';
import type { Journal, Moment } from './journal.ts';
import { isBefore, Player } from './player.ts';

/**
 * How a machine comes to a moment of the past: it is replayed from a checkpoint. Everything here comes back after some steps, and says how many
 * they were.
 */

/** A machine that prints on no screen, or on one: how much it has printed. */
export interface Course {
  player: Player;
  printed: number;
}

/** Steps between two looks at the clock. */
const CHUNK = 50_000;
/** So far before the target a checkpoint is kept, if the next one is far: the next step back is short. */
const NEAR = 100_000;
const FAR = 500_000;

/** The first moment of a step, or a moment. */
export type Target = { readonly step: number } | { readonly moment: Moment };

/** Yields the steps it took; in the end, whether the course is where it was to come to. Throws Error if the past cannot be replayed. */
export type Search = Generator<number, boolean>;

export interface Travel {
  readonly course: Course;
  readonly journal: Journal;
  readonly history: History;
  /** Is shown the machine when it is near the target: what happens from there on can be told when it has arrived. */
  readonly onNear: (machine: GuestMachine) => void;
}

/** Comes to a moment that was found. */
export function* arrive({ course, journal, history, onNear }: Travel, target: Target): Search {
  const step = 'step' in target ? target.step : target.moment.step;
  const isAhead = ({ at }: Kept) => ('step' in target ? at.step > step : isBefore(target.moment, at));
  const from = history.kept.findLast(kept => !isAhead(kept));
  if (from === undefined) return false;
  const player = rewind({ course, journal }, from);
  const { machine } = player;
  if (step - machine.steps > FAR && machine.monitor === null) {
    yield* runToStep(player, step - NEAR);
    if (machine.monitor === null && machine.steps <= step) {
      const { at, position, setting } = { at: machine.moment, position: player.position, setting: machine.setting };
      history.keep({ at, position, setting, counts: null, printed: course.printed }, machine.save());
    }
  }
  yield* runToStep(player, step - NEAR);
  onNear(machine);
  if ('step' in target) yield* runToStep(player, step);
  else yield* runToMoment(player, target.moment);
  return true;
}

/** Puts the machine back to a checkpoint. */
export function rewind({ course, journal }: Pick<Travel, 'course' | 'journal'>, from: Kept): Player {
  const { machine } = course.player;
  const state = stateOf(from);
  machine.setBreakpoints([]);
  // Who recorded the last search, which came to nothing.
  machine.watch(null);
  if (machine.monitor === null) machine.pc.cpu.probe = null;
  else machine.monitor.watch(null);
  if (state === null) machine.restart();
  else machine.rewind(state, from.at, from.setting, from.counts);
  course.printed = from.printed;
  course.player = new Player(machine, journal, from.position);
  course.player.arrive();
  return course.player;
}

export function* runToStep(player: Player, step: number): Generator<number, void> {
  const { machine } = player;
  while (machine.steps < step) {
    const before = machine.steps;
    const { boot } = machine.moment;
    runOn(player, { boot: boot + 1, step, time: 0 }, CHUNK);
    yield machine.steps - before;
  }
}

function* runToMoment(player: Player, to: Moment): Generator<number, void> {
  const { machine } = player;
  while (isBefore(machine.moment, to)) {
    const before = machine.steps;
    runOn(player, to, CHUNK);
    yield machine.steps - before;
  }
  if (!isEqual(machine.moment, to)) throw new Error('The replay went another way than before.');
}

/** Some steps on the way to a moment. Throws Error if the machine ends before it. */
export function runOn(player: Player, to: Moment, chunk: number): string {
  const { machine } = player;
  const before = machine.moment;
  const steps = Math.min(chunk, Math.max(1, to.step - before.step));
  let end = 'steps';
  try {
    end = player.run(steps, before.boot < to.boot ? Number.POSITIVE_INFINITY : to.time, true);
  } catch (thrown) {
    if (!(thrown instanceof MachineStop)) throw thrown;
  }
  mustMove(machine, before);
  return end;
}

export function step(player: Player): void {
  const before = player.machine.moment;
  try {
    player.step();
  } catch (thrown) {
    if (!(thrown instanceof MachineStop)) throw thrown;
  }
  mustMove(player.machine, before);
}

function mustMove(machine: GuestMachine, before: Moment): void {
  if (!isBefore(before, machine.moment)) throw new Error('The machine ended before the moment that is to be replayed.');
}

export function isEqual(a: Moment | undefined, b: Moment): boolean {
  return a !== undefined && !isBefore(a, b) && !isBefore(b, a);
}
