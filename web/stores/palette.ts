import { createStore } from 'zustand/vanilla';

/** Whether the command palette is open. */
export const palette = createStore<{ readonly open: boolean }>(() => ({ open: false }));

export function openPalette(): void {
  palette.setState({ open: true });
}
