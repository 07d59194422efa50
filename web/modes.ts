import type { Setting } from '../core/protocol/monitor.ts';

/** The ways to run a guest that a person chooses among: a mode, `hardware` by its paging. */
export const MODES = ['bare', 'trap', 'translate', 'patch', 'para', 'nested', 'shadow'] as const;
export type ModeName = (typeof MODES)[number];

/** The families of the mode switch, with the page's words in text.modes.family. */
export const FAMILIES = [
  { name: 'bare', modes: ['bare'] },
  { name: 'full', modes: ['trap', 'translate', 'patch'] },
  { name: 'para', modes: ['para'] },
  { name: 'hardware', modes: ['nested', 'shadow'] },
] as const satisfies readonly { readonly name: string; readonly modes: readonly ModeName[] }[];
export type Family = (typeof FAMILIES)[number]['name'];

export function modeOf({ mode, paging }: Setting): ModeName {
  return mode === 'hardware' ? paging : mode;
}

export function settingOf(mode: ModeName): Setting {
  if (mode === 'nested' || mode === 'shadow') return { mode: 'hardware', paging: mode };
  return { mode, paging: 'nested' };
}

export const BARE: Setting = settingOf('bare');

/**
 * How the page's first guest is run: by trap and emulate, where one step shows a trap, the monitor and the way back; or as the page's address says
 * (`?mode=bare`, `?mode=nested`).
 */
export function firstSetting(): Setting {
  const asked = new URLSearchParams(location.search).get('mode');
  return settingOf(MODES.find(mode => mode === asked) ?? 'trap');
}

/** Whether the guest goes on in the other mode at its instruction; else it starts again, with another kernel. */
export function isLive(from: ModeName, to: ModeName): boolean {
  return from !== 'para' && to !== 'para';
}
