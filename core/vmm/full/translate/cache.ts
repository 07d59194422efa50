import type { Host } from '../../host/host.ts';
import { CACHE, CACHE_SIZE, FIRST_RESERVED_SELECTOR, LOOKUP } from '../../host/layout.ts';
import { CALLOUT, ENTRY_BYTES, ENTRY_LAST, ENTRY_NEXT, entryCode, LOADABLE, SLOTS } from './code.ts';
import type { CodePage } from './fetch.ts';
import type { Point, Translation } from './unit.ts';

const PAGE_SIZE = 4096;
const CACHE_END = CACHE + CACHE_SIZE;
/** The callout of lookups that find nothing: every empty slot leads here. */
const MISS = CACHE;
const FIRST = CACHE + 16;
const STUB_BYTES = CALLOUT.length;
/** A JMP with its displacement. */
const JUMP_BYTES = 5;

/** A translation in the cache. */
export interface Unit {
  readonly translation: Translation;
  /** Linear address of its guest code. */
  readonly linear: number;
  /** Linear address of its first byte in the cache, unsigned. */
  readonly address: number;
  /** Bytes of it that are its own: the last jump may have been given up to the unit that it led to. */
  size: number;
  /** Where its guest code lies: one page, two if the first instruction crosses into another. */
  readonly pages: readonly CodePage[];
  readonly links: readonly Link[];
  /** Links of other units that jump here. */
  readonly incoming: Set<Link>;
  /** The lookup table's way to it. */
  entry: Entry | null;
  isAlive: boolean;
}

/** A jump of a unit, which calls the monitor until its target is translated. */
export interface Link {
  readonly unit: Unit;
  /** Address of its 32-bit displacement. */
  readonly address: number;
  readonly target: number;
  /** Address of its callout. */
  readonly stub: number;
  to: Unit | null;
  /** Whether the target lies in the place of the jump itself. */
  isElided: boolean;
}

/** Code in front of a unit that a slot of the lookup table leads to. */
interface Entry {
  readonly unit: Unit;
  readonly address: number;
}

/** What an address in the cache stands for. */
export type Place =
  | { readonly kind: 'unit'; readonly unit: Unit; readonly point: Point }
  | { readonly kind: 'link'; readonly link: Link }
  /** In an entry: the guest's EIP is in the VCPU page, or, at the end, that of the unit. */
  | { readonly kind: 'entry'; readonly unit: Unit; readonly isDone: boolean }
  | { readonly kind: 'miss' };

export interface CacheCounts {
  units: number;
  instructions: number;
  /** Bytes of the cache in use. */
  bytes: number;
  chains: number;
  /** Jumps that vanished because their target was put in their place. */
  elided: number;
  invalidations: number;
  flushes: number;
}

/**
 * The translation cache: units as bytes in the monitor's memory, the jumps between them, and the table that indirect transfers look into. It
 * fills from the bottom; the callouts of links lie at the top. When it is full everything is dropped.
 */
export class TranslationCache {
  readonly counts: CacheCounts = {
    units: 0,
    instructions: 0,
    bytes: 0,
    chains: 0,
    elided: 0,
    invalidations: 0,
    flushes: 0,
  };
  readonly #host: Host;
  readonly #units = new Map<number, Unit>();
  /** Units and entries in the order of their addresses. */
  #blocks: (Unit | Entry)[] = [];
  /** By number, counted from the end of the cache. */
  #stubs: (Link | null)[] = [];
  #freeStubs: number[] = [];
  #top = FIRST;
  readonly #slots = new Map<number, Entry[]>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Makes the memory there is. */
  start(): void {
    const host = this.#host;
    host.map(CACHE, CACHE_SIZE, false);
    host.map(LOOKUP, SLOTS * 4, false);
    host.map(LOADABLE, SELECTORS, false);
    host.load(MISS, Uint8Array.from(CALLOUT));
    const empty = new Uint8Array(SLOTS * 4);
    const view = new DataView(empty.buffer);
    for (let slot = 0; slot < SLOTS; slot++) view.setUint32(slot * 4, MISS, true);
    host.load(LOOKUP, empty);
    host.load(LOADABLE, loadableSelectors());
    this.#clear();
  }

