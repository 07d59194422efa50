/**
 * Every word that the page says itself, in one place, in the language that was chosen. English is part of the page, another language is
 * fetched (`text/zh/all.ts`). A file of words has a counterpart of the same type for each language, so the compiler names what one of
 * them lacks. Panels ask for a text when they draw, and keep none. Text between backticks is set as code (see Prose). Names of
 * registers, of their bits and of instructions are the manual's in every language. Words that no first view needs are in `text/later.ts`.
 */

import { createStore } from 'zustand/vanilla';
import { app } from './text/app.ts';
import { asking } from './text/asking.ts';
import { back } from './text/back.ts';
import { cause } from './text/cause.ts';
import { code } from './text/code.ts';
import type { LaterText } from './text/later.ts';
import { modes, rings } from './text/modes.ts';
import { opening } from './text/opening.ts';
import { registers } from './text/registers.ts';
import { said } from './text/said.ts';
import { stops } from './text/stops.ts';
import type { Words } from './text/words.ts';

const english = {
  ...app,
  ...opening,
  ...code,
  ...registers,
  ...said,
  asking,
  modes,
  rings,
  back,
  cause,
  stops,
};

export type Text = Words<typeof english>;

/** The words in the language of now. */
export let text: Text = english;

export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

/** What a language is called in itself, and its tag (BCP 47). */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: 'English', zh: '简体中文' };
export const LANGUAGE_TAGS: Readonly<Record<Language, string>> = { en: 'en', zh: 'zh-CN' };

/** All words of a language that is fetched. */
export interface Fetched {
  readonly first: Text;
  readonly later: LaterText;
}

/** The language of now; `fetched` is null for English, which the page has in itself. */
export const language = createStore<{ readonly now: Language; readonly fetched: Fetched | null }>(() => ({
  now: 'en',
  fetched: null,
}));

/** What was asked for last: words that come after a later request are of no use. */
let asked: Language = 'en';

/** Has the page speak a language. Rejects, and changes nothing, when its words cannot be fetched. */
export async function speak(to: Language): Promise<void> {
  asked = to;
  const fetched = to === 'en' ? null : await import('./text/zh/all.ts');
  if (asked !== to) return;
  text = fetched?.first ?? english;
  language.setState({ now: to, fetched });
}
