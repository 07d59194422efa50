import { KIND, type Stretches, TIMELINE_LANES, type TimelineLane } from '../../../core/protocol/stretches.ts';
import type { Stretch, timeline as store } from '../../stores/timeline.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { type Span, ticks, tickText } from './axis.ts';
import { LOOKS, type Owner } from './lanes.ts';

/** Heights in CSS pixels. */
export const AXIS = 20;
export const LANE_GAP = 4;

export interface Colours extends Readonly<Record<Owner, string>> {
  readonly panel: string;
  readonly soft: string;
  readonly line: string;
  readonly ink: string;
  readonly dim: string;
  readonly focus: string;
  readonly font: string;
}

export interface Scene {
  readonly width: number;
  readonly height: number;
  readonly span: Span;
  readonly lanes: readonly TimelineLane[];
  readonly colours: Colours;
  readonly hovered: Stretch | null;
  readonly selected: Stretch | null;
  /** Name of the function that an address lies in, or null. */
  readonly nameAt: (address: number) => string | null;
}

/** Below this many pixels a stretch is drawn as a share of its column. */
const NARROW = 1.5;
/** A stretch with so many pixels has room for its name. */
const LABELLED = 46;
/** A letter of a name has about so many: to measure each would take longer than to draw it. */
const LETTER = 6.4;
/** Instructions that have so many pixels are told apart. */
const INSTRUCTION = 5;

/** Height of a lane. */
export function laneHeight(height: number, lanes: number): number {
  return Math.max((height - AXIS) / lanes - LANE_GAP, 4);
}

/** Share of each column that its lane had, by lane and column. */
let cover = new Float64Array(0);

const patterns = new Map<string, CanvasPattern>();

/** What tells a lane without its colour. */
function patternOf(context: CanvasRenderingContext2D, lane: TimelineLane, colours: Colours): CanvasPattern | null {
  const { owner, pattern } = LOOKS[lane];
  if (pattern === 'plain') return null;
  const key = `${pattern} ${colours[owner]} ${colours.panel}`;
  const known = patterns.get(key);
  if (known !== undefined) return known;
  const tile = document.createElement('canvas');
  tile.width = 8;
  tile.height = 8;
  const draw = tile.getContext('2d');
  if (draw === null) return null;
  draw.fillStyle = colours[owner];
  draw.fillRect(0, 0, 8, 8);
  draw.globalAlpha = 0.28;
  draw.strokeStyle = draw.fillStyle = colours.panel;
  draw.lineWidth = 1.5;
  draw.beginPath();
  if (pattern === 'stripes') {
    for (const x of [-8, 0, 8]) {
      draw.moveTo(x, 8);
      draw.lineTo(x + 8, 0);
    }
  } else if (pattern === 'bars') {
    draw.moveTo(0, 4);
    draw.lineTo(8, 4);
  } else {
    draw.fillRect(1, 1, 2.5, 2.5);
    draw.fillRect(5, 5, 2.5, 2.5);
  }
  draw.stroke();
  const made = context.createPattern(tile, 'repeat');
  if (made !== null) patterns.set(key, made);
  return made;
}

/** Where things are on the canvas. */
interface Frame {
  readonly scale: number;
  readonly tall: number;
  /** Row of each lane, by its index; -1: it has none. */
  readonly rows: readonly number[];
  readonly wide: number;
  readonly bottom: number;
}

/** What lies ahead of the machine, which has gone back, is paler. */
const AHEAD = 0.38;

/** Upper edge of a row. */
function topOf({ tall }: Frame, row: number): number {
  return row * (tall + LANE_GAP);
}

/** Draws what the store holds of the span. */
export function draw(context: CanvasRenderingContext2D, held: typeof store, scene: Scene): void {
  const { width, height, span, lanes, colours } = scene;
  const scale = width / (span.to - span.from);
  const tall = laneHeight(height, lanes.length);
  const frame: Frame = {
    scale,
    tall,
    rows: TIMELINE_LANES.map(name => lanes.indexOf(name)),
    wide: Math.ceil(width),
    bottom: lanes.length * (tall + LANE_GAP) - LANE_GAP,
  };

  context.clearRect(0, 0, width, height);
  const recordedFrom = Math.max((held.first - span.from) * scale, 0);
  const recordedTo = Math.min((held.last - span.from) * scale, width);
  context.fillStyle = colours.soft;
  for (let row = 0; row < lanes.length; row++) {
    context.fillRect(recordedFrom, topOf(frame, row), Math.max(recordedTo - recordedFrom, 0), tall);
  }

  const first = held.stretches.firstEndingAfter(span.from - 1e-9);
  drawStretches(context, held, held.stretches, first, scene, frame, true);
  const { ahead } = held;
  if (ahead !== null && held.last > span.from && held.now < span.to) {
    const from = Math.max(ahead.from, ahead.stretches.firstEndingAfter(span.from - 1e-9));
    context.globalAlpha = AHEAD;
    drawStretches(context, held, ahead.stretches, from, scene, frame, false);
    context.globalAlpha = 1;
  }

  axis(context, scene, frame.bottom);
  present(context, (held.now - span.from) * scale, frame.bottom, colours, width);
  if (scene.hovered !== null) outline(context, scene, scene.hovered, 1.5, colours.ink);
  if (scene.selected !== null) outline(context, scene, scene.selected, 2.5, colours.focus);
}

