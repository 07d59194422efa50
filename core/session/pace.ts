import type { VirtualClock } from '../machine/clock.ts';

/** How often the rate is looked at, in milliseconds of busy time. */
const INTERVAL = 500;
/** A rate is changed only when it is off by more than this factor, so that the guest's calibration stays true. */
const TOLERANCE = 1.5;
/** Virtual time may fall behind the reader's clock by this much before it is let go, in milliseconds. */
const SLACK = 200;
/** A guest that works may come this far before the reader's clock in a slice, in milliseconds. */
const LEAD = 10;
const MIN_RATE = 1e6;
const MAX_RATE = 4e9;

/**
 * Keeps the guest's clock in step with the reader's: a guest that waits does not run ahead of the reader's time, one that works is not held
 * back for it, and the rate (steps a virtual second) follows what this machine really executes. Times are milliseconds of the reader's clock.
 */
export class Pace {
  #anchorReal = 0;
  #anchorVirtual = 0;
  #busy = 0;
  #steps = 0;

  /** The machine starts to run, or was paused in between: time begins to count from here. */
  start(now: number, clock: VirtualClock): void {
    this.#anchorReal = now;
    this.#anchorVirtual = clock.now();
  }

  /** Virtual time, in nanoseconds, up to which the next slice may run. `halted`: the guest waits, as it seems. */
  limit(now: number, clock: VirtualClock, halted: boolean): number {
    const target = this.#target(now);
    const virtual = clock.now();
    if (target - virtual > SLACK * 1e6 || (target < virtual && !halted)) this.start(now, clock);
    return this.#target(now) + (halted ? 0 : LEAD * 1e6);
  }

  #target(now: number): number {
    return this.#anchorVirtual + (now - this.#anchorReal) * 1e6;
  }

  /** A slice took so many milliseconds for so many steps. Returns the rate to go on with, or null to keep the one there is. */
  ran(milliseconds: number, steps: number, clock: VirtualClock): number | null {
    this.#busy += milliseconds;
    this.#steps += steps;
    if (this.#busy < INTERVAL) return null;
    const measured = Math.min(Math.max((this.#steps * 1000) / this.#busy, MIN_RATE), MAX_RATE);
    this.#busy = 0;
    this.#steps = 0;
    const isOff = measured > clock.rate * TOLERANCE || measured < clock.rate / TOLERANCE;
    return isOff ? Math.round(measured) : null;
  }
}
