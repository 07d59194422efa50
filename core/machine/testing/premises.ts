import * as L from '../cpu/layout.ts';
import type { Premises } from '../translate/premises.ts';

/** Flat segments, code and stack of 32 bits, in ring 0. */
export const FLAT: Premises = {
  word: L.PREMISE.code32 | L.PREMISE.stack32 | L.PREMISE.flatCode,
  readTable: L.W_TLB << 2,
  writeTable: L.W_TLB_WRITE << 2,
  executeTable: L.W_TLB_EXECUTE << 2,
  stackMask: -1,
  codeBase: 0,
  codeLimit: -1,
};
