import { CR0, CR4 } from '../../ia32/registers.ts';
import { type Access, createWalk, PAGE, walkTables } from '../../machine/mmu/walk.ts';
import type { Host } from '../host/host.ts';
import { MONITOR_ENTRY, type MonitorEntry } from '../host/layout.ts';
import type { VirtualProcessor } from '../vcpu.ts';
import { FRAME_SIZE } from './frames.ts';
import { type GuestMemory, NO_FRAME, type WriteTrace } from './guest-memory.ts';

/** Address spaces and shadow tables that are kept; when there are more, all are dropped. */
const MOST_SPACES = 24;
const MOST_TABLES = 1024;
/** Writes to a guest page table without a use in between after which it is no longer taken for one. */
const FLOOD = 12;

/** What a page fault on the machine was. */
export type ShadowFault =
  /** The guest's own tables forbid it: the guest must see it. */
  | 'true'
  /** The shadow did not have the entry yet, and now has it. */
  | 'hidden'
  /** A write to a traced page: it has to be emulated. */
  | 'trace'
  /** The guest's tables allow it, but no RAM is there. */
  | 'device';

/** Machine page table of 512 entries that stands for (a part of) a guest one. */
interface Table {
  readonly key: number;
  readonly frame: number;
  /** Guest page that it is made from, or -1 for a large page or an unpaged guest. */
  readonly page: number;
  /** For a 32-bit guest table of 1024 entries: which half; 0 otherwise. */
  readonly half: 0 | 1;
  /** Bytes of a guest entry. */
  readonly entrySize: 4 | 8;
  /** Machine addresses of directory entries that point here. */
  readonly parents: Set<number>;
  writes: number;
}

/** The machine's address space for one guest address space: four directories. */
interface Space {
  readonly key: string;
  readonly root: number;
  readonly directories: readonly number[];
  /** Guest pages of the directories: one for 32-bit paging, four for PAE (-1 where absent), none without paging. */
  readonly pages: readonly number[];
  readonly entrySize: 4 | 8;
  writes: number;
}

export interface ShadowCounts {
  trueFaults: number;
  hiddenFaults: number;
  traceFaults: number;
  /** Tables made. */
  tables: number;
  /** Times that everything was dropped for want of room. */
  drops: number;
}

/**
 * Shadow page tables: what the machine walks while the guest believes in its own tables. An entry appears when it is first used (a hidden
 * fault); guest pages that tables were made from are write-protected, so that a change is seen (a trace) and the entry dropped. The
 * machine's tables are PAE whatever the guest's are. The guest's accessed and dirty bits are set when an entry appears: a page
 * that is not dirty yet stays read-only.
 */
export class ShadowPaging implements WriteTrace {
  readonly counts: ShadowCounts = { trueFaults: 0, hiddenFaults: 0, traceFaults: 0, tables: 0, drops: 0 };
  /** Changes whenever the guest may have changed what linear addresses mean. */
  generation = 0;
  /** Whether the guest may execute a page on the machine for this access; null: as its own tables say. */
  mayExecute: ((page: number, access: Access) => boolean) | null = null;
  /** First entry of the topmost directory that is the monitor's. */
  #monitorEntry: MonitorEntry = MONITOR_ENTRY.stubs;
  readonly #host: Host;
  readonly #memory: GuestMemory;
  readonly #vcpu: VirtualProcessor;
  readonly #walk = createWalk();
  readonly #spaces = new Map<string, Space>();
  readonly #tables = new Map<number, Table>();
  /** Guest page -> what was made from it. */
  readonly #tablesOf = new Map<number, Set<Table>>();
  readonly #spacesOf = new Map<number, Set<Space>>();
  /** Guest page -> machine addresses of writable entries that map it. */
  readonly #writable = new Map<number, Set<number>>();
  /** Guest page -> machine addresses of executable entries that map it; kept only where execution is restricted. */
  readonly #executable = new Map<number, Set<number>>();
  readonly #freeFrames: number[] = [];
  #current: Space | null = null;
  #flushAll = true;
  #flushPages: number[] = [];

  constructor(host: Host, vcpu: VirtualProcessor) {
    this.#host = host;
    this.#vcpu = vcpu;
    this.#memory = vcpu.memory;
  }

  /** Begins to hear of writes and of what the guest flushes. `monitorEntry`: what of the monitor lies in the guest's address spaces. */
  start(monitorEntry: MonitorEntry): void {
    this.#monitorEntry = monitorEntry;
    this.#memory.listen(this);
    this.#vcpu.onFlush = linear => this.#flush(linear);
    this.#flush(null);
  }

