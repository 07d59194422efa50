import { createStore } from 'zustand/vanilla';
import { isNarrow } from '../narrow.ts';
import { setOpen } from './parts.ts';
import { windows } from './windows.ts';

export const BOTTOM_TABS = ['exits', 'timeline', 'engine', 'verbs'] as const;
export type BottomTab = (typeof BOTTOM_TABS)[number];

/** The tab of the bottom panel, also after it was closed and opened. The timeline is recorded when somebody asks for it. */
export const bottom = createStore<{ readonly tab: BottomTab }>(() => ({ tab: 'exits' }));

/** Shows one of them, in a wide page or in a narrow one. */
export function showBottom(tab: BottomTab): void {
  bottom.setState({ tab });
  if (isNarrow()) windows.setState({ tab });
  else setOpen('bottom', true);
}
