import * as L from '../../machine/cpu/layout.ts';
import type { BackKind } from '../../protocol/messages.ts';
import { isPrivileged, isPrivilegedRow } from '../views/code-view.ts';
import type { Kept } from './history.ts';
import type { Moment } from './journal.ts';
import { isBefore, type Player } from './player.ts';
import { arrive, isEqual, rewind, runOn, runToStep, type Search, step, type Target, type Travel } from './travel.ts';

/**
 * The ways back. A machine of its own is replayed from a checkpoint, and looked at on the way, so the one that a person sees stands still meanwhile.
 * Everything here comes back after some steps, and says how many they were.
 */

export interface BackRequest {
  /** `left`: before the guest's last instruction that left for the monitor; `privileged`: that needed privilege, without a monitor. */
  readonly kind: BackKind | 'left' | 'privileged';
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
const SMALL_CHUNK = 2000;
/** Steps of the machine before a moment in which an instruction of the guest's surely began; more if not. */
const FIRST_WINDOW = 3000;

/** Brings the course back to what is asked for, if there is such a moment. */
export function* goBack(travel: Travel, request: BackRequest): Search {
  const { here, boundaries } = request;
  // Found before: one after the other, up to here.
  const known = boundaries.findLastIndex(moment => isBefore(moment, here));
  if (request.kind === 'step' && known !== -1 && isEqual(boundaries[known + 1], here)) {
    return yield* arrive(travel, { moment: boundaries[known] });
  }
  let end = here;
  const { kept } = travel.history;
  for (let n = kept.length - 1; n >= 0; n--) {
    const from = kept[n];
    if (!isBefore(from.at, end)) continue;
    const target = yield* find(travel, from, end, request);
    if (target !== null) return yield* arrive(travel, target);
    end = request.kind === 'step' ? here : from.at;
  }
  return false;
}

/** The last target between a checkpoint and `end`. */
function* find(travel: Travel, from: Kept, end: Moment, request: BackRequest): Generator<number, Target | null> {
  const rewindHere = () => rewind(travel, from);
  switch (request.kind) {
    case 'step':
      return yield* findStep(rewindHere, from, end, request);
    case 'trap':
      return yield* findTrap(rewindHere, from, end, request, true);
    case 'left':
      return yield* findTrap(rewindHere, from, end, request, false);
    case 'privileged':
      return yield* findPrivileged(rewindHere, end);
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

/** The moment before the guest last left for the monitor; bare, with `orDelivery`, before something last went through its IDT. */
function* findTrap(
  rewindHere: () => Player,
  from: Kept,
  end: Moment,
  request: BackRequest,
  orDelivery: boolean,
): Generator<number, Target | null> {
  const player = rewindHere();
  const { machine } = player;
  let found: Target | null = null;
  machine.watch((pc, monitor) => {
    if (monitor !== null || !orDelivery) return;
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

/**
 * The moment before the guest's last instruction that needed privilege, while it had the machine for itself. One behind STI or a load of SS belongs to
 * that: no monitor lets it go alone.
 */
function* findPrivileged(rewindHere: () => Player, end: Moment): Generator<number, Target | null> {
  const player = rewindHere();
  const { machine } = player;
  let isSeen = false;
  machine.watch((pc, monitor) => {
    if (monitor !== null) return;
    const begins = () => {
      isSeen ||= pc.cpu.heldOff === 0;
      return false;
    };
    pc.cpu.blocks.watch({ has: isPrivilegedRow, begins, retires: () => {} }, 'debugger');
  });
  let found: { readonly first: number; readonly last: Moment } | null = null;
  try {
    while (isBefore(machine.moment, end)) {
      const first = machine.steps;
      isSeen = false;
      runOn(player, end, SMALL_CHUNK);
      if (isSeen) found = { first, last: machine.moment };
      yield machine.steps - first;
    }
  } finally {
    machine.watch(null);
    machine.pc.cpu.blocks.watch(null, 'debugger');
  }
  if (found === null) return null;
  const again = rewindHere();
  yield* runToStep(again, found.first);
  let target: Target | null = null;
  while (isBefore(machine.moment, found.last)) {
    const guest = machine.guestProcessor;
    const isOwn = machine.monitor === null && guest.i32[L.W_SHADOW] === 0;
    if (isOwn && isPrivileged(guest)) target = { moment: machine.moment };
    step(again);
  }
  return target;
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
    runOn(player, end, SMALL_CHUNK);
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
    yield window + SMALL_CHUNK;
    if (target !== null || found.first - window <= from) return target;
  }
}
