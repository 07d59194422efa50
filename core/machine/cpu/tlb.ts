import type { CodePages } from './code-pages.ts';
import * as L from './layout.ts';
import { BROKEN, LARGE_REGIONS, Spaces } from './tlb-spaces.ts';
import type { Watches } from './watch.ts';

/** Entries that can be filled between two flushes of all; one more flushes first. */
const LOG_SIZE = 1 << 16;

export interface TlbEntries {
  /** Word offsets of entries, in the order in which they were filled. */
  readonly words: Int32Array;
  readonly entries: Int32Array;
}

/** What a snapshot keeps of the TLB. */
export interface TlbState {
  readonly local: TlbEntries;
  readonly global: TlbEntries;
  readonly largeRegions: Uint8Array;
  /** Of other address spaces (tlb-spaces.ts). */
  readonly spaces: Int32Array;
}

/** An entry of the write table without its protection, which belongs to decoded code and not to the architecture. */
export function unprotected(entry: number): number {
  return entry === L.INVALID ? entry : entry & ~L.PROTECTED;
}

const TABLE_SHIFT = Math.log2(L.TABLE_WORDS);

/** Linear page of an entry, by its word. */
function pageOf(word: number): number {
  return (word - L.W_TLB) & (L.TABLE_WORDS - 1);
}

/** What an entry is for: 0 reads, 1 writes, 2 execution. */
function kindOf(word: number): number {
  return ((word - L.W_TLB) >>> TABLE_SHIFT) % 3;
}

/** The six flat tables of the TLB (layout.ts), and which of their entries are filled. */
export class Tlb {
  readonly #i32: Int32Array;
  readonly #codePages: CodePages;
  readonly #watches: Watches;
  readonly #log = new Int32Array(LOG_SIZE);
  #logged = 0;
  readonly #globalLog = new Int32Array(LOG_SIZE);
  #globalLogged = 0;
  /** Whether the tables hold what they say: memory begins with zeros, which are entries. */
  #isClear = false;
  /**
   * Entries of watched pages, by their word: the tables say INVALID there, so that every fast path misses, and who comes the slow way
   * finds them without a walk. For the architecture they are as valid as the others.
   */
  readonly #aside = new Map<number, number>();
  /** Regions of 4 MB in which a large page was entered: INVLPG there drops the whole region. */
  readonly largeRegions = new Uint8Array(LARGE_REGIONS);
  readonly #spaces = new Spaces();
  #tag = 0;

  constructor(i32: Int32Array, codePages: CodePages, watches: Watches) {
    this.#i32 = i32;
    this.#codePages = codePages;
    this.#watches = watches;
  }

  /** The entry at a word of the tables, also of a watched page; INVALID if there is none. */
  entry(word: number): number {
    const entry = this.#i32[word];
    return entry === L.INVALID && this.#aside.size !== 0 ? (this.#aside.get(word) ?? entry) : entry;
  }

  #put(word: number, entry: number): void {
    if (this.#isWatched(word)) this.#aside.set(word, entry);
    else this.#i32[word] = entry;
  }

  #drop(word: number): void {
    this.#i32[word] = L.INVALID;
    if (this.#aside.size !== 0) this.#aside.delete(word);
  }

