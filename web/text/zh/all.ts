/** 简体中文, whole: fetched when it is chosen. */
import type { Text } from '../../text.ts';
import type { LaterText } from '../later.ts';
import { app } from './app.ts';
import { asking } from './asking.ts';
import { back } from './back.ts';
import { breaks } from './breaks.ts';
import { cause } from './cause.ts';
import { code } from './code.ts';
import { exits } from './exits.ts';
import { happened } from './happened.ts';
import { happening } from './happening.ts';
import { inMode } from './in-mode.ts';
import { keys } from './keys.ts';
import { modes, rings } from './modes.ts';
import { openDialog } from './open-dialog.ts';
import { opening } from './opening.ts';
import { tables, translation, walk } from './paging.ts';
import { palette } from './palette.ts';
import { registers } from './registers.ts';
import { said } from './said.ts';
import { stops } from './stops.ts';
import { breakpointFields, decoded, descriptors, fields, unitFields, units, vmcs } from './system.ts';
import { timeline } from './timeline.ts';
import { tour } from './tour.ts';
import { verbs } from './verbs.ts';

export const first: Text = {
  ...app,
  ...opening,
  ...code,
  ...registers,
  ...said,
  modes,
  rings,
  back,
  cause,
  asking,
  stops,
};

export const later: LaterText = {
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
