/** Sizes of the parts of a split, and what moving an edge between two of them does. */

/** A part as it stands: its size and its bounds, in pixels. */
export interface Extent {
  readonly size: number;
  readonly least: number;
  readonly most: number;
  /** It may vanish when its edge is moved far beyond what it needs. */
  readonly closable: boolean;
}

/** Moves the edge by so many pixels; or closes one of the two. */
export type Move = { readonly by: number } | { readonly close: 'before' | 'after' };

/** What a wish to move the edge between two neighbours comes to: what one gains the other loses, and neither leaves its bounds. */
export function moveEdge(before: Extent, after: Extent, wish: number): Move {
  if (before.closable && before.size + wish < before.least / 2) return { close: 'before' };
  if (after.closable && after.size - wish < after.least / 2) return { close: 'after' };
  const lowest = Math.max(before.least - before.size, after.size - after.most);
  const highest = Math.min(before.most - before.size, after.size - after.least);
  return { by: Math.max(Math.min(wish, highest), lowest, -before.size) };
}

/** Sizes in percent, by part. */
export type Sizes = Readonly<Record<string, number>>;

/** What was stored, if it is of these parts and fills the whole; else what they have at first. */
export function fitting(stored: Sizes | undefined, first: Sizes): Sizes {
  if (stored === undefined) return first;
  const names = Object.keys(first);
  const total = names.reduce((sum, name) => sum + (stored[name] ?? Number.NaN), 0);
  return Object.keys(stored).length === names.length && Math.abs(total - 100) < 1 ? stored : first;
}

/** Percent of the parts that were measured in pixels; those that are not shown keep theirs. */
export function toPercent(sizes: Sizes, pixels: ReadonlyMap<string, number>): Sizes {
  const kept = Object.entries(sizes).reduce((sum, [name, size]) => sum + (pixels.has(name) ? 0 : size), 0);
  const total = [...pixels.values()].reduce((sum, size) => sum + size, 0);
  const share = (name: string) => ((pixels.get(name) ?? 0) / Math.max(total, 1)) * (100 - kept);
  return Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, pixels.has(name) ? share(name) : size]));
}
