import { createStore } from 'zustand/vanilla';
import type { CodeRow } from '../../core/protocol/messages.ts';
import type { ModeName } from '../modes.ts';

export type FateOf = (row: CodeRow, isUser: boolean, mode: ModeName) => string | null;

/** What becomes of an instruction in a mode, in one word: comes with the panel that tells of it, null until then. */
export const fates = createStore<{ readonly of: FateOf | null }>(() => ({ of: null }));
