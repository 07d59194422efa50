import type { PortRange } from './bus.ts';
import type { Device, DeviceState, PortHandler, PortSize } from './device.ts';
import { StateReader } from './state.ts';

const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
/** Bits of CONFIG_ADDRESS (PCI 2.1, 3.7.4.1): bits 30-24 and 1-0 read as zero. */
const ENABLE = 0x80000000;
const ADDRESS_KEPT = 0x80fffffc;
/** Bus, device and function. */
const TARGET = 0x00ffff00;

/** The header of an Intel 82441FX (440FX) host bridge, revision 2, after reset (datasheet 290549, 3.2). */
const HOST_BRIDGE: readonly (readonly [offset: number, value: number])[] = [
  [0x00, 0x86], // vendor 8086
  [0x01, 0x80],
  [0x02, 0x37], // device 1237
  [0x03, 0x12],
  [0x04, 0x06], // command: memory space and bus master, both hardwired
  [0x06, 0x80], // status: fast back-to-back, medium DEVSEL
  [0x07, 0x02],
  [0x08, 0x02], // revision
  [0x0b, 0x06], // class: bridge; subclass 00: host
];

/** What software can change: parity response and SERR enable in the command, and the latency timer. */
const HOST_BRIDGE_WRITABLE: readonly (readonly [offset: number, mask: number])[] = [
  [0x04, 0x40],
  [0x05, 0x01],
  [0x0d, 0xf8],
];

/**
 * PCI configuration mechanism #1 at CF8h/CFCh, with one function behind it: the host bridge 00:00.0. Everything else
 * answers all ones, which is how absence looks. The bridge's own memory attributes (PAM, SMRAM, DRAM rows) are not there:
 * the board has no ROM to shadow.
 */
export class Pci implements Device, PortHandler {
  readonly name = 'pci';
  readonly ports: readonly PortRange[] = [
    [CONFIG_ADDRESS, 4, 4],
    [CONFIG_DATA, 4, 4],
  ];
  #address = 0;
  readonly #bridge = new Uint8Array(256);
  readonly #writable = new Uint8Array(256);

  constructor() {
    for (const [offset, mask] of HOST_BRIDGE_WRITABLE) this.#writable[offset] = mask;
    this.reset();
  }

  readPort(port: number, size: PortSize): number {
    if (port < CONFIG_DATA) {
      // Only a doubleword access reaches CONFIG_ADDRESS; others go to the bus, where nobody answers.
      return size === 4 ? this.#address : size === 2 ? 0xffff : 0xff;
    }
    const present = this.#selectsBridge();
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (present ? this.#bridge[this.#offset(port) + i] : 0xff);
    return value;
  }

  writePort(port: number, value: number, size: PortSize): void {
    if (port < CONFIG_DATA) {
      if (size === 4) this.#address = (value & ADDRESS_KEPT) >>> 0;
      return;
    }
    if (!this.#selectsBridge()) return;
    for (let i = 0; i < size; i++) {
      const at = this.#offset(port) + i;
      const mask = this.#writable[at];
      this.#bridge[at] = (this.#bridge[at] & ~mask) | ((value >>> (8 * i)) & mask);
    }
  }

  deadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  advance(): void {}

  reset(): void {
    this.#address = 0;
    this.#bridge.fill(0);
    for (const [offset, value] of HOST_BRIDGE) this.#bridge[offset] = value;
  }

  save(): DeviceState {
    return { address: this.#address, bridge: Array.from(this.#bridge) };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#address = from.uint('address', 0xffffffff);
    this.#bridge.set(from.bytes('bridge', 256, 256));
    from.end();
  }

  #selectsBridge(): boolean {
    return (this.#address & ENABLE) !== 0 && (this.#address & TARGET) === 0;
  }

  #offset(port: number): number {
    return (this.#address & 0xfc) | (port & 3);
  }
}
