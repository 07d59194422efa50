/** 简体中文, whole: fetched when it is chosen. */
import type { Text } from '../../text.ts';
import { back } from '../back.ts';
import { code } from '../code.ts';
import { exits } from '../exits.ts';
import { happened } from '../happened.ts';
import { happening } from '../happening.ts';
import { inMode } from '../in-mode.ts';
import type { LaterText } from '../later.ts';
import { modes, rings } from '../modes.ts';
import { opening } from '../opening.ts';
import { believed, tables, translation, walk } from '../paging.ts';
import { registers } from '../registers.ts';
import { timeline } from '../timeline.ts';
import { app } from './app.ts';
import { asking } from './asking.ts';

export const first: Text = {
  ...app,
  ...opening,
  ...code,
  ...registers,
  asking,
  happened,
  modes,
  rings,
  walk,
  tables,
  believed,
  translation,
  back,
  happening,
  inMode,
};

export const later: LaterText = { exits, timeline };
