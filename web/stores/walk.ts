import { createStore } from 'zustand/vanilla';
import { isNarrow } from '../narrow.ts';
import { looks } from './looks.ts';
import { windows } from './windows.ts';

/** Asks to have the walk in view; `serial` tells two requests for the same address apart. */
export const walkTarget = createStore<{ readonly serial: number }>(() => ({ serial: 0 }));

/** Shows how the processor finds a linear address. */
export function walkTo(address: number): void {
  looks.setState({ address: address >>> 0 });
  walkTarget.setState(({ serial }) => ({ serial: serial + 1 }));
  // A narrow page shows one panel at a time; a wide one has the walk in view beside code and memory.
  if (isNarrow()) windows.setState({ tab: 'registers' });
}

/** Ends it. */
export function closeWalk(): void {
  looks.setState({ address: null });
}

/** Whether a value looks like an address that one could walk to. */
export function isAddress(value: number): boolean {
  return value >>> 0 >= 0x1000;
}
