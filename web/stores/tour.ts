import { createStore } from 'zustand/vanilla';
import { machine } from './machine.ts';
import { isSafe, settings } from './settings.ts';

/** How many steps the tour has. */
export const TOUR_STEPS = 5;

/** The step that is shown, from 0; null while there is no tour. `wanted`: somebody asked for it, and gets the focus there. */
export const tour = createStore<{ readonly step: number | null; readonly wanted: boolean }>(() => ({
  step: null,
  wanted: false,
}));

export function startTour(wanted: boolean): void {
  tour.setState({ step: 0, wanted });
}

export function endTour(): void {
  tour.setState({ step: null, wanted: false });
  settings.setState({ toured: true });
}

/** Shows the tour to who has not seen it, once the first guest stands still. ?tour=on shows it in any case, ?tour=off in none. */
export function offerTour(): void {
  const asked = new URLSearchParams(location.search).get('tour');
  if (asked === 'off' || (asked !== 'on' && (settings.getState().toured || isSafe()))) return;
  const stop = machine.subscribe(({ guest, view }) => {
    if (guest === null || view === null || view.running) return;
    stop();
    startTour(false);
  });
}
