/** Pages of which it is remembered where procedures begin. */
const MOST_PAGES = 4096;

/** Where procedures begin, by the calls to them in code that was decoded: linear addresses. Only a hint, as what lies there changes. */
export class CallTargets {
  readonly #pages = new Map<number, Set<number>>();

  add(linear: number): void {
    const page = linear >>> 12;
    const known = this.#pages.get(page);
    if (known !== undefined) {
      known.add(linear);
      return;
    }
    if (this.#pages.size === MOST_PAGES) this.#pages.clear();
    this.#pages.set(page, new Set([linear]));
  }

  /** The last one before an address, in its page or the one before; null if there is none. */
  before(linear: number): number | null {
    const page = linear >>> 12;
    for (const at of [page, page - 1]) {
      let found: number | null = null;
      for (const target of this.#pages.get(at) ?? []) {
        if (target >>> 0 < linear >>> 0 && target >>> 0 > (found ?? 0) >>> 0) found = target;
      }
      if (found !== null) return found;
    }
    return null;
  }
}
