import { CR0, CR4 } from '../../ia32/registers.ts';

/** Page-table entry bits (SDM volume 3, 4.3 and 4.4). */
export const PAGE = {
  present: 1,
  writable: 2,
  user: 4,
  accessed: 32,
  dirty: 64,
  large: 128,
  global: 256,
} as const;

/** Page-fault error code bits (SDM volume 3, 4.7). */
export const PAGE_FAULT = { present: 1, write: 2, user: 4, reserved: 8, fetch: 16 } as const;

export type Access = 'read' | 'write' | 'execute';

/** The registers that a walk depends on. */
export interface PagingRegisters {
  readonly cr0: number;
  readonly cr3: number;
  readonly cr4: number;
  /** EFER.NXE: bit 63 of PAE entries disables execution. */
  readonly nxe: boolean;
  /** PDPTE registers of PAE paging: low words, high words. */
  pdpte(index: number): number;
  pdpteHigh(index: number): number;
}

/** Reads a word of physical memory. */
export interface WordReader {
  read(address: number, size: 4): number;
}

export type Level = 'page directory pointer' | 'page directory' | 'page table';

/** One memory reference of a walk. */
export interface WalkStep {
  level: Level;
  /** Physical address of the entry; 0 for a PDPTE register, which is not read from memory. */
  address: number;
  index: number;
  /** The entry's low and high words; the high word is 0 for 32-bit paging. */
  low: number;
  high: number;
}

/** What a walk found. The object is reused: copy what must last. */
export interface Walk {
  /** Physical address, or -1 on a fault. */
  physical: number;
  /** Error code if physical is -1. */
  error: number;
  /** Bytes of the page: 4 KB, 2 MB or 4 MB. */
  pageSize: number;
  /** Combined permissions of all levels. */
  writable: boolean;
  user: boolean;
  executable: boolean;
  global: boolean;
  dirty: boolean;
  /** Number of valid entries in `steps`. */
  count: number;
  readonly steps: readonly WalkStep[];
}

export function createWalk(): Walk {
  const step = (): WalkStep => ({ level: 'page directory', address: 0, index: 0, low: 0, high: 0 });
  return {
    physical: -1,
    error: 0,
    pageSize: 4096,
    writable: true,
    user: true,
    executable: true,
    global: false,
    dirty: false,
    count: 0,
    steps: [step(), step(), step()],
  };
}

function record(walk: Walk, level: Level, address: number, index: number, low: number, high: number): void {
  const step = walk.steps[walk.count++];
  step.level = level;
  step.address = address;
  step.index = index;
  step.low = low;
  step.high = high;
}

/** Reserved bits of a PAE entry above the 32 physical address bits that this machine has (MAXPHYADDR 32). */
const PAE_RESERVED_HIGH = 0x7fffffff;

function fault(walk: Walk, error: number): void {
  walk.physical = -1;
  walk.error = error;
}

/**
 * Walks the page tables for a linear address (SDM volume 3, 4.3 and 4.4) and leaves in `walk` the entries it met, the
 * permissions combined, and the physical address or the page fault's error code. It only reads: setting accessed and
 * dirty bits is the caller's, from the steps.
 */
export function walkTables(
  memory: WordReader,
  registers: PagingRegisters,
  linear: number,
  access: Access,
  user: boolean,
  walk: Walk,
): void {
  const accessBits =
    (access === 'write' ? PAGE_FAULT.write : 0) |
    (user ? PAGE_FAULT.user : 0) |
    (access === 'execute' && registers.nxe && (registers.cr4 & CR4.PAE) !== 0 ? PAGE_FAULT.fetch : 0);
  walk.count = 0;
  walk.writable = true;
  walk.user = true;
  walk.executable = true;
  walk.global = false;
  walk.dirty = false;
  if ((registers.cr4 & CR4.PAE) !== 0) walkPae(memory, registers, linear, accessBits, walk);
  else walk32(memory, registers, linear, accessBits, walk);
  if (walk.physical === -1) return;

  // Permissions, over all levels (SDM volume 3, 4.6.1).
  const denied =
    (user && !walk.user) ||
    (access === 'write' && !walk.writable && (user || (registers.cr0 & CR0.WP) !== 0)) ||
    (access === 'execute' && !walk.executable);
  if (denied) fault(walk, accessBits | PAGE_FAULT.present);
}

function combine(walk: Walk, low: number): void {
  walk.writable = walk.writable && (low & PAGE.writable) !== 0;
  walk.user = walk.user && (low & PAGE.user) !== 0;
}