interface Box {
  readonly row: number;
  readonly index: number;
  readonly x: number;
  readonly w: number;
}

/** Draws records from an index on; with the one that goes on, if they are of the past. */
function drawStretches(
  context: CanvasRenderingContext2D,
  held: typeof store,
  { columns, length }: Stretches,
  first: number,
  scene: Scene,
  frame: Frame,
  isPast: boolean,
): void {
  const { width, span, lanes, colours } = scene;
  const { scale, tall, rows, wide, bottom } = frame;
  const { start, end, lane, kind, busy } = columns;
  if (cover.length < lanes.length * wide) cover = new Float64Array(lanes.length * wide);
  else cover.fill(0, 0, lanes.length * wide);

  const whole: Box[] = [];
  const marks: number[] = [];
  const gaps: { readonly x: number; readonly w: number }[] = [];
  let last = isPast ? (first > 0 ? end[first - 1] : Number.NEGATIVE_INFINITY) : held.now;
  for (let i = first; i < length && start[i] <= span.to; i++) {
    // What is ahead may have begun before the present.
    const from = isPast ? start[i] : Math.max(start[i], held.now);
    const x = (from - span.from) * scale;
    const w = (end[i] - from) * scale;
    if ((from - last) * scale > 2 && i > 0) gaps.push({ x: (last - span.from) * scale, w: (from - last) * scale });
    last = end[i];
    const row = rows[lane[i]];
    if (row < 0) continue;
    if (kind[i] === KIND.mark) marks.push(row, x);
    else if (w >= NARROW && kind[i] !== KIND.several) whole.push({ row, index: i, x, w });
    else spread(row * wide, x, w, busy[i] * scale, wide);
  }

  for (const { x, w } of gaps) {
    context.fillStyle = colours.panel;
    context.fillRect(x, 0, w, bottom);
    context.strokeStyle = colours.line;
    context.strokeRect(x + 0.5, 0.5, Math.max(w - 1, 0), bottom - 1);
    if (w > 80)
      label(context, laterText.timeline.notRecorded, Math.max(x, 0) + 8, bottom / 2, w - 16, colours.dim, colours.font);
  }

  const open = isPast ? held.open : null;
  const isOpen = open !== null && held.now >= span.from && open.start <= span.to;
  for (let row = 0; row < lanes.length; row++) {
    context.fillStyle = patternOf(context, lanes[row], colours) ?? colours[LOOKS[lanes[row]].owner];
    const y = topOf(frame, row);
    for (const one of whole) if (one.row === row) context.fillRect(one.x, y, Math.max(one.w - 0.5, 1), tall);
    if (isOpen && rows[open.lane] === row) {
      context.fillRect((open.start - span.from) * scale, y, Math.max((held.now - open.start) * scale, 1), tall);
    }
    // Columns of the same height are one box.
    const at = row * wide;
    for (let x = 0; x < wide; ) {
      const share = heightOf(cover[at + x], tall);
      let next = x + 1;
      while (next < wide && heightOf(cover[at + next], tall) === share) next++;
      if (share > 0) context.fillRect(x, y + tall - share, next - x, share);
      x = next;
    }
  }

  const { steps, name, address } = columns;
  const alpha = context.globalAlpha;
  context.strokeStyle = colours.panel;
  context.lineWidth = 1;
  for (const { row, index, x, w } of whole) {
    if (w < LABELLED) continue;
    const { owner } = LOOKS[TIMELINE_LANES[lane[index]]];
    const each = w / steps[index];
    if (each >= INSTRUCTION && owner !== 'silicon') {
      context.globalAlpha = alpha / 2;
      context.beginPath();
      const from = Math.max(1, Math.floor(-x / each));
      for (let n = from; n < steps[index] && x + n * each < width; n++) {
        context.moveTo(Math.round(x + n * each) + 0.5, topOf(frame, row));
        context.lineTo(Math.round(x + n * each) + 0.5, topOf(frame, row) + tall);
      }
      context.stroke();
      context.globalAlpha = alpha;
    }
    const symbol = kind[index] === KIND.guest && address[index] !== 0 ? scene.nameAt(address[index]) : null;
    const words = symbol ?? text.said(held.names[name[index]] ?? '');
    const left = Math.max(x, 0) + 6;
    const room = Math.min(x + w, width) - left - 6;
    if (room > 24 && tall >= 12)
      boxed(context, words, left, topOf(frame, row) + tall / 2, room, colours.panel, colours[owner], colours.font);
  }

  context.fillStyle = colours.ink;
  for (let i = 0; i < marks.length; i += 2) {
    const y = topOf(frame, marks[i]);
    context.beginPath();
    context.moveTo(marks[i + 1] - 4, y);
    context.lineTo(marks[i + 1] + 4, y);
    context.lineTo(marks[i + 1], y + 7);
    context.fill();
  }
}

