import { createStore } from 'zustand/vanilla';
import type { TableLevel } from '../../core/protocol/monitor.ts';
import type { Question } from '../../core/protocol/questions.ts';
import type { AnswerTo } from '../asking.ts';
import { ask } from '../machine.ts';
import { isNarrow } from '../narrow.ts';
import { machine } from './machine.ts';
import { windows } from './windows.ts';

export type LastWriteQuestion = Extract<Question, { readonly kind: 'lastWrite' }>;

/** Who changed something last: what was asked, and what has been found. */
export interface LastChange {
  readonly question: LastWriteQuestion;
  /** The table that an entry is in, or null: its bits are told by their names. */
  readonly level: TableLevel | null;
  /** Steps since the guest was opened, when it was asked. */
  readonly asked: number;
  /** Null while the past is searched. */
  readonly answer: AnswerTo<LastWriteQuestion> | null;
}

export const lastChange = createStore<{ readonly now: LastChange | null }>(() => ({ now: null }));

/** Another guest has another past. */
machine.subscribe((state, old) => {
  if (state.guest !== old.guest) lastChange.setState({ now: null });
});

/** Asks who changed four bytes last. */
export function askLastChange(space: LastWriteQuestion['space'], address: number, level: TableLevel | null): void {
  const question: LastWriteQuestion = { kind: 'lastWrite', space, address };
  const asked = machine.getState().view?.instructions ?? 0;
  const now: LastChange = { question, level, asked, answer: null };
  lastChange.setState({ now });
  // A narrow page shows one panel at a time.
  if (isNarrow()) windows.setState({ tab: 'registers' });
  void ask(question).then(answer => {
    if (lastChange.getState().now === now) lastChange.setState({ now: { ...now, answer } });
  });
}

export function closeLastChange(): void {
  lastChange.setState({ now: null });
}
