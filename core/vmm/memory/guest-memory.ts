import { isGraphics, PhysicalMemory } from '../../machine/physical.ts';
import type { MachineMemory } from '../host/machine-memory.ts';
import { FRAME_SIZE, type FrameAllocator } from './frames.ts';

/** No machine frame behind this guest-physical page. */
export const NO_FRAME = -1;

/** Hears of writes to a guest-physical page that it asked to be traced. */
export interface WriteTrace {
  /** `size` bytes at `offset` of the page were written. */
  onWrite(page: number, offset: number, size: number): void;
}

/**
 * Guest-physical memory: what the guest takes for RAM, page by page anywhere in machine memory. The virtual processor reads and writes
 * through it; the machine's processor never sees it, but for the tables that are made from its map.
 */
export class GuestMemory extends PhysicalMemory {
  readonly machine: MachineMemory;
  /** Guest page number -> machine frame number, or NO_FRAME. */
  readonly map: Int32Array;
  /** Machine frame number -> guest page number, for frames of this guest; others are absent. */
  readonly pageOfFrame = new Map<number, number>();
  /**
   * Not null while the guest knows machine addresses (a paravirtualized one: its page tables hold machine frames): addresses are the machine's
   * then, and this says which frames the guest may see.
   */
  visible: ((frame: number) => boolean) | null = null;
  /** For each guest page, how many asked for its writes. */
  readonly #traced: Uint8Array;
  readonly #traces: WriteTrace[] = [];
  /** Guest-physical address -> the guest's own byte, where the frame holds another one. */
  readonly #originals = new Map<number, number>();
  /** For each guest page, how many of its bytes are replaced. */
  readonly #replaced: Uint16Array;

  /** `size` in bytes; what is in the frames stays until clear(). `used`: another one, of a virtual machine that goes. Throws OutOfFrames. */
  constructor(size: number, machine: MachineMemory, frames: FrameAllocator, used: GuestMemory | null = null) {
    super(size, 0, used?.memory);
    this.machine = machine;
    this.map = new Int32Array(size / FRAME_SIZE).fill(NO_FRAME);
    this.#traced = new Uint8Array(this.map.length);
    this.#replaced = new Uint16Array(this.map.length);
    for (let page = 0; page < this.map.length; page++) {
      if (isGraphics(page * FRAME_SIZE)) continue;
      const frame = frames.allocate();
      this.map[page] = frame;
      this.pageOfFrame.set(frame, page);
    }
  }

  /** Listens to all writes to traced pages that do not come from the guest's own instructions. */
  listen(trace: WriteTrace): void {
    this.#traces.push(trace);
  }

  unlisten(trace: WriteTrace): void {
    this.#traces.splice(this.#traces.indexOf(trace), 1);
  }

  /** One more asks for writes to this page. */
  trace(page: number): void {
    this.#traced[page]++;
  }

  untrace(page: number): void {
    this.#traced[page]--;
  }

  isTraced(page: number): boolean {
    return page < this.#traced.length && this.#traced[page] !== 0;
  }

  /**
   * Puts another byte where the machine finds it; the guest's own stays what reads through this memory give. It lasts until restore(), or
   * until something is written there.
   */
  replace(address: number, byte: number): void {
    const at = this.map[address >>> 12] * FRAME_SIZE + (address & 0xfff);
    if (!this.#originals.has(address)) {
      this.#originals.set(address, this.machine.read(at, 1));
      this.#replaced[address >>> 12]++;
    }
    this.machine.write(at, 1, byte);
  }

  /** Puts the guest's own byte back, if it is replaced. */
  restore(address: number): void {
    const original = this.#originals.get(address);
    if (original === undefined) return;
    this.machine.write(this.map[address >>> 12] * FRAME_SIZE + (address & 0xfff), 1, original);
    this.#forget(address, 1);
  }

  /** Whether any byte of a guest page is replaced. */
  hasReplaced(page: number): boolean {
    return this.#replaced[page] !== 0;
  }

  isReplaced(address: number): boolean {
    return this.#replaced[address >>> 12] !== 0 && this.#originals.has(address);
  }

