import { LDTR } from '../../ia32/registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Host } from '../host/host.ts';
import * as H from '../host/layout.ts';
import type { WriteTrace } from '../memory/guest-memory.ts';
import type { ShadowPaging } from '../memory/shadow.ts';
import type { VirtualProcessor } from '../vcpu.ts';

/** A segment as a selector load makes it. */
export interface SegmentCache {
  readonly base: number;
  /** Effective limit in bytes, inclusive, signed. */
  readonly limit: number;
  readonly attributes: number;
}

const ACCESSED = 0x100;
const EXPAND_DOWN = 0x400;
const CODE = 0x800;
const SEGMENT = 0x1000;
const PRESENT = 0x8000;
const GRANULAR = 0x800000;

/** Code, conforming: bits of a segment cache's attributes. */
const CONFORMING = 0x0c;
/** The accessed bit there. */
const CACHE_ACCESSED = 1;

/** Guest descriptors that a table can have before the monitor's own begin. */
const GUEST_ENTRIES = H.FIRST_RESERVED_SELECTOR >>> 3;

/**
 * The descriptor that the machine has for one of the guest's (as low and high word): privilege level 0 becomes 1, the limit ends below the
 * monitor. What cannot be had directly becomes an empty descriptor, so that its use traps: system descriptors, levels 1 and 2, segments
 * that expand down, and those whose accessed bit is still to be set.
 */
export function deprivilege(low: number, high: number): readonly [number, number] {
  const needed = PRESENT | SEGMENT | ACCESSED;
  const dpl = (high >>> 13) & 3;
  const isExpandDown = (high & CODE) === 0 && (high & EXPAND_DOWN) !== 0;
  if ((high & needed) !== needed || dpl === 1 || dpl === 2 || isExpandDown) return EMPTY;
  const { base, limit } = cacheOf(low, high);
  const first = base >>> 0;
  if (first >= H.MONITOR_BASE) return EMPTY;
  const room = H.MONITOR_BASE - first - 1;
  const size = Math.min(limit >>> 0, room);
  const isGranular = size >= 0x100000;
  // In pages the limit covers whole ones only.
  const units = isGranular ? ((size + 1) >>> 12) - 1 : size;
  const access = (high & 0xff00 & ~0x6000) | ((dpl === 0 ? 1 : dpl) << 13);
  return [
    (low & 0xffff0000) | (units & 0xffff),
    (high & 0xff7000ff) | access | (units & 0xf0000) | (isGranular ? GRANULAR : 0),
  ];
}

const EMPTY: readonly [number, number] = [0, 0];

function cacheOf(low: number, high: number): SegmentCache {
  const raw = (low & 0xffff) | (high & 0xf0000);
  return {
    base: (low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000),
    limit: (high & GRANULAR) !== 0 ? (raw << 12) | 0xfff : raw,
    attributes: (high >>> 8) & 0xf0ff,
  };
}

/** One of the guest's tables, as it was when the machine's was made from it. */
interface Source {
  base: number;
  /** Inclusive, or -1 for no table. */
  limit: number;
  readonly low: Int32Array;
  readonly high: Int32Array;
  /** Guest pages that hold it, -1 where nothing is mapped. */
  pages: readonly number[];
}

function createSource(): Source {
  return { base: 0, limit: -1, low: new Int32Array(8192), high: new Int32Array(8192), pages: [] };
}

/**
 * Shadow descriptor tables: the machine's GDT and LDT, made from the guest's with privilege and limits reduced. The guest's tables are write
 * traced.
 */
export class ShadowDescriptors implements WriteTrace {
  readonly #host: Host;
  readonly #vcpu: VirtualProcessor;
  readonly #shadow: ShadowPaging;
  readonly #gdt = createSource();
  readonly #ldt = createSource();
  #generation = -1;
  #dirty = true;

  constructor(host: Host, vcpu: VirtualProcessor, shadow: ShadowPaging) {
    this.#host = host;
    this.#vcpu = vcpu;
    this.#shadow = shadow;
  }

  start(): void {
    this.#vcpu.memory.listen(this);
    this.#dirty = true;
  }

