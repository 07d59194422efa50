import { TIMELINE_LANES, type TimelineLane } from '../../../core/protocol/stretches.ts';
import { machine } from '../../stores/machine.ts';
import { settings } from '../../stores/settings.ts';
import { type Stretch, timeline } from '../../stores/timeline.ts';
import { all, FIRST, follow, hasPresent, pan, reveal, type Span, type Whole, zoom } from './axis.ts';
import { AXIS, type Colours, draw, LANE_GAP, laneHeight } from './draw.ts';
import type { Owner } from './lanes.ts';

export interface SurfaceListener {
  readonly onHover: (stretch: Stretch | null) => void;
  readonly onSelect: (stretch: Stretch | null) => void;
  /** A stretch was chosen to go to: by a click, a tap or Enter. */
  readonly onGo: (stretch: Stretch) => void;
  readonly onFollow: (following: boolean) => void;
  /** Seconds that are shown. */
  readonly onSpan: (seconds: number) => void;
}

/** Pixels beside a stretch that still mean it. */
const NEAR = 4;
/** Pixels after which a press is a drag. */
const DRAG = 4;
/** Share of the width that shows what is ahead of the present. */
const AHEAD = 0.3;
const KEY_PAN = 0.15;
const KEY_ZOOM = 1.5;

/** The canvas of the timeline: draws once per animation frame what has changed, and takes pointer and keys. */
export class Surface {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D | null;
  readonly #listener: SurfaceListener;
  readonly #ends: (() => void)[] = [];
  #lanes: readonly TimelineLane[] = [];
  #span: Span;
  #following = true;
  /** Seconds that the reader wants to see, where there is as much. */
  #wanted = FIRST;
  #hovered: Stretch | null = null;
  #selected: Stretch | null = null;
  #colours: Colours | null = null;
  #frame = 0;
  /** Seconds that the listener knows of. */
  #shown = 0;
  #width = 0;
  #height = 0;
  /** Pointers that are down, by id: where each is, and how far the first has moved. */
  readonly #pointers = new Map<number, number>();
  #moved = 0;
  /** More than one pointer was down since the first: that is no click. */
  #isPinch = false;

