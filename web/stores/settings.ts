import * as v from 'valibot';
import { createStore } from 'zustand/vanilla';
import { LANGUAGES } from '../text.ts';

/** Parts of the wide page that can be closed. */
export const CLOSABLE = ['left', 'console', 'bottom', 'right'] as const;
export type Closable = (typeof CLOSABLE)[number];

/** What the page remembers between visits. Everything read back is checked field by field: a bad one falls back alone. */
const Layout = v.record(v.string(), v.pipe(v.number(), v.minValue(0), v.maxValue(100)));
const Settings = v.object({
  theme: v.fallback(v.picklist(['system', 'light', 'dark']), 'system'),
  /** Null: what the browser asks for. */
  language: v.fallback(v.nullable(v.picklist(LANGUAGES)), null),
  /** What to run until, chosen last: see web/until.ts. */
  until: v.fallback(v.string(), 'exit'),
  /** Panel sizes in percent, by group and panel. */
  layouts: v.fallback(v.record(v.string(), Layout), {}),
  /** The tour was seen, or skipped. */
  toured: v.fallback(v.boolean(), false),
  /** Parts of the wide page that are not shown. */
  closed: v.fallback(v.array(v.picklist(CLOSABLE)), []),
  /** Commands of the palette that were used last, by their ids, the latest first. */
  recent: v.fallback(v.array(v.string()), []),
});

export type Settings = v.InferOutput<typeof Settings>;
export type Theme = Settings['theme'];

const DEFAULTS: Settings = {
  theme: 'system',
  language: null,
  until: 'exit',
  layouts: {},
  closed: [],
  toured: false,
  recent: [],
};
const KEY = 'ringside.settings';

/** The settings in a stored text; the defaults for whatever is missing or wrong in it. */
export function readSettings(stored: string | null): Settings {
  let value: unknown = {};
  try {
    value = JSON.parse(stored ?? '{}');
  } catch {
    // Not JSON: start afresh.
  }
  const result = v.safeParse(Settings, typeof value === 'object' && value !== null ? value : {});
  return result.success ? result.output : DEFAULTS;
}

export const settings = createStore<Settings>(() => readSettings(null));

/** Whether the page was opened with ?safe: nothing that was remembered is in use, and nothing is remembered. */
export function isSafe(): boolean {
  return new URLSearchParams(location.search).has('safe');
}

/** Takes the stored settings, and stores what changes. */
export function restoreSettings(): void {
  if (isSafe()) return;
  settings.setState(readSettings(fromStorage()));
  settings.subscribe(state => {
    try {
      localStorage.setItem(KEY, JSON.stringify(state));
    } catch {
      // Storage may be forbidden or full; the page works without.
    }
  });
}

/** Forgets what was remembered. */
export function forgetSettings(): void {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Storage is forbidden, so there is nothing.
  }
}

function fromStorage(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
