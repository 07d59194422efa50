import { PAGE } from '../../machine/mmu/walk.ts';
import type { Host } from '../host/host.ts';
import { MONITOR_ENTRY } from '../host/layout.ts';
import type { MachineMemory } from '../host/machine-memory.ts';
import { FRAME_SIZE } from '../memory/frames.ts';
import { INVALID_ENTRY } from './abi.ts';
import { FIRST_HOLE_ENTRY } from './page-tables.ts';

const ENTRIES = 512;

/**
 * The machine-to-physical table: for each machine frame the guest's page number, a word each, mapped read-only at the start of the monitor's
 * part of every address space. Real bytes: the guest reads them.
 */
export class MachineToPhysical {
  readonly #host: Host;
  readonly #memory: MachineMemory;
  readonly #frames: readonly number[];
  /** Page tables that map it, 2 MB each. */
  readonly #tables: readonly number[];
  /** Entries. */
  readonly size: number;

  /** `size`: frames of the machine. Throws OutOfFrames. */
  constructor(host: Host, size: number) {
    this.#host = host;
    this.#memory = host.memory;
    this.size = size;
    const pages = Math.ceil((size * 4) / FRAME_SIZE);
    this.#frames = Array.from({ length: pages }, () => host.allocate());
    this.#tables = Array.from({ length: Math.ceil(pages / ENTRIES) }, () => host.allocate());
    this.#frames.forEach((frame, page) => {
      const entry = this.#tables[Math.floor(page / ENTRIES)] * FRAME_SIZE + (page % ENTRIES) * 8;
      this.#memory.write(entry, 4, (frame * FRAME_SIZE) | PAGE.present | PAGE.accessed);
    });
    for (let frame = 0; frame < pages * (FRAME_SIZE / 4); frame++) this.set(frame, INVALID_ENTRY);
  }

  /** Gives the memory back. */
  release(): void {
    for (const frame of [...this.#frames, ...this.#tables]) this.#host.free(frame);
  }

  #address(frame: number): number {
    return this.#frames[frame >>> 10] * FRAME_SIZE + (frame & 1023) * 4;
  }

  /** The guest's page number of a machine frame, unsigned. */
  get(frame: number): number {
    return this.#memory.read(this.#address(frame), 4) >>> 0;
  }

  set(frame: number, page: number): void {
    this.#memory.write(this.#address(frame), 4, page | 0);
  }

  /** Writes the monitor's entries into a directory for the topmost gigabyte: this table, nothing, the monitor itself. */
  addTo(directory: number): void {
    for (let index = FIRST_HOLE_ENTRY; index < ENTRIES; index++) {
      const table = this.#tables[index - FIRST_HOLE_ENTRY];
      const entry = directory * FRAME_SIZE + index * 8;
      this.#memory.write(entry + 4, 4, 0);
      this.#memory.write(entry, 4, table === undefined ? 0 : (table * FRAME_SIZE) | PAGE.present | PAGE.accessed);
    }
    this.#host.addMonitor(directory, MONITOR_ENTRY.stubs);
  }
}
