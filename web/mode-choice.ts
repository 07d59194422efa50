import { createStore } from 'zustand/vanilla';
import { changeMode } from './machine.ts';
import { isLive, type ModeName, modeOf, settingOf } from './modes.ts';
import { type MachineState, machine, presentMode } from './stores/machine.ts';
import { text } from './text.ts';

/** The mode that was chosen and needs another kernel: the page asks first. */
export const asking = createStore<{ readonly mode: ModeName | null }>(() => ({ mode: null }));

/** Why the guest that is open cannot be run in a mode, or null. */
export function obstacle(state: Pick<MachineState, 'view' | 'guest'>, to: ModeName): string | null {
  if (state.view === null) return text.modes.noGuest;
  const isPara = modeOf(state.view.monitor.setting) === 'para';
  const source = state.guest?.source ?? null;
  if (to === 'para') return isPara || (source !== null && source.para !== null) ? null : text.modes.noPara;
  return isPara && source === null ? text.modes.noOrdinary : null;
}

/** Goes on in another mode at once where that can be; else asks whether the guest may start again. */
export function chooseMode(to: ModeName): void {
  const state = machine.getState();
  const now = presentMode(state);
  if (now === null || to === now || obstacle(state, to) !== null) return;
  if (isLive(now, to)) changeMode(settingOf(to));
  else asking.setState({ mode: to });
}