  constructor(canvas: HTMLCanvasElement, listener: SurfaceListener) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d');
    this.#listener = listener;
    this.#span = { from: 0, to: FIRST };
    const redraw = (): void => this.#draw();
    const recolour = (): void => {
      this.#colours = null;
      this.#draw();
    };
    const size = new ResizeObserver(() => this.#resize());
    size.observe(canvas);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', recolour);
    const on = <K extends keyof HTMLElementEventMap>(type: K, take: (event: HTMLElementEventMap[K]) => void): void =>
      canvas.addEventListener(type, take, { passive: false });
    on('wheel', event => this.#wheel(event));
    on('pointerdown', event => this.#down(event));
    on('pointermove', event => this.#move(event));
    on('pointerup', event => this.#up(event));
    on('pointercancel', event => this.#pointers.delete(event.pointerId));
    on('lostpointercapture', event => this.#pointers.delete(event.pointerId));
    on('pointerleave', () => this.#hover(null));
    this.#ends.push(
      timeline.listen(redraw),
      settings.subscribe(recolour),
      () => size.disconnect(),
      () => dark.removeEventListener('change', recolour),
      () => cancelAnimationFrame(this.#frame),
    );
    this.#resize();
  }

  end(): void {
    for (const end of this.#ends) end();
  }

  show(lanes: readonly TimelineLane[]): void {
    this.#lanes = lanes;
    this.#draw();
  }

  get #whole(): Whole {
    return { from: timeline.first, to: timeline.last };
  }

  /** Up to the present, and so much behind it as there is room for, if something is. */
  get #upToNow(): Whole {
    const { first, now, last } = timeline;
    return { from: first, to: Math.min(last, now + this.#wanted * AHEAD) };
  }

  #resize(): void {
    const { width, height } = this.#canvas.getBoundingClientRect();
    const ratio = devicePixelRatio;
    this.#width = width;
    this.#height = height;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#context?.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#draw();
  }

  #draw(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#context === null || this.#width === 0 || this.#lanes.length === 0) return;
      this.#colours ??= coloursOf(this.#canvas);
      if (this.#following) this.#span = follow(this.#wanted, this.#upToNow);
      const symbols = machine.getState().guest?.symbols;
      draw(this.#context, timeline, {
        width: this.#width,
        height: this.#height,
        span: this.#span,
        lanes: this.#lanes,
        colours: this.#colours,
        hovered: this.#hovered,
        selected: this.#selected,
        nameAt: address => symbols?.nameAt(address) ?? null,
      });
      const shown = this.#span.to - this.#span.from;
      if (shown === this.#shown) return;
      this.#shown = shown;
      this.#listener.onSpan(shown);
    });
  }

  #look(span: Span): void {
    this.#span = span;
    this.#wanted = span.to - span.from;
    this.#setFollowing(hasPresent(span, this.#upToNow));
    this.#draw();
  }

  #setFollowing(following: boolean): void {
    if (this.#following === following) return;
    this.#following = following;
    this.#listener.onFollow(following);
  }

  /** Shows `factor` times as much, around the chosen stretch if that is in view, else around the present or the middle. */
  zoom(factor: number): void {
    const { from, to } = this.#span;
    const chosen = this.#selected === null ? Number.NaN : (this.#selected.start + this.#selected.end) / 2;
    const other = this.#following ? timeline.now : (from + to) / 2;
    this.#look(zoom(this.#span, factor, chosen >= from && chosen <= to ? chosen : other, this.#whole));
  }

  fit(): void {
    this.#look(all(this.#whole));
  }

  follow(following: boolean): void {
    if (!following) this.#setFollowing(false);
    else this.#look(follow(this.#wanted, this.#upToNow));
  }

  /** Carries out a key; false if it means nothing here. */
  key(key: string, modified: boolean): boolean {
    if (modified) return false;
    switch (key) {
      case 'w':
      case 'W':
      case '+':
      case '=':
        this.zoom(1 / KEY_ZOOM);
        return true;
      case 's':
      case 'S':
      case '-':
        this.zoom(KEY_ZOOM);
        return true;
      case 'a':
      case 'A':
        this.#look(pan(this.#span, -KEY_PAN, this.#whole));
        return true;
      case 'd':
      case 'D':
        this.#look(pan(this.#span, KEY_PAN, this.#whole));
        return true;
      case '0':
      case 'f':
        this.fit();
        return true;
      case 'ArrowLeft':
        this.#go(-1, false);
        return true;
      case 'ArrowRight':
        this.#go(1, false);
        return true;
      case 'ArrowUp':
        this.#go(-1, true);
        return true;
      case 'ArrowDown':
        this.#go(1, true);
        return true;
      case 'Home':
        this.#select(0);
        return true;
      case 'End':
        this.#select(timeline.present - 1);
        return true;
      case 'Enter':
        if (this.#selected === null) return false;
        this.#listener.onGo(this.#selected);
        return true;
      case 'Escape':
        this.#choose(null);
        return true;
      default:
        return false;
    }
  }

  /** To the stretch before or after the chosen one, perhaps in its lane. */
  #go(by: -1 | 1, inLane: boolean): void {
    if (timeline.length === 0) return;
    if (this.#selected === null) {
      this.#select(this.#following ? timeline.present - 1 : timeline.firstEndingAfter(this.#span.from));
      return;
    }
    const { lane } = this.#selected;
    let to = timeline.indexOf(this.#selected) + by;
    while (inLane && to >= 0 && to < timeline.length && timeline.at(to).lane !== lane) to += by;
    if (to >= 0 && to < timeline.length) this.#select(to);
  }

  #select(index: number): void {
    if (index < 0 || index >= timeline.length) return;
    const stretch = timeline.at(index);
    this.#choose(stretch);
    this.#look(reveal(this.#span, stretch.start, stretch.end, this.#whole));
  }

  #choose(stretch: Stretch | null): void {
    this.#selected = stretch;
    this.#listener.onSelect(stretch);
    this.#draw();
  }

  // Pointer

  #timeAt(x: number): number {
    return this.#span.from + (x / this.#width) * (this.#span.to - this.#span.from);
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const by = event.deltaX === 0 ? event.deltaY : event.deltaX;
      this.#look(pan(this.#span, (by * unit) / this.#width, this.#whole));
      return;
    }
    this.#look(zoom(this.#span, Math.exp(event.deltaY * unit * 0.0025), this.#timeAt(event.offsetX), this.#whole));
  }

  #down(event: PointerEvent): void {
    if (this.#pointers.size === 0) {
      this.#moved = 0;
      this.#isPinch = false;
    } else {
      this.#isPinch = true;
    }
    this.#pointers.set(event.pointerId, event.offsetX);
    this.#canvas.setPointerCapture(event.pointerId);
  }

