/** Date and time of day as a real-time clock counts them. Month 1-12, day 1-31, weekday 1-7 with Sunday as 1. */
export interface CalendarTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const SECONDS_PER_DAY = 86_400;

/** The calendar time of `seconds` since 1970-01-01 00:00:00 (no leap seconds, Gregorian). */
export function calendarOf(seconds: number): CalendarTime {
  const date = new Date(seconds * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay() + 1,
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

/**
 * The time `seconds` later. A time that does not exist (31 February) counts on as if its surplus had been carried. The
 * weekday is a counter of its own, as in the chip: it follows the days and never the date.
 */
export function later(time: CalendarTime, seconds: number): CalendarTime {
  const date = new Date(0);
  date.setUTCFullYear(time.year, time.month - 1, time.day);
  const midnight = date.getTime() / 1000;
  const total = time.hour * 3600 + time.minute * 60 + time.second + seconds;
  const days = Math.floor(total / SECONDS_PER_DAY);
  return { ...calendarOf(midnight + total), weekday: ((time.weekday + 6 + days) % 7) + 1 };
}
