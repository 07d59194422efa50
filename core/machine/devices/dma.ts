import type { PortRange } from './bus.ts';
import type { Device, DeviceState, PortHandler } from './device.ts';
import { StateReader } from './state.ts';

/** The first controller's registers are at every port from 00h, the second's at every other from C0h (16-bit channels). */
const SECOND = 0xc0;
const PAGES = 0x81;

/**
 * The registers of one Intel 8237A (datasheet 231466). Nothing on the board asks for a transfer yet, so addresses and
 * counts stay as programmed and no channel ever reaches its terminal count.
 */
class Controller {
  /** Base and current are alike without transfers: address and count of channel n at 2n and 2n + 1. */
  readonly words = new Uint16Array(8);
  readonly modes = new Uint8Array(4);
  command = 0;
  request = 0;
  mask = 0x0f;
  /** The first/last flip-flop: the next access to a 16-bit register takes its high byte. */
  last = false;

  masterClear(): void {
    this.command = 0;
    this.request = 0;
    this.mask = 0x0f;
    this.last = false;
  }

  reset(): void {
    this.masterClear();
    this.words.fill(0);
    this.modes.fill(0);
  }

  read(register: number): number {
    if (register < 8) {
      const word = this.words[register];
      this.last = !this.last;
      return this.last ? word & 0xff : word >> 8;
    }
    if (register === 0x8) return this.request << 4; // status: requests pending, no terminal counts
    if (register === 0xd) return 0; // temporary register
    if (register === 0xf) return this.mask; // readable on later chipsets (82371)
    return 0xff;
  }

  write(register: number, value: number): void {
    const bit = 1 << (value & 3);
    switch (register) {
      case 0x8:
        this.command = value;
        break;
      case 0x9:
        this.request = (value & 4) !== 0 ? this.request | bit : this.request & ~bit;
        break;
      case 0xa:
        this.mask = (value & 4) !== 0 ? this.mask | bit : this.mask & ~bit;
        break;
      case 0xb:
        this.modes[value & 3] = value & 0xfc;
        break;
      case 0xc:
        this.last = false;
        break;
      case 0xd:
        this.masterClear();
        break;
      case 0xe:
        this.mask = 0;
        break;
      case 0xf:
        this.mask = value & 0x0f;
        break;
      default: {
        const word = this.words[register];
        this.words[register] = this.last ? (word & 0xff) | (value << 8) : (word & 0xff00) | value;
        this.last = !this.last;
      }
    }
  }

  save(): DeviceState {
    return {
      words: Array.from(new Uint8Array(this.words.buffer)),
      modes: Array.from(this.modes),
      command: this.command,
      request: this.request,
      mask: this.mask,
      last: this.last,
    };
  }

  restore(from: StateReader): void {
    new Uint8Array(this.words.buffer).set(from.bytes('words', 16, 16));
    this.modes.set(from.bytes('modes', 4, 4));
    this.command = from.byte('command');
    this.request = from.uint('request', 0x0f);
    this.mask = from.uint('mask', 0x0f);
    this.last = from.flag('last');
    from.end();
  }
}

/** The PC's two DMA controllers and their page registers, as a file of registers that kernels and firmware can set up. */
export class Dma implements Device, PortHandler {
  readonly name = 'dma';
  readonly ports: readonly PortRange[] = [
    [0x00, 16],
    [PAGES, 15],
    [SECOND, 32],
  ];
  readonly #controllers = [new Controller(), new Controller()];
  /** Ports 81h to 8Fh; those without a channel keep their byte too. */
  readonly #pages = new Uint8Array(15);

  readPort(port: number): number {
    if (port < PAGES) return this.#controllers[0].read(port);
    if (port < SECOND) return this.#pages[port - PAGES];
    return this.#controllers[1].read((port - SECOND) >> 1);
  }

  writePort(port: number, value: number): void {
    if (port < PAGES) this.#controllers[0].write(port, value);
    else if (port < SECOND) this.#pages[port - PAGES] = value;
    else this.#controllers[1].write((port - SECOND) >> 1, value);
  }

  deadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  advance(): void {}

  reset(): void {
    for (const controller of this.#controllers) controller.reset();
    this.#pages.fill(0);
  }

  save(): DeviceState {
    return { controllers: this.#controllers.map(controller => controller.save()), pages: Array.from(this.#pages) };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    from.parts('controllers', 2).forEach((part, i) => {
      this.#controllers[i].restore(part);
    });
    this.#pages.set(from.bytes('pages', 15, 15));
    from.end();
  }
}
