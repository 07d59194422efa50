import { CS } from '../../ia32/registers.ts';
import * as L from '../cpu/layout.ts';
import * as w from './words.ts';
import { get, type Part, set, word } from './words.ts';

/** Where the driver finds code in the machine's memory: a region by its index in the table of functions, a block of the interpreter's by its byte offset. */

/** Multiplicative hashing: the golden ratio's digits, of which the upper ones are taken. */
const MIX = 0x9e3779b1;
const HASH_SHIFT = 32 - Math.log2(L.CODE_SLOTS);
const PLACE_SHIFT = 4;
/** Places where something can be, the likeliest first, by what differs from its hash: they lie side by side in one line of the host's cache. */
const WAYS = [0, 1, 2, 3] as const;

/** One of the places of what has a first one. */
function placeBy(first: number, way: number): number {
  return first ^ (way << 2);
}

/** Byte offset in a table of the first place of code at a linear address. Its entry of the execute table has no part in it, which would have to be awaited. */
export function firstPlace(linear: number): number {
  return (Math.imul(linear, MIX) >>> HASH_SHIFT) << PLACE_SHIFT;
}

/** The same for what is only known when the code runs. */
export const firstPlaceOf = (linear: Part): Part =>
  w.shl(w.shr(w.mul(linear, word(MIX)), word(HASH_SHIFT)), word(PLACE_SHIFT));

/** What code is found by, and where it is: words in the order of a slot (layout.ts, R_LINEAR). */
type Slot = readonly [linear: number, entry: number, premises: number, index: number];

/** One of the two tables (layout.ts, CODE_SLOTS), seen from outside of translated code. */
export class CodeTable {
  readonly #i32: Int32Array;
  readonly #at: number;

  /** `at`: its byte offset. */
  constructor(i32: Int32Array, at: number) {
    this.#i32 = i32;
    this.#at = at >>> 2;
    i32.fill(-1, this.#at, this.#at + 4 * L.CODE_SLOTS);
  }

  /** The first place of what is found by a linear address: a word's index, as all places are. */
  #first(linear: number): number {
    return this.#at + (firstPlace(linear) >>> 2);
  }

  /** The place of code, if the first so many words of its slot are there; -1 if they are nowhere. */
  #placeOf(first: number, slot: Slot, many: number): number {
    for (const way of WAYS) if (this.#isAt(placeBy(first, way), slot, many)) return placeBy(first, way);
    return -1;
  }

  #isAt(place: number, slot: Slot, many: number): boolean {
    for (let n = 0; n < many; n++) if (this.#i32[place + n] !== slot[n]) return false;
    return true;
  }

  /** Puts code in, also where other code is found by the same, unless that `stays`. Returns whether something has changed. */
  put(slot: Slot, stays: boolean): boolean {
    const i32 = this.#i32;
    const first = this.#first(slot[L.R_LINEAR]);
    if (this.#placeOf(first, slot, stays ? L.R_INDEX : slot.length) >= 0) return false;
    // Who was first moves on, up to what this takes the place of, or to an empty one.
    const same = this.#placeOf(first, slot, L.R_INDEX);
    let last = 0;
    while (last < WAYS.length - 1 && !this.#isFree(placeBy(first, last), same)) last++;
    for (let way = last; way > 0; way--) {
      const from = placeBy(first, way - 1);
      i32.copyWithin(placeBy(first, way), from, from + slot.length);
    }
    i32.set(slot, first);
    return true;
  }

  /** Whether a place is empty; if something has a place already, whether it is that. */
  #isFree(place: number, same: number): boolean {
    return same >= 0 ? place === same : this.#i32[place + L.R_PREMISES] === -1;
  }

  /** Takes out what is found by a linear address, if it is this. */
  take(linear: number, index: number): void {
    const first = this.#first(linear);
    for (const way of WAYS) {
      const place = placeBy(first, way);
      if (this.#i32[place + L.R_INDEX] === index) this.#i32[place + L.R_PREMISES] = -1;
    }
  }

  /** Takes out whatever is found by a linear address, its entry of the execute table, and premises. Returns whether there was something. */
  takeAny(linear: number, entry: number, premises: number): boolean {
    const place = this.#placeOf(this.#first(linear), [linear, entry, premises, 0], L.R_INDEX);
    if (place >= 0) this.#i32[place + L.R_PREMISES] = -1;
    return place >= 0;
  }
}

const state = (at: number): Part => w.load(word(0), at << 2);

const LINEAR_EIP = w.add(state(L.W_EIP), state(L.W_SEGMENTS + CS * L.SEGMENT_WORDS + L.S_BASE));
/** The first place of what is found for EIP. */
export const PLACE_OF_NEXT = firstPlaceOf(LINEAR_EIP);

/** The entry of the execute table for a linear address, and for EIP. */
const entryOf = (linear: Part): Part =>
  w.load(w.shl(w.add(state(L.W_EXECUTE_TABLE), w.shr(linear, word(12))), word(2)));
export const ENTRY_OF_NEXT = entryOf(LINEAR_EIP);

/**
 * Puts what is found for EIP, with its first place in a local, into another one: the index of a region, else the offset of a block; does
 * `otherwise`, which does not come back, where there is neither.
 */
export function lookUp(
  locals: w.Locals,
  regions: number,
  first: number,
  into: number,
  otherwise: readonly Part[],
): readonly Part[] {
  const [linear, entry, place] = locals.words(3);
  const among = (at: number, missing: readonly Part[]): readonly Part[] => {
    const differs = (n: number, value: Part) => w.xor(w.load(get(place), at + 4 * n), value);
    const isElsewhere = w.or(
      w.or(differs(L.R_LINEAR, get(linear)), differs(L.R_ENTRY, get(entry))),
      differs(L.R_PREMISES, state(L.W_PREMISES)),
    );
    const found = [set(into, w.load(get(place), at + 4 * L.R_INDEX))];
    return WAYS.reduceRight<readonly Part[]>(
      (others, way) => [set(place, w.xor(get(first), word(way << PLACE_SHIFT))), w.when(isElsewhere, others, found)],
      missing,
    );
  };
  return [
    set(linear, LINEAR_EIP),
    set(entry, entryOf(get(linear))),
    ...among(regions, among(regions + L.BLOCK_TABLE, otherwise)),
  ];
}
