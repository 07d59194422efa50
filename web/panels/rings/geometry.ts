import type { Place, RingNumber, RingSet } from './seats.ts';

/** Sizes of the drawing, in units of its view box. */
export const WIDTH = 290;
export const HEIGHT = { one: 204, two: 168 } as const;

/** A set of rings on the drawing. */
export interface Circles {
  readonly operation: RingSet['operation'];
  readonly x: number;
  readonly y: number;
  /** Outer radius by ring number. */
  readonly radius: readonly [number, number, number, number];
}

const ONE: readonly Circles[] = [{ operation: 'only', x: 145, y: 102, radius: [36, 58, 78, 100] }];
const TWO: readonly Circles[] = [
  { operation: 'nonRoot', x: 72, y: 92, radius: [27, 39, 51, 70] },
  { operation: 'root', x: 218, y: 92, radius: [27, 39, 51, 70] },
];

export function circlesOf(sets: readonly RingSet[]): readonly Circles[] {
  return sets.length === 1 ? ONE : TWO;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The next ring towards the centre. */
export function innerRadius({ radius }: Circles, ring: RingNumber): number {
  return ring === 0 ? 0 : radius[ring === 1 ? 0 : ring === 2 ? 1 : 2];
}

/** Where the marker of a place stands: below the labels. */
export function pointOf(sets: readonly Circles[], { operation, ring }: Place): Point {
  const circles = sets.find(set => set.operation === operation) ?? sets[0];
  if (ring === 0) return { x: circles.x, y: Math.round(circles.y + circles.radius[0] * 0.74) };
  const angle = (50 * Math.PI) / 180;
  const r = (innerRadius(circles, ring) + circles.radius[ring]) / 2;
  return { x: Math.round(circles.x + r * Math.cos(angle)), y: Math.round(circles.y + r * Math.sin(angle)) };
}

/** A bent line between two points, as an SVG path. `bend`: how far its middle stands off, to the left of its direction. */
export function curve(from: Point, to: Point, bend: number): string {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const x = (from.x + to.x) / 2 + (dy / length) * bend;
  const y = (from.y + to.y) / 2 - (dx / length) * bend;
  return `M ${from.x} ${from.y} Q ${x.toFixed(1)} ${y.toFixed(1)} ${to.x} ${to.y}`;
}