  #clear(): void {
    for (const unit of this.#units.values()) unit.isAlive = false;
    this.#units.clear();
    this.#blocks = [];
    this.#stubs = [];
    this.#freeStubs = [];
    this.#top = FIRST;
    for (const slot of this.#slots.keys()) this.#host.write(LOOKUP + slot * 4, 4, MISS);
    this.#slots.clear();
    this.#count();
  }

  #count(): void {
    this.counts.bytes = this.#top - FIRST + this.#stubs.length * STUB_BYTES;
  }

  /** Drops every unit. */
  flush(): void {
    this.counts.flushes++;
    this.#clear();
  }

  find(eip: number): Unit | null {
    return this.#units.get(eip) ?? null;
  }

  units(): Iterable<Unit> {
    return this.#units.values();
  }

  /** Whether a translation of this many bytes and jumps, or an entry, has room. */
  hasRoom(bytes: number, jumps: number): boolean {
    const top = this.#place(bytes) + bytes;
    return top + (this.#stubs.length + jumps) * STUB_BYTES <= CACHE_END;
  }

  /** Where code of this size goes: within one page, so that the processor can keep what it decoded. */
  #place(size: number): number {
    const left = PAGE_SIZE - (this.#top & (PAGE_SIZE - 1));
    return size <= left ? this.#top : this.#top + left;
  }

  /** Puts a translation into the cache; hasRoom() must be true. `from`: the link that asked for it, or null. */
  add(translation: Translation, linear: number, pages: readonly CodePage[], from: Link | null): Unit {
    const size = Math.max(translation.bytes.length, JUMP_BYTES);
    const isElided = from !== null && this.#canElide(from, size);
    if (isElided) {
      this.#top -= JUMP_BYTES;
      from.unit.size -= JUMP_BYTES;
    }
    const address = this.#place(size);
    this.#top = address + size;
    const links: Link[] = [];
    const unit: Unit = {
      translation,
      linear,
      address,
      size,
      pages,
      links,
      incoming: new Set(),
      entry: null,
      isAlive: true,
    };
    const bytes = translation.bytes.slice();
    const view = new DataView(bytes.buffer);
    for (const { offset, target } of translation.jumps) {
      const link = this.#createLink(unit, address + offset, target);
      links.push(link);
      view.setInt32(offset, link.stub - (link.address + 4), true);
    }
    this.#host.load(address, bytes);
    this.#units.set(translation.eip, unit);
    this.#blocks.push(unit);
    if (isElided) {
      from.isElided = true;
      from.to = unit;
      unit.incoming.add(from);
      this.counts.elided++;
    }
    this.counts.units++;
    this.counts.instructions += translation.pairs.length;
    this.#count();
    return unit;
  }

  /**
   * Whether a unit of this size can be put in the place of the jump that leads to it, because that jump is the last thing in the cache.
   * What remains of the jump's unit must have room for a jump of its own, in case that it took such a place as well.
   */
  #canElide(from: Link, size: number): boolean {
    const start = this.#top - JUMP_BYTES;
    const isLast = from.unit.isAlive && from.to === null && from.address === start + 1;
    return isLast && from.unit.size >= 2 * JUMP_BYTES && (start & (PAGE_SIZE - 1)) + size <= PAGE_SIZE;
  }

  #createLink(unit: Unit, address: number, target: number): Link {
    const index = this.#freeStubs.pop() ?? this.#stubs.length;
    const stub = CACHE_END - (index + 1) * STUB_BYTES;
    const link: Link = { unit, address, target, stub, to: null, isElided: false };
    if (index === this.#stubs.length) this.#host.load(stub, Uint8Array.from(CALLOUT));
    this.#stubs[index] = link;
    return link;
  }

  /** Makes a link jump to a unit. */
  connect(link: Link, to: Unit): void {
    link.to = to;
    to.incoming.add(link);
    this.counts.chains++;
    this.#host.write(link.address, 4, to.address - (link.address + 4));
  }

