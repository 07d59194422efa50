import type { WordReader } from './walk.ts';

/** Bits of an EPT paging-structure entry (SDM volume 3, tables 28-1 to 28-6). */
export const EPT = {
  read: 1,
  write: 2,
  execute: 4,
  permissions: 7,
  /** Memory type of a leaf, bits 5:3. */
  memoryType: 7 << 3,
  large: 1 << 7,
  accessed: 1 << 8,
  dirty: 1 << 9,
} as const;

export type EptLevel = 'PML4' | 'page directory pointer' | 'page directory' | 'page table';

const LEVELS: readonly EptLevel[] = ['PML4', 'page directory pointer', 'page directory', 'page table'];

/** One memory reference of an EPT walk. */
export interface EptStep {
  level: EptLevel;
  /** Machine-physical address of the entry. */
  address: number;
  index: number;
  low: number;
  high: number;
}

/** The translation of one guest-physical address. The object is reused: copy what must last. */
export interface EptWalk {
  guestPhysical: number;
  /** Machine-physical address, or -1 on a fault. */
  physical: number;
  fault: 'violation' | 'misconfiguration' | null;
  /** EPT.read, write and execute that all levels allow together; 0 where an entry is not present. */
  permissions: number;
  /** Bytes: 4 KB or 2 MB. */
  pageSize: number;
  /** The leaf's dirty flag. */
  dirty: boolean;
  /** Number of valid entries in `steps`. */
  count: number;
  readonly steps: readonly EptStep[];
}

export function createEptWalk(): EptWalk {
  return {
    guestPhysical: 0,
    physical: -1,
    fault: null,
    permissions: 0,
    pageSize: 4096,
    dirty: false,
    count: 0,
    steps: LEVELS.map(level => ({ level, address: 0, index: 0, low: 0, high: 0 })),
  };
}

/** Address bits 51:32 of an entry, reserved here: physical addresses have 32 bits. Bits 63:52 are ignored. */
const RESERVED_HIGH = 0xfffff;
/** Bits 6:3 of an entry that refers to another table. */
const RESERVED_LOW = 0x78;
/** Bits 20:12 of an entry that maps 2 MB. */
const RESERVED_LARGE = 0x1ff000;

/** Bit n: memory type n is defined (UC, WC, WT, WP, WB). */
const MEMORY_TYPES = (1 << 0) | (1 << 1) | (1 << 4) | (1 << 5) | (1 << 6);

/** Whether an entry that is present means nothing (SDM volume 3, 28.2.3.1). Execute-only pages are allowed; 1 GB pages are not there. */
function isMisconfigured(level: number, isLeaf: boolean, low: number, high: number): boolean {
  if ((low & (EPT.read | EPT.write)) === EPT.write || (high & RESERVED_HIGH) !== 0) return true;
  if (isLeaf) {
    if (((MEMORY_TYPES >> ((low >> 3) & 7)) & 1) === 0) return true;
    return level === 2 && (low & RESERVED_LARGE) !== 0;
  }
  return (low & RESERVED_LOW) !== 0 || (level < 2 && (low & EPT.large) !== 0);
}

/**
 * Translates a guest-physical address by the tables at an EPT pointer (SDM volume 3, 28.2.2) for an access that needs these EPT
 * permissions, and leaves in `walk` the entries it met and what they allow. It only reads: accessed and dirty flags are the
 * caller's to set, from the steps.
 */
export function walkEpt(
  memory: WordReader,
  pointer: number,
  guestPhysical: number,
  needed: number,
  walk: EptWalk,
): void {
  walk.guestPhysical = guestPhysical;
  walk.physical = -1;
  walk.fault = null;
  walk.permissions = EPT.permissions;
  walk.dirty = false;
  walk.count = 0;
  let table = (pointer & 0xfffff000) >>> 0;
  for (let level = 0; ; level++) {
    // Guest-physical addresses have 32 bits, so that only the first entry of the PML4 is ever used.
    const index = level === 0 ? 0 : (guestPhysical >>> (39 - 9 * level)) & 0x1ff;
    const address = table + index * 8;
    const low = memory.read(address, 4);
    const high = memory.read(address + 4, 4);
    const step = walk.steps[walk.count++];
    step.address = address;
    step.index = index;
    step.low = low;
    step.high = high;
    walk.permissions &= low;
    if ((low & EPT.permissions) === 0) {
      walk.fault = 'violation';
      return;
    }
    const isLeaf = level === 3 || (level === 2 && (low & EPT.large) !== 0);
    if (isMisconfigured(level, isLeaf, low, high)) {
      walk.fault = 'misconfiguration';
      return;
    }
    if (isLeaf) {
      walk.pageSize = level === 3 ? 0x1000 : 0x200000;
      walk.dirty = (low & EPT.dirty) !== 0;
      if ((walk.permissions & needed) !== needed) {
        walk.fault = 'violation';
        return;
      }
      const offset = walk.pageSize - 1;
      walk.physical = ((low & ~offset & 0xfffff000) | (guestPhysical & offset)) >>> 0;
      return;
    }
    table = (low & 0xfffff000) >>> 0;
  }
}
