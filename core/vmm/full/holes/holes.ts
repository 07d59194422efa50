/** What a sensitive instruction stored or pushed: a segment or system register, a flag of EFLAGS, or what a descriptor permits. */
export type Shown =
  | 'ES'
  | 'CS'
  | 'SS'
  | 'DS'
  | 'FS'
  | 'GS'
  | 'LDTR'
  | 'TR'
  | 'CR0'
  | 'IF'
  | 'IOPL'
  | 'ZF'
  | 'access rights'
  | 'limit';
export type SegmentName = 'ES' | 'CS' | 'SS' | 'DS' | 'FS' | 'GS';

/** What a table register holds: a linear base and an inclusive limit, both unsigned. */
export interface TableRegister {
  readonly base: number;
  readonly limit: number;
}

/** How an instruction went wrong: what ring 1 has of it, and what ring 0 would have. Values are unsigned. */
export type Difference =
  /** It gave another value. */
  | { readonly kind: 'shows'; readonly name: Shown; readonly seen: number; readonly ring0: number }
  /** It stored the monitor's table register. */
  | {
      readonly kind: 'showsTable';
      readonly name: 'GDTR' | 'IDTR';
      readonly seen: TableRegister;
      readonly ring0: TableRegister;
    }
  /** It left a flag as it was. */
  | { readonly kind: 'keeps'; readonly name: 'IF' | 'IOPL'; readonly seen: number; readonly ring0: number }
  /** It left another selector in a segment register. */
  | { readonly kind: 'loads'; readonly name: SegmentName; readonly seen: number; readonly ring0: number }
  /** It was carried out where ring 0 gets an exception. */
  | { readonly kind: 'passes'; readonly vector: number; readonly code: number | null };

/** A sensitive instruction that the machine carried out in ring 1 without a trap, and not as ring 0 would have. */
export interface Hole {
  readonly mnemonic: string;
  /** Guest-linear address, unsigned. */
  readonly address: number;
  /** As it was the last time. */
  readonly what: Difference;
  readonly count: number;
}

/** Different (mnemonic, address) pairs that are kept apart; what comes later is counted under address 0. */
const MOST_PLACES = 1024;

/** Where a guest's instructions went wrong, and how often. */
export class Holes {
  readonly #places = new Map<string, { mnemonic: string; address: number; what: Difference; count: number }>();

  note(mnemonic: string, address: number, what: Difference): void {
    let key = `${mnemonic} ${address}`;
    let place = address;
    if (!this.#places.has(key) && this.#places.size >= MOST_PLACES) {
      place = 0;
      key = `${mnemonic} 0`;
    }
    const known = this.#places.get(key);
    if (known === undefined) this.#places.set(key, { mnemonic, address: place, what, count: 1 });
    else {
      known.what = what;
      known.count++;
    }
  }

  /** Every place, the most frequent first. */
  get all(): readonly Hole[] {
    return [...this.#places.values()].sort((a, b) => b.count - a.count);
  }
}

/** The difference as one sentence. */
export function sentenceOf({ mnemonic, what }: Pick<Hole, 'mnemonic' | 'what'>): string {
  const name = mnemonic.toUpperCase();
  switch (what.kind) {
    case 'shows': {
      const rpl = ringOf(what.name, what.seen, what.ring0);
      if (rpl !== null) return `${name}: ring 1 saw ${what.name}.RPL=${rpl[0]} where ring 0 would see ${rpl[1]}.`;
      return `${name}: ring 1 saw ${what.name} ${hex(what.name, what.seen)} where ring 0 would see ${hex(what.name, what.ring0)}.`;
    }
    case 'showsTable':
      return `${name} shows the monitor's table: ${table(what.seen)}, where ring 0 would see ${table(what.ring0)}.`;
    case 'keeps':
      return `${name} did not change ${what.name}: it is ${what.seen}, where ring 0 would have ${what.ring0}.`;
    case 'loads': {
      const rpl = ringOf(what.name, what.seen, what.ring0);
      if (rpl !== null) return `${name} left ${what.name}.RPL=${rpl[0]} where ring 0 would have ${rpl[1]}.`;
      return `${name} left ${what.name}=${word(what.seen)} where ring 0 would have ${word(what.ring0)}.`;
    }
    case 'passes':
      return `${name} was carried out, where ring 0 would get exception ${what.vector}.`;
  }
}

const SEGMENTS: readonly string[] = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'];
const BITS: readonly string[] = ['IF', 'IOPL', 'ZF'];

/** The requested privilege levels of two selectors that differ in nothing else; null for anything else. */
function ringOf(name: string, seen: number, ring0: number): readonly [number, number] | null {
  return SEGMENTS.includes(name) && (seen ^ ring0) <= 3 ? [seen & 3, ring0 & 3] : null;
}

function word(value: number): string {
  return value.toString(16).padStart(4, '0');
}

function hex(name: Shown, value: number): string {
  if (BITS.includes(name)) return `${value}`;
  return SEGMENTS.includes(name) || name === 'TR' || name === 'LDTR'
    ? word(value)
    : value.toString(16).padStart(8, '0');
}

function table({ base, limit }: TableRegister): string {
  return `base ${base.toString(16).padStart(8, '0')} limit ${word(limit)}`;
}
