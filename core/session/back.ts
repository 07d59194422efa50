import { MachineStop } from '../machine/cpu/fault.ts';
import type { BackKind } from '../protocol/messages.ts';
import type { GuestMachine } from './guest-machine.ts';
import { type History, type Kept, stateOf } from './history.ts';
import type { Journal, Moment } from './journal.ts';
import { isBefore, Player } from './player.ts';

/**
 * The ways back. A machine of its own is replayed from a checkpoint, and looked at on the way, so the one that a person sees stands still meanwhile.
 * Everything here comes back after some steps, and says how many they were.
 */

/** A machine that prints on no screen, or on one: how much it has printed. */
export interface Course {
  player: Player;
  printed: number;
}

export interface BackRequest {
  readonly kind: BackKind;
  /** Where the session is. */
  readonly here: Moment;
  /** Guest-physical address of the four bytes, for `write`. */
  readonly address: number;
  /** Moments between instructions that an earlier search found, in order; this one adds its own. */
  boundaries: readonly Moment[];
}

/** Steps of a search between two looks at the clock. */
const CHUNK = 50_000;
/** Steps between two comparisons of what is to change. */
const WRITE_CHUNK = 2000;
/** Steps of the machine before a moment in which an instruction of the guest's surely began; more if not. */
const FIRST_WINDOW = 3000;
/** So far before the target a checkpoint is kept, if the next one is far: the next step back is short. */
const NEAR = 100_000;
const FAR = 500_000;

/** What a search found: the first moment of a step, or a moment. */
type Target = { readonly step: number } | { readonly moment: Moment };

/** Yields the steps it took; in the end, whether the course is where it was to come to. Throws Error if the past cannot be replayed. */
export type Search = Generator<number, boolean>;

/** Brings `course` back to what is asked for, if there is such a moment. */
export function* goBack(course: Course, journal: Journal, history: History, request: BackRequest): Search {
  const { here, boundaries } = request;
  // Found before: one after the other, up to here.
  const known = boundaries.findLastIndex(moment => isBefore(moment, here));
  if (request.kind === 'step' && known !== -1 && isEqual(boundaries[known + 1], here)) {
    return yield* arrive(course, journal, history, { moment: boundaries[known] });
  }
  let end = here;
  for (let n = history.kept.length - 1; n >= 0; n--) {
    const from = history.kept[n];
    if (!isBefore(from.at, end)) continue;
    const target = yield* find(course, journal, from, end, request);
    if (target !== null) return yield* arrive(course, journal, history, target);
    end = request.kind === 'step' ? here : from.at;
  }
  return false;
}

/** The last target between a checkpoint and `end`. */
function* find(
  course: Course,
  journal: Journal,
  from: Kept,
  end: Moment,
  request: BackRequest,
): Generator<number, Target | null> {
  const rewindHere = () => rewind(course, journal, from);
  switch (request.kind) {
    case 'step':
      return yield* findStep(rewindHere, from, end, request);
    case 'trap':
      return yield* findTrap(rewindHere, from, end, request);
    case 'write':
      return yield* findWrite(rewindHere, end, request.address);
  }
}

/** The moment before the guest's last instruction. */
function* findStep(
  rewindHere: () => Player,
  from: Kept,
  end: Moment,
  request: BackRequest,
): Generator<number, Target | null> {
  if (from.setting.mode === 'bare') {
    const player = rewindHere();
    const { machine } = player;
    yield* runToStep(player, end.step - 1);
    // Not so where the mode was changed in between.
    if (machine.monitor === null && machine.steps < end.step) return { step: end.step - 1 };
  }
  for (let window = FIRST_WINDOW; ; window *= 16) {
    const start = end.step - window;
    const again = rewindHere();
    const { machine } = again;
    if (start > from.at.step) yield* runToStep(again, start);
    // Where it starts is no boundary, unless it is where a checkpoint was taken.
    const found: Moment[] = start > from.at.step ? [] : [machine.moment];
    let steps = machine.steps;
    for (;;) {
      step(again);
      const { moment } = machine;
      if (!isBefore(moment, end)) {
        if (isEqual(moment, end)) found.push(moment);
        break;
      }
      found.push(moment);
      if (found.length % 256 === 0) {
        yield machine.steps - steps;
        steps = machine.steps;
      }
    }
    const last = found.findLast(moment => isBefore(moment, end));
    if (last !== undefined) {
      // The first of them may be no place where one comes to from before.
      request.boundaries = found.slice(Math.min(8, found.length - 2));
      return { moment: last };
    }
    if (start <= from.at.step) return null;
  }
}

