import type { MemoryHandler } from '../physical.ts';
import type { PortRange } from './bus.ts';
import type { Device, DeviceState, InterruptLine, PortHandler, PortSize } from './device.ts';
import { StateReader } from './state.ts';

/** Four bytes that read as they were written, in any width, and the same ones in bytes only. */
const BYTES = 0xe0;
const SPLIT_BYTES = 0xe8;
/** Has QEMU forget what it knows of a page; this machine knows nothing that the guest does not. */
const FLUSH = 0xe4;
/** A port for each of the ISA interrupt lines: the byte says whether it is high. */
const LINES = 0x2000;
const LINE_COUNT = 16;
/** Memory that is a device's: who reads and writes it does memory-mapped I/O. */
const MEMORY = 0xff000000;
const MEMORY_SIZE = 0x10000;

/**
 * QEMU's pc-testdev, with which test suites try accesses to ports and to a device's memory, and raise interrupts. No PC has it, so a board has it
 * only on request.
 */
export class TestDevice implements Device, PortHandler, MemoryHandler {
  readonly name = 'testDevice';
  readonly first = MEMORY;
  readonly last = MEMORY + MEMORY_SIZE - 1;
  readonly ports: readonly PortRange[] = [
    [BYTES, 4, 4],
    [FLUSH, 4, 4],
    [SPLIT_BYTES, 4],
    [LINES, LINE_COUNT],
  ];
  readonly #line: (irq: number) => InterruptLine | null;
  readonly #bytes = new Uint8Array(4);
  readonly #memory = new Uint8Array(MEMORY_SIZE);

  /** `line`: the wire of an interrupt, or null where there is none to drive. */
  constructor(line: (irq: number) => InterruptLine | null) {
    this.#line = line;
  }

  readPort(port: number, size: PortSize): number {
    if (!isForBytes(port)) return 0;
    let value = 0;
    for (let n = 0; n < size; n++) value |= this.#bytes[(port + n) & 3] << (8 * n);
    return value >>> 0;
  }

  writePort(port: number, value: number, size: PortSize): void {
    if (port >= LINES) this.#line(port - LINES)?.set(value !== 0);
    if (!isForBytes(port)) return;
    for (let n = 0; n < size; n++) this.#bytes[(port + n) & 3] = value >>> (8 * n);
  }

  readMemory(address: number, size: number): number {
    let value = 0;
    for (let n = 0; n < size; n++) value |= this.#memory[address - MEMORY + n] << (8 * n);
    return value;
  }

  writeMemory(address: number, size: number, value: number): void {
    for (let n = 0; n < size; n++) this.#memory[address - MEMORY + n] = value >>> (8 * n);
  }

  deadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  advance(): void {}

  reset(): void {
    this.#bytes.fill(0);
    this.#memory.fill(0);
  }

  save(): DeviceState {
    const used = this.#memory.findLastIndex(byte => byte !== 0) + 1;
    return { bytes: Array.from(this.#bytes), memory: Array.from(this.#memory.subarray(0, used)) };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#bytes.set(from.bytes('bytes', 4, 4));
    const memory = from.bytes('memory', 0, MEMORY_SIZE);
    this.#memory.fill(0);
    this.#memory.set(memory);
    from.end();
  }
}

function isForBytes(port: number): boolean {
  return (port & ~3) === BYTES || (port & ~3) === SPLIT_BYTES;
}
