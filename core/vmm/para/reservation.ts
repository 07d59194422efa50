import type { Host } from '../host/host.ts';
import { OutOfFrames } from '../memory/frames.ts';
import { type GuestMemory, NO_FRAME } from '../memory/guest-memory.ts';
import { INVALID_ENTRY, Refused } from './abi.ts';
import { type FrameTable, name } from './frames.ts';
import type { MachineToPhysical } from './machine-to-physical.ts';

/** The memory that the guest has: frames that it gives back and gets again, up to what it began with. */
export class Reservation {
  readonly #host: Host;
  readonly #memory: GuestMemory;
  readonly #frames: FrameTable;
  readonly #physical: MachineToPhysical;
  /** Pages at most. */
  readonly maximum: number;
  #current: number;

  constructor(host: Host, memory: GuestMemory, frames: FrameTable, physical: MachineToPhysical) {
    this.#host = host;
    this.#memory = memory;
    this.#frames = frames;
    this.#physical = physical;
    this.maximum = memory.map.length;
    this.#current = this.maximum;
  }

  /** Pages. */
  get current(): number {
    return this.#current;
  }

  /** The guest gives a frame back. Throws Refused. */
  giveBack(frame: number): void {
    const page = this.#memory.pageOfFrame.get(frame);
    if (page === undefined) throw new Refused('EINVAL', `frame ${name(frame)} is not of the guest's memory`);
    // What happens when the last reference goes is release()'s.
    this.#frames.disown(frame);
    this.#memory.pageOfFrame.delete(frame);
    this.#memory.map[page] = NO_FRAME;
    this.#physical.set(frame, INVALID_ENTRY);
    this.#current--;
  }

  /** Nothing refers to a frame any more that the guest gave back. */
  release(frame: number): void {
    this.#host.free(frame);
  }

  /** A frame for the guest, filled with zeros, at a page of its choice or, for null, where there is none. Throws Refused. */
  extend(page: number | null): number {
    if (this.#current >= this.maximum) throw new Refused('ENOMEM', 'the guest has all the memory that it may have');
    const { map } = this.#memory;
    const place = page !== null && map[page] === NO_FRAME ? page : map.indexOf(NO_FRAME);
    let frame: number;
    try {
      frame = this.#host.allocate();
    } catch (thrown) {
      if (thrown instanceof OutOfFrames) throw new Refused('ENOMEM', thrown.message);
      throw thrown;
    }
    map[place] = frame;
    this.#memory.pageOfFrame.set(frame, place);
    this.#frames.own(frame);
    if (page !== null) this.#physical.set(frame, page);
    this.#current++;
    return frame;
  }
}
