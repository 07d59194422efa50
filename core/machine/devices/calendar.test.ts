import fc from 'fast-check';
import { expect, test } from 'vitest';
import { calendarOf, later } from './calendar.ts';

test('counting on is the same as starting later', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e9 }), fc.nat(1e9), (start, seconds) => {
      expect(later(calendarOf(start), seconds)).toEqual(calendarOf(start + seconds));
    }),
  );
});

test('turns of the calendar', () => {
  const turn = (year: number, month: number, day: number) => {
    const next = later({ year, month, day, weekday: 7, hour: 23, minute: 59, second: 59 }, 1);
    return [next.year, next.month, next.day, next.weekday, next.hour, next.minute, next.second];
  };
  expect(turn(1999, 12, 31)).toEqual([2000, 1, 1, 1, 0, 0, 0]);
  expect(turn(2024, 2, 28)).toEqual([2024, 2, 29, 1, 0, 0, 0]);
  expect(turn(2100, 2, 28)).toEqual([2100, 3, 1, 1, 0, 0, 0]);
});

test('the weekday is a counter of its own', () => {
  const wrong = { ...calendarOf(0), weekday: 2 };
  expect(later(wrong, 86_400 * 8).weekday).toBe(3);
});
