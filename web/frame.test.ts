import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Doing, startFrames } from './frame.ts';

/** A page with a clock of its own. */
let now = 0;
let page: { hidden: boolean; seen: () => void };

beforeEach(() => {
  vi.useFakeTimers();
  now = 0;
  page = { hidden: false, seen: () => {} };
  vi.stubGlobal('window', { setTimeout: globalThis.setTimeout });
  vi.stubGlobal('performance', { now: () => now });
  vi.stubGlobal('document', {
    get hidden() {
      return page.hidden;
    },
    addEventListener: (_: string, listener: () => void) => {
      page.seen = listener;
    },
    removeEventListener: () => {},
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function run(milliseconds: number): void {
  for (let t = 0; t < milliseconds; t++) {
    now++;
    vi.advanceTimersByTime(1);
  }
}

/** How often a machine is asked in a second, if the answer takes so many milliseconds. */
function asks(doing: Doing, answer: number): number {
  let due = Number.POSITIVE_INFINITY;
  const ask = vi.fn(() => {
    due = now + answer;
  });
  const loop = startFrames(ask, vi.fn());
  for (let t = 0; t < 1000; t++) {
    run(1);
    if (now < due) continue;
    due = Number.POSITIVE_INFINITY;
    loop.answered(doing);
  }
  return ask.mock.calls.length;
}

test('a running machine is asked ten times a second, one that writes thirty times, and never twice for one answer', () => {
  expect(asks('runs', 5)).toBeGreaterThanOrEqual(9);
  expect(asks('runs', 5)).toBeLessThanOrEqual(11);
  expect(asks('writes', 5)).toBeGreaterThanOrEqual(29);
  expect(asks('writes', 5)).toBeLessThanOrEqual(31);
  expect(asks('runs', 100)).toBeLessThanOrEqual(10);
});

test('a machine whose guest waits is asked less often after half a second, until something is asked of it', () => {
  expect(asks('waits', 5)).toBeGreaterThanOrEqual(18);
  expect(asks('waits', 5)).toBeLessThanOrEqual(22);
  let isAsked = false;
  const ask = vi.fn(() => {
    isAsked = true;
  });
  const loop = startFrames(ask, vi.fn());
  const second = () => {
    const before = ask.mock.calls.length;
    for (let t = 0; t < 1000; t++) {
      run(1);
      if (isAsked) loop.answered('waits');
      isAsked = false;
    }
    return ask.mock.calls.length - before;
  };
  second();
  expect(second()).toBeLessThanOrEqual(10);
  loop.hurry();
  expect(second()).toBeGreaterThanOrEqual(18);
});

test('a paused machine is asked a few times a second', () => {
  expect(asks('stands', 5)).toBeGreaterThanOrEqual(3);
  expect(asks('stands', 5)).toBeLessThanOrEqual(5);
});

test('a request brings a view at once, or right after the one on its way', () => {
  const ask = vi.fn();
  const loop = startFrames(ask, vi.fn());
  run(1);
  loop.answered('stands');
  loop.hurry();
  expect(ask).toHaveBeenCalledTimes(2);
  loop.hurry();
  expect(ask).toHaveBeenCalledTimes(2);
  loop.answered('stands');
  run(1);
  expect(ask).toHaveBeenCalledTimes(3);
});

test('five seconds without an answer are reported once', () => {
  const silent = vi.fn();
  const loop = startFrames(vi.fn(), silent);
  run(1);
  loop.answered('runs');
  run(4900);
  expect(silent).not.toHaveBeenCalled();
  run(400);
  expect(silent).toHaveBeenCalledTimes(1);
  run(10_000);
  expect(silent).toHaveBeenCalledTimes(1);
});

test('a new worker gets longer for its first answer', () => {
  const silent = vi.fn();
  startFrames(vi.fn(), silent);
  run(29_000);
  expect(silent).not.toHaveBeenCalled();
  run(2000);
  expect(silent).toHaveBeenCalledTimes(1);
});

test('a sleeping computer is no silent worker', () => {
  const silent = vi.fn();
  const loop = startFrames(vi.fn(), silent);
  run(1);
  loop.answered('runs');
  run(100);
  now += 3_600_000;
  run(1000);
  expect(silent).not.toHaveBeenCalled();
});

test('a hidden page asks for nothing until it is seen again', () => {
  const ask = vi.fn();
  const loop = startFrames(ask, vi.fn());
  run(1);
  loop.answered('runs');
  page.hidden = true;
  run(2000);
  loop.hurry();
  expect(ask).toHaveBeenCalledTimes(1);
  page.hidden = false;
  page.seen();
  run(1);
  expect(ask).toHaveBeenCalledTimes(2);
});
