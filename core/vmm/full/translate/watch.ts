import { CR0 } from '../../../ia32/registers.ts';
import { createWalk, PAGE, walkTables } from '../../../machine/mmu/walk.ts';
import type { WriteTrace } from '../../memory/guest-memory.ts';
import type { ShadowPaging } from '../../memory/shadow.ts';
import type { VirtualProcessor } from '../../vcpu.ts';
import type { Unit } from './cache.ts';

const PAGE_SIZE = 4096;

/**
 * Writes to a page after which its code is taken to be gone, as that of a kernel's start-up is one day: its units are dropped, and it is
 * not traced until it runs again. Should it do so, that has cost about as much as these writes.
 */
const FLOOD = 32;

/** A linear page with translated code, and what it was when it was translated. */
interface Watched {
  readonly linear: number;
  readonly page: number;
  readonly units: Set<Unit>;
  /** Writes since it has code. */
  writes: number;
}

/**
 * Watches over the guest code that units were made from. Its pages are write-traced, so that a write drops what it changed; and when
 * the guest says that translations of addresses have changed, each page is looked up anew.
 */
export class CodeWatch implements WriteTrace {
  readonly #vcpu: VirtualProcessor;
  readonly #shadow: ShadowPaging;
  readonly #drop: (unit: Unit) => void;
  /** By linear address of the page. */
  readonly #pages = new Map<number, Watched>();
  /** By guest-physical page. */
  readonly #byPage = new Map<number, Set<Watched>>();
  readonly #walk = createWalk();
  /** Linear pages that may have changed; null: all. */
  #stale: Set<number> | null = new Set();

  constructor(vcpu: VirtualProcessor, shadow: ShadowPaging, drop: (unit: Unit) => void) {
    this.#vcpu = vcpu;
    this.#shadow = shadow;
    this.#drop = drop;
  }

  add(unit: Unit): void {
    for (const { linear, page } of unit.pages) {
      let watched = this.#pages.get(linear);
      if (watched === undefined) {
        watched = { linear, page, units: new Set(), writes: 0 };
        this.#pages.set(linear, watched);
        const same = this.#byPage.get(page);
        if (same === undefined) this.#byPage.set(page, new Set([watched]));
        else same.add(watched);
        this.#vcpu.memory.trace(page);
        this.#shadow.protect(page);
      }
      watched.units.add(unit);
    }
  }

  remove(unit: Unit): void {
    for (const { linear } of unit.pages) {
      const watched = this.#pages.get(linear);
      if (watched === undefined) continue;
      watched.units.delete(unit);
      if (watched.units.size === 0) this.#unwatch(watched);
    }
  }

  #unwatch(watched: Watched): void {
    this.#pages.delete(watched.linear);
    const same = this.#byPage.get(watched.page);
    same?.delete(watched);
    if (same?.size === 0) this.#byPage.delete(watched.page);
    this.#vcpu.memory.untrace(watched.page);
  }

  clear(): void {
    for (const watched of [...this.#pages.values()]) this.#unwatch(watched);
    this.#stale = new Set();
  }

  onWrite(page: number, offset: number, size: number): void {
    const same = this.#byPage.get(page);
    if (same === undefined) return;
    for (const watched of [...same]) {
      const first = (watched.linear + offset) >>> 0;
      const isFlood = ++watched.writes > FLOOD;
      for (const unit of [...watched.units]) {
        // Distances, since linear addresses wrap around.
        const start = unit.linear >>> 0;
        const isBehind = (first - start) >>> 0 < unit.translation.length;
        const isBefore = (start - first) >>> 0 < size;
        if (isBehind || isBefore || isFlood) this.#drop(unit);
      }
    }
  }

  /** The guest invalidated translations of addresses: all, or those of one linear address. */
  onFlush(linear: number | null): void {
    if (linear === null) this.#stale = null;
    else this.#stale?.add(linear & -PAGE_SIZE);
  }

  /** Drops the units whose pages are not what they were. Call before any unit is used. */
  check(): void {
    const stale = this.#stale;
    if (stale !== null && stale.size === 0) return;
    this.#stale = new Set();
    for (const watched of [...this.#pages.values()]) {
      if (stale !== null && !stale.has(watched.linear)) continue;
      if (this.#isSame(watched)) continue;
      for (const unit of [...watched.units]) this.#drop(unit);
    }
  }

  /** Whether a fetch would find the same page, and would not set an accessed bit. */
  #isSame({ linear, page }: Watched): boolean {
    const vcpu = this.#vcpu;
    const { memory } = vcpu;
    let address = linear >>> 0;
    if ((vcpu.cr0 & CR0.PG) !== 0) {
      const walk = this.#walk;
      walkTables(memory, vcpu, linear, 'execute', false, walk);
      if (walk.physical === -1) return false;
      for (let n = 0; n < walk.count; n++) {
        const step = walk.steps[n];
        if (step.level !== 'page directory pointer' && (step.low & PAGE.accessed) === 0) return false;
      }
      address = walk.physical;
    }
    return ((address & memory.addressMask) >>> 0) >>> 12 === page;
  }
}
