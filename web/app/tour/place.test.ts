import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Box, placeCard } from './place.ts';

const page = { width: 1440, height: 900 };
const card = { width: 300, height: 160 };

function isApart(a: Box, b: Box): boolean {
  return (
    a.left >= b.left + b.width || b.left >= a.left + a.width || a.top >= b.top + b.height || b.top >= a.top + a.height
  );
}

test('a card stands beside its target, within the page', () => {
  const box = fc
    .tuple(
      fc.integer({ min: 0, max: 1300 }),
      fc.integer({ min: 0, max: 860 }),
      fc.integer({ min: 20, max: 500 }),
      fc.integer({ min: 20, max: 400 }),
    )
    .map(
      ([left, top, width, height]): Box => ({
        left,
        top,
        width: Math.min(width, 1440 - left),
        height: Math.min(height, 900 - top),
      }),
    );
  fc.assert(
    fc.property(box, target => {
      const place = placeCard(page, card, target, []);
      expect(place.left).toBeGreaterThanOrEqual(0);
      expect(place.top).toBeGreaterThanOrEqual(0);
      expect(place.left + card.width).toBeLessThanOrEqual(page.width);
      expect(place.top + card.height).toBeLessThanOrEqual(page.height);
      expect(isApart({ ...place, ...card }, target)).toBe(true);
    }),
  );
});

test('it goes out of the way of controls, as long as there is a way', () => {
  const target: Box = { left: 640, top: 8, width: 70, height: 32 };
  const below: Box = { left: 400, top: 50, width: 700, height: 40 };
  const place = placeCard(page, card, target, [below]);
  expect(isApart({ ...place, ...card }, below)).toBe(true);
  expect(isApart({ ...place, ...card }, target)).toBe(true);
});

test('without a target it stands in the lower right corner, and on a page that is too small in the upper left', () => {
  expect(placeCard(page, card, null, [])).toEqual({ left: 1130, top: 730 });
  expect(placeCard({ width: 200, height: 100 }, card, null, [])).toEqual({ left: 10, top: 10 });
});
