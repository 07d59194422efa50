import { createStore } from 'zustand/vanilla';

/** Whether the sheet of shortcuts is open. */
export const sheet = createStore<{ readonly open: boolean }>(() => ({ open: false }));
