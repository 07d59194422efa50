import type { Host } from '../host/host.ts';
import * as H from '../host/layout.ts';
import { FRAME_SIZE } from '../memory/frames.ts';
import { GDT_ENTRIES, GDT_PAGES, HOLE_START, Refused } from './abi.ts';
import { checkDescriptor, type Descriptor } from './descriptors.ts';
import type { FrameTable } from './frames.ts';

const PAGE = FRAME_SIZE;
const LDT_PAGES = H.LDT_SIZE / PAGE;
const MOST_LDT_ENTRIES = 8192;
const NOTHING: Descriptor = [0, 0];

/**
 * The guest's descriptor tables: frames of its own, of type `descriptors`, which the machine's GDT and LDT areas map. GDT pages are given all
 * at once; pages of an LDT, which is a linear address, come when they are first used.
 */
export class DescriptorTables {
  readonly #host: Host;
  readonly #frames: FrameTable;
  /** Frame that the guest's tables have at a linear page, or -1. */
  readonly #frameAt: (linear: number) => number;
  /** The monitor's own frames behind the two areas, to be put back. */
  readonly #ownGdt: readonly number[];
  readonly #ownLdt: readonly number[];
  #gdt: readonly number[] = [];
  #ldtBase = 0;
  #ldtEntries = 0;
  /** LDT page -> frame, for those that are mapped. */
  readonly #ldt = new Map<number, number>();

  constructor(host: Host, frames: FrameTable, frameAt: (linear: number) => number) {
    this.#host = host;
    this.#frames = frames;
    this.#frameAt = frameAt;
    const own = (area: number, pages: number) =>
      Array.from({ length: pages }, (_, n) => Math.floor(host.physical(area + n * PAGE) / PAGE));
    this.#ownGdt = own(H.GDT, GDT_PAGES);
    this.#ownLdt = own(H.LDT, LDT_PAGES);
    for (let page = 0; page < LDT_PAGES; page++) host.mapFrame(H.LDT + page * PAGE, -1, false);
    this.#loadLdt();
  }

  /** Gives everything back: the areas hold the monitor's own frames again. */
  stop(): void {
    this.setGdt([]);
    this.setLdt(0, 0);
    for (const [page, frame] of this.#ownLdt.entries()) this.#host.mapFrame(H.LDT + page * PAGE, frame, true);
    this.#frames.flushNeeded = true;
  }

  /** set_gdt: frames of a table, of which the guest says how many entries it has. Throws Refused; then the old table stays. */
  setGdt(frames: readonly number[]): void {
    const taken: number[] = [];
    try {
      for (const frame of frames) {
        this.#frames.take(frame, 'descriptors');
        taken.push(frame);
      }
    } catch (refusal) {
      for (const frame of taken) this.#frames.put(frame);
      throw refusal;
    }
    for (let page = 0; page < GDT_PAGES; page++) {
      this.#host.mapFrame(H.GDT + page * PAGE, frames[page] ?? this.#ownGdt[page], true);
    }
    for (const frame of this.#gdt) this.#frames.put(frame);
    this.#gdt = frames;
    this.#frames.flushNeeded = true;
  }

  /** How many frames a GDT of this many entries takes. Throws Refused for too many. */
  static framesFor(entries: number): number {
    if (entries > GDT_ENTRIES) throw new Refused('EINVAL', `a GDT has at most ${GDT_ENTRIES} entries`);
    return Math.ceil(entries / 512);
  }

  /** MMUEXT_SET_LDT. Throws Refused; then the old one stays. */
  setLdt(base: number, entries: number): void {
    if (entries > MOST_LDT_ENTRIES || (base & 0xfff) !== 0 || base + entries * 8 > HOLE_START) {
      throw new Refused('EINVAL', 'an LDT begins at a page, has at most 8192 entries, and lies below the monitor');
    }
    for (const [page, frame] of this.#ldt) {
      this.#host.mapFrame(H.LDT + page * PAGE, -1, false);
      this.#frames.put(frame);
    }
    this.#ldt.clear();
    this.#ldtBase = base;
    this.#ldtEntries = entries;
    this.#loadLdt();
    this.#frames.flushNeeded = true;
  }

  #loadLdt(): void {
    this.#host.setLdtLimit(this.#ldtEntries * 8 - 1);
    this.#host.execute('lldt', this.#ldtEntries === 0 ? 0 : H.SELECTOR.ldt);
  }

  /** Whether this linear address is in the area where the machine looks for the LDT; the guest's own address of it then, or null. */
  ldtAddress(linear: number): number | null {
    const offset = (linear >>> 0) - H.LDT;
    return offset >= 0 && offset < H.LDT_SIZE ? (this.#ldtBase + offset) >>> 0 : null;
  }

  /** Maps a page of the LDT that is used for the first time. Returns whether that could be done. */
  mapLdt(linear: number): boolean {
    const page = ((linear >>> 0) - H.LDT) >>> 12;
    const frame = this.#frameAt((this.#ldtBase + page * PAGE) >>> 0);
    if (frame < 0 || this.#ldt.has(page) || page * 512 >= this.#ldtEntries) return false;
    try {
      this.#frames.take(frame, 'descriptors');
    } catch (thrown) {
      if (thrown instanceof Refused) return false;
      throw thrown;
    }
    this.#ldt.set(page, frame);
    this.#host.mapFrame(H.LDT + page * PAGE, frame, true);
    this.#frames.flushNeeded = true;
    return true;
  }

  /** The descriptor that the machine finds for a selector; an empty one where there is none. */
  descriptor(selector: number): Descriptor {
    const offset = selector & 0xfff8;
    if ((selector & 4) === 0) {
      return offset === 0 ? NOTHING : [this.#host.read(H.GDT + offset, 4), this.#host.read(H.GDT + offset + 4, 4)];
    }
    const at = H.LDT + offset;
    if (offset >= this.#ldtEntries * 8) return NOTHING;
    if (!this.#ldt.has(offset >>> 12) && !this.mapLdt(at)) return NOTHING;
    return [this.#host.read(at, 4), this.#host.read(at + 4, 4)];
  }

  /** Frames that the GDT and the LDT hold, one for each use. */
  get held(): readonly number[] {
    return [...this.#gdt, ...this.#ldt.values()];
  }

  /** Mends the descriptors of a frame in place. Throws Refused where one cannot be. */
  checkFrame(frame: number): void {
    const { memory } = this.#host;
    for (let at = frame * PAGE; at < (frame + 1) * PAGE; at += 8) {
      const low = memory.read(at, 4);
      const high = memory.read(at + 4, 4);
      const [nextLow, nextHigh] = checkDescriptor(low, high);
      if (nextLow !== low) memory.write(at, 4, nextLow);
      if (nextHigh !== high) memory.write(at + 4, 4, nextHigh);
    }
  }
}
