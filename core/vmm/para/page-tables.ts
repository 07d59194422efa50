import { PAGE } from '../../machine/mmu/walk.ts';
import { HOLE_START, Refused } from './abi.ts';
import type { ParaCounts } from './counts.ts';
import { type Contents, FrameTable, type FrameType, name } from './frames.ts';

const FRAME_SIZE = 4096;
const ENTRIES = 512;
/** Entry of the topmost directory that begins the monitor's part: 2 MB each. */
export const FIRST_HOLE_ENTRY = (HOLE_START >>> 21) & 511;

/** Bits that must be 0 in present entries (SDM volume 3, table 4-8 to 4-11): large pages, and what an L3 entry does not have. */
const L1_FORBIDDEN = PAGE.large;
const L2_FORBIDDEN = PAGE.large | PAGE.global;
const L3_FORBIDDEN = PAGE.writable | PAGE.user | 0x1e0;
/** Bits of the high word: a frame beyond 4 GB is nobody's; bit 63 disables execution, which L3 entries do not know. */
const HIGH_FORBIDDEN = 0x7fffffff;
/** A and D, which the processor sets by itself. */
const ACCESSED_DIRTY = PAGE.accessed | PAGE.dirty;

/** Machine memory, by machine address. */
export interface Words {
  /** The result of size 4 is signed. */
  read(address: number, size: number): number;
  write(address: number, size: number, value: number): void;
}

/** What page tables need of the rest of the monitor. */
export interface Surroundings {
  /** Writes the monitor's entries into a directory for the topmost gigabyte. */
  addMonitor(directory: number): void;
  /** Whether all present descriptors of a frame are such that the guest may have them; mends what can be mended. Throws Refused. */
  checkDescriptors(frame: number): void;
  onFree(frame: number): void;
}

/** A page-table level that has entries to update. */
type TableType = 'l1' | 'l2' | 'l2Top' | 'l3';

function isTable(type: FrameType): type is TableType {
  return type === 'l1' || type === 'l2' || type === 'l2Top' || type === 'l3';
}

/**
 * The guest's own PAE page tables, which the machine walks as they are: every entry is looked at before it is there. An L1 entry maps
 * a frame of the guest's, writable only where that frame is no table; an L2 entry names an L1 table, an L3 entry an L2 table; the
 * fourth L3 entry is there always, its directory's upper part is the monitor's.
 */
export class PageTables implements Contents {
  readonly frames: FrameTable;
  readonly #counts: ParaCounts;
  readonly #memory: Words;
  readonly #around: Surroundings;
  /** The L3 table that the machine uses, or -1. */
  #root = -1;
  /** The machine's copy of the L3 entries is out of date. */
  rootChanged = false;

  /** `frames`: how many the machine has. */
  constructor(memory: Words, frames: number, around: Surroundings, counts: ParaCounts) {
    this.#counts = counts;
    this.#memory = memory;
    this.#around = around;
    this.frames = new FrameTable(frames, this, frame => around.onFree(frame));
  }

  /** Frame of the L3 table that is in use, or -1. */
  get root(): number {
    return this.#root;
  }

  // Contents

  validate(frame: number, type: FrameType): void {
    if (type === 'descriptors') this.#around.checkDescriptors(frame);
    if (!isTable(type)) return;
    this.#counts.tables++;
    if (type === 'l3') this.#checkTop(frame);
    const count = entriesOf(type);
    for (let index = 0; index < count; index++) {
      const at = frame * FRAME_SIZE + index * 8;
      try {
        this.#takeEntry(type, index, this.#memory.read(at, 4), this.#memory.read(at + 4, 4));
      } catch (refusal) {
        this.#putEntries(frame, type, index);
        throw refusal;
      }
    }
    if (type === 'l2Top') this.#around.addMonitor(frame);
  }

  invalidate(frame: number, type: FrameType): void {
    if (!isTable(type)) return;
    this.#putEntries(frame, type, entriesOf(type));
    if (type !== 'l2Top') return;
    for (let index = FIRST_HOLE_ENTRY; index < ENTRIES; index++) this.#write(frame, index, 0, 0);
  }

