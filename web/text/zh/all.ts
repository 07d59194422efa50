/** 简体中文, whole: fetched when it is chosen. */
import type { Text } from '../../text.ts';
import type { LaterText } from '../later.ts';
import { app } from './app.ts';
import { asking } from './asking.ts';
import { back } from './back.ts';
import { cause } from './cause.ts';
import { code } from './code.ts';
import * as words from './later-words.ts';
import { modes, rings } from './modes.ts';
import { opening } from './opening.ts';
import { registers } from './registers.ts';
import { said } from './said.ts';
import { stops } from './stops.ts';

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

export const later: LaterText = words;
