import type { PortRange } from './bus.ts';
import type { Clock, Device, DeviceState, InterruptLine, PortHandler, PortSize } from './device.ts';
import { StateReader } from './state.ts';
import { ticksAt, timeOfTick } from './ticks.ts';

const HERTZ = 3_579_545;
const EVENTS = 0x600;
const COUNTER = 0x608;
const COUNTER_MASK = 0xffffff;
/** Counts between changes of the counter's highest bit, each of which sets TMR_STS (ACPI 4.8.2.1). */
const HALF = 0x800000;
/** TMR_STS in the status register, TMR_EN in the enable register behind it. */
const TIMER = 1;
/** TMR_EN, GBL_EN, PWRBTN_EN, SLPBTN_EN, RTC_EN. */
const ENABLES = 0x721;

export interface PmTimerOptions {
  readonly clock: Clock;
  /** The system control interrupt. */
  readonly line: InterruptLine;
}

/**
 * The ACPI power management timer at 608h, 24 bits wide, and the PM1a event registers at 600h (ACPI 4.8.1.1 and 4.8.2.1), which
 * hold all enable bits, though the timer's is the only event that comes.
 */
export class PmTimer implements Device, PortHandler {
  readonly name = 'pmTimer';
  readonly ports: readonly PortRange[] = [
    [EVENTS, 4, 2],
    [COUNTER, 4, 4],
  ];
  readonly #clock: Clock;
  readonly #line: InterruptLine;
  /** Which half of the counter's range it was in when the status was cleared, counted from power-on. */
  #clearedIn = 0;
  #enabled = 0;
  #deadline = Number.POSITIVE_INFINITY;

  constructor(options: PmTimerOptions) {
    this.#clock = options.clock;
    this.#line = options.line;
  }

  readPort(port: number, size: PortSize): number {
    if (port >= COUNTER) {
      const count = ticksAt(this.#clock.now(), HERTZ) & COUNTER_MASK;
      const value = count >>> (8 * (port - COUNTER));
      return size === 4 ? value : value & (2 ** (8 * size) - 1);
    }
    const value = port < EVENTS + 2 ? (this.#hasTurned() ? TIMER : 0) : this.#enabled;
    return size === 2 ? value : (value >>> (8 * (port & 1))) & 0xff;
  }

  /** A 1 in the status register clears that status. */
  writePort(port: number, value: number, size: PortSize): void {
    if (port === EVENTS && (value & TIMER) !== 0) this.#clearedIn = this.#half();
    if (port >= EVENTS + 2 && port < EVENTS + 4) {
      const written = size === 2 ? 0xffff : 0xff << (8 * (port & 1));
      const bits = value << (8 * (port & 1));
      this.#enabled = ((this.#enabled & ~written) | (bits & written)) & ENABLES;
    }
    this.#settle();
    this.#clock.reschedule();
  }

  deadline(): number {
    return this.#deadline;
  }

  advance(): void {
    this.#settle();
  }

  reset(): void {
    this.#clearedIn = this.#half();
    this.#enabled = 0;
    this.#settle();
    this.#clock.reschedule();
  }

  save(): DeviceState {
    return { clearedIn: this.#clearedIn, enabled: this.#enabled };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#clearedIn = from.uint('clearedIn', Number.MAX_SAFE_INTEGER);
    this.#enabled = from.uint('enabled', ENABLES);
    from.end();
    this.#plan();
  }

  #isEnabled(): boolean {
    return (this.#enabled & TIMER) !== 0;
  }

  #half(): number {
    return Math.floor(ticksAt(this.#clock.now(), HERTZ) / HALF);
  }

  #hasTurned(): boolean {
    return this.#half() !== this.#clearedIn;
  }

  #settle(): void {
    this.#line.set(this.#isEnabled() && this.#hasTurned());
    this.#plan();
  }

  #plan(): void {
    const waits = this.#isEnabled() && !this.#hasTurned();
    this.#deadline = waits ? timeOfTick((this.#clearedIn + 1) * HALF, HERTZ) : Number.POSITIVE_INFINITY;
  }
}