/** The moment before the guest last left for the monitor; bare, before something last went through its IDT. */
function* findTrap(
  rewindHere: () => Player,
  from: Kept,
  end: Moment,
  request: BackRequest,
): Generator<number, Target | null> {
  const player = rewindHere();
  const { machine } = player;
  let found: Target | null = null;
  machine.watch((pc, monitor) => {
    if (monitor !== null) return;
    pc.cpu.probe = {
      delivered: (_vector, source) => {
        // An external interrupt comes before the next instruction; everything else is one's own.
        const step = source === 'external' ? machine.steps : machine.steps - 1;
        if (step < end.step && step >= from.at.step) found = { step };
      },
      transferred: () => {},
    };
  });
  machine.stopAtTraps(true);
  try {
    while (isBefore(machine.moment, end)) {
      const before = machine.steps;
      if (runOn(player, end, CHUNK) === 'trap') found = { moment: machine.moment };
      yield machine.steps - before;
    }
  } finally {
    machine.stopAtTraps(false);
    machine.watch(null);
    if (machine.monitor === null) machine.pc.cpu.probe = null;
  }
  const trap: Target | null = found;
  if (trap === null || 'step' in trap) return trap;
  return yield* findStep(rewindHere, from, (trap as { moment: Moment }).moment, request);
}

/** The moment before the guest's instruction that last changed the four bytes at a physical address. */
function* findWrite(rewindHere: () => Player, end: Moment, address: number): Generator<number, Target | null> {
  const player = rewindHere();
  const { machine } = player;
  const value = () => [0, 1, 2, 3].map(n => machine.peekPhysical(address + n)).join();
  let old = value();
  let found: { readonly first: number; readonly last: Moment } | null = null;
  while (isBefore(machine.moment, end)) {
    const first = machine.steps;
    runOn(player, end, WRITE_CHUNK);
    const now = value();
    if (now !== old) found = { first, last: machine.moment };
    old = now;
    yield machine.steps - first;
  }
  if (found === null) return null;
  for (let window = machine.monitor === null ? 0 : FIRST_WINDOW; ; window *= 16) {
    const again = rewindHere();
    const from = machine.steps;
    // Under the monitor the instruction may have begun before.
    if (found.first - window > from) yield* runToStep(again, found.first - window);
    old = value();
    let target: Target | null = null;
    while (isBefore(machine.moment, found.last)) {
      const before = machine.moment;
      step(again);
      const now = value();
      if (now !== old) target = { moment: before };
      old = now;
    }
    yield window + WRITE_CHUNK;
    if (target !== null || found.first - window <= from) return target;
  }
}

/** Comes to a moment that was found. */
function* arrive(course: Course, journal: Journal, history: History, target: Target): Search {
  const step = 'step' in target ? target.step : target.moment.step;
  const isAhead = ({ at }: Kept) => ('step' in target ? at.step > step : isBefore(target.moment, at));
  const from = history.kept.findLast(kept => !isAhead(kept));
  if (from === undefined) return false;
  const player = rewind(course, journal, from);
  const { machine } = player;
  if (step - machine.steps > FAR && machine.monitor === null) {
    yield* runToStep(player, step - NEAR);
    if (machine.monitor === null && machine.steps <= step) {
      const { at, position, setting } = { at: machine.moment, position: player.position, setting: machine.setting };
      history.keep({ at, position, setting, counts: null, printed: course.printed }, machine.save());
    }
  }
  if ('step' in target) yield* runToStep(player, step);
  else yield* runToMoment(player, target.moment);
  return true;
}

/** Puts the machine back to a checkpoint. */
function rewind(course: Course, journal: Journal, from: Kept): Player {
  const { machine } = course.player;
  const state = stateOf(from);
  machine.setBreakpoints([]);
  if (state === null) machine.restart();
  else machine.rewind(state, from.at, from.setting, from.counts);
  course.printed = from.printed;
  course.player = new Player(machine, journal, from.position);
  course.player.arrive();
  return course.player;
}

function* runToStep(player: Player, step: number): Generator<number, void> {
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
function runOn(player: Player, to: Moment, chunk: number): string {
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

function step(player: Player): void {
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

function isEqual(a: Moment | undefined, b: Moment): boolean {
  return a !== undefined && !isBefore(a, b) && !isBefore(b, a);
}
