/**
 * When a view reaches the panels. A machine that stands still is shown at once. One that runs sends up to thirty views a second,
 * which nobody can read: its panels are drawn from those that bring code (some times a second), code that follows it stays
 * for a while, and one view leads to one thing only: it writes to the console, or draws registers, or draws code. So every
 * frame is short, and the console, which has the first turn, never waits.
 */
import type { View } from '../core/protocol/messages.ts';
import { happenings, withHappening } from './stores/happenings.ts';
import { IdleMeter } from './stores/idle.ts';
import { machine, withCode, withConsole, withView } from './stores/machine.ts';
import { isFollowing, windows } from './stores/windows.ts';

/** Code that follows a running machine stays this long, in milliseconds. */
const LISTING_MS = 750;

const meter = new IdleMeter();
/** When code was last taken to be shown. */
let listed = 0;
/** The registers and numbers that have their turn. */
let nextPanels: View | null = null;
/** The code that has its turn after them. */
let nextCode: View | null = null;

/** Other code is looked at: the next that comes is shown, however short the last one stayed. */
export function relist(): void {
  listed = 0;
}

/** Takes a view that came `now`, in milliseconds. Its console output is written already. */
export function showView(view: View, now: number): void {
  const state = machine.getState();
  const idle = meter.seen(now, view);
  if (!view.running || state.view?.running !== true) {
    nextPanels = null;
    nextCode = null;
    listed = now;
    const next = withView(state, view, idle);
    // Another stop: the next instruction is what the reader looks at again.
    if (next.before !== undefined && next.before !== state.before) windows.setState({ selected: null, away: false });
    machine.setState(next);
    if (!view.running) happenings.setState(old => withHappening(old, view));
    return;
  }

  const output = withConsole(state, view);
  if (output.consoleUsed !== state.consoleUsed || view.consoleDropped > 0) machine.setState(output);
  // A guest that writes in every frame gives the panels no turn: they take one with it.
  const isLate = view.code !== null && nextPanels !== null;
  if (view.code !== null) {
    nextPanels = view;
    if (!isFollowing(windows.getState()) || now - listed >= LISTING_MS) {
      nextCode = view;
      listed = now;
    }
  }
  if (view.console.length > 0 && !isLate) return;
  if (nextPanels !== null) {
    machine.setState({ view: nextPanels, idle });
    nextPanels = null;
    if (!isLate) return;
  }
  if (nextCode !== null) {
    machine.setState(withCode(state, nextCode));
    nextCode = null;
  }
}
