import type { MachineMemory } from '../host/machine-memory.ts';
import { CONSOLE_RING } from './abi.ts';
import type { BackEnd, EventChannels } from './events.ts';

/** The back end of the guest's console: two rings in a page of the guest's, and an event channel for both directions. */
export class ParaConsole implements BackEnd {
  readonly #memory: MachineMemory;
  /** Machine address of the page. */
  readonly #page: number;
  readonly #events: EventChannels;
  readonly #sink: (byte: number) => void;
  readonly port: number;

  constructor(memory: MachineMemory, page: number, events: EventChannels, sink: (byte: number) => void) {
    this.#memory = memory;
    this.#page = page;
    this.#events = events;
    this.#sink = sink;
    this.port = events.bindBackEnd(this);
  }

  #word(at: number): number {
    return this.#memory.read(this.#page + at, 4);
  }

  /** The guest sent an event: it wrote something, or took what it read. Indexes that make no sense count as an empty ring. */
  notified(): void {
    const produced = this.#word(CONSOLE_RING.outProduced);
    let consumed = this.#word(CONSOLE_RING.outConsumed);
    if ((produced - consumed) >>> 0 > CONSOLE_RING.outBytes) return;
    if (produced === consumed) return;
    for (; consumed !== produced; consumed = (consumed + 1) | 0) {
      const at = consumed & (CONSOLE_RING.outBytes - 1);
      this.#sink(this.#memory.read(this.#page + CONSOLE_RING.out + at, 1));
    }
    this.#memory.write(this.#page + CONSOLE_RING.outConsumed, 4, consumed);
    // The guest may wait for room.
    this.#events.raise(this.port);
  }

  /** Bytes for the guest to read; returns how many the ring took. */
  type(bytes: readonly number[]): number {
    const produced = this.#word(CONSOLE_RING.inProduced);
    const waiting = (produced - this.#word(CONSOLE_RING.inConsumed)) >>> 0;
    if (waiting >= CONSOLE_RING.inBytes) return 0;
    const count = Math.min(bytes.length, CONSOLE_RING.inBytes - waiting);
    if (count === 0) return 0;
    for (let n = 0; n < count; n++) {
      const at = (produced + n) & (CONSOLE_RING.inBytes - 1);
      this.#memory.write(this.#page + CONSOLE_RING.in + at, 1, bytes[n]);
    }
    this.#memory.write(this.#page + CONSOLE_RING.inProduced, 4, (produced + count) | 0);
    this.#events.raise(this.port);
    return count;
  }
}