  #isWatched(word: number): boolean {
    const { reads, writes, watchesData } = this.#watches;
    if (!watchesData) return false;
    const kind = kindOf(word);
    return (kind === 0 && reads.has(pageOf(word))) || (kind === 1 && writes.has(pageOf(word)));
  }

  /** Other pages are watched than before. */
  watchesChanged(): void {
    for (const [word, entry] of this.#aside) this.#i32[word] = entry;
    this.#aside.clear();
    if (!this.#watches.watchesData) return;
    for (const word of this.#words()) {
      const entry = this.#i32[word];
      if (entry === L.INVALID || !this.#isWatched(word)) continue;
      this.#aside.set(word, entry);
      this.#i32[word] = L.INVALID;
    }
  }

  *#words(): Iterable<number> {
    for (let n = 0; n < this.#logged; n++) yield this.#log[n];
    for (let n = 0; n < this.#globalLogged; n++) yield this.#globalLog[n];
  }

  /** Drops every translation, global ones too. */
  flushAll(): void {
    if (!this.#isClear) this.#i32.fill(L.INVALID, L.W_TLB, L.W_TLB_END);
    this.#isClear = true;
    this.#spaces.clear();
    this.flushGlobal();
  }

  /** Tag of the address space that the tables are for (tlb-spaces.ts). */
  get tag(): number {
    return this.#tag;
  }

  /** The processor comes to another address space: what it had of that when it left is there again, what it has of this is kept. */
  enterSpace(tag: number): void {
    if (tag === this.#tag) return;
    const local = this.#take(this.#log, this.#logged);
    const global = this.#take(this.#globalLog, this.#globalLogged);
    this.#spaces.keep(this.#tag, { local, global, largeRegions: this.largeRegions.slice() });
    this.flushGlobal();
    this.#tag = tag;
    const space = this.#spaces.take(tag);
    if (space === null) return;
    this.#logged = this.#give(space.local, this.#log);
    this.#globalLogged = this.#give(space.global, this.#globalLog);
    this.largeRegions.set(space.largeRegions);
  }

  /** Drops all that address spaces have in which the processor is not. */
  forgetSpaces(): void {
    this.#spaces.clear();
  }

  /** Words and entries of a log, without those that were dropped one by one. */
  #take(log: Int32Array, logged: number): TlbEntries {
    const words = new Int32Array(logged);
    const entries = new Int32Array(logged);
    let count = 0;
    for (let n = 0; n < logged; n++) {
      const entry = this.entry(log[n]);
      if (entry === L.INVALID) continue;
      words[count] = log[n];
      entries[count++] = unprotected(entry);
    }
    return { words: words.subarray(0, count), entries: entries.subarray(0, count) };
  }

  /** Enters what was taken: writes to code have come to be noticed meanwhile, or no longer. Returns how many. */
  #give({ words, entries }: TlbEntries, log: Int32Array): number {
    for (let n = 0; n < words.length; n++) {
      const word = words[n];
      const entry = entries[n];
      if (entry === L.INVALID) continue;
      const page = (((entry + (pageOf(word) << 12)) >>> 0) - L.RAM) >>> 12;
      this.#put(word, kindOf(word) === 1 && this.#codePages.hasCode(page) ? entry | L.PROTECTED : entry);
    }
    log.set(words);
    return words.length;
  }

  /** Drops what is not global. */
  flushLocal(): void {
    const log = this.#log;
    const logged = this.#logged;
    // Before the loop: machine code that V8 makes in its midst would not know of what comes behind.
    this.#logged = 0;
    for (let n = 0; n < logged; n++) this.#drop(log[n]);
  }

  /** Everything that was entered. */
  flushGlobal(): void {
    this.flushLocal();
    const log = this.#globalLog;
    const logged = this.#globalLogged;
    this.#globalLogged = 0;
    for (let n = 0; n < logged; n++) this.#drop(log[n]);
    this.largeRegions.fill(0);
  }

  /** The page of this linear address, whatever its size. */
  flushPage(linear: number): void {
    const large = this.largeRegions[linear >>> 22] !== 0;
    const first = large ? (linear >>> 22) << 10 : linear >>> 12;
    const count = large ? 1024 : 1;
    for (let table = L.W_TLB; table < L.W_TLB_END; table += L.TABLE_WORDS) {
      this.#i32.fill(L.INVALID, table + first, table + first + count);
    }
    for (const word of this.#aside.keys()) {
      if (pageOf(word) - first >= 0 && pageOf(word) - first < count) this.#aside.delete(word);
    }
  }

  enter(word: number, entry: number, global: boolean): void {
    if (this.entry(word) === entry) return;
    this.#put(word, entry);
    if (global) {
      if (this.#globalLogged === LOG_SIZE) this.#restart(word, entry);
      this.#globalLog[this.#globalLogged++] = word;
    } else {
      if (this.#logged === LOG_SIZE) this.#restart(word, entry);
      this.#log[this.#logged++] = word;
    }
  }

  #restart(word: number, entry: number): void {
    this.flushAll();
    this.#put(word, entry);
  }

  /** Makes every write to this RAM page take the slow path from now on, without a walk: code was decoded from it. */
  protectCode(page: number): void {
    const host = L.RAM + (page << 12);
    const protect = (log: Int32Array, count: number) => {
      for (let n = 0; n < count; n++) {
        const word = log[n];
        if (kindOf(word) !== 1) continue;
        const entry = this.entry(word);
        const isHere = ((entry & ~0xfff) + ((word - L.W_TLB) << 12)) >>> 0 === host;
        if (isHere && entry !== L.INVALID) this.#put(word, entry | L.PROTECTED);
      }
    };
    protect(this.#log, this.#logged);
    protect(this.#globalLog, this.#globalLogged);
  }

  /** Makes writes fast again to a page that has no code any more. */
  release(linear: number, user: boolean): void {
    const word = L.W_TLB_WRITE + (user ? L.USER_TABLES : 0) + (linear >>> 12);
    const entry = this.entry(word);
    if ((entry & L.PROTECTED) === 0 || entry === L.INVALID) return;
    const page = ((linear + unprotected(entry)) >>> 0) - L.RAM;
    if (!this.#codePages.hasCode(page >>> 12)) this.#put(word, unprotected(entry));
  }

  /** The filled entries, for a snapshot: a restored machine must miss and hit where this one does. */
  save(): TlbState {
    const take = (log: Int32Array, count: number) => {
      const words = log.slice(0, count);
      return { words, entries: words.map(word => unprotected(this.entry(word))) };
    };
    return {
      local: take(this.#log, this.#logged),
      global: take(this.#globalLog, this.#globalLogged),
      largeRegions: this.largeRegions.slice(),
      spaces: this.#spaces.save(this.#tag),
    };
  }

  /** `isRam` tells whether a physical address is one of RAM's. Throws TypeError on what save() cannot have given. */
  restore(state: TlbState, isRam: (address: number) => boolean): void {
    const isEntry = (word: number, entry: number) => {
      const host = (entry + (pageOf(word) << 12)) >>> 0;
      return host >= L.RAM && isRam(host - L.RAM) && (host & 0xfff) === 0;
    };
    const checked = ({ words, entries }: TlbEntries): TlbEntries => {
      if (words.length > LOG_SIZE || words.some(word => word < L.W_TLB || word >= L.W_TLB_END))
        throw new TypeError(BROKEN);
      return { words, entries: entries.map((entry, n) => (isEntry(words[n], entry) ? entry : L.INVALID)) };
    };
    const local = checked(state.local);
    const global = checked(state.global);
    if (state.largeRegions.length !== LARGE_REGIONS) throw new TypeError(BROKEN);
    this.flushAll();
    this.#logged = this.#give(local, this.#log);
    this.#globalLogged = this.#give(global, this.#globalLog);
    this.largeRegions.set(state.largeRegions);
    this.#tag = this.#spaces.restore(state.spaces, checked);
  }
}
