import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startFrames } from './frame.ts';

/** A page with a clock of its own: frames every 16 ms. */
let frames: ((now: number) => void)[] = [];
let now = 0;
let page: { hidden: boolean; seen: () => void };

beforeEach(() => {
  vi.useFakeTimers();
  frames = [];
  now = 0;
  page = { hidden: false, seen: () => {} };
  vi.stubGlobal('window', { setTimeout: globalThis.setTimeout });
  vi.stubGlobal('performance', { now: () => now });
  vi.stubGlobal('requestAnimationFrame', (f: (now: number) => void) => frames.push(f));
  vi.stubGlobal('cancelAnimationFrame', () => {
    frames = [];
  });
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

function frame(elapsed = 16): void {
  now += elapsed;
  const due = frames;
  frames = [];
  for (const f of due) f(now);
}

function run(milliseconds: number): void {
  for (let t = 0; t < milliseconds; t += 16) frame();
}

test('a running machine is asked once a frame, and never twice for one answer', () => {
  const ask = vi.fn();
  const loop = startFrames(ask, vi.fn());
  for (let i = 1; i <= 10; i += 1) {
    frame();
    expect(ask).toHaveBeenCalledTimes(i);
    frame();
    expect(ask).toHaveBeenCalledTimes(i);
    loop.answered(true);
  }
});

test('a paused machine is asked a few times a second', () => {
  const ask = vi.fn();
  const loop = startFrames(ask, vi.fn());
  for (let t = 0; t < 1000; t += 16) {
    const before = ask.mock.calls.length;
    vi.advanceTimersByTime(16);
    frame();
    if (ask.mock.calls.length > before) loop.answered(false);
  }
  expect(ask.mock.calls.length).toBeGreaterThanOrEqual(3);
  expect(ask.mock.calls.length).toBeLessThanOrEqual(5);
});

test('a request brings a view at once, or right after the one on its way', () => {
  const ask = vi.fn();
  const loop = startFrames(ask, vi.fn());
  frame();
  loop.answered(false);
  loop.hurry();
  expect(ask).toHaveBeenCalledTimes(2);
  loop.hurry();
  expect(ask).toHaveBeenCalledTimes(2);
  loop.answered(false);
  frame();
  expect(ask).toHaveBeenCalledTimes(3);
});

test('five seconds without an answer are reported once', () => {
  const silent = vi.fn();
  const loop = startFrames(vi.fn(), silent);
  frame();
  loop.answered(true);
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
  frame();
  loop.answered(true);
  frame();
  frame(3_600_000);
  expect(silent).not.toHaveBeenCalled();
});

test('a hidden page asks for nothing until it is seen again', () => {
  const ask = vi.fn();
  const loop = startFrames(ask, vi.fn());
  frame();
  loop.answered(true);
  page.hidden = true;
  run(2000);
  loop.hurry();
  expect(ask).toHaveBeenCalledTimes(1);
  page.hidden = false;
  page.seen();
  frame();
  expect(ask).toHaveBeenCalledTimes(2);
});
