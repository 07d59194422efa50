import type { PanelImperativeHandle } from 'react-resizable-panels';
import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';

/** The two side columns, which the header's buttons open and close. The panel library knows their sizes. */
export type Column = 'left' | 'right';

const open = createStore<Readonly<Record<Column, boolean>>>(() => ({ left: true, right: true }));
const handles: Record<Column, PanelImperativeHandle | null> = { left: null, right: null };

export const columns = {
  attach(column: Column, handle: PanelImperativeHandle | null): void {
    handles[column] = handle;
  },
  resized(column: Column, pixels: number): void {
    const now = pixels > 0;
    if (open.getState()[column] !== now) open.setState({ [column]: now });
  },
  toggle(column: Column): void {
    const handle = handles[column];
    if (handle?.isCollapsed()) handle.expand();
    else handle?.collapse();
  },
};

export function useColumns(): Readonly<Record<Column, boolean>> {
  return useStore(open);
}
