/** The lines that were typed at the console of verbs, and what was said to them. Kept while panels come and go. */
import { createStore } from 'zustand/vanilla';
import { isRepeated, perform } from '../../verbs/perform.ts';
import { pageHost } from './page-host.ts';

export interface Entry {
  readonly id: number;
  readonly line: string;
  readonly output: readonly string[];
  readonly state: 'running' | 'done' | 'refused';
}

interface Log {
  readonly entries: readonly Entry[];
  /** Entries were dropped to make room. */
  readonly cut: boolean;
  /** Lines typed, the latest last. */
  readonly history: readonly string[];
  /** Somebody wants to type: counts how often. */
  readonly focus: number;
}

const MOST_LINES = 3000;
const MOST_HISTORY = 200;

export const log = createStore<Log>(() => ({ entries: [], cut: false, history: [], focus: 0 }));

let last = 0;

/** The latest entries that fit. */
function bounded(entries: readonly Entry[]): Pick<Log, 'entries'> & Partial<Pick<Log, 'cut'>> {
  let lines = 0;
  let from = entries.length;
  while (from > 0) {
    lines += entries[from - 1].output.length + 1;
    // One that is too long alone stays.
    if (lines > MOST_LINES && from < entries.length) return { entries: entries.slice(from), cut: true };
    from -= 1;
  }
  return { entries };
}

function changeEntry(id: number, change: (entry: Entry) => Entry): void {
  log.setState(({ entries }) => bounded(entries.map(entry => (entry.id === id ? change(entry) : entry))));
}

export function clearLog(): void {
  log.setState({ entries: [], cut: false });
}

/** Carries out a line, and keeps what it says. An empty one repeats the last, where that makes sense. */
export async function enter(typed: string): Promise<void> {
  const { history } = log.getState();
  const line = typed.trim() === '' ? (history.at(-1) ?? '') : typed.trim();
  if (line === '' || (typed.trim() === '' && !isRepeated(line))) return;
  last += 1;
  const id = last;
  log.setState(state => ({
    ...bounded([...state.entries, { id, line, output: [], state: 'running' }]),
    history: [...state.history.filter(one => one !== line), line].slice(-MOST_HISTORY),
  }));
  const host = pageHost({
    print: lines => changeEntry(id, entry => ({ ...entry, output: [...entry.output, ...lines] })),
    clear: clearLog,
  });
  const { lines, refused } = await perform(line, host);
  changeEntry(id, entry => ({
    ...entry,
    output: [...entry.output, ...lines],
    state: refused ? 'refused' : 'done',
  }));
}

/** All of it as text, as it is read. */
export function logText(): string {
  return log
    .getState()
    .entries.flatMap(({ line, output }) => [`> ${line}`, ...output])
    .join('\n');
}

/** The next time the console is drawn, it takes the keys. */
export function focusVerbs(): void {
  log.setState(({ focus }) => ({ focus: focus + 1 }));
}
