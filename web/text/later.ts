/** The words of panels that are fetched after the first view; they come with them. See text.ts. */
import { language } from '../text.ts';
import { breaks } from './breaks.ts';
import { exits } from './exits.ts';
import { happened } from './happened.ts';
import { happening } from './happening.ts';
import { inMode } from './in-mode.ts';
import { keys } from './keys.ts';
import { openDialog } from './open-dialog.ts';
import { tables, translation, walk } from './paging.ts';
import { palette } from './palette.ts';
import { breakpointFields, decoded, descriptors, fields, unitFields, units, vmcs } from './system.ts';
import { timeline } from './timeline.ts';
import { tour } from './tour.ts';
import { verbs } from './verbs.ts';
import type { Words } from './words.ts';

const english = {
  breaks,
  happened,
  happening,
  inMode,
  walk,
  tables,
  translation,
  exits,
  timeline,
  openDialog,
  descriptors,
  vmcs,
  decoded,
  fields,
  units,
  unitFields,
  breakpointFields,
  keys,
  palette,
  verbs,
  tour,
};

export type LaterText = Words<typeof english>;

/** The words in the language of now. */
export let laterText: LaterText = language.getState().fetched?.later ?? english;

language.subscribe(({ fetched }) => {
  laterText = fetched?.later ?? english;
});
