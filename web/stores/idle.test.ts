import { expect, test } from 'vitest';
import { IdleMeter } from './idle.ts';

const FRAME = 1000 / 60;

/** The answers of a new meter to one view a frame, each halted or not as `halted` says for its number. */
function answers(frames: number, halted: (frame: number) => boolean): readonly boolean[] {
  const meter = new IdleMeter();
  return Array.from({ length: frames }, (_, i) => meter.seen(i * FRAME, { running: true, halted: halted(i) }));
}

/** How often an answer differs from the one before. */
function changes(list: readonly boolean[]): number {
  return list.filter((answer, i) => i > 0 && answer !== list[i - 1]).length;
}

test('a guest that wakes for its timer stays idle', () => {
  const list = answers(300, frame => frame % 6 !== 0);
  expect(list.at(-1)).toBe(true);
  expect(changes(list)).toBe(1);
});

test('a guest that halts now and then stays busy', () => {
  expect(answers(300, frame => frame % 3 === 0)).not.toContain(true);
});

test('half and half changes nothing, whatever it was before', () => {
  expect(changes(answers(300, frame => frame % 2 === 0))).toBe(0);
  expect(changes(answers(300, frame => frame < 60 || frame % 2 === 0))).toBe(1);
});

test('a change of the guest shows within half a second', () => {
  const list = answers(120, frame => frame >= 60);
  expect(list[60]).toBe(false);
  expect(list[60 + 30]).toBe(true);
});

test('the first half second after a start is not idle, and views at any distance count', () => {
  const meter = new IdleMeter();
  expect(meter.seen(0, { running: true, halted: true })).toBe(false);
  expect(meter.seen(400, { running: true, halted: true })).toBe(false);
  expect(meter.seen(9000, { running: true, halted: true })).toBe(true);
});

test('a machine that stands still is not idle, and begins anew', () => {
  const meter = new IdleMeter();
  for (let i = 0; i < 60; i += 1) meter.seen(i * FRAME, { running: true, halted: true });
  expect(meter.seen(1000, { running: false, halted: true })).toBe(false);
  expect(meter.seen(1017, { running: true, halted: true })).toBe(false);
});
