import { CR4 } from '../../ia32/registers.ts';
import { createEptWalk, EPT, type EptWalk, walkEpt } from './ept.ts';
import { type Access, createWalk, type PagingRegisters, type Walk, type WordReader, walkTables } from './walk.ts';

/** EPTP bit 6: the processor keeps accessed and dirty flags, and its accesses to guest paging structures count as writes. */
const ACCESSED_DIRTY = 1 << 6;

/**
 * The two-dimensional walk of a guest's linear address under EPT: each guest entry lies at a guest-physical address that is itself
 * translated, and so does the page. The object is reused: copy what must last.
 */
export interface NestedWalk {
  readonly guest: Walk;
  /** One for each guest entry that was read from memory, in order, then that of the page. The last one may be a fault. */
  readonly translations: readonly EptWalk[];
  count: number;
  /** Machine-physical address, or -1. */
  physical: number;
  /** What ended the walk early: the guest's own tables, or the EPT. */
  fault: 'page fault' | 'EPT' | null;
}

export function createNestedWalk(): NestedWalk {
  return {
    guest: createWalk(),
    translations: [createEptWalk(), createEptWalk(), createEptWalk()],
    count: 0,
    physical: -1,
    fault: null,
  };
}

/** Thrown through walkTables() where EPT does not translate the address of a guest entry. */
const EPT_FAULT = Symbol('EPT fault');

/** Guest-physical memory for walkTables(). */
class GuestEntries implements WordReader {
  readonly #memory: WordReader;
  #pointer = 0;
  /** Entries are of eight bytes, read as two words. */
  #isPae = false;
  readonly #nested: NestedWalk;

  constructor(memory: WordReader, nested: NestedWalk) {
    this.#memory = memory;
    this.#nested = nested;
  }

  start(pointer: number, isPae: boolean): void {
    this.#pointer = pointer;
    this.#isPae = isPae;
  }

  read(address: number, size: 4): number {
    const nested = this.#nested;
    const isHighWord = this.#isPae && (address & 4) !== 0;
    if (isHighWord) return this.#memory.read(nested.translations[nested.count - 1].physical + 4, size);
    const walk = nested.translations[nested.count++];
    const needed = (this.#pointer & ACCESSED_DIRTY) !== 0 ? EPT.read | EPT.write : EPT.read;
    walkEpt(this.#memory, this.#pointer, address, needed, walk);
    if (walk.fault !== null) throw EPT_FAULT;
    return this.#memory.read(walk.physical, size);
  }
}

const NEEDED: Readonly<Record<Access, number>> = { read: EPT.read, write: EPT.write, execute: EPT.execute };

/** Makes a walker over one memory. It walks into `nested`, each time anew, and changes nothing else. */
export function createNestedWalker(memory: WordReader, nested: NestedWalk) {
  const entries = new GuestEntries(memory, nested);
  const { guest } = nested;
  return (registers: PagingRegisters, pointer: number, linear: number, access: Access, user: boolean): void => {
    nested.count = 0;
    nested.physical = -1;
    nested.fault = null;
    entries.start(pointer, (registers.cr4 & CR4.PAE) !== 0);
    if (registers.cr0 >= 0) {
      // Paging is off (CR0.PG is the sign): linear addresses are guest-physical ones.
      identity(guest, linear);
    } else {
      try {
        walkTables(entries, registers, linear, access, user, guest);
      } catch (thrown) {
        if (thrown !== EPT_FAULT) throw thrown;
        guest.physical = -1;
        nested.fault = 'EPT';
        return;
      }
      if (guest.physical === -1) {
        nested.fault = 'page fault';
        return;
      }
    }
    const walk = nested.translations[nested.count++];
    walkEpt(memory, pointer, guest.physical, NEEDED[access], walk);
    if (walk.fault !== null) nested.fault = 'EPT';
    nested.physical = walk.physical;
  };
}

function identity(guest: Walk, linear: number): void {
  guest.physical = linear >>> 0;
  guest.error = 0;
  guest.pageSize = 4096;
  guest.writable = true;
  guest.user = true;
  guest.executable = true;
  guest.global = false;
  guest.dirty = true;
  guest.count = 0;
}

/**
 * Memory references of a walk: EPT entries and guest entries; PDPTE registers are none. 14 for two guest levels under EPT's four:
 * (4 + 1) * 2 + 4.
 */
export function references(nested: NestedWalk): number {
  let count = 0;
  for (let n = 0; n < nested.count; n++) {
    const walk = nested.translations[n];
    count += walk.count;
    const isGuestEntry = n < nested.count - 1 || nested.fault === 'page fault';
    if (isGuestEntry) count++;
  }
  return count;
}
