import { Refused } from './abi.ts';

/**
 * What a frame of the guest's is used for. A frame has one use at a time: what the processor takes for tables must never be
 * writable for the guest, and nothing else about it is needed to keep a guest inside of its memory.
 */
export const FRAME_TYPES = ['none', 'writable', 'l1', 'l2', 'l2Top', 'l3', 'descriptors'] as const;
export type FrameType = (typeof FRAME_TYPES)[number];

/** Makes sure that a frame may be of a type, and takes the references that its contents stand for; or gives them back. */
export interface Contents {
  /** Throws Refused; then no reference was taken. */
  validate(frame: number, type: FrameType): void;
  invalidate(frame: number, type: FrameType): void;
}

/** Who has a machine frame. */
const STRANGER = 0;
const OWNED = 1;
/** Given back by the guest while something still refers to it. */
const LEAVING = 2;

/**
 * Types and counts of machine frames. A type count says how many uses hold a frame to its type, a reference count how many entries and
 * pins of any kind name it; a type is free to change when its count is 0.
 */
export class FrameTable {
  readonly #owner: Uint8Array;
  readonly #type: Uint8Array;
  readonly #typeCount: Int32Array;
  readonly #references: Int32Array;
  readonly #pinned: Uint8Array;
  /** The type that a frame had before, and in which stretch between flushes it lost it: the machine's TLB may still go by it. */
  readonly #before: Uint8Array;
  readonly #lostAt: Int32Array;
  #flushes = 1;
  readonly #contents: Contents;
  /** A frame that left has no reference any more. */
  readonly #onFree: (frame: number) => void;
  /** The TLB must be flushed before the guest runs again. */
  flushNeeded = false;

  constructor(frames: number, contents: Contents, onFree: (frame: number) => void) {
    this.#owner = new Uint8Array(frames);
    this.#type = new Uint8Array(frames);
    this.#typeCount = new Int32Array(frames);
    this.#references = new Int32Array(frames);
    this.#pinned = new Uint8Array(frames);
    this.#before = new Uint8Array(frames);
    this.#lostAt = new Int32Array(frames);
    this.#contents = contents;
    this.#onFree = onFree;
  }

  /** Frames of the machine. */
  get size(): number {
    return this.#owner.length;
  }

  /** The TLB was flushed. */
  flushed(): void {
    this.#flushes++;
    this.flushNeeded = false;
  }

  isOwned(frame: number): boolean {
    return this.#owner[frame] === OWNED;
  }

  /** Whether the guest may look at this frame: it is, or was until its last reference goes, its own. */
  isVisible(frame: number): boolean {
    return frame < this.#owner.length && this.#owner[frame] !== STRANGER;
  }

  /** Frames that were given back and that something still refers to. */
  get leaving(): readonly number[] {
    return Array.from(this.#owner.keys()).filter(frame => this.#owner[frame] === LEAVING);
  }

  type(frame: number): FrameType {
    return FRAME_TYPES[this.#type[frame]];
  }

  typeCount(frame: number): number {
    return this.#typeCount[frame];
  }

  references(frame: number): number {
    return this.#references[frame];
  }

  isPinned(frame: number): boolean {
    return this.#pinned[frame] !== 0;
  }

  setPinned(frame: number, pinned: boolean): void {
    this.#pinned[frame] = pinned ? 1 : 0;
  }

  /** Gives a frame to the guest. */
  own(frame: number): void {
    this.#owner[frame] = OWNED;
  }

  /** The guest gives a frame back: it goes when nothing refers to it any more. */
  disown(frame: number): void {
    this.#checkOwned(frame);
    if (this.#pinned[frame] !== 0) throw new Refused('EINVAL', `frame ${name(frame)} is pinned`);
    this.#owner[frame] = LEAVING;
    this.#leave(frame);
  }

  #leave(frame: number): void {
    if (this.#owner[frame] !== LEAVING || this.#references[frame] !== 0) return;
    this.#owner[frame] = STRANGER;
    this.flushNeeded = true;
    this.#onFree(frame);
  }

  #checkOwned(frame: number): void {
    if (this.#owner[frame] !== OWNED) throw new Refused('EINVAL', `frame ${name(frame)} is not the guest's`);
  }

  /** An entry names the frame without holding it to a type: a read-only mapping. Throws Refused. */
  reference(frame: number): void {
    this.#checkOwned(frame);
    this.#references[frame]++;
  }

  dereference(frame: number): void {
    this.#references[frame]--;
    this.#leave(frame);
  }

  /** Something uses the frame as this type, and refers to it. The first use makes sure that it can be. Throws Refused. */
  take(frame: number, type: FrameType): void {
    this.#checkOwned(frame);
    if (this.#typeCount[frame] === 0) {
      this.#type[frame] = FRAME_TYPES.indexOf(type);
      // Counted before its contents are looked at: a table that maps itself writable must find that it is a table.
      this.#typeCount[frame] = 1;
      try {
        this.#contents.validate(frame, type);
      } catch (refusal) {
        this.#type[frame] = 0;
        this.#typeCount[frame] = 0;
        throw refusal;
      }
      // What the TLB knows of the frame's last use must not outlive it.
      if (this.#lostAt[frame] === this.#flushes && this.#before[frame] !== this.#type[frame]) this.flushNeeded = true;
    } else if (this.type(frame) === type) {
      this.#typeCount[frame]++;
    } else {
      throw new Refused('EINVAL', `frame ${name(frame)} is in use as ${this.type(frame)}, not ${type}`);
    }
    this.#references[frame]++;
  }

  put(frame: number): void {
    if (--this.#typeCount[frame] === 0) {
      const type = this.type(frame);
      this.#contents.invalidate(frame, type);
      this.#before[frame] = this.#type[frame];
      this.#lostAt[frame] = this.#flushes;
      this.#type[frame] = 0;
    }
    this.dereference(frame);
  }
}

/** A frame number as the page writes it. */
export function name(frame: number): string {
  return (frame >>> 0).toString(16);
}
