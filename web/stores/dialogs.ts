import { createStore } from 'zustand/vanilla';

/** Whether the dialog for an image of the reader's own is open. */
export const dialogs = createStore<{ readonly open: boolean }>(() => ({ open: false }));
