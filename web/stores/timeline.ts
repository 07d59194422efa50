import type { View } from '../../core/protocol/messages.ts';
import type { OpenStretch } from '../../core/protocol/monitor.ts';
import { type StretchColumns, Stretches } from '../../core/protocol/stretches.ts';
import { followers } from './followers.ts';

/** Records that the page holds; older ones are merged when there are more. */
const HELD = 1 << 17;

/** One stretch, whole, as it was when somebody looked at it. Times are virtual seconds. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly lane: number;
  readonly kind: number;
  readonly name: string;
  readonly address: number;
  readonly step: number;
  readonly steps: number;
  readonly count: number;
  readonly busy: number;
}

/** What was recorded so far. It changes many times a second: who draws it listens, and reads. */
class TimelineStore {
  readonly stretches = new Stretches(HELD);
  names: readonly string[] = [];
  open: OpenStretch | null = null;
  /** What the machine has gone back from, and will come to again while it is in its past. */
  #ahead: Stretches | null = null;
  /** The first of them that is not yet over. */
  #aheadFrom = 0;
  /** The present, in virtual seconds and steps. */
  now = 0;
  nowStep = 0;
  /** A bit for each lane that something was in. */
  lanes = 0;
  readonly #listeners = new Set<() => void>();

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Nothing is over, and what goes on has only begun: recording began when somebody looked. */
  get isEmpty(): boolean {
    return this.stretches.length === 0 && (this.open === null || this.open.start === this.now);
  }

  take({ past, monitor: { timeline: part } }: View): void {
    if (part === null) return;
    // On a course of its own nothing comes again.
    const isPast = past?.isPast === true;
    const diverges = !isPast && this.#ahead !== null;
    const isSame =
      !diverges && part.start.length === 0 && part.now === this.now && part.cut === null && part.names === null;
    if (isSame && this.open?.start === part.open?.start) return;
    this.names = part.names ?? this.names;
    if (part.cut !== null) {
      if (isPast) this.#keep(part.cut);
      this.stretches.cut(part.cut);
    }
    this.stretches.append(part, part.start.length);
    for (const lane of part.lane) this.lanes |= 1 << lane;
    if (part.open !== null) this.lanes |= 1 << part.open.lane;
    this.open = part.open;
    this.now = part.now;
    this.nowStep = part.nowStep;
    if (!isPast) this.#ahead = null;
    this.#aheadFrom = this.#ahead?.firstEndingAfter(this.now) ?? 0;
    this.#tell();
  }

  /** Keeps what ends after a time, and what was ahead of that already. */
  #keep(time: number): void {
    const kept = new Stretches(HELD);
    const { stretches } = this;
    copy(stretches, stretches.firstEndingAfter(time), kept);
    if (this.#ahead !== null) copy(this.#ahead, this.#ahead.firstEndingAfter(this.now), kept);
    this.#ahead = kept;
  }

  /** Another guest begins. */
  clear(): void {
    this.stretches.clear();
    this.names = [];
    this.open = null;
    this.#ahead = null;
    this.#aheadFrom = 0;
    this.now = 0;
    this.nowStep = 0;
    this.lanes = 0;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Records, the one that goes on, and those that will come again. */
  get length(): number {
    return this.present + this.#aheadLength;
  }

  /** How many of them have begun. */
  get present(): number {
    return this.stretches.length + (this.open === null ? 0 : 1);
  }

  get #aheadLength(): number {
    return this.#ahead === null ? 0 : this.#ahead.length - this.#aheadFrom;
  }

  /** What will come again, from the index on; null where there is nothing. */
  get ahead(): { readonly stretches: Stretches; readonly from: number } | null {
    return this.#ahead === null || this.#aheadLength === 0 ? null : { stretches: this.#ahead, from: this.#aheadFrom };
  }

  /** The last time that something is known of: the present, unless the machine has gone back. */
  get last(): number {
    const { ahead } = this;
    return ahead === null ? this.now : Math.max(this.now, ahead.stretches.columns.end[ahead.stretches.length - 1]);
  }

  /** When the first one began. */
  get first(): number {
    return this.stretches.length > 0 ? this.stretches.columns.start[0] : (this.open?.start ?? 0);
  }

  at(index: number): Stretch {
    const { ahead, present } = this;
    if (index >= present && ahead !== null) return this.#read(ahead.stretches, ahead.from + index - present);
    if (index >= this.stretches.length && this.open !== null) {
      const { open } = this;
      const time = Math.max(this.now - open.start, 0);
      const steps = this.nowStep - open.step;
      return { ...open, end: open.start + time, name: this.names[open.name] ?? '', steps, count: 1, busy: time };
    }
    return this.#read(this.stretches, index);
  }

  #read({ columns }: Stretches, index: number): Stretch {
    return {
      start: columns.start[index],
      end: columns.end[index],
      lane: columns.lane[index],
      kind: columns.kind[index],
      name: this.names[columns.name[index]] ?? '',
      address: columns.address[index],
      step: columns.step[index],
      steps: columns.steps[index],
      count: columns.count[index],
      busy: columns.busy[index],
    };
  }

  /** Where a stretch is now, or what has become of it: the index of the one in its lane, or near it. -1 if there is none. */
  indexOf({ start, end, lane }: Pick<Stretch, 'start' | 'end' | 'lane'>): number {
    const first = this.firstEndingAfter(end > start ? start : start - 1e-12);
    for (let i = first; i < this.length; i++) {
      const one = this.at(i);
      if (one.start > start) break;
      if (one.lane === lane) return i;
    }
    return Math.min(first, this.length - 1);
  }

  /** Index of the first one that ends after a time; the length if there is none. */
  firstEndingAfter(time: number): number {
    const first = this.stretches.firstEndingAfter(time);
    if (first < this.stretches.length || time < this.now) return first;
    const { ahead, present } = this;
    return ahead === null ? first : present + Math.max(ahead.stretches.firstEndingAfter(time) - ahead.from, 0);
  }
}

/** Copies records from an index on. More than half of the room at once is not taken. */
function copy({ columns, length, size }: Stretches, from: number, to: Stretches): void {
  for (let at = from; at < length; at += size / 4) {
    const end = Math.min(at + size / 4, length);
    const part: StretchColumns = {
      start: columns.start.subarray(at, end),
      end: columns.end.subarray(at, end),
      lane: columns.lane.subarray(at, end),
      kind: columns.kind.subarray(at, end),
      name: columns.name.subarray(at, end),
      address: columns.address.subarray(at, end),
      step: columns.step.subarray(at, end),
      steps: columns.steps.subarray(at, end),
      count: columns.count.subarray(at, end),
      busy: columns.busy.subarray(at, end),
    };
    to.append(part, end - at);
  }
}

export const timeline = new TimelineStore();
followers.add(timeline);
