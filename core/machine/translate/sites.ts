/** A place where a region is left before an instruction that the executor has to carry out. What is known of it does not have to be in the code. */
export interface Site {
  /** EIP. */
  readonly offset: number;
  /** Steps that were paid for and not taken. */
  readonly left: number;
  /** Of the lazy flags; null: they are where they belong. */
  readonly lazy: { readonly kind: number; readonly size: number } | null;
  /** An access that asks the TLB for others with it, which may lie in two pages where it does not. */
  readonly isWide: boolean;
}

const KIND_SHIFT = 16;
const SIZE_SHIFT = 24;
const SIZE = 7;
const WIDE = 1 << 30;

/** The sites of a region, two words each, as there are hundreds: the offset, then steps, kind of the flags plus 1 (0: null) and size. */
export function packSites(sites: readonly Site[]): Int32Array {
  const words = new Int32Array(2 * sites.length);
  sites.forEach(({ offset, left, lazy, isWide }, n) => {
    const flags = lazy === null ? 0 : ((lazy.kind + 1) << KIND_SHIFT) | (lazy.size << SIZE_SHIFT);
    words.set([offset, left | flags | (isWide ? WIDE : 0)], 2 * n);
  });
  return words;
}

/** One of them; throws if there is none. */
export function siteAt(words: Int32Array, n: number): Site {
  if (2 * n >= words.length) throw new Error('A region was left where it has no way out.');
  const rest = words[2 * n + 1];
  const kind = (rest >>> KIND_SHIFT) & 0xff;
  const lazy = kind === 0 ? null : { kind: kind - 1, size: (rest >>> SIZE_SHIFT) & SIZE };
  return { offset: words[2 * n], left: rest & 0xffff, lazy, isWide: (rest & WIDE) !== 0 };
}
