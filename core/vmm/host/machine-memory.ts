import * as L from '../../machine/cpu/layout.ts';
import type { Processor } from '../../machine/cpu/processor.ts';

const FRAME_SIZE = 4096;

/**
 * The monitor's access to machine memory by machine-physical address, as its own mapping of all memory would give it. Every reference is
 * counted: it is an instruction that the monitor's native half would have executed.
 */
export class MachineMemory {
  readonly #cpu: Processor;
  /** References since the start. */
  references = 0;

  constructor(cpu: Processor) {
    this.#cpu = cpu;
  }

  /** Bytes of RAM. */
  get size(): number {
    return this.#cpu.physical.size;
  }

  /** 1, 2 or 4 bytes; the result of size 4 is signed. */
  read(address: number, size: number): number {
    this.references++;
    return this.#cpu.physical.read(address, size);
  }

  write(address: number, size: number, value: number): void {
    this.references++;
    this.#cpu.writePhysical(address, size, value);
  }

  /** A byte, for those who only look: not counted. -1 where there is no RAM. */
  peekByte(address: number): number {
    return this.#cpu.physical.peekByte(address);
  }

  /** A word, for those who only look. */
  peek(address: number): number {
    return this.#cpu.physical.read(address, 4);
  }

  /** Copies a frame to 4 KB, for those who only look. */
  peekFrame(frame: number, into: Uint8Array): void {
    const at = L.RAM + frame * FRAME_SIZE;
    into.set(this.#cpu.physical.bytes.subarray(at, at + FRAME_SIZE));
  }

  /** Whether every byte of a frame is 0, for those who look. */
  isZero(frame: number): boolean {
    return this.#cpu.physical.isZero(frame);
  }

  /** Puts bytes into one frame. */
  load(address: number, bytes: Uint8Array): void {
    this.#cpu.physical.bytes.set(bytes, L.RAM + address);
    if (bytes.length > 0) this.#cpu.noticeWrite(address, bytes.length);
    this.references += bytes.length >>> 2;
  }

  /** Fills a frame with zeros. */
  clear(frame: number): void {
    const address = frame * FRAME_SIZE;
    if (!this.isZero(frame)) {
      this.#cpu.physical.bytes.fill(0, L.RAM + address, L.RAM + address + FRAME_SIZE);
      this.#cpu.noticeWrite(address, FRAME_SIZE);
    }
    this.references += FRAME_SIZE >>> 2;
  }
}
