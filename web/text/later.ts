/** The words of panels that are fetched after the first view; they come with them. See text.ts. */
import { language } from '../text.ts';
import * as english from './later-words.ts';
import type { Words } from './words.ts';

export type LaterText = Words<typeof english>;

/** The words in the language of now. */
export let laterText: LaterText = language.getState().fetched?.later ?? english;

language.subscribe(({ fetched }) => {
  laterText = fetched?.later ?? english;
});