  /** What is written is the guest's own. */
  #forget(address: number, size: number): void {
    const page = address >>> 12;
    for (let n = 0; n < size && this.#replaced[page] !== 0; n++) {
      if (this.#originals.delete(address + n)) this.#replaced[page]--;
    }
  }

  /** A value of `size` bytes with the guest's own bytes in it. */
  #withOriginals(address: number, size: number, value: number): number {
    let own = value;
    for (let n = 0; n < size; n++) {
      const original = this.#originals.get(address + n);
      if (original !== undefined) own = (own & ~(0xff << (8 * n))) | (original << (8 * n));
    }
    return own;
  }

  /** Machine frame behind a guest-physical address, or NO_FRAME. The A20 gate counts. */
  frameAt(address: number): number {
    const page = ((address & this.addressMask) >>> 0) >>> 12;
    if (this.visible !== null) return this.visible(page) ? page : NO_FRAME;
    return page < this.map.length && page * FRAME_SIZE !== this.hole ? this.map[page] : NO_FRAME;
  }

  /** The virtual processor's TLB stays empty: the frames lie in another memory than its own. */
  override isRam(_address: number): boolean {
    return false;
  }

  override read(address: number, size: number): number {
    const at = (address & this.addressMask) >>> 0;
    const frame = this.frameAt(at);
    if (frame === NO_FRAME) return super.read(at, size);
    const value = this.machine.read(frame * FRAME_SIZE + (at & 0xfff), size);
    return this.#replaced[at >>> 12] === 0 ? value : this.#withOriginals(at, size, value);
  }

  override write(address: number, size: number, value: number): void {
    const at = (address & this.addressMask) >>> 0;
    const frame = this.frameAt(at);
    if (frame === NO_FRAME) {
      super.write(at, size, value);
      return;
    }
    this.machine.write(frame * FRAME_SIZE + (at & 0xfff), size, value);
    this.#notice(at, size);
  }

  #notice(address: number, size: number): void {
    const page = address >>> 12;
    if (this.#replaced[page] !== 0) this.#forget(address, size);
    if (this.#traced[page] === 0) return;
    for (const trace of this.#traces) trace.onWrite(page, address & 0xfff, size);
  }

  override peekByte(address: number): number {
    const at = (address & this.addressMask) >>> 0;
    const frame = this.frameAt(at);
    if (frame === NO_FRAME) return -1;
    const byte = this.machine.peekByte(frame * FRAME_SIZE + (at & 0xfff));
    return this.#replaced[at >>> 12] === 0 ? byte : this.#withOriginals(at, 1, byte);
  }

  /** Whether the guest's own bytes of a page that has a frame are all 0, for those who look. */
  override isZero(page: number): boolean {
    if (this.#replaced[page] === 0) return this.machine.isZero(this.map[page]);
    const bytes = new Uint8Array(FRAME_SIZE);
    this.copyPage(page, bytes);
    return bytes.every(byte => byte === 0);
  }

  /** Copies the guest's own bytes of a page that has a frame to 4 KB, for those who look. */
  copyPage(page: number, into: Uint8Array): void {
    this.machine.peekFrame(this.map[page], into);
    if (this.#replaced[page] === 0) return;
    for (const [address, original] of this.#originals) {
      if (address >>> 12 === page) into[address & 0xfff] = original;
    }
  }

  /** Puts bytes into memory, as a boot loader does; those where no RAM answers are lost. */
  load(address: number, bytes: Uint8Array): void {
    for (let n = 0; n < bytes.length; ) {
      const at = address + n;
      const count = Math.min(bytes.length - n, FRAME_SIZE - (at & 0xfff));
      const frame = this.frameAt(at);
      if (frame !== NO_FRAME) {
        this.machine.load(frame * FRAME_SIZE + (at & 0xfff), bytes.subarray(n, n + count));
        this.#notice(at, count);
      }
      n += count;
    }
  }

  /** Power-on: every byte is 0. */
  override clear(): void {
    this.#originals.clear();
    this.#replaced.fill(0);
    for (const frame of this.map) if (frame !== NO_FRAME) this.machine.clear(frame);
  }
}
