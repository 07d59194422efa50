import { createStore } from 'zustand/vanilla';

/** A guest on its way: files are fetched or read, then the worker starts it. */
export interface Opening {
  readonly name: string;
  readonly stage: 'reading' | 'starting';
  readonly loaded: number;
  /** Bytes in all; null when the server does not say. */
  readonly total: number | null;
}

export const opening = createStore<{ readonly now: Opening | null }>(() => ({ now: null }));
