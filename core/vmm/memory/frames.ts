/** Machine memory by frames of 4 KB: who has which. */

export const FRAME_SIZE = 4096;

/** No frames are left. */
export class OutOfFrames extends Error {
  override readonly name = 'OutOfFrames';
}

/** A step between frames that are handed out one after the other, prime, so that every frame gets its turn. */
const STRIDE = 10007;

/**
 * Hands out machine frames. They are scattered on purpose: guest-physical pages lie anywhere in machine memory, and whatever took
 * the one for the other would show at once.
 */
export class FrameAllocator {
  readonly #free: Int32Array;
  #count = 0;
  readonly total: number;

  /** `frames`: the machine frame numbers that may be handed out. */
  constructor(frames: readonly number[]) {
    this.total = frames.length;
    this.#free = new Int32Array(frames.length);
    const step = frames.length % STRIDE === 0 ? 1 : STRIDE;
    let at = 0;
    for (let n = 0; n < frames.length; n++) {
      this.#free[this.#count++] = frames[at];
      at = (at + step) % frames.length;
    }
  }

  /** Frames that are left. */
  get available(): number {
    return this.#count;
  }

  /** A machine frame number. Throws OutOfFrames. Its bytes are what they were. */
  allocate(): number {
    if (this.#count === 0) throw new OutOfFrames('The machine has no free frame.');
    return this.#free[--this.#count];
  }

  free(frame: number): void {
    this.#free[this.#count++] = frame;
  }
}
