/** A place where a region is left before an instruction that the executor has to carry out. What is known of it does not have to be in the code. */
export interface Site {
  /** EIP. */
  readonly offset: number;
  /** Steps that were paid for and not taken. */
  readonly left: number;
  /** Of the lazy flags; null: they are where they belong. */
  readonly lazy: { readonly kind: number; readonly size: number } | null;
  /** Of an access that the TLB did not have; null where the region is left for something else. */
  readonly missed: Missed | null;
}

/** An access to memory that the TLB may not have, or not the others that it asks for with it. */
export interface Missed {
  readonly write: boolean;
  /** How far it lies behind the first byte that is asked for. */
  readonly before: number;
  /** It asks for others with it, which may lie in two pages where it does not. */
  readonly isWide: boolean;
}

const KIND_SHIFT = 16;
const SIZE_SHIFT = 24;
const SIZE = 7;
const WRITE = 1 << 29;
const WIDE = 1 << 30;
const NOT_MISSED = -1;
const WORDS = 3;

/**
 * The sites of a region, three words each, as there are hundreds: the offset; steps, kind of the flags plus 1 (0: null) and size, and what a missed
 * access is; how far that lies behind the first byte.
 */
export function packSites(sites: readonly Site[]): Int32Array {
  const words = new Int32Array(WORDS * sites.length);
  sites.forEach(({ offset, left, lazy, missed }, n) => {
    const flags = lazy === null ? 0 : ((lazy.kind + 1) << KIND_SHIFT) | (lazy.size << SIZE_SHIFT);
    const access = (missed?.write === true ? WRITE : 0) | (missed?.isWide === true ? WIDE : 0);
    words.set([offset, left | flags | access, missed?.before ?? NOT_MISSED], WORDS * n);
  });
  return words;
}

/** One of them; throws if there is none. */
export function siteAt(words: Int32Array, n: number): Site {
  if (WORDS * n >= words.length) throw new Error('A region was left where it has no way out.');
  const rest = words[WORDS * n + 1];
  const before = words[WORDS * n + 2];
  const kind = (rest >>> KIND_SHIFT) & 0xff;
  const lazy = kind === 0 ? null : { kind: kind - 1, size: (rest >>> SIZE_SHIFT) & SIZE };
  const isMissed = before !== NOT_MISSED;
  const missed = isMissed ? { write: (rest & WRITE) !== 0, before, isWide: (rest & WIDE) !== 0 } : null;
  return { offset: words[WORDS * n], left: rest & 0xffff, lazy, missed };
}
