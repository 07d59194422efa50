import type { PortRange } from './bus.ts';
import type { Device, DeviceState, PortHandler, PortSize } from './device.ts';
import { StateReader } from './state.ts';

/** PM1a control register (ACPI 4.8.3.2.1): SCI_EN, always set since there is no other mode, SLP_TYP in bits 10-12, SLP_EN. */
const SCI_EN = 1;
const SLP_EN = 0x2000;
const SLP_TYP = 0x1c00;
const KEPT = 0x1fff;
/** The sleep type of S5, soft off, as QEMU and Bochs number it; the ACPI tables of the board say the same. */
const S5 = 0;

export interface PowerOptions {
  readonly onPowerOff: () => void;
}

/** The ACPI power management control register at port 604h: writing 2000h turns the machine off. */
export class Power implements Device, PortHandler {
  readonly name = 'power';
  readonly ports: readonly PortRange[] = [[0x604, 2, 2]];
  readonly #onPowerOff: () => void;
  #control = 0;

  constructor(options: PowerOptions) {
    this.#onPowerOff = options.onPowerOff;
  }

  readPort(port: number, size: PortSize): number {
    const value = this.#control | SCI_EN;
    if (size === 2) return value;
    return (port & 1) === 0 ? value & 0xff : value >> 8;
  }

  writePort(port: number, value: number, size: PortSize): void {
    if (size === 2) this.#write(value);
    else if ((port & 1) === 0) this.#write((this.#control & 0xff00) | value);
    else this.#write((this.#control & 0xff) | (value << 8));
  }

  deadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  advance(): void {}

  reset(): void {
    this.#control = 0;
  }

  save(): DeviceState {
    return { control: this.#control };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#control = from.uint('control', KEPT);
    from.end();
  }

  /** SLP_EN is write-only and reads as 0. */
  #write(value: number): void {
    this.#control = value & KEPT;
    if ((value & SLP_EN) !== 0 && (value & SLP_TYP) >> 10 === S5) this.#onPowerOff();
  }
}
