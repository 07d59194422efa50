import type { PortRange } from './bus.ts';
import type { Clock, Device, DeviceState, PortHandler } from './device.ts';
import { StateReader } from './state.ts';

/** Ports of a VGA with a colour display. */
const INDEX = 0x3d4;
const DATA = 0x3d5;
const STATUS = 0x3da;

/** The CRT controller's registers as a BIOS sets them up for 80 by 25 characters of 9 by 16 dots, at 70 Hz. */
const MODE_3 = [
  0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f,
  0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff,
] as const;
const COUNT = MODE_3.length;
const OVERFLOW = 7;
const LINE_COMPARE_8 = 0x10;
/** Its highest bit locks registers 0 to 7, all but a bit of the last one. */
const VERTICAL_RETRACE_END = 0x11;
const LOCK = 0x80;

/** Input status 1: nothing is drawn now; vertical retrace. */
const BLANK = 1;
const RETRACE = 8;
/** That mode in nanoseconds: 900 dots a line at 28.322 MHz, 720 of them drawn; 449 lines, 400 drawn, retrace from 412 on for two. */
const LINE = 900 / 0.028322;
const DRAWN = 720 / 0.028322;
const LINES = 449;
const DRAWN_LINES = 400;
const RETRACE_LINE = 412;
const RETRACE_LINES = 2;

/**
 * What kernels use of a VGA that shows text: the CRT controller, for the cursor and the start address, and input status 1. The text itself is
 * in memory at B8000 (`physical.ts`). Its other registers and its graphics are not there, and nobody draws it.
 */
export class TextDisplay implements Device, PortHandler {
  readonly name = 'textDisplay';
  readonly ports: readonly PortRange[] = [
    [INDEX, 2],
    [STATUS, 1],
  ];
  readonly #clock: Clock;
  #index = 0;
  readonly #registers = Uint8Array.from(MODE_3);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readPort(port: number): number {
    if (port === INDEX) return this.#index;
    if (port === DATA) return this.#registers[this.#index] ?? 0;
    return this.#status();
  }

  writePort(port: number, value: number): void {
    if (port === INDEX) this.#index = value;
    if (port !== DATA || this.#index >= COUNT) return;
    const isLocked = this.#index <= OVERFLOW && (this.#registers[VERTICAL_RETRACE_END] & LOCK) !== 0;
    const writable = isLocked ? (this.#index === OVERFLOW ? LINE_COMPARE_8 : 0) : 0xff;
    this.#registers[this.#index] = (this.#registers[this.#index] & ~writable) | (value & writable);
  }

  #status(): number {
    const lines = this.#clock.now() / LINE;
    const line = Math.floor(lines) % LINES;
    const isDrawn = line < DRAWN_LINES && (lines - Math.floor(lines)) * LINE < DRAWN;
    const isRetrace = line >= RETRACE_LINE && line < RETRACE_LINE + RETRACE_LINES;
    return (isDrawn ? 0 : BLANK) | (isRetrace ? RETRACE : 0);
  }

  deadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  advance(): void {}

  reset(): void {
    this.#index = 0;
    this.#registers.set(MODE_3);
  }

  save(): DeviceState {
    return { index: this.#index, registers: Array.from(this.#registers) };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#index = from.byte('index');
    this.#registers.set(from.bytes('registers', COUNT, COUNT));
    from.end();
  }
}