  stop(): void {
    this.#vcpu.memory.unlisten(this);
    this.#release(this.#gdt);
    this.#release(this.#ldt);
    for (let index = 0; index <= this.#gdt.limit >> 3; index++) this.#host.setDescriptor(index * 8, 0, 0);
    this.#gdt.limit = -1;
    this.#ldt.limit = -1;
  }

  onWrite(page: number): void {
    if (this.#gdt.pages.includes(page) || this.#ldt.pages.includes(page)) this.#dirty = true;
  }

  /** Brings the machine's tables up to date with the guest's. The processor is halted in the monitor. */
  update(): void {
    const { i32 } = this.#vcpu;
    const ldtAt = L.W_SEGMENTS + LDTR * L.SEGMENT_WORDS;
    const hasLdt = (i32[ldtAt + L.S_ATTRIBUTES] & 0x80) !== 0 && (this.#vcpu.selector(LDTR) & 0xfffc) !== 0;
    const ldtLimit = hasLdt ? Math.min(i32[ldtAt + L.S_LIMIT] >>> 0, 0xffff) : -1;
    const gdtBase = i32[L.W_GDTR_BASE];
    const gdtLimit = Math.min(i32[L.W_GDTR_LIMIT], GUEST_ENTRIES * 8 - 1);
    const same =
      !this.#dirty && this.#generation === this.#shadow.generation && this.#isSame(this.#gdt, gdtBase, gdtLimit);
    if (same && this.#isSame(this.#ldt, i32[ldtAt + L.S_BASE], ldtLimit)) return;
    this.#generation = this.#shadow.generation;
    this.#copy(this.#gdt, gdtBase, gdtLimit, H.GDT);
    this.#copy(this.#ldt, i32[ldtAt + L.S_BASE], ldtLimit, H.LDT);
    this.#host.setLdtLimit(ldtLimit);
    this.#host.execute('lldt', ldtLimit < 0 ? 0 : H.SELECTOR.ldt);
    this.#dirty = false;
  }

  #isSame(source: Source, base: number, limit: number): boolean {
    return source.base === base && source.limit === limit;
  }

  #pagesOf(base: number, limit: number): number[] {
    const pages: number[] = [];
    if (limit < 0) return pages;
    const last = (base >>> 12) + (((base & 0xfff) + limit) >>> 12);
    for (let page = base >>> 12; page <= last; page++) {
      const address = this.#vcpu.lookUp((page << 12) | 0);
      pages.push(address < 0 ? -1 : address >>> 12);
    }
    return pages;
  }

  #release(source: Source): void {
    for (const page of source.pages) if (page >= 0) this.#vcpu.memory.untrace(page);
    source.pages = [];
  }

  #copy(source: Source, base: number, limit: number, target: number): void {
    const pages = this.#pagesOf(base, limit);
    const memory = this.#vcpu.memory;
    for (const page of pages) {
      if (page < 0) continue;
      memory.trace(page);
      this.#shadow.protect(page);
    }
    this.#release(source);
    source.pages = pages;
    const entries = (limit + 1) >>> 3;
    const before = (source.limit + 1) >>> 3;
    for (let index = 0; index < Math.max(entries, before); index++) {
      const at = base + index * 8;
      const low = index < entries ? this.#readWord(at, base, pages) : 0;
      const high = index < entries ? this.#readWord(at + 4, base, pages) : 0;
      // Compared with what is there, so that an update costs what changed.
      if (index < before && source.low[index] === low && source.high[index] === high) continue;
      source.low[index] = low;
      source.high[index] = high;
      const [shadowLow, shadowHigh] = index === 0 && target === H.GDT ? EMPTY : deprivilege(low, high);
      this.#host.write(target + index * 8, 4, shadowLow);
      this.#host.write(target + index * 8 + 4, 4, shadowHigh);
    }
    source.base = base;
    source.limit = limit;
  }

  /** A word of a guest table; 0 where nothing is mapped. A word that crosses a page is read by bytes. */
  #readWord(linear: number, base: number, pages: readonly number[]): number {
    const memory = this.#vcpu.memory;
    const pageAt = (address: number) => pages[((address >>> 0) >>> 12) - (base >>> 12)] ?? -1;
    if ((linear & 0xfff) <= 0xffc) {
      const page = pageAt(linear);
      return page < 0 ? 0 : memory.read(page * 4096 + (linear & 0xfff), 4);
    }
    let value = 0;
    for (let n = 0; n < 4; n++) {
      const page = pageAt(linear + n);
      if (page >= 0) value |= memory.read(page * 4096 + ((linear + n) & 0xfff), 1) << (8 * n);
    }
    return value;
  }

  #sourceOf(selector: number): Source {
    return (selector & 4) === 0 ? this.#gdt : this.#ldt;
  }

  /** What loading this selector gave the guest, from the tables as the machine had them; null for one without a usable descriptor. */
  segment(selector: number): SegmentCache | null {
    const source = this.#sourceOf(selector);
    const index = (selector & 0xffff) >>> 3;
    if (index * 8 + 7 > source.limit || (selector & 0xfffc) === 0) return null;
    const [, high] = deprivilege(source.low[index], source.high[index]);
    return high === 0 ? null : cacheOf(source.low[index], source.high[index]);
  }

  /**
   * Whether the machine can have what this segment register of the virtual processor holds: its cache is what its selector says. The accessed
   * bit in the guest's table does not count: a loader's own table had it, the kernel's new one has not yet, and only a load sets it.
   */
  isReversible(register: number): boolean {
    const vcpu = this.#vcpu;
    const selector = vcpu.selector(register);
    const attributes = vcpu.segment(register, L.S_ATTRIBUTES);
    // The monitor's IRET makes every null selector 0 (SDM volume 3, 5.8.6), so 1 to 3 cannot be had.
    if ((selector & 0xfffc) === 0) return selector === 0 && (attributes & 0x80) === 0;
    // SYSEXIT leaves ring 3 with data segments of ring 0; the monitor's IRET would empty them (SDM volume 2, IRET).
    const isConforming = (attributes & CONFORMING) === CONFORMING;
    if (!isConforming && ((attributes >>> 5) & 3) < vcpu.cpl) return false;
    const cache = this.segment(selector);
    return (
      cache !== null &&
      cache.base === vcpu.base(register) &&
      cache.limit === vcpu.segment(register, L.S_LIMIT) &&
      (cache.attributes | CACHE_ACCESSED) === (attributes | CACHE_ACCESSED)
    );
  }
}
