import { LARGE_ZERO } from './cpu/large.ts';
import type { Clock } from './devices/device.ts';

/**
 * Virtual time: nanoseconds since power-on from the count of steps. A rate turns steps into time; it changes only at a
 * known count, and HLT skips ahead, so a replay sees the same times.
 */
export class VirtualClock implements Clock {
  /** Steps a virtual second. */
  #rate: number;
  #baseTime = LARGE_ZERO;
  #baseCount = LARGE_ZERO;
  /** Nanoseconds that skipTo() jumped over, in all: for those who tell waiting from work. */
  skipped = LARGE_ZERO;
  readonly #count: () => number;
  readonly #onReschedule: () => void;

  constructor(rate: number, count: () => number, onReschedule: () => void) {
    this.#rate = rate;
    this.#count = count;
    this.#onReschedule = onReschedule;
  }

  get rate(): number {
    return this.#rate;
  }

  now(): number {
    return this.at(this.#count());
  }

  /** The time at a count since the rate was set or time was jumped over. */
  at(count: number): number {
    return this.#baseTime + ((count - this.#baseCount) * 1e9) / this.#rate;
  }

  reschedule(): void {
    this.#onReschedule();
  }

  /** Steps until a time, at least 1. */
  stepsUntil(time: number): number {
    const count = this.#baseCount + Math.ceil(((time - this.#baseTime) * this.#rate) / 1e9);
    return Math.max(1, count - this.#count());
  }

  /** Jumps to a later time without a step: the processor is halted. */
  skipTo(time: number): void {
    const now = this.now();
    if (time <= now) return;
    this.skipped += time - now;
    this.#rebase(time);
  }

  setRate(rate: number): void {
    this.#rebase(this.now());
    this.#rate = rate;
  }

  #rebase(time: number): void {
    this.#baseTime = time;
    this.#baseCount = this.#count();
  }

  reset(): void {
    this.#baseTime = 0;
    this.#baseCount = 0;
    this.skipped = 0;
  }

  save(): ClockState {
    return { rate: this.#rate, baseTime: this.#baseTime, baseCount: this.#baseCount };
  }

  restore(state: ClockState): void {
    this.#rate = state.rate;
    this.#baseTime = state.baseTime;
    this.#baseCount = state.baseCount;
  }
}

export interface ClockState {
  readonly rate: number;
  readonly baseTime: number;
  readonly baseCount: number;
}
