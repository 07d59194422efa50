import type { DeviceState } from './device.ts';
import type { StateReader } from './state.ts';

/**
 * The counter of a local APIC's timer (SDM volume 3, 10.5.4). Its clock, which the divider divides, has 1 GHz: a pulse a nanosecond.
 * Times are virtual nanoseconds. It counts whether its interrupt is masked or not; who owns it says what an end means.
 */
export class ApicTimer {
  #initial = 0;
  /** Bits 3, 1 and 0 of the divide configuration register (SDM volume 3, figure 10-10). */
  #code = 0;
  isPeriodic = false;
  /** Count at #since, 0 when it stands. */
  #left = 0;
  #since = 0;

  reset(): void {
    this.#initial = 0;
    this.#code = 0;
    this.isPeriodic = false;
    this.#left = 0;
    this.#since = 0;
  }

  get initial(): number {
    return this.#initial;
  }

  /** The divide configuration register. */
  get divide(): number {
    return (this.#code & 3) | ((this.#code & 4) << 1);
  }

  /** Nanoseconds a count. */
  get #period(): number {
    return this.#code === 7 ? 1 : 2 << this.#code;
  }

  /** The current count; settle() must have been called for `now`. */
  current(now: number): number {
    if (this.#left === 0) return 0;
    return this.#left - Math.floor((Math.floor(now) - this.#since) / this.#period);
  }

  /** Starts anew from `count`; 0 stops it. */
  start(now: number, count: number): void {
    this.#initial = count;
    this.#left = count;
    this.#since = Math.floor(now);
  }

  /** The count goes on at another speed; settle() must have been called. */
  setDivide(now: number, value: number): void {
    this.#left = this.current(now);
    this.#since = Math.floor(now);
    this.#code = (value & 3) | ((value & 8) >> 1);
  }

  /** Brings the counter to `now`. Returns whether it came to its end on the way. */
  settle(now: number): boolean {
    if (this.#left === 0) return false;
    const period = this.#period;
    const counts = Math.floor((Math.floor(now) - this.#since) / period);
    if (counts < this.#left) return false;
    if (this.isPeriodic) {
      const beyond = (counts - this.#left) % this.#initial;
      this.#since += (counts - beyond) * period;
      this.#left = this.#initial;
    } else {
      this.#left = 0;
    }
    return true;
  }

  /** When it comes to its end next; Infinity while it stands. */
  end(): number {
    return this.#left === 0 ? Number.POSITIVE_INFINITY : this.#since + this.#left * this.#period;
  }

  save(): DeviceState {
    return {
      initial: this.#initial,
      code: this.#code,
      isPeriodic: this.isPeriodic,
      left: this.#left,
      since: this.#since,
    };
  }

  restore(from: StateReader): void {
    this.#initial = from.uint('initial', 0xffffffff);
    this.#code = from.uint('code', 7);
    this.isPeriodic = from.flag('isPeriodic');
    this.#left = from.uint('left', 0xffffffff);
    this.#since = from.uint('since', Number.MAX_SAFE_INTEGER);
    from.end();
  }
}
