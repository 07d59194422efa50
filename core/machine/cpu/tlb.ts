import type { CodePages } from './code-pages.ts';
import * as L from './layout.ts';
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
}

/** An entry of the write table without its protection, which belongs to decoded code and not to the architecture. */
export function unprotected(entry: number): number {
  return entry === L.INVALID ? entry : entry & ~L.PROTECTED;
}

/** Linear page of an entry, by its word. */
function pageOf(word: number): number {
  return (word - L.W_TLB) % L.TABLE_WORDS;
}

/** What an entry is for: 0 reads, 1 writes, 2 execution. */
function kindOf(word: number): number {
  return Math.floor((word - L.W_TLB) / L.TABLE_WORDS) % 3;
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
  readonly largeRegions = new Uint8Array(1024);

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
    this.flushGlobal();
  }

  /** Drops what is not global. */
  flushLocal(): void {
    const log = this.#log;
    for (let n = 0; n < this.#logged; n++) this.#drop(log[n]);
    this.#logged = 0;
  }

  /** Everything that was entered. */
  flushGlobal(): void {
    this.flushLocal();
    for (let n = 0; n < this.#globalLogged; n++) this.#drop(this.#globalLog[n]);
    this.#globalLogged = 0;
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
    };
  }

  /** `isRam` tells whether a physical address is one of RAM's. Throws TypeError on what save() cannot have given. */
  restore(state: TlbState, isRam: (address: number) => boolean): void {
    const all = [...state.local.words, ...state.global.words];
    if (all.some(word => word < L.W_TLB || word >= L.W_TLB_END) || state.largeRegions.length !== 1024) {
      throw new TypeError('The snapshot has a broken TLB.');
    }
    this.flushAll();
    const put = (saved: TlbEntries, log: Int32Array) => {
      saved.words.forEach((word, n) => {
        const host = (saved.entries[n] + (pageOf(word) << 12)) >>> 0;
        const isValid = host >= L.RAM && isRam(host - L.RAM) && (host & 0xfff) === 0;
        this.#put(word, isValid ? saved.entries[n] : L.INVALID);
      });
      log.set(saved.words.subarray(0, LOG_SIZE));
    };
    put(state.local, this.#log);
    put(state.global, this.#globalLog);
    this.#logged = Math.min(state.local.words.length, LOG_SIZE);
    this.#globalLogged = Math.min(state.global.words.length, LOG_SIZE);
    this.largeRegions.set(state.largeRegions);
  }
}
