import { createStore } from 'zustand/vanilla';
import type { StopReason, View } from '../../core/protocol/messages.ts';
import type { Happening } from '../../core/protocol/monitor.ts';
import { modeOf } from '../modes.ts';

/** This many are kept to go back to. */
const MOST = 50;

/** Traps, exits, hypercalls and deliveries that the reader has stood behind. */
export interface Happenings {
  /** In the order in which they were met, the latest last: going back in time forgets none. As they were when the machine last stood still. */
  readonly list: readonly Happening[];
  /** The latest belongs to the last step, and not to something before it. */
  readonly isOfStep: boolean;
  /** Serial number of the one that the reader has gone back to, or null: what just happened. */
  readonly shown: number | null;
  /** Where the machine stood: anywhere else is another stop. */
  readonly at: number;
  readonly mode: string;
  /** It has come to this mode here: what happened last can be done again in it. */
  readonly isSwitched: boolean;
}

export const NONE: Happenings = { list: [], isOfStep: false, shown: null, at: -1, mode: '', isSwitched: false };

export const happenings = createStore<Happenings>(() => NONE);

/** What a view of a machine that stands still changes. */
export function withHappening(old: Happenings, view: View): Happenings {
  const { happening, setting } = view.monitor;
  const mode = modeOf(setting);
  const last = old.list.at(-1);
  const { list } = old;
  const isNew = happening !== null && happening.serial !== last?.serial;
  if (!isNew) {
    // What the monitor spends is known whole only once the guest goes on.
    const isRicher = happening !== null && last !== undefined && isMore(happening, last);
    if (isRicher) return { ...old, list: [...list.slice(0, -1), happening], at: view.instructions, mode };
    if (view.instructions === old.at && mode === old.mode) return old;
    const isSwitched = old.mode !== '' && mode !== old.mode;
    return { ...old, isOfStep: false, shown: null, at: view.instructions, mode, isSwitched };
  }
  const isOfStep = view.stop.kind === 'step' || isAbout(view.stop, happening);
  // After going back the same comes again.
  const others = list.filter(one => !isSame(one, happening));
  return {
    list: [...others, happening].slice(-MOST),
    isOfStep,
    shown: null,
    at: view.instructions,
    mode,
    isSwitched: false,
  };
}

/** Whether it is the same one, told again: numbers count on when the machine goes back. */
function isSame(a: Happening, b: Happening): boolean {
  return a.step === b.step && a.kind === b.kind && a.address === b.address && modeOf(a.setting) === modeOf(b.setting);
}

/** What an event breakpoint stops at has just happened; the instruction that did it tells whether this is that. */
function isAbout(stop: StopReason, { address }: Happening): boolean {
  if (stop.kind !== 'breakpoint' || stop.hit === undefined) return false;
  const { on, by } = stop.hit;
  return (on.kind === 'exit' || on.kind === 'hypercall') && by === address;
}

function isMore(now: Happening, before: Happening): boolean {
  return (
    now.cost !== before.cost || now.deeds.length !== before.deeds.length || now.changed.length !== before.changed.length
  );
}

/** The happening that the card is about: the one that the reader went back to, or that of the last step. */
export function shownHappening({ list, isOfStep, shown }: Happenings): Happening | null {
  if (shown !== null) return list.find(({ serial }) => serial === shown) ?? null;
  return isOfStep ? (list.at(-1) ?? null) : null;
}

/** Goes back or forth in what was seen; null: there is nothing in that direction. */
export function neighbour(state: Happenings, by: -1 | 1): (() => void) | null {
  const { list, isOfStep, shown } = state;
  const now = shown === null ? (isOfStep ? list.length - 1 : list.length) : list.findIndex(h => h.serial === shown);
  const next = now + by;
  if (next < 0 || next > list.length || (next === list.length && (isOfStep || shown === null))) return null;
  const serial = next === list.length || (isOfStep && next === list.length - 1) ? null : list[next].serial;
  return () => happenings.setState({ shown: serial });
}