function leaf(walk: Walk, registers: PagingRegisters, low: number, base: number, linear: number): void {
  walk.physical = (base | (linear & (walk.pageSize - 1))) >>> 0;
  walk.global = (low & PAGE.global) !== 0 && (registers.cr4 & CR4.PGE) !== 0;
  walk.dirty = (low & PAGE.dirty) !== 0;
}

function walk32(memory: WordReader, registers: PagingRegisters, linear: number, bits: number, walk: Walk): void {
  const directoryIndex = linear >>> 22;
  const directoryAddress = ((registers.cr3 & 0xfffff000) >>> 0) + directoryIndex * 4;
  const pde = memory.read(directoryAddress, 4);
  record(walk, 'page directory', directoryAddress, directoryIndex, pde, 0);
  if ((pde & PAGE.present) === 0) {
    fault(walk, bits);
    return;
  }
  combine(walk, pde);
  if ((pde & PAGE.large) !== 0 && (registers.cr4 & CR4.PSE) !== 0) {
    // PSE-36 is absent: bits 21..13 are reserved (SDM volume 3, table 4-4).
    if ((pde & 0x003fe000) !== 0) {
      fault(walk, bits | PAGE_FAULT.present | PAGE_FAULT.reserved);
      return;
    }
    walk.pageSize = 0x400000;
    leaf(walk, registers, pde, pde & 0xffc00000, linear);
    return;
  }
  const tableIndex = (linear >>> 12) & 0x3ff;
  const tableAddress = ((pde & 0xfffff000) >>> 0) + tableIndex * 4;
  const pte = memory.read(tableAddress, 4);
  record(walk, 'page table', tableAddress, tableIndex, pte, 0);
  if ((pte & PAGE.present) === 0) {
    fault(walk, bits);
    return;
  }
  combine(walk, pte);
  walk.pageSize = 0x1000;
  leaf(walk, registers, pte, pte & 0xfffff000, linear);
}

function walkPae(memory: WordReader, registers: PagingRegisters, linear: number, bits: number, walk: Walk): void {
  const pointerIndex = linear >>> 30;
  const pdpte = registers.pdpte(pointerIndex);
  record(walk, 'page directory pointer', 0, pointerIndex, pdpte, registers.pdpteHigh(pointerIndex));
  if ((pdpte & PAGE.present) === 0) {
    fault(walk, bits);
    return;
  }

  const directoryIndex = (linear >>> 21) & 0x1ff;
  const directoryAddress = ((pdpte & 0xfffff000) >>> 0) + directoryIndex * 8;
  const pde = memory.read(directoryAddress, 4);
  const pdeHigh = memory.read(directoryAddress + 4, 4);
  record(walk, 'page directory', directoryAddress, directoryIndex, pde, pdeHigh);
  if ((pde & PAGE.present) === 0) {
    fault(walk, bits);
    return;
  }
  if (reservedHigh(registers, pdeHigh)) {
    fault(walk, bits | PAGE_FAULT.present | PAGE_FAULT.reserved);
    return;
  }
  combine(walk, pde);
  if (pdeHigh < 0) walk.executable = false;
  if ((pde & PAGE.large) !== 0) {
    if ((pde & 0x001fe000) !== 0) {
      fault(walk, bits | PAGE_FAULT.present | PAGE_FAULT.reserved);
      return;
    }
    walk.pageSize = 0x200000;
    leaf(walk, registers, pde, pde & 0xffe00000, linear);
    return;
  }
  const tableIndex = (linear >>> 12) & 0x1ff;
  const tableAddress = ((pde & 0xfffff000) >>> 0) + tableIndex * 8;
  const pte = memory.read(tableAddress, 4);
  const pteHigh = memory.read(tableAddress + 4, 4);
  record(walk, 'page table', tableAddress, tableIndex, pte, pteHigh);
  if ((pte & PAGE.present) === 0) {
    fault(walk, bits);
    return;
  }
  if (reservedHigh(registers, pteHigh)) {
    fault(walk, bits | PAGE_FAULT.present | PAGE_FAULT.reserved);
    return;
  }
  combine(walk, pte);
  if (pteHigh < 0) walk.executable = false;
  walk.pageSize = 0x1000;
  leaf(walk, registers, pte, pte & 0xfffff000, linear);
}

/** Bit 63 is reserved without EFER.NXE; bits 62..32 always are here. */
function reservedHigh(registers: PagingRegisters, high: number): boolean {
  return (high & PAE_RESERVED_HIGH) !== 0 || (high < 0 && !registers.nxe);
}