  /** Drops everything and hears no more. */
  stop(): void {
    this.#memory.unlisten(this);
    this.#vcpu.onFlush = () => {};
    this.dropAll();
    for (const frame of this.#freeFrames.splice(0)) this.#host.free(frame);
  }

  /** Makes the machine use the tables of the guest's current address space. The processor is halted in the monitor. */
  load(): void {
    this.#current ??= this.#findSpace();
    this.#host.loadRoot(this.#current.root, this.#flushAll);
    if (!this.#flushAll) for (const linear of this.#flushPages) this.#host.execute('invlpg', linear);
    this.#flushed();
  }

  /** CR3 of the machine for the guest's current address space, where the way into the guest flushes the TLB. */
  root(): number {
    this.#current ??= this.#findSpace();
    this.#flushed();
    return this.#current.root;
  }

  #flushed(): void {
    this.#flushAll = false;
    this.#flushPages = [];
  }

  #flush(linear: number | null): void {
    this.generation++;
    if (linear === null) {
      this.#current = null;
      this.#flushAll = true;
    } else {
      this.#flushPages.push(linear);
    }
  }

  /** Error code of the last true fault. */
  get faultCode(): number {
    return this.#walk.error;
  }

  /** Explains a page fault of the machine in the guest at a linear address, and mends it if it is hidden. */
  fault(linear: number, access: Access, user: boolean): ShadowFault {
    const walk = this.#walk;
    const paged = (this.#vcpu.cr0 & CR0.PG) !== 0;
    if (linear >>> 30 === 3 && ((linear >>> 21) & 511) >= this.#monitorEntry) return 'device';
    if (paged) {
      walkTables(this.#memory, this.#vcpu, linear, access, user, walk);
      if (walk.physical === -1) {
        this.counts.trueFaults++;
        return 'true';
      }
      // Sets the accessed and dirty bits in the guest's tables, which are traced: do it before the entry is made.
      this.#vcpu.translate(linear, access, user);
    }
    const address = paged ? walk.physical : linear >>> 0;
    const frame = this.#memory.frameAt(address);
    if (frame === NO_FRAME) return 'device';
    const page = ((address & this.#memory.addressMask) >>> 0) >>> 12;
    const isWrite = access === 'write';
    if (isWrite && this.#memory.isTraced(page)) {
      this.counts.traceFaults++;
      return 'trace';
    }
    this.counts.hiddenFaults++;
    const executable = (!paged || walk.executable) && (this.mayExecute?.(page, access) ?? true);
    // Nothing to mend here: the technique first has to look at the code.
    if (access === 'execute' && !executable) return 'hidden';
    const table = this.#tableFor(linear, paged);
    table.writes = 0;
    let writable = !paged || walk.writable;
    let user1 = !paged || walk.user;
    const dirty = !paged || walk.dirty || isWrite;
    if (isWrite && !writable) {
      // CR0.WP is clear in the guest: the kernel may write, but then no user may see the entry.
      writable = true;
      user1 = false;
    }
    writable = writable && dirty && !this.#memory.isTraced(page);
    const entry = table.frame * FRAME_SIZE + ((linear >>> 12) & 511) * 8;
    this.#setEntry(entry, page, frame, writable, user1, executable);
    return 'hidden';
  }

  #setEntry(entry: number, page: number, frame: number, writable: boolean, user: boolean, executable: boolean): void {
    const { memory } = this.#host;
    const bits = PAGE.present | PAGE.accessed | PAGE.dirty | (writable ? PAGE.writable : 0) | (user ? PAGE.user : 0);
    memory.write(entry + 4, 4, executable ? 0 : 0x80000000 | 0);
    memory.write(entry, 4, (frame * FRAME_SIZE) | bits);
    if (writable) {
      const set = this.#writable.get(page);
      if (set === undefined) this.#writable.set(page, new Set([entry]));
      else set.add(entry);
    }
    if (executable && this.mayExecute !== null) {
      const set = this.#executable.get(page);
      if (set === undefined) this.#executable.set(page, new Set([entry]));
      else set.add(entry);
    }
  }

  // Address spaces

  #findSpace(): Space {
    const paged = (this.#vcpu.cr0 & CR0.PG) !== 0;
    const pae = (this.#vcpu.cr4 & CR4.PAE) !== 0;
    const flags = (this.#vcpu.cr0 & CR0.WP) | (this.#vcpu.cr4 & (CR4.PSE | CR4.PAE)) | (this.#vcpu.nxe ? 1 : 0);
    const pages: number[] = [];
    if (paged && pae) {
      for (let n = 0; n < 4; n++) {
        const pdpte = this.#vcpu.pdpte(n);
        pages.push((pdpte & PAGE.present) === 0 ? -1 : pdpte >>> 12);
      }
    } else if (paged) {
      pages.push(this.#vcpu.cr3 >>> 12);
    }
    const key = `${paged ? flags : 'unpaged'}:${pages.join(',')}`;
    const known = this.#spaces.get(key);
    if (known !== undefined) return known;
    if (this.#spaces.size >= MOST_SPACES) this.dropAll();
    const directories = Array.from({ length: 4 }, () => this.#takeFrame());
    const root = this.#host.createRoot(directories, this.#monitorEntry);
    const space: Space = { key, root, directories, pages, entrySize: pae ? 8 : 4, writes: 0 };
    this.#spaces.set(key, space);
    for (const page of pages) {
      if (page < 0) continue;
      const set = this.#spacesOf.get(page);
      if (set === undefined) this.#spacesOf.set(page, new Set([space]));
      else set.add(space);
      this.#startTrace(page);
    }
    return space;
  }

  #dropSpace(space: Space): void {
    this.#spaces.delete(space.key);
    for (const page of space.pages) {
      if (page >= 0 && this.#spacesOf.get(page)?.delete(space)) this.#memory.untrace(page);
    }
    for (const table of this.#tables.values()) {
      for (const parent of table.parents) {
        if (space.directories.includes(Math.floor(parent / FRAME_SIZE))) table.parents.delete(parent);
      }
    }
    this.#freeFrames.push(...space.directories, space.root / FRAME_SIZE);
    if (this.#current === space) this.#current = null;
    this.#flushAll = true;
  }

  // Tables

  /** The table for a linear address of the current space; `#walk` holds the guest's walk. */
  #tableFor(linear: number, paged: boolean): Table {
    this.#current ??= this.#findSpace();
    const directory = this.#current.directories[linear >>> 30];
    const entry = directory * FRAME_SIZE + ((linear >>> 21) & 511) * 8;
    const key = this.#keyFor(linear, paged);
    let table = this.#tables.get(key);
    if (table === undefined) {
      if (this.#tables.size >= MOST_TABLES) {
        this.dropAll();
        return this.#tableFor(linear, paged);
      }
      table = this.#createTable(key, paged, linear);
    }
    if (!table.parents.has(entry)) {
      table.parents.add(entry);
      const { memory } = this.#host;
      memory.write(entry + 4, 4, 0);
      memory.write(entry, 4, (table.frame * FRAME_SIZE) | PAGE.present | PAGE.writable | PAGE.user | PAGE.accessed);
    }
    return table;
  }

  /**
   * Tables are shared between spaces where guest page, half and the permissions of the directory entry are the same. Guest page (20 bits), then
   * what kind it is.
   */
  #keyFor(linear: number, paged: boolean): number {
    if (!paged) return (linear >>> 21) * 64 + 1;
    const walk = this.#walk;
    const directoryStep = walk.steps[walk.count - (walk.pageSize > FRAME_SIZE ? 1 : 2)];
    const { low, high } = directoryStep;
    const permissions = ((low >>> 1) & 3) | (high < 0 ? 4 : 0);
    const pae = this.#current?.entrySize === 8;
    if (walk.pageSize > FRAME_SIZE) {
      // A large page: every 2 MB of it by its own frame number.
      const base = (walk.physical & ~0x1fffff) >>> 12;
      return base * 64 + permissions * 8 + 2;
    }
    const half = pae ? 0 : (linear >>> 21) & 1;
    return (low >>> 12) * 64 + permissions * 8 + (pae ? 3 : 4 + half);
  }

  #createTable(key: number, paged: boolean, linear: number): Table {
    const walk = this.#walk;
    const small = paged && walk.pageSize === FRAME_SIZE;
    const page = small ? walk.steps[walk.count - 2].low >>> 12 : -1;
    const entrySize = this.#current?.entrySize ?? 8;
    const half = small && entrySize === 4 && ((linear >>> 21) & 1) !== 0 ? 1 : 0;
    const table: Table = {
      key,
      frame: this.#takeFrame(),
      page,
      half,
      entrySize,
      parents: new Set(),
      writes: 0,
    };
    this.counts.tables++;
    this.#tables.set(key, table);
    if (page >= 0) {
      const set = this.#tablesOf.get(page);
      if (set === undefined) this.#tablesOf.set(page, new Set([table]));
      else set.add(table);
      this.#startTrace(page);
    }
    return table;
  }

  #dropTable(table: Table): void {
    for (const parent of table.parents) this.#host.memory.write(parent, 4, 0);
    this.#tables.delete(table.key);
    if (table.page >= 0 && this.#tablesOf.get(table.page)?.delete(table)) this.#memory.untrace(table.page);
    this.#freeFrames.push(table.frame);
    this.#flushAll = true;
  }

  /** Drops every table and space. */
  dropAll(): void {
    this.counts.drops++;
    for (const table of [...this.#tables.values()]) this.#dropTable(table);
    for (const space of [...this.#spaces.values()]) this.#dropSpace(space);
    this.#writable.clear();
    this.#executable.clear();
    this.#current = null;
    this.#flushAll = true;
  }

  #takeFrame(): number {
    const frame = this.#freeFrames.pop();
    if (frame === undefined) return this.#host.allocate();
    this.#host.memory.clear(frame);
    return frame;
  }

  // Traces

  /** From now on writes to this guest page are seen: every entry that lets the guest write to it loses the permission. */
  #startTrace(page: number): void {
    this.#memory.trace(page);
    this.protect(page);
  }

  /** Takes the write permission from all entries for a guest page. */
  protect(page: number): void {
    const entries = this.#writable.get(page);
    if (entries === undefined) return;
    this.#writable.delete(page);
    const { memory } = this.#host;
    const frame = this.#memory.map[page];
    for (const entry of entries) {
      const low = memory.read(entry, 4);
      if (low >>> 12 === frame && (low & PAGE.writable) !== 0) memory.write(entry, 4, low & ~PAGE.writable);
    }
    this.#flushAll = true;
  }

  /** Makes all entries for a guest page such that a fetch faults. */
  forbid(page: number): void {
    const entries = this.#executable.get(page);
    if (entries === undefined) return;
    this.#executable.delete(page);
    const { memory } = this.#host;
    const frame = this.#memory.map[page];
    for (const entry of entries) {
      if (memory.read(entry, 4) >>> 12 === frame) memory.write(entry + 4, 4, 0x80000000 | 0);
    }
    this.#flushAll = true;
  }

  onWrite(page: number, offset: number, size: number): void {
    const spaces = this.#spacesOf.get(page);
    if (spaces !== undefined) {
      for (const space of [...spaces]) this.#writeDirectory(space, page, offset, size);
    }
    const tables = this.#tablesOf.get(page);
    if (tables === undefined) return;
    for (const table of [...tables]) {
      if (++table.writes > FLOOD) {
        this.#dropTable(table);
        continue;
      }
      const first = Math.floor(offset / table.entrySize);
      const last = Math.floor((offset + size - 1) / table.entrySize);
      for (let index = first; index <= last; index++) {
        if (table.entrySize === 4 && index >>> 9 !== table.half) continue;
        this.#host.memory.write(table.frame * FRAME_SIZE + (index & 511) * 8, 4, 0);
      }
    }
  }

  #writeDirectory(space: Space, page: number, offset: number, size: number): void {
    if (space !== this.#current && ++space.writes > FLOOD) {
      this.#dropSpace(space);
      return;
    }
    const first = Math.floor(offset / space.entrySize);
    const last = Math.floor((offset + size - 1) / space.entrySize);
    for (let index = first; index <= last; index++) {
      if (space.entrySize === 8) {
        space.pages.forEach((directory, n) => {
          if (directory === page) this.#clearDirectoryEntry(space.directories[n], index, n === 3);
        });
      } else {
        const n = index >>> 8;
        for (const half of [0, 1]) this.#clearDirectoryEntry(space.directories[n], (index & 255) * 2 + half, n === 3);
      }
    }
  }

  #clearDirectoryEntry(directory: number, index: number, isTop: boolean): void {
    if (isTop && index >= this.#monitorEntry) return;
    const entry = directory * FRAME_SIZE + index * 8;
    const { memory } = this.#host;
    const low = memory.read(entry, 4);
    if (low === 0) return;
    memory.write(entry, 4, 0);
    this.#flushAll = true;
    for (const table of [...this.#tables.values()]) {
      if (table.frame !== low >>> 12) continue;
      // The bits of a large page's entry, which may have changed, are in every entry of its table.
      if (table.page < 0) this.#dropTable(table);
      else table.parents.delete(entry);
    }
  }
}