/** Adds so many pixels of a lane's time to the columns from `x` on. */
function spread(at: number, x: number, w: number, busy: number, wide: number): void {
  const from = Math.max(Math.floor(x), 0);
  const to = Math.min(Math.floor(x + w), wide - 1);
  if (to < from) return;
  if (to === from) {
    cover[at + from] += busy;
    return;
  }
  const share = busy / w;
  for (let column = from; column <= to; column++) {
    cover[at + column] += share * (Math.min(column + 1, x + w) - Math.max(column, x));
  }
}

/** However little it was, it shows. */
function heightOf(share: number, tall: number): number {
  return share === 0 ? 0 : Math.max(Math.round(Math.min(share, 1) * tall), 2);
}

function label(
  context: CanvasRenderingContext2D,
  words: string,
  x: number,
  y: number,
  room: number,
  colour: string,
  font: string,
): void {
  context.font = font;
  context.textBaseline = 'middle';
  context.fillStyle = colour;
  const most = Math.floor(room / LETTER);
  if (most < 3) return;
  context.fillText(words.length > most ? `${words.slice(0, most - 1)}…` : words, x, y, room);
}

/** A label on the plain colour, so that no pattern is behind it. */
function boxed(
  context: CanvasRenderingContext2D,
  words: string,
  x: number,
  y: number,
  room: number,
  colour: string,
  behind: string,
  font: string,
): void {
  context.fillStyle = behind;
  context.fillRect(x - 3, y - 7, Math.min(words.length * LETTER, room) + 6, 14);
  label(context, words, x, y, room, colour, font);
}

function axis(context: CanvasRenderingContext2D, { span, width, colours }: Scene, bottom: number): void {
  const { at, step } = ticks(span, width);
  const scale = width / (span.to - span.from);
  context.font = colours.font;
  context.textBaseline = 'middle';
  context.fillStyle = colours.dim;
  context.strokeStyle = colours.line;
  context.lineWidth = 1;
  context.beginPath();
  for (const time of at) {
    const x = Math.round((time - span.from) * scale) + 0.5;
    context.moveTo(x, bottom);
    context.lineTo(x, bottom + 6);
    const words = tickText(time, step);
    if (x + context.measureText(words).width + 4 < width) context.fillText(words, x + 4, bottom + 11);
  }
  context.stroke();
}

function present(context: CanvasRenderingContext2D, x: number, bottom: number, colours: Colours, width: number): void {
  if (x < 0 || x > width) return;
  context.fillStyle = colours.ink;
  context.fillRect(x, 0, 1.5, bottom + 4);
  context.beginPath();
  context.moveTo(x - 4, bottom + 8);
  context.lineTo(x + 5.5, bottom + 8);
  context.lineTo(x + 0.75, bottom + 2);
  context.fill();
}

function outline(
  context: CanvasRenderingContext2D,
  { span, width, height, lanes }: Scene,
  stretch: Stretch,
  line: number,
  colour: string,
): void {
  const row = lanes.indexOf(TIMELINE_LANES[stretch.lane]);
  const scale = width / (span.to - span.from);
  const x = (stretch.start - span.from) * scale;
  const w = Math.max((stretch.end - stretch.start) * scale, 5);
  if (row < 0 || x > width || x + w < 0) return;
  const tall = laneHeight(height, lanes.length);
  context.strokeStyle = colour;
  context.lineWidth = line;
  const left = Math.max(x, -10);
  const right = Math.min(x + w, width + 10);
  context.strokeRect(left, row * (tall + LANE_GAP) + line / 2, right - left, tall - line);
}
