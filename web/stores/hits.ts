import { createStore } from 'zustand/vanilla';
import type { View } from '../../core/protocol/messages.ts';

/** Steps of the machine's course at which a breakpoint has stopped it, in order. */
export const hits = createStore<{ readonly steps: readonly number[] }>(() => ({ steps: [] }));

/** What a view adds: the stop that it tells of. A machine that goes another way than before has not come to later stops. */
export function withStop(steps: readonly number[], { running, stop, instructions, past }: View): readonly number[] {
  const kept = past?.isPast === true || past?.isSearching === true ? steps : steps.filter(step => step <= instructions);
  const isNew = !running && stop.kind === 'breakpoint' && !kept.includes(instructions);
  const now = isNew ? [...kept, instructions].sort((a, b) => a - b) : kept;
  return now.length === steps.length ? steps : now;
}

export function noteStop(view: View): void {
  const { steps } = hits.getState();
  const now = withStop(steps, view);
  if (now !== steps) hits.setState({ steps: now });
}
