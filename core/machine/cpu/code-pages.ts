/**
 * Which parts of RAM code was decoded from. A page is cut into 32 parts of 128 bytes, so that data beside code can be
 * written without dropping the code. A generation number tells whether a block is still what memory holds.
 */
export class CodePages {
  /** For each page, a bit for each part that a live block covers. */
  readonly #parts: Uint32Array;
  /** For each page, how often code in it was overwritten. */
  readonly generations: Uint32Array;
  /** The code of a page is dropped. */
  onDrop: (page: number) => void = () => {};
  /** All is dropped. */
  onClear: () => void = () => {};

  constructor(ramBytes: number) {
    this.#parts = new Uint32Array(ramBytes >>> 12);
    this.generations = new Uint32Array(ramBytes >>> 12);
  }

  hasCode(page: number): boolean {
    return this.#parts[page] !== 0;
  }

  /** Marks the bytes first to last of a page as code; tells whether the page had none before. */
  mark(page: number, first: number, last: number): boolean {
    const had = this.#parts[page];
    let parts = had;
    for (let part = first >>> 7; part <= last >>> 7; part++) parts |= 1 << part;
    this.#parts[page] = parts;
    return had === 0;
  }

  /** Tells that `size` bytes at a physical address were written; true if code was among them. */
  written(address: number, size: number): boolean {
    const page = address >>> 12;
    const parts = this.#parts[page];
    if (parts === 0) return false;
    const first = (address & 0xfff) >>> 7;
    const last = Math.min(0xfff, (address & 0xfff) + size - 1) >>> 7;
    let hit = false;
    for (let part = first; part <= last; part++) hit = hit || (parts & (1 << part)) !== 0;
    if (!hit) return false;
    this.#parts[page] = 0;
    this.generations[page]++;
    this.onDrop(page);
    return true;
  }

  /** Drops all code: memory was replaced as a whole. */
  clear(): void {
    this.#parts.fill(0);
    for (let page = 0; page < this.generations.length; page++) this.generations[page]++;
    this.onClear();
  }
}
