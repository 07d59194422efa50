import type { Host } from '../host/host.ts';
import { FRAME_SIZE } from '../memory/frames.ts';
import { type GuestMemory, NO_FRAME } from '../memory/guest-memory.ts';

/** EPT entry bits: read, write, execute (SDM volume 3, 28.2.2); memory type write-back in bits 5:3 of a leaf. */
const ALL = 7;
const WRITE_BACK = 6 << 3;
/** Four levels (length minus one in bits 5:3), tables are write-back. */
const POINTER_BITS = (3 << 3) | 6;
const ENTRIES = 512;

/** Nested page tables: the guest-physical map of a virtual machine as extended page tables. */
export class NestedTables {
  readonly #host: Host;
  readonly #memory: GuestMemory;
  #frames: number[] = [];

  constructor(host: Host, memory: GuestMemory) {
    this.#host = host;
    this.#memory = memory;
  }

  #take(): number {
    const frame = this.#host.allocate();
    this.#frames.push(frame);
    return frame;
  }

  #set(table: number, index: number, low: number): void {
    const { memory } = this.#host;
    memory.write(table * FRAME_SIZE + index * 8, 4, low);
    memory.write(table * FRAME_SIZE + index * 8 + 4, 4, 0);
  }

  /** Builds the tables for all pages that have frames; returns the EPT pointer. The A20 gate counts. */
  build(): number {
    const top = this.#take();
    const pointers = this.#take();
    this.#set(top, 0, (pointers * FRAME_SIZE) | ALL);
    const directories = new Map<number, number>();
    const tables = new Map<number, number>();
    for (let page = 0; page < this.#memory.map.length; page++) {
      const frame = this.#memory.frameAt(page * FRAME_SIZE);
      if (frame === NO_FRAME) continue;
      const gigabyte = page >>> 18;
      let directory = directories.get(gigabyte);
      if (directory === undefined) {
        directory = this.#take();
        directories.set(gigabyte, directory);
        this.#set(pointers, gigabyte, (directory * FRAME_SIZE) | ALL);
      }
      let table = tables.get(page >>> 9);
      if (table === undefined) {
        table = this.#take();
        tables.set(page >>> 9, table);
        this.#set(directory, (page >>> 9) % ENTRIES, (table * FRAME_SIZE) | ALL);
      }
      this.#set(table, page % ENTRIES, (frame * FRAME_SIZE) | WRITE_BACK | ALL);
    }
    return (top * FRAME_SIZE) | POINTER_BITS;
  }

  release(): void {
    for (const frame of this.#frames) this.#host.free(frame);
    this.#frames = [];
  }
}
