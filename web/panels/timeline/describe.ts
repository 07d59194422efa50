import { STRETCH_KINDS, TIMELINE_LANES } from '../../../core/protocol/stretches.ts';
import { count, hex, seconds } from '../../format.ts';
import { machine } from '../../stores/machine.ts';
import type { Stretch } from '../../stores/timeline.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';

/** Short times in nanoseconds: an instruction takes some. */
export function duration(value: number): string {
  return value < 1e-6 ? `${Math.round(value * 1e9)} ns` : seconds(value);
}

/** What led to it, or why the guest left. */
export function cause({ kind, name: english, count: many }: Stretch): string {
  const name = text.said(english);
  const word = STRETCH_KINDS[kind];
  const words = laterText.timeline;
  return word === 'several' ? `${words.several(count(many))}, ${words.longest(name)}` : words.kind[word](name);
}

/** The name of where it was, or null. */
export function place({ address }: Stretch): string | null {
  if (address === 0) return null;
  return machine.getState().guest?.symbols.nameAt(address) ?? hex(address);
}

/** All of a stretch in one line. */
export function described(stretch: Stretch): string {
  const words = laterText.timeline;
  const parts = [words.lane[TIMELINE_LANES[stretch.lane]], cause(stretch), place(stretch), duration(stretch.busy)];
  return [...parts, words.steps(count(stretch.steps)), words.at(seconds(stretch.start))]
    .filter(part => part !== null)
    .join(text.units.clause);
}
