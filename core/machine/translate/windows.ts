import type { Value } from './values.ts';

/**
 * Accesses that lie near each other, as those to a stack frame or a structure do: the first asks the TLB for the page of them all, so that the others
 * need not.
 */

/** Bytes from a value on whose page is known: linear addresses `root` + `low` up to, without it, `root` + `high`. */
export interface Window {
  readonly root: Value;
  readonly low: number;
  readonly high: number;
  /** They may be written as well as read. */
  readonly write: boolean;
  /** Where the first of them lies in the memory. */
  readonly host: Value;
}

/** The same, counted from what is in a register: where control comes from several places this is all that is known of it. */
export interface Lasting extends Omit<Window, 'root'> {
  readonly register: number;
}

/** How far before an access, and behind its end, others will go, and whether one of its block will write there. */
export interface Reach {
  readonly before: number;
  readonly after: number;
  readonly write: boolean;
}

export const NO_REACH: Reach = { before: 0, after: 0, write: false };

/** What can be foreseen of an instruction's accesses: those of its operand, and those to the stack. It may be wrong, which costs only time. */
export interface Foreseen {
  readonly operand: Reach;
  readonly stack: Reach;
}

export const NOTHING_FORESEEN: Foreseen = { operand: NO_REACH, stack: NO_REACH };
