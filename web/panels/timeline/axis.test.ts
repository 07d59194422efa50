import fc from 'fast-check';
import { expect, test } from 'vitest';
import { all, clamp, follow, hasPresent, pan, reveal, SHORTEST, type Span, ticks, tickText, zoom } from './axis.ts';

const whole = { from: 1, to: 11 };
const length = ({ from, to }: Span): number => to - from;

test('zooming leaves the time under the pointer where it is', () => {
  const before = { from: 4, to: 6 };
  const after = zoom(before, 0.25, 4.5, whole);
  expect(length(after)).toBeCloseTo(0.5);
  expect((4.5 - after.from) / length(after)).toBeCloseTo(0.25);
  expect(zoom(after, 4, 4.5, whole).from).toBeCloseTo(4);
});

test('zoom ends at a few instructions and at the whole run', () => {
  expect(length(zoom({ from: 4, to: 5 }, 1e-12, 4.5, whole))).toBeCloseTo(SHORTEST, 12);
  const most = zoom({ from: 4, to: 5 }, 1e12, 4.5, whole);
  expect(length(most)).toBeCloseTo(length(all(whole)), 6);
  expect(most.from).toBeLessThanOrEqual(whole.from + 1e-9);
  expect(hasPresent(most, whole)).toBe(true);
});

test('whatever is done, something that was recorded stays in view', () => {
  const step = fc.oneof(
    fc.record({
      factor: fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    fc.record({ share: fc.double({ min: -5, max: 5, noNaN: true }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), steps => {
      let span = all(whole);
      for (const one of steps) {
        if ('share' in one) span = pan(span, one.share, whole);
        else span = zoom(span, one.factor, span.from + one.at * length(span), whole);
        expect(length(span)).toBeGreaterThan(SHORTEST * 0.9);
        expect(span.from).toBeGreaterThanOrEqual(whole.from - 1e-6);
        expect(span.from).toBeLessThan(whole.to);
        expect(span.to).toBeLessThanOrEqual(whole.to + length(span) * 0.031 + 1e-6);
      }
    }),
  );
});

test('following shows what was asked for, once there is as much', () => {
  expect(length(follow(0.02, { from: 0, to: 1e-6 }))).toBeLessThan(2e-6);
  const later = follow(0.02, { from: 0, to: 3 });
  expect(length(later)).toBeCloseTo(0.02);
  expect(hasPresent(later, { from: 0, to: 3 })).toBe(true);
  expect(hasPresent(pan(later, -0.5, { from: 0, to: 3 }), { from: 0, to: 3 })).toBe(false);
});

test('a stretch that is chosen comes into view, and into sight', () => {
  const span = clamp({ from: 2, to: 4 }, whole);
  expect(reveal(span, 2.5, 3, whole)).toEqual(span);
  const before = reveal(span, 1.4, 1.6, whole);
  expect(before.from).toBeLessThan(1.4);
  expect(length(before)).toBeCloseTo(2);
  const tiny = reveal(span, 3, 3 + 1e-6, whole);
  expect(length(tiny)).toBeCloseTo(2e-5);
});

test('ticks are round, in view, and told apart', () => {
  for (const span of [whole, { from: 1.5, to: 1.5 + 1e-7 }, { from: 0, to: 0.0031 }]) {
    const { at, step } = ticks(span, 700);
    expect(at.length).toBeGreaterThan(1);
    expect(at.length).toBeLessThan(8);
    expect(at.every(time => time >= span.from && time <= span.to)).toBe(true);
    expect(new Set(at.map(time => tickText(time, step))).size).toBe(at.length);
  }
  expect(tickText(1.25, 0.05)).toBe('1,250 ms');
});
