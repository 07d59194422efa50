import type { TlbEntries } from './tlb.ts';

/** Address spaces whose translations are kept while the processor is in another: it drops the one that it left first when there are more. */
const MOST_SPACES = 4;
/** Of 4 MB (Tlb.largeRegions). */
export const LARGE_REGIONS = 1024;
/** Of a snapshot. */
export const BROKEN = 'The snapshot has a broken TLB.';

/** What the TLB holds for an address space that the processor is not in. */
export interface Space {
  readonly local: TlbEntries;
  readonly global: TlbEntries;
  readonly largeRegions: Uint8Array;
}

/**
 * Translations of the address spaces that VPIDs keep apart, by their tags (SDM volume 3, 28.3.1): of a guest while its monitor runs, and the other way
 * round. What is here is not looked at before its space is entered again.
 */
export class Spaces {
  readonly #kept = new Map<number, Space>();

  keep(tag: number, space: Space): void {
    this.#kept.set(tag, space);
    if (this.#kept.size <= MOST_SPACES) return;
    for (const [first] of this.#kept) {
      this.#kept.delete(first);
      return;
    }
  }

  /** Gives back what was kept; null if there is nothing. */
  take(tag: number): Space | null {
    const space = this.#kept.get(tag) ?? null;
    this.#kept.delete(tag);
    return space;
  }

  clear(): void {
    this.#kept.clear();
  }

  /** For a snapshot, as words: the tag of the space that the processor is in, then the others; none at all where there are no VPIDs. */
  save(tag: number): Int32Array {
    if (tag === 0 && this.#kept.size === 0) return new Int32Array(0);
    const words = tagWords(tag);
    for (const [other, { local, global, largeRegions }] of this.#kept) {
      words.push(...tagWords(other), local.words.length, global.words.length, ...largeRegions);
      for (const list of [local.words, local.entries, global.words, global.entries]) words.push(...list);
    }
    return Int32Array.from(words);
  }

  /** `checked` gives the entries of a list that may be. Returns the tag that was saved. Throws TypeError on what save() cannot have given. */
  restore(words: Int32Array, checked: (list: TlbEntries) => TlbEntries): number {
    this.clear();
    if (words.length === 0) return 0;
    let at = 0;
    const next = (count: number): Int32Array => {
      if (count < 0 || at + count > words.length) throw new TypeError(BROKEN);
      at += count;
      return words.slice(at - count, at);
    };
    const [low, high] = next(2);
    while (at < words.length) {
      const [otherLow, otherHigh, locals, globals] = next(4);
      const largeRegions = Uint8Array.from(next(LARGE_REGIONS));
      const local = checked({ words: next(locals), entries: next(locals) });
      const global = checked({ words: next(globals), entries: next(globals) });
      this.keep(tagOf(otherLow, otherHigh), { local, global, largeRegions });
    }
    return tagOf(low, high);
  }
}

/** Tag of what a VPID's guest has in the TLB, under an EPT pointer (its low word; 0 without EPT); 0 for what has no VPID. */
export function tagOf(vpid: number, eptPointer: number): number {
  return (vpid & 0xffff) + 0x10000 * (eptPointer >>> 0);
}

function tagWords(tag: number): number[] {
  return [tag % 0x10000, Math.floor(tag / 0x10000) | 0];
}
