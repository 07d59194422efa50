import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Extent, fitting, moveEdge, toPercent } from './edges.ts';

const column: Extent = { size: 300, least: 240, most: 460, closable: true };
const middle: Extent = { size: 700, least: 320, most: Number.POSITIVE_INFINITY, closable: false };

test('an edge moves as far as both neighbours let it', () => {
  expect(moveEdge(column, middle, 50)).toEqual({ by: 50 });
  expect(moveEdge(column, middle, 500)).toEqual({ by: 160 });
  expect(moveEdge(column, middle, -100)).toEqual({ by: -60 });
  expect(moveEdge(middle, column, -500)).toEqual({ by: -160 });
});

test('a part that may vanish does so beyond half of what it needs', () => {
  expect(moveEdge(column, middle, -181)).toEqual({ close: 'before' });
  expect(moveEdge(middle, column, 181)).toEqual({ close: 'after' });
  expect(moveEdge(middle, { ...column, closable: false }, 1000)).toEqual({ by: 60 });
});

test('whatever is wished, both stay within their bounds and fill the same room', () => {
  const extent = fc
    .tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 400 }))
    .map(([least, more, room]): Extent => ({ size: least + more, least, most: least + more + room, closable: false }));
  fc.assert(
    fc.property(extent, extent, fc.integer({ min: -3000, max: 3000 }), (before, after, wish) => {
      const move = moveEdge(before, after, wish);
      if (!('by' in move)) throw new Error('closed what cannot be closed');
      for (const [part, size] of [
        [before, before.size + move.by],
        [after, after.size - move.by],
      ] as const) {
        expect(size).toBeGreaterThanOrEqual(part.least);
        expect(size).toBeLessThanOrEqual(part.most);
      }
    }),
  );
});

test('sizes of other parts, or that do not fill the whole, are not taken', () => {
  const first = { left: 25, middle: 50, right: 25 };
  expect(fitting({ left: 30, middle: 40, right: 30 }, first)).toEqual({ left: 30, middle: 40, right: 30 });
  for (const stored of [
    undefined,
    {},
    { left: 50, middle: 50 },
    { left: 25, middle: 25, right: 25 },
    { a: 25, b: 50, c: 25 },
  ]) {
    expect(fitting(stored, first)).toBe(first);
  }
});

test('what is closed keeps its share while the others are measured', () => {
  expect(
    toPercent(
      { left: 20, middle: 50, right: 30 },
      new Map([
        ['left', 300],
        ['middle', 500],
      ]),
    ),
  ).toEqual({ left: 26.25, middle: 43.75, right: 30 });
});
