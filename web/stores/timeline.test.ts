import { beforeEach, expect, test } from 'vitest';
import type { PastView, View } from '../../core/protocol/messages.ts';
import type { TimelinePart } from '../../core/protocol/monitor.ts';
import { bareMonitor } from '../testing/monitor.ts';
import { timeline } from './timeline.ts';

const NAMES = ['begin'];

/** Pieces of a second each, with ten steps, from one time to another. */
function part(from: number, to: number, more: Partial<TimelinePart> = {}): TimelinePart {
  const many = to - from;
  const all = <T>(of: (n: number) => T): T[] => Array.from({ length: many }, (_, n) => of(from + n));
  return {
    start: Float64Array.from(all(n => n)),
    end: Float64Array.from(all(n => n + 1)),
    lane: Uint8Array.from(all(n => n % 2)),
    kind: new Uint8Array(many),
    name: new Uint16Array(many),
    address: Uint32Array.from(all(n => n)),
    step: Float64Array.from(all(n => n * 10)),
    steps: new Float64Array(many).fill(10),
    count: new Uint32Array(many).fill(1),
    busy: new Float32Array(many).fill(1),
    names: NAMES,
    cut: null,
    now: to,
    nowStep: to * 10,
    open: null,
    ...more,
  };
}

/** Only what the store looks at. */
function take(of: TimelinePart, isPast: boolean): void {
  const past: PastView = { from: 0, isPast, isSearching: false, bytes: 0 };
  timeline.take({ past, monitor: { ...bareMonitor, timeline: of } } as View);
}

const starts = (): number[] => Array.from({ length: timeline.length }, (_, n) => timeline.at(n).start);

beforeEach(() => timeline.clear());

test('what the machine went back from lies ahead, until it has come there again', () => {
  take(part(0, 10), false);
  take(part(4, 4, { cut: 4 }), true);
  expect(timeline.now).toBe(4);
  expect(timeline.present).toBe(4);
  expect(timeline.last).toBe(10);
  expect(starts()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  take(part(4, 6), true);
  expect(timeline.present).toBe(6);
  expect(starts()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(timeline.at(timeline.firstEndingAfter(8.5)).start).toBe(8);
  expect(timeline.indexOf(timeline.at(7))).toBe(7);
});

test('going back twice keeps all of it, in order', () => {
  take(part(0, 10), false);
  take(part(6, 6, { cut: 6 }), true);
  take(part(6, 8), true);
  take(part(2, 2, { cut: 2 }), true);
  expect(timeline.present).toBe(2);
  expect(starts()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('on a course of its own nothing comes again', () => {
  take(part(0, 10), false);
  take(part(4, 4, { cut: 4 }), true);
  take(part(4, 5), false);
  expect(starts()).toEqual([0, 1, 2, 3, 4]);
  expect(timeline.last).toBe(5);
  // Without a past to come again, a cut forgets.
  take(part(2, 2, { cut: 2 }), false);
  expect(starts()).toEqual([0, 1]);
});
