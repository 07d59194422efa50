import { createStore } from 'zustand/vanilla';
import type { MemoryWindow } from '../../core/protocol/messages.ts';

export type Tab =
  | 'code'
  | 'memory'
  | 'console'
  | 'registers'
  | 'monitor'
  | 'timeline'
  | 'exits'
  | 'engine'
  | 'verbs'
  | 'machine';

/** What the panels look at. */
export interface Windows {
  /** The tab of a narrow page; a wide one shows all but chooses between code and memory. */
  readonly tab: Tab;
  /** The reader wants the next instruction in view. */
  readonly follow: boolean;
  /** The reader has gone elsewhere for now: to an address, or by scrolling. The next stop ends that. */
  readonly away: boolean;
  /** Linear address in the middle of the code when it does not follow. */
  readonly codeAddress: number;
  /** Address that was asked for and shall be scrolled to; `serial` tells two requests for the same one apart. */
  readonly codeTarget: { readonly address: number; readonly serial: number } | null;
  /** The row that F9 acts on; null means the current one. */
  readonly selected: number | null;
  /** The code is shown as the WebAssembly that it became. */
  readonly wasm: boolean;
  readonly space: MemoryWindow['space'];
  /** Start of the memory that is shown, on a 4 KB boundary; the next instruction's until an address was chosen. */
  readonly memoryAddress: number;
  /** The byte under the cursor. */
  readonly memoryCursor: number;
  readonly memoryChosen: boolean;
}

export const PAGE_BYTES = 4096;

export const windows = createStore<Windows>(() => ({
  tab: 'code',
  follow: true,
  away: false,
  codeAddress: 0,
  codeTarget: null,
  selected: null,
  wasm: false,
  space: 'linear',
  memoryAddress: 0x100000,
  memoryCursor: 0x100000,
  memoryChosen: false,
}));

/** Whether the code shows the next instruction. */
export function isFollowing({ follow, away }: Windows): boolean {
  return follow && !away;
}

/** What the windows look at after a reset or in a new guest. */
export const home = { follow: true, away: false, codeTarget: null, selected: null } as const;

/** Shows code around an address until the machine has moved on. */
export function goToCode(address: number): void {
  windows.setState(state => ({
    tab: 'code',
    away: true,
    codeAddress: address,
    selected: address,
    codeTarget: { address, serial: (state.codeTarget?.serial ?? 0) + 1 },
  }));
}

/** Shows the WebAssembly of the code in view. */
export function showWasm(): void {
  windows.setState({ tab: 'code', wasm: true });
}

/** Shows memory from an address on, with the cursor on it. */
export function goToMemory(address: number): void {
  windows.setState({
    tab: 'memory',
    memoryAddress: (address & ~(PAGE_BYTES - 1)) >>> 0,
    memoryCursor: address >>> 0,
    memoryChosen: true,
  });
}

/** Shows a tab. The first look at memory is at `here`, where the machine stands, if it stands anywhere. */
export function showTab(tab: Tab, here: number | null): void {
  if (tab === 'memory' && here !== null && !windows.getState().memoryChosen) goToMemory(here);
  else windows.setState({ tab });
}
