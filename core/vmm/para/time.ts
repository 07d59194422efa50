import { VIRQ } from './abi.ts';
import type { EventChannels } from './events.ts';
import type { SharedInfo } from './shared-info.ts';

/** A guest that asks for nothing hears the timer a hundred times a second. */
const DEFAULT_PERIOD = 10_000_000;

/** The machine's time-stamp counter counts nanoseconds: system time = (ticks << 1) * 2^31 >> 32. */
const MULTIPLIER = 0x80000000;
const SHIFT = 1;

/** What the machine knows of time. */
export interface Clock {
  /** Virtual nanoseconds since the machine's power-on. */
  now(): number;
  /** What RDTSC gives on the machine. */
  timeStamp(): number;
}

/**
 * System time, in nanoseconds since the guest started, and the timers that raise VIRQ_TIMER: a periodic one and one that fires once.
 */
export class ParaTime {
  readonly #clock: Clock;
  readonly #shared: SharedInfo;
  readonly #events: EventChannels;
  readonly #started: number;
  /** Nanoseconds, or 0 for none. */
  #period = DEFAULT_PERIOD;
  #nextTick: number;
  /** System time of the single shot, Infinity for none. */
  #singleShot = Number.POSITIVE_INFINITY;

  /** `startTime`: the date now, in Unix seconds. */
  constructor(clock: Clock, shared: SharedInfo, events: EventChannels, startTime: number) {
    this.#clock = clock;
    this.#shared = shared;
    this.#events = events;
    this.#started = clock.now();
    this.#nextTick = DEFAULT_PERIOD;
    shared.setWallClock(startTime);
    this.publish();
  }

  /** System time in nanoseconds. */
  now(): number {
    return this.#clock.now() - this.#started;
  }

  /** Writes the time into the shared page. */
  publish(): void {
    this.#shared.setTime(Math.floor(this.now()), this.#clock.timeStamp(), MULTIPLIER, SHIFT);
  }

  /** Nanoseconds; 0 stops the periodic timer. */
  setPeriod(period: number): void {
    this.#period = period;
    this.#nextTick = this.now() + period;
  }

  /** System time at which the timer fires once; Infinity stops it. */
  setSingleShot(at: number): void {
    this.#singleShot = at;
  }

  /** Fires what is due; returns the system time of the next one. */
  advance(): number {
    const now = this.now();
    let due = false;
    if (this.#period !== 0 && now >= this.#nextTick) {
      due = true;
      // Ticks that were missed do not come in a row.
      this.#nextTick += this.#period * (Math.floor((now - this.#nextTick) / this.#period) + 1);
    }
    if (now >= this.#singleShot) {
      due = true;
      this.#singleShot = Number.POSITIVE_INFINITY;
    }
    if (due) {
      this.publish();
      this.#events.raiseVirq(VIRQ.timer);
    }
    return Math.min(this.#period === 0 ? Number.POSITIVE_INFINITY : this.#nextTick, this.#singleShot);
  }
}
