/** Where the card of the tour stands: near what it is about, over nothing that one might want to press. */

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly left: number;
  readonly top: number;
}

/** Between card and target, and between card and the edge of the page, in pixels. */
const GAP = 14;
const EDGE = 10;
/** Of places along an edge of the target, and of the page. */
const STEPS = 8;

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  return Math.max(width, 0) * Math.max(height, 0);
}

/** Distance between two boxes, in pixels. */
function distance(a: Box, b: Box): number {
  const x = Math.max(b.left - (a.left + a.width), a.left - (b.left + b.width), 0);
  const y = Math.max(b.top - (a.top + a.height), a.top - (b.top + b.height), 0);
  return Math.hypot(x, y);
}

/** The best place for a card: within the page, off the target and the controls, and then as near to the target as can be. */
export function placeCard(page: Size, card: Size, target: Box | null, controls: readonly Box[]): Point {
  const right = page.width - card.width - EDGE;
  const bottom = page.height - card.height - EDGE;
  const corner: Point = { left: Math.max(right, EDGE), top: Math.max(bottom, EDGE) };
  if (target === null) return corner;
  const along = (from: number, to: number): number[] =>
    Array.from({ length: STEPS + 1 }, (_, i) => from + ((to - from) * i) / STEPS);
  const lefts = [target.left + target.width + GAP, target.left - card.width - GAP, ...along(EDGE, right), target.left];
  const tops = [target.top + target.height + GAP, target.top - card.height - GAP, ...along(EDGE, bottom), target.top];
  let best = corner;
  let least = Number.POSITIVE_INFINITY;
  for (const left of lefts) {
    for (const top of tops) {
      if (left < EDGE || top < EDGE || left > right || top > bottom) continue;
      const box: Box = { left, top, ...card };
      const covered = controls.reduce((sum, control) => sum + overlap(box, control), 0);
      const cost = overlap(box, target) * 100 + covered * 10 + distance(box, target);
      if (cost < least) {
        least = cost;
        best = { left, top };
      }
    }
  }
  return best;
}
