import { expect, test } from 'vitest';
import { KIND, Stretches } from './stretches.ts';

const USER = 3;
const KERNEL = 0;

/** Pieces of a microsecond each, in turn in two lanes, with ten steps. */
function fill(store: Stretches, pieces: number, from = 0): void {
  const part = new Stretches(1);
  for (let n = 0; n < pieces; n++) {
    const start = (from + n) / 1e6;
    const end = (from + n + 1) / 1e6;
    part.clear();
    part.push(KIND.guest, n % 2 === 0 ? USER : KERNEL, start, end, n % 5, 0x1000 + n, n * 10, 10, 1, end - start);
    store.append(part.columns, 1);
  }
}

function sums({ columns, length }: Stretches): { steps: number; count: number; busy: number } {
  const all = { steps: 0, count: 0, busy: 0 };
  for (let i = 0; i < length; i++) {
    all.steps += columns.steps[i];
    all.count += columns.count[i];
    all.busy += columns.busy[i];
  }
  return all;
}

test('however much comes, the room is kept, the latest is whole, and nothing is lost', () => {
  const store = new Stretches(1000);
  fill(store, 50_000);
  expect(store.length).toBeLessThanOrEqual(1000);
  const { steps, count, busy } = sums(store);
  expect(steps).toBe(500_000);
  expect(count).toBe(50_000);
  expect(busy).toBeCloseTo(0.05, 5);
  const { kind, start, end, address } = store.columns;
  expect(start[0]).toBe(0);
  expect(end[store.length - 1]).toBe(0.05);
  expect(address[store.length - 1]).toBe(0x1000 + 49_999);
  for (let i = store.length - 100; i < store.length; i++) expect(kind[i]).toBe(KIND.guest);
  for (let i = 1; i < store.length; i++) {
    expect(start[i]).toBeGreaterThanOrEqual(start[i - 1]);
    expect(end[i]).toBeGreaterThanOrEqual(end[i - 1]);
  }
});

test('what is long is not merged with what is short', () => {
  const store = new Stretches(100);
  fill(store, 20);
  store.push(KIND.wait, 9, 20e-6, 0.5, 1, 0, 200, 0, 1, 0.5 - 20e-6);
  store.merge(store.length, 1e-4);
  expect(Array.from(store.columns.kind.subarray(0, store.length))).toEqual([KIND.several, KIND.several, KIND.wait]);
  expect(Array.from(store.columns.count.subarray(0, 3))).toEqual([10, 10, 1]);
});

test('nothing is merged over a gap, unless there is no other way', () => {
  const store = new Stretches(100);
  fill(store, 10);
  fill(store, 10, 1000);
  store.merge(store.length, 1);
  const { start, end } = store.columns;
  expect(store.length).toBe(4);
  expect(end[1]).toBeLessThan(start[2]);

  const gaps = new Stretches(100);
  for (let n = 0; n < 1000; n++) fill(gaps, 1, 2 * n);
  expect(gaps.length).toBeLessThanOrEqual(100);
  expect(sums(gaps).count).toBe(1000);
});

test('going back cuts off what ends later', () => {
  const store = new Stretches(100);
  fill(store, 50);
  store.cut(20.5e-6);
  expect(store.length).toBe(20);
  expect(store.columns.end[store.length - 1]).toBeLessThanOrEqual(20.5e-6);
  expect(() => store.append(store.columns, 60)).toThrow(RangeError);
});

test('what is gathered is merged at once, is no longer than what was merged before, and nothing of it is lost', () => {
  const store = new Stretches(1000);
  const end = (n: number) => n / 1e6;
  const add = (n: number) =>
    store.add(KIND.guest, n % 2 === 0 ? USER : KERNEL, end(n), end(n + 1), n % 5, n, n * 10, 10);
  for (let n = 0; n < 3000; n++) add(n);
  const longest = Math.max(...store.columns.busy.subarray(0, store.length)) * 2;
  store.isGathering = true;
  for (let n = 3000; n < 40_000; n++) add(n);
  const gathered = store.columns.kind.subarray(store.length - 100, store.length);
  expect(new Set(gathered)).toEqual(new Set([KIND.several]));
  store.isGathering = false;
  for (let n = 40_000; n < 40_100; n++) add(n);

  expect(store.length).toBeLessThanOrEqual(1000);
  expect(sums(store)).toEqual({ steps: 401_000, count: 40_100, busy: expect.closeTo(0.0401, 5) });
  const { start, end: ends, kind, address } = store.columns;
  for (let i = store.length - 100; i < store.length; i++) expect(kind[i]).toBe(KIND.guest);
  expect(address[store.length - 1]).toBe(40_099);
  for (let i = 1; i < store.length; i++) {
    expect(start[i]).toBeGreaterThanOrEqual(start[i - 1]);
    expect(ends[i]).toBeGreaterThanOrEqual(ends[i - 1]);
    // Each time that room is made, what is merged may become twice as long.
    expect(ends[i] - start[i]).toBeLessThan(16 * longest);
  }
});

test('what is long, or alone between gaps, is gathered as it came', () => {
  const store = new Stretches(1000);
  for (let n = 0; n < 3000; n++) store.add(KIND.guest, USER, n / 1e6, (n + 1) / 1e6, 0, 0, 0, 10);
  const before = store.length;
  store.isGathering = true;
  store.add(KIND.mark, KERNEL, 0.1, 0.1, 7, 0x1234, 20, 0);
  store.add(KIND.guest, USER, 0.2, 0.200_001, 8, 0x5678, 30, 10);
  store.add(KIND.wait, 9, 0.200_001, 0.7, 9, 0, 40, 0);
  store.isGathering = false;
  const { kind, lane, name, address, count } = store.columns;
  const added = [before, before + 1, before + 2];
  expect(store.length).toBe(before + 3);
  expect(added.map(i => [kind[i], lane[i], name[i], address[i], count[i]])).toEqual([
    [KIND.mark, KERNEL, 7, 0x1234, 1],
    [KIND.guest, USER, 8, 0x5678, 1],
    [KIND.wait, 9, 9, 0, 1],
  ]);
});