  #move(event: PointerEvent): void {
    const before = this.#pointers.get(event.pointerId);
    if (before === undefined) {
      this.#hover(this.#find(event.offsetX, event.offsetY));
      return;
    }
    const others = [...this.#pointers].filter(([id]) => id !== event.pointerId);
    this.#pointers.set(event.pointerId, event.offsetX);
    const by = event.offsetX - before;
    this.#moved += Math.abs(by);
    if (others.length > 0) {
      const [, other] = others[0];
      const distance = (x: number): number => Math.max(Math.abs(x - other), 20);
      const middle = (event.offsetX + other) / 2;
      this.#look(zoom(this.#span, distance(before) / distance(event.offsetX), this.#timeAt(middle), this.#whole));
    } else if (this.#moved > DRAG) {
      this.#look(pan(this.#span, -by / this.#width, this.#whole));
    }
  }

  #up(event: PointerEvent): void {
    const isClick = this.#moved <= DRAG && !this.#isPinch && event.button === 0;
    this.#pointers.delete(event.pointerId);
    if (!isClick) return;
    // Where its lane was empty the time is meant.
    const stretch = this.#find(event.offsetX, event.offsetY) ?? this.#at(this.#timeAt(event.offsetX));
    this.#choose(stretch);
    if (stretch !== null) this.#listener.onGo(stretch);
  }

  #hover(stretch: Stretch | null): void {
    const is = this.#hovered;
    if (is?.start === stretch?.start && is?.lane === stretch?.lane && is?.kind === stretch?.kind) return;
    this.#hovered = stretch;
    this.#listener.onHover(stretch);
    this.#draw();
  }

  /** The stretch at a time, in whichever lane. */
  #at(time: number): Stretch | null {
    const index = timeline.firstEndingAfter(time);
    if (index >= timeline.length) return null;
    const stretch = timeline.at(index);
    return stretch.start <= time ? stretch : null;
  }

  /** The stretch at a place, or near it. */
  #find(x: number, y: number): Stretch | null {
    const tall = laneHeight(this.#height, this.#lanes.length) + LANE_GAP;
    const row = Math.floor(y / tall);
    if (row < 0 || row >= this.#lanes.length || y > this.#height - AXIS) return null;
    const lane = TIMELINE_LANES.indexOf(this.#lanes[row]);
    const time = this.#timeAt(x);
    const near = ((this.#span.to - this.#span.from) / this.#width) * NEAR;
    let best: Stretch | null = null;
    let bestDistance = near;
    for (let i = timeline.firstEndingAfter(time - near); i < timeline.length; i++) {
      const one = timeline.at(i);
      if (one.start > time + near) break;
      if (one.lane !== lane) continue;
      const distance = Math.max(one.start - time, time - one.end, 0);
      if (distance < bestDistance) {
        best = one;
        bestDistance = distance;
      }
      if (distance === 0) break;
    }
    return best;
  }
}

const OWNERS: readonly Owner[] = ['user', 'kernel', 'depriv', 'monitor', 'silicon'];
const OTHERS = ['panel', 'soft', 'line', 'ink', 'dim', 'focus'] as const;

/** The page's colours as they are now: a canvas does not know variables. */
function coloursOf(canvas: HTMLCanvasElement): Colours {
  const probe = document.createElement('span');
  canvas.parentElement?.append(probe);
  const resolved = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const owners = Object.fromEntries(OWNERS.map(name => [name, resolved(name)]));
  const others = Object.fromEntries(OTHERS.map(name => [name, resolved(name)]));
  const font = `550 11px ${getComputedStyle(probe).fontFamily}`;
  probe.remove();
  return { ...EMPTY, ...owners, ...others, font };
}

const EMPTY: Colours = {
  user: '',
  kernel: '',
  depriv: '',
  monitor: '',
  silicon: '',
  panel: '',
  soft: '',
  line: '',
  ink: '',
  dim: '',
  focus: '',
  font: '',
};
