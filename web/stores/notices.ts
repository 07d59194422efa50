import { createStore } from 'zustand/vanilla';

/** Something that could not be done, in one sentence, shown until it is dismissed. */
export interface Notice {
  readonly id: number;
  readonly message: string;
  /** The file that it is about, where the sentence does not name it. */
  readonly file: string | null;
}

/** More than this many at once help nobody: the oldest goes. */
const MOST = 3;

export const notices = createStore<{ readonly list: readonly Notice[] }>(() => ({ list: [] }));

let last = 0;

export function notify(message: string, file: string | null = null): void {
  last += 1;
  const notice = { id: last, message, file };
  notices.setState(state => ({
    list: [...state.list.filter(n => n.message !== message || n.file !== file), notice].slice(-MOST),
  }));
}

export function dismiss(id: number): void {
  notices.setState(state => ({ list: state.list.filter(notice => notice.id !== id) }));
}
