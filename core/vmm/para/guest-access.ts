import type { MachineMemory } from '../host/machine-memory.ts';
import type { VirtualProcessor } from '../vcpu.ts';
import { HOLE_START, Refused } from './abi.ts';

const FRAME_SIZE = 4096;

/**
 * How the monitor follows pointers of the guest's: by the guest's own tables, with the rights of its kernel, and never into the monitor.
 * Throws Refused('EFAULT') where a page is not there or may not be written.
 */
export class GuestAccess {
  readonly #vcpu: VirtualProcessor;
  readonly #memory: MachineMemory;
  /** The last translation for a read: linear page number, machine address of the page. Writes are translated each for itself. */
  #readPage = -1;
  #readFrame = 0;

  constructor(vcpu: VirtualProcessor) {
    this.#vcpu = vcpu;
    this.#memory = vcpu.memory.machine;
  }

  /** Tables may have changed: what was translated before does not count. */
  forget(): void {
    this.#readPage = -1;
  }

  /** Throws Refused unless `size` bytes from here lie below the monitor. */
  check(linear: number, size: number): void {
    if (linear < 0 || linear + size > HOLE_START) throw new Refused('EFAULT', 'a pointer leads into the monitor');
  }

  #translate(linear: number, access: 'read' | 'write'): number {
    try {
      return this.#vcpu.translate(linear | 0, access, false);
    } catch (thrown) {
      if (thrown !== this.#vcpu.fault) throw thrown;
      throw new Refused(
        'EFAULT',
        `nothing can be ${access === 'read' ? 'read' : 'written'} at ${(linear >>> 0).toString(16)}`,
      );
    }
  }

  /** Machine address for a read within one page. */
  #source(linear: number): number {
    const page = linear >>> 12;
    if (page !== this.#readPage) {
      this.#readFrame = this.#translate(linear, 'read') & ~0xfff;
      this.#readPage = page;
    }
    return (this.#readFrame >>> 0) + (linear & 0xfff);
  }

  /** Machine address for a write within one page. Throws Refused. */
  target(linear: number): number {
    this.check(linear, 1);
    return this.#translate(linear, 'write');
  }

  /** 1, 2 or 4 bytes at an unsigned address; the result of size 4 is signed. */
  read(linear: number, size: 1 | 2 | 4): number {
    this.check(linear, size);
    if ((linear & 0xfff) + size <= FRAME_SIZE) return this.#memory.read(this.#source(linear), size);
    let value = 0;
    for (let n = 0; n < size; n++) value |= this.#memory.read(this.#source(linear + n), 1) << (8 * n);
    return value;
  }

  write(linear: number, size: 1 | 2 | 4, value: number): void {
    this.check(linear, size);
    if ((linear & 0xfff) + size <= FRAME_SIZE) {
      this.#memory.write(this.target(linear), size, value);
      return;
    }
    // Both pages must be there before the first byte is written.
    this.target(linear);
    this.target(linear + size - 1);
    for (let n = 0; n < size; n++) this.#memory.write(this.target(linear + n), 1, (value >>> (8 * n)) & 0xff);
  }

  /** A word, unsigned. */
  word(linear: number): number {
    return this.read(linear, 4) >>> 0;
  }

  /** A doubleword of 64 bits as a number: what is beyond 2^53 loses low bits. */
  long(linear: number): number {
    return this.word(linear + 4) * 0x100000000 + this.word(linear);
  }

  bytes(linear: number, length: number): Uint8Array {
    this.check(linear, length);
    return Uint8Array.from({ length }, (_, n) => this.read(linear + n, 1));
  }

  putBytes(linear: number, bytes: Uint8Array): void {
    this.check(linear, bytes.length);
    for (let n = 0; n < bytes.length; ) {
      const at = linear + n;
      const count = Math.min(bytes.length - n, FRAME_SIZE - (at & 0xfff));
      this.#memory.load(this.target(at), bytes.subarray(n, n + count));
      n += count;
    }
  }
}
