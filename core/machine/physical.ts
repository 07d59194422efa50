import { RAM, REGION_BYTES, W_TLB } from './cpu/layout.ts';

/** Where RAM does not answer: the part of a PC's video window that is for graphics. The text memory behind it, B8000 to BFFFF, is like any RAM. */
const HOLE_START = 0xa0000;
const HOLE_END = 0xb8000;

const END = 2 ** 32;

const WASM_PAGE = 65536;
const PAGE = 4096;
const NO_PAGES: ReadonlySet<number> = new Set();

/** A memory-mapped device: answers at physical addresses first to last. Values are unsigned, size 1, 2 or 4 bytes. */
export interface MemoryHandler {
  readonly first: number;
  readonly last: number;
  /** Its answers depend on the step, or what is written there can end the run: the instruction must be a step of its own. */
  readonly timed?: boolean;
  readMemory(address: number, size: number): number;
  writeMemory(address: number, size: number, value: number): void;
}

/**
 * The physical address space: RAM in the machine's WebAssembly.Memory, devices beside it. Addresses are unsigned 32-bit
 * numbers; what nobody answers reads as all ones.
 */
export class PhysicalMemory {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly size: number;
  /** Bit n is set while address line n is not forced low; the A20 gate clears bit 20. */
  addressMask = -1;
  /** Byte offset behind RAM of REGION_BYTES in which translated code is found. */
  readonly regions: number;
  /** Firmware: its last byte is that at FFFFFFFF. Null: none. */
  rom: Uint8Array | null = null;
  /** A page where a device answers in place of RAM: its address, or -1. */
  hole = -1;
  /** Before a timed device is accessed. */
  onTimed: () => void = () => {};
  readonly #handlers: MemoryHandler[] = [];
  readonly #words: Int32Array;

  /**
   * `size` of RAM in bytes, a multiple of 64 KiB; `held` of them in this memory (all, unless a subclass keeps them elsewhere). `used`: the memory
   * of another one to take, which is as large, and whose processor goes: its TLB must have been empty always, the rest is cleared.
   */
  constructor(size: number, held = size, used: WebAssembly.Memory | null = null) {
    this.regions = RAM + held;
    const pages = Math.ceil((this.regions + REGION_BYTES) / WASM_PAGE);
    this.memory = used ?? new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.bytes = new Uint8Array(this.memory.buffer);
    if (used !== null) this.bytes.fill(0, 0, 4 * W_TLB);
    this.view = new DataView(this.memory.buffer);
    this.#words = new Int32Array(this.memory.buffer);
    this.size = size;
  }

  attach(handler: MemoryHandler): void {
    this.#handlers.push(handler);
  }

  /** Whether the 4 KB page at this address is plain RAM, so that the TLB may point at it. */
  isRam(address: number): boolean {
    return address < this.size && !isGraphics(address) && (address & ~0xfff) >>> 0 !== this.hole;
  }

  /** Whether every byte of a 4 KB page of RAM is 0, for those who look. */
  isZero(page: number): boolean {
    const words = this.#words;
    const first = (RAM + page * PAGE) >>> 2;
    // Four words at a time: a checkpoint looks at all of memory.
    for (let n = first; n < first + (PAGE >>> 2); n += 4) {
      if ((words[n] | words[n + 1] | words[n + 2] | words[n + 3]) !== 0) return false;
    }
    return true;
  }

  /** Clears RAM but these pages. What is zero already is only read: the host need not find memory for it. */
  clear(kept: ReadonlySet<number> = NO_PAGES): void {
    for (let page = 0; page < this.size / PAGE; page++) {
      if (!kept.has(page) && !this.isZero(page)) this.bytes.fill(0, RAM + page * PAGE, RAM + (page + 1) * PAGE);
    }
  }

  /** Reads 1, 2 or 4 bytes within one page. The result is signed for size 4. */
  read(address: number, size: number): number {
    const at = (address & this.addressMask) >>> 0;
    if (this.isRam(at)) {
      if (size === 4) return this.view.getInt32(RAM + at, true);
      return size === 2 ? this.view.getUint16(RAM + at, true) : this.bytes[RAM + at];
    }
    for (const handler of this.#handlers) {
      if (at < handler.first || at > handler.last) continue;
      if (handler.timed) this.onTimed();
      return handler.readMemory(at, size);
    }
    return this.#readRom(at, size) ?? (size === 4 ? -1 : size === 2 ? 0xffff : 0xff);
  }

  #readRom(address: number, size: number): number | null {
    const { rom } = this;
    if (rom === null || address < END - rom.length) return null;
    let value = 0;
    for (let n = 0; n < size; n++) value |= rom[address - (END - rom.length) + n] << (8 * n);
    return value;
  }

  /** The byte of RAM at an address, or -1 where there is none; never asks a device. */
  peekByte(address: number): number {
    const at = (address & this.addressMask) >>> 0;
    return this.isRam(at) ? this.bytes[RAM + at] : -1;
  }

  write(address: number, size: number, value: number): void {
    const at = (address & this.addressMask) >>> 0;
    if (this.isRam(at)) {
      if (size === 4) this.view.setInt32(RAM + at, value, true);
      else if (size === 2) this.view.setInt16(RAM + at, value, true);
      else this.bytes[RAM + at] = value;
      return;
    }
    for (const handler of this.#handlers) {
      if (at < handler.first || at > handler.last) continue;
      if (handler.timed) this.onTimed();
      handler.writeMemory(at, size, value);
      return;
    }
  }
}

/** Whether a physical address is in the video window, where nobody answers. */
export function isGraphics(address: number): boolean {
  return address >= HOLE_START && address < HOLE_END;
}
