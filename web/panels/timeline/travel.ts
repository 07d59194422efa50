import { goTo, whyNotElsewhere } from '../../machine.ts';
import { machine } from '../../stores/machine.ts';
import type { Stretch } from '../../stores/timeline.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';

/** Why the machine cannot go to where a stretch began, or null if it can. */
export function whyNotTo({ step }: Pick<Stretch, 'step'>): string | null {
  const { view } = machine.getState();
  const why = whyNotElsewhere(view);
  if (why !== null) return text.back[why];
  return step < (view?.past?.from ?? 0) ? laterText.timeline.tooOld : null;
}

/** Goes to where a stretch began, if that can be. */
export function travel(stretch: Stretch): void {
  if (whyNotTo(stretch) === null) goTo(stretch.step);
}
