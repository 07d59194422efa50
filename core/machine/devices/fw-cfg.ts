import type { PortRange } from './bus.ts';
import type { Device, DeviceState, PortHandler, PortSize } from './device.ts';
import { StateReader } from './state.ts';

const SELECTOR = 0x510;
const DATA = 0x511;

/** Items by their keys (QEMU, "QEMU Firmware Configuration (fw_cfg) Device"): numbers have their little end first, the directory's their big one. */
const ITEM = {
  signature: 0x00,
  id: 0x01,
  uuid: 0x02,
  ramSize: 0x03,
  noGraphic: 0x04,
  processors: 0x05,
  bootMenu: 0x0e,
  mostProcessors: 0x0f,
  directory: 0x19,
} as const;
/** ID: the two ports; no DMA. */
const TRADITIONAL = 1;
/** Nothing is longer: what lies behind an item reads as 0, so an offset needs to go no further. */
const LONGEST = 16;

export interface FwCfgOptions {
  readonly memoryBytes: number;
  readonly processors: number;
}

function number(value: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, n) => Math.floor(value / 256 ** n) & 0xff);
}

/** QEMU's firmware configuration device: what firmware and test suites ask for the board's size. There are no files. */
export class FwCfg implements Device, PortHandler {
  readonly name = 'fwCfg';
  readonly ports: readonly PortRange[] = [[SELECTOR, 2, 2]];
  readonly #items: ReadonlyMap<number, Uint8Array>;
  #key = 0;
  #offset = 0;

  constructor({ memoryBytes, processors }: FwCfgOptions) {
    this.#items = new Map([
      [ITEM.signature, Uint8Array.from('QEMU', letter => letter.charCodeAt(0))],
      [ITEM.id, number(TRADITIONAL, 4)],
      [ITEM.uuid, new Uint8Array(16)],
      [ITEM.ramSize, number(memoryBytes, 8)],
      [ITEM.noGraphic, number(1, 2)],
      [ITEM.processors, number(processors, 2)],
      [ITEM.bootMenu, number(0, 2)],
      [ITEM.mostProcessors, number(processors, 2)],
      [ITEM.directory, number(0, 4)],
    ]);
  }

  /** A byte of the selected item after the other; the selector cannot be read. */
  readPort(port: number, size: PortSize): number {
    if (size !== 1 || port !== DATA) return 0;
    const value = this.#items.get(this.#key)?.[this.#offset] ?? 0;
    this.#offset = Math.min(this.#offset + 1, LONGEST);
    return value;
  }

  /** The selector takes words; the data cannot be written. */
  writePort(port: number, value: number, size: PortSize): void {
    if (size !== 2 || port !== SELECTOR) return;
    this.#key = value;
    this.#offset = 0;
  }

  deadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  advance(): void {}

  reset(): void {
    this.#key = 0;
    this.#offset = 0;
  }

  save(): DeviceState {
    return { key: this.#key, offset: this.#offset };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#key = from.uint('key', 0xffff);
    this.#offset = from.uint('offset', LONGEST);
    from.end();
  }
}