  /** Makes a link call the monitor again. */
  #disconnect(link: Link): void {
    link.to = null;
    if (!link.unit.isAlive) return;
    if (link.isElided) {
      link.isElided = false;
      link.unit.size += JUMP_BYTES;
      this.#host.write(link.address - 1, 1, 0xe9);
    }
    this.#host.write(link.address, 4, link.stub - (link.address + 4));
  }

  /** Gives indirect transfers a way to a unit; hasRoom(ENTRY_BYTES, 0) must be true. */
  addEntry(unit: Unit): void {
    if (unit.entry !== null) return;
    const { eip } = unit.translation;
    const slot = eip & (SLOTS - 1);
    const address = this.#place(ENTRY_BYTES);
    this.#top = address + ENTRY_BYTES;
    const entry: Entry = { unit, address };
    unit.entry = entry;
    const others = this.#slots.get(slot) ?? [];
    const next = others[0]?.address ?? MISS;
    this.#host.load(address, Uint8Array.from(entryCode(eip, next - address, unit.address - address)));
    others.unshift(entry);
    this.#slots.set(slot, others);
    this.#host.write(LOOKUP + slot * 4, 4, address);
    this.#blocks.push(entry);
    this.#count();
  }

  #dropEntry(entry: Entry): void {
    const slot = entry.unit.translation.eip & (SLOTS - 1);
    const others = this.#slots.get(slot) ?? [];
    const index = others.indexOf(entry);
    others.splice(index, 1);
    const next = others[index]?.address ?? MISS;
    if (index === 0) {
      this.#host.write(LOOKUP + slot * 4, 4, next);
    } else {
      const jump = others[index - 1].address + ENTRY_NEXT;
      this.#host.write(jump, 4, next - (jump + 4));
    }
    this.#forget(entry);
  }

  /** Drops one unit: nothing leads to it any more. Its bytes are free only when all is dropped. */
  drop(unit: Unit): void {
    this.counts.invalidations++;
    unit.isAlive = false;
    this.#units.delete(unit.translation.eip);
    if (unit.entry !== null) this.#dropEntry(unit.entry);
    for (const link of unit.incoming) this.#disconnect(link);
    for (const link of unit.links) {
      link.to?.incoming.delete(link);
      const index = (CACHE_END - link.stub) / STUB_BYTES - 1;
      this.#stubs[index] = null;
      this.#freeStubs.push(index);
    }
    this.#forget(unit);
  }

  /** Index of the last unit or entry that begins at or below an address; -1 if there is none. */
  #blockIndex(address: number): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#blocks[middle].address <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #forget(block: Unit | Entry): void {
    const index = this.#blockIndex(block.address);
    if (this.#blocks[index] === block) this.#blocks.splice(index, 1);
  }

  /** What an address of the cache stands for, at the start of an instruction. Throws RangeError elsewhere. */
  placeAt(address: number): Place {
    if (address === MISS) return { kind: 'miss' };
    const link = this.#stubs[(CACHE_END - address) / STUB_BYTES - 1];
    if (link !== undefined && link !== null) return { kind: 'link', link };
    const block = this.#blocks[this.#blockIndex(address)];
    if (block !== undefined && 'size' in block) {
      const point = pointAt(block.translation.points, address - block.address);
      if (point !== null) return { kind: 'unit', unit: block, point };
    } else if (block !== undefined && address - block.address <= ENTRY_LAST) {
      return { kind: 'entry', unit: block.unit, isDone: address - block.address === ENTRY_LAST };
    }
    throw new RangeError(`No translation has an instruction at ${address.toString(16)}.`);
  }

  /** The unit whose code, or way in, is at an address of the cache; null if there is none. */
  unitAt(address: number): Unit | null {
    const block = this.#blocks[this.#blockIndex(address)];
    if (block === undefined) return null;
    if (!('size' in block)) return address < block.address + ENTRY_BYTES ? block.unit : null;
    return address < block.address + block.size ? block : null;
  }
}

const SELECTORS = 0x10000;

/**
 * 1 for each selector whose load into a data segment register the machine judges in ring 1 as it would in ring 0 with the guest's own table.
 * With RPL 1 it would accept what has become level 1, and from FIRST_RESERVED_SELECTOR on the descriptors are the monitor's. A null
 * selector other than 0 does not outlive the monitor's IRET.
 */
function loadableSelectors(): Uint8Array {
  return Uint8Array.from({ length: SELECTORS }, (_, selector) => {
    const isOdd = (selector & 3) === 1 || (selector > 0 && selector < 4);
    return isOdd || selector >= FIRST_RESERVED_SELECTOR ? 0 : 1;
  });
}

function pointAt(points: readonly Point[], offset: number): Point | null {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (points[middle].offset < offset) low = middle + 1;
    else high = middle;
  }
  const point = points[low];
  return point !== undefined && point.offset === offset ? point : null;
}
