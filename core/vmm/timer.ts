import type { VirtualClock } from '../machine/clock.ts';
import type { Host } from './host/host.ts';

/** The PIT's clock in hertz. */
const PIT_HERTZ = 1_193_182;
const MOST_TICKS = 0xffff;
const TICK_NS = 1e9 / PIT_HERTZ;
/** Counter 0, low byte then high byte, mode 0: interrupt on terminal count. */
const ONE_SHOT = 0x30;

/** The machine's timer, which is the monitor's: wakes it when a virtual device wants its turn. */
export class MonitorTimer {
  readonly #host: Host;
  readonly #clock: VirtualClock;
  /** Virtual nanoseconds at which the interrupt will come; Infinity when none is set. */
  #at = Number.POSITIVE_INFINITY;

  constructor(host: Host, clock: VirtualClock) {
    this.#host = host;
    this.#clock = clock;
  }

  /** Asks for an interrupt at `deadline` (virtual nanoseconds) or somewhat earlier. */
  set(deadline: number): void {
    if (deadline >= this.#at) return;
    const now = this.#clock.now();
    const ticks = Math.min(Math.max(Math.ceil((deadline - now) / TICK_NS), 1), MOST_TICKS);
    this.#host.out(0x43, ONE_SHOT);
    this.#host.out(0x40, ticks & 0xff);
    this.#host.out(0x40, ticks >>> 8);
    this.#at = now + ticks * TICK_NS;
  }

  /** The interrupt came. */
  fired(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }
}
