import { decimal } from '../../format.ts';

/** What part of the time a timeline shows: zoom and pan. Times are seconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** All that there is to show: from the first stretch to the present. */
export type Whole = Span;

/** The shortest time that is shown: a few instructions. */
export const SHORTEST = 1e-7;
/** What is shown at first, where there is as much. */
export const FIRST = 0.02;
/** Share of the width that stays free behind the present. */
const MARGIN = 0.03;

function longest({ from, to }: Whole): number {
  return Math.max((to - from) / (1 - MARGIN), SHORTEST);
}

/** Keeps a span within what there is, and a little behind it. */
export function clamp(span: Span, whole: Whole): Span {
  const length = Math.min(Math.max(span.to - span.from, SHORTEST), longest(whole));
  const last = whole.to + length * MARGIN;
  const to = Math.min(Math.max(span.to, whole.from + length), Math.max(last, whole.from + length));
  return { from: to - length, to };
}

/** Shows `factor` times as much (below 1: less), with the time at `at` where it is. */
export function zoom({ from, to }: Span, factor: number, at: number, whole: Whole): Span {
  const length = Math.min(Math.max((to - from) * factor, SHORTEST), longest(whole));
  const share = (at - from) / (to - from);
  const start = at - share * length;
  return clamp({ from: start, to: start + length }, whole);
}

/** Moves by a share of the width. */
export function pan({ from, to }: Span, share: number, whole: Whole): Span {
  const by = (to - from) * share;
  return clamp({ from: from + by, to: to + by }, whole);
}

export function all(whole: Whole): Span {
  return clamp({ from: whole.from, to: whole.from + longest(whole) }, whole);
}

/** So many seconds, or all where there is less, with the present at the end. */
export function follow(seconds: number, whole: Whole): Span {
  const length = Math.max(Math.min(seconds, longest(whole)), SHORTEST);
  const end = whole.to + length * MARGIN;
  return { from: end - length, to: end };
}

/** Whether the present is in it. */
export function hasPresent({ to }: Span, whole: Whole): boolean {
  return to >= whole.to;
}

/** Moves as little as it takes to show a stretch with room around it; one that is too short to be seen is zoomed in on. */
export function reveal(span: Span, start: number, end: number, whole: Whole): Span {
  const length = span.to - span.from;
  const time = end - start;
  if (time > 0 && time < length / 400) return clamp(around(start, end, 20), whole);
  if (time > length * 0.9) return clamp(around(start, end, 1.25), whole);
  const room = length * 0.05;
  if (start < span.from + room) return clamp({ from: start - room, to: start - room + length }, whole);
  if (end > span.to - room) return clamp({ from: end + room - length, to: end + room }, whole);
  return span;
}

function around(start: number, end: number, times: number): Span {
  const middle = (start + end) / 2;
  const half = Math.max(((end - start) * times) / 2, SHORTEST / 2);
  return { from: middle - half, to: middle + half };
}

/** Round times for so many pixels: 1, 2 or 5 times a power of ten apart, and the digits behind the point that tell them apart. */
export function ticks(
  { from, to }: Span,
  width: number,
  apart = 110,
): { readonly at: number[]; readonly step: number } {
  const rough = ((to - from) * apart) / Math.max(width, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (rough / power <= 2 ? 2 : rough / power <= 5 ? 5 : 10);
  const at: number[] = [];
  for (let n = Math.ceil(from / step); n * step <= to; n++) at.push(n * step);
  return { at, step };
}

/** A time on the axis, in the unit that suits the distance of its neighbours. */
export function tickText(at: number, step: number): string {
  const [unit, scale] = step >= 0.1 ? ['s', 1] : step >= 1e-4 ? ['ms', 1e3] : ['µs', 1e6];
  const digits = Math.max(0, -Math.floor(Math.log10(step * scale) + 1e-9));
  return `${decimal(at * scale, digits)} ${unit}`;
}