  /** Gives back what entries 0 to `count` - 1 refer to. */
  #putEntries(frame: number, type: TableType, count: number): void {
    for (let index = 0; index < count; index++) {
      this.#putEntry(type, index, this.#memory.read(frame * FRAME_SIZE + index * 8, 4));
    }
  }

  /** Without a fourth entry there would be no way back into the monitor; its directory is for this table alone. */
  #checkTop(frame: number): void {
    const low = this.#memory.read(frame * FRAME_SIZE + 3 * 8, 4);
    if ((low & PAGE.present) === 0) throw new Refused('EINVAL', 'the fourth entry of an L3 table must be present');
    const directory = low >>> 12;
    if (directory < this.frames.size && this.frames.typeCount(directory) !== 0) {
      throw new Refused(
        'EINVAL',
        `frame ${name(directory)} is in use; the directory of the topmost gigabyte is not shared`,
      );
    }
  }

  // Entries

  /** Looks at an entry and refers to what it names. Throws Refused; then nothing has changed. */
  #takeEntry(type: TableType, index: number, low: number, high: number): void {
    this.#counts.validations++;
    if ((low & PAGE.present) === 0) return;
    checkBits(type, low, high);
    const frame = low >>> 12;
    if (frame >= this.frames.size) throw new Refused('EINVAL', `there is no frame ${name(frame)}`);
    const wanted = wantedType(type, index, low);
    if (wanted === null) this.frames.reference(frame);
    else this.frames.take(frame, wanted);
  }

  #putEntry(type: TableType, index: number, low: number): void {
    if ((low & PAGE.present) === 0) return;
    if (wantedType(type, index, low) === null) this.frames.dereference(low >>> 12);
    else this.frames.put(low >>> 12);
  }

  /** PAE entries have two words: never present with half of a frame number. */
  #write(frame: number, index: number, low: number, high: number): void {
    const at = frame * FRAME_SIZE + index * 8;
    this.#memory.write(at + 4, 4, high);
    this.#memory.write(at, 4, low);
  }

  /**
   * Puts an entry into a page table, after looking at it; into a frame that is no table it just writes. `preserve`: A and D stay set. Throws
   * Refused; then nothing has changed.
   */
  update(frame: number, offset: number, low: number, high: number, preserve: boolean): void {
    const { frames } = this;
    if (frame >= frames.size || !frames.isOwned(frame)) {
      throw new Refused('EINVAL', `frame ${name(frame)} is not the guest's`);
    }
    const type = frames.type(frame);
    const index = offset >>> 3;
    if (type === 'descriptors') throw new Refused('EINVAL', `frame ${name(frame)} holds descriptors`);
    if (!isTable(type)) {
      this.#write(frame, index, low, high);
      return;
    }
    if (type === 'l3' && index >= 3) throw new Refused('EINVAL', 'the fourth entry of an L3 table in use is fixed');
    if (type === 'l2Top' && index >= FIRST_HOLE_ENTRY) throw new Refused('EINVAL', "the entry is the monitor's");
    const before = this.#memory.read(frame * FRAME_SIZE + index * 8, 4);
    const bothPresent = (before & low & PAGE.present) !== 0;
    const next = preserve && bothPresent ? low | (before & ACCESSED_DIRTY) : low;
    if (sameReference(type, before, next)) {
      this.#counts.validations++;
      checkBits(type, next, high);
      this.#write(frame, index, next, high);
    } else {
      // The new reference first: the old one may be the last to its frame.
      this.#takeEntry(type, index, next, high);
      this.#write(frame, index, next, high);
      this.#putEntry(type, index, before);
    }
    if (frame === this.#root) this.rootChanged = true;
  }

  /** Where a linear address's L1 entry lies in the tables that are in use: machine address, or -1 if there is no table. */
  entryOf(linear: number): number {
    if (this.#root < 0) return -1;
    const pointer = this.#memory.read(this.#root * FRAME_SIZE + (linear >>> 30) * 8, 4);
    if ((pointer & PAGE.present) === 0) return -1;
    const directory = ((pointer & 0xfffff000) >>> 0) + ((linear >>> 21) & 511) * 8;
    const entry = this.#memory.read(directory, 4);
    if ((entry & PAGE.present) === 0 || (entry & PAGE.large) !== 0) return -1;
    return ((entry & 0xfffff000) >>> 0) + ((linear >>> 12) & 511) * 8;
  }

  // Pins and the root

  /** Makes a frame a table that stays one until unpin(). Throws Refused. */
  pin(frame: number, type: 'l1' | 'l2' | 'l3'): void {
    const { frames } = this;
    if (frame >= frames.size) throw new Refused('EINVAL', `there is no frame ${name(frame)}`);
    frames.take(frame, type);
    if (frames.isPinned(frame)) {
      frames.put(frame);
      throw new Refused('EINVAL', `frame ${name(frame)} is pinned already`);
    }
    frames.setPinned(frame, true);
    this.#counts.pins++;
  }

  unpin(frame: number): void {
    const { frames } = this;
    if (frame >= frames.size || !frames.isVisible(frame) || !frames.isPinned(frame)) {
      throw new Refused('EINVAL', `frame ${name(frame)} is not pinned`);
    }
    frames.setPinned(frame, false);
    frames.put(frame);
  }

  /** The machine is to use this L3 table. Throws Refused. */
  setRoot(frame: number): void {
    if (frame >= this.frames.size) throw new Refused('EINVAL', `there is no frame ${name(frame)}`);
    if (frame !== this.#root) {
      this.frames.take(frame, 'l3');
      const before = this.#root;
      this.#root = frame;
      if (before >= 0) this.frames.put(before);
    }
    this.rootChanged = true;
  }
}

/** Entries that are the guest's. */
function entriesOf(type: TableType): number {
  if (type === 'l3') return 4;
  return type === 'l2Top' ? FIRST_HOLE_ENTRY : ENTRIES;
}

function checkBits(type: TableType, low: number, high: number): void {
  if ((low & PAGE.present) === 0) return;
  const forbidden = type === 'l1' ? L1_FORBIDDEN : type === 'l3' ? L3_FORBIDDEN : L2_FORBIDDEN;
  const highForbidden = type === 'l3' ? -1 : HIGH_FORBIDDEN;
  if ((low & forbidden) !== 0 || (high & highForbidden) !== 0) {
    throw new Refused(
      'EINVAL',
      `an ${type} entry must not have bits ${name(low & forbidden)} and ${name(high & highForbidden)}`,
    );
  }
}

/** The type to which a present entry holds the frame that it names; null for none. */
function wantedType(type: TableType, index: number, low: number): FrameType | null {
  switch (type) {
    case 'l1':
      return (low & PAGE.writable) !== 0 ? 'writable' : null;
    case 'l2':
    case 'l2Top':
      return 'l1';
    case 'l3':
      return index === 3 ? 'l2Top' : 'l2';
  }
}

/** Whether two entries refer to the same frame in the same way, so that counts stay. */
function sameReference(type: TableType, before: number, next: number): boolean {
  const decisive = PAGE.present | (type === 'l1' ? PAGE.writable : 0) | 0xfffff000;
  if (((before | next) & PAGE.present) === 0) return true;
  return ((before ^ next) & decisive) === 0;
}
