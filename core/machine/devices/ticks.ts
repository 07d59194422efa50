/**
 * Exact conversion between virtual nanoseconds and the pulses of an oscillator of `hz` (at most 9 MHz). Whole seconds
 * are kept apart, so every product stays below 2^53 and neither direction ever rounds the wrong way.
 */

const NANOSECONDS = 1_000_000_000;

/** How many pulses have come by `now`; pulse 0 is at time 0. */
export function ticksAt(now: number, hz: number): number {
  const seconds = Math.floor(now / NANOSECONDS);
  const rest = Math.floor(now - seconds * NANOSECONDS);
  return seconds * hz + Math.floor((rest * hz) / NANOSECONDS);
}

/** The first whole nanosecond at which ticksAt() is `tick`; Infinity for Infinity. */
export function timeOfTick(tick: number, hz: number): number {
  if (tick === Number.POSITIVE_INFINITY) return tick;
  const seconds = Math.floor(tick / hz);
  return seconds * NANOSECONDS + Math.ceil(((tick - seconds * hz) * NANOSECONDS) / hz);
}
