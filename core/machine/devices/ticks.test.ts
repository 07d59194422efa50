import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ticksAt, timeOfTick } from './ticks.ts';

const HERTZ = [1, 32_768, 1_193_182, 1_843_200, 9_000_000];
const hz = fc.constantFrom(...HERTZ);

test('ticksAt equals exact arithmetic', () => {
  fc.assert(
    fc.property(hz, fc.nat(Number.MAX_SAFE_INTEGER), (hertz, now) => {
      expect(ticksAt(now, hertz)).toBe(Number((BigInt(now) * BigInt(hertz)) / 1_000_000_000n));
    }),
  );
});

test('timeOfTick is the first nanosecond of the tick', () => {
  fc.assert(
    fc.property(hz, fc.nat(9_000_000), fc.nat(), (hertz, seconds, rest) => {
      const tick = seconds * hertz + (rest % hertz);
      const time = timeOfTick(tick, hertz);
      expect(ticksAt(time, hertz)).toBe(tick);
      if (time > 0) expect(ticksAt(time - 1, hertz)).toBe(tick - 1);
    }),
  );
});

test('never has no tick', () => {
  expect(timeOfTick(Number.POSITIVE_INFINITY, 32_768)).toBe(Number.POSITIVE_INFINITY);
});
