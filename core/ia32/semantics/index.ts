import type { SemanticsName } from '../operations.ts';
import type { Semantics } from '../ops.ts';
import * as arithmetic from './arithmetic.ts';
import * as bits from './bits.ts';
import * as control from './control.ts';
import * as decimal from './decimal.ts';
import * as flags from './flags.ts';
import * as logic from './logic.ts';
import * as move from './move.ts';
import * as packed from './packed.ts';
import * as rearrange from './rearrange.ts';
import * as segment from './segment.ts';
import * as shift from './shift.ts';
import * as stack from './stack.ts';
import { cmps, lods, movs, scas, stos } from './string.ts';
import * as vector from './vector.ts';

/** The meaning of every generic operation. The compiler checks that none is missing. */
export const SEMANTICS: Readonly<Record<SemanticsName, Semantics>> = {
  ...arithmetic,
  ...bits,
  ...control,
  ...decimal,
  ...flags,
  ...logic,
  ...move,
  ...packed,
  ...rearrange,
  ...segment,
  ...shift,
  ...stack,
  movs,
  stos,
  lods,
  scas,
  cmps,
  ...vector,
};
