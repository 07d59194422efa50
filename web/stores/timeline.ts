import type { View } from '../../core/protocol/messages.ts';
import type { OpenStretch } from '../../core/protocol/monitor.ts';
import { Stretches } from '../../core/protocol/stretches.ts';

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

/** What was recorded so far. It changes sixty times a second: who draws it listens, and reads. */
class TimelineStore {
  readonly stretches = new Stretches(HELD);
  names: readonly string[] = [];
  open: OpenStretch | null = null;
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

  take({ monitor: { timeline: part } }: View): void {
    if (part === null) return;
    const isSame = part.start.length === 0 && part.now === this.now && part.cut === null && part.names === null;
    if (isSame && this.open?.start === part.open?.start) return;
    this.names = part.names ?? this.names;
    if (part.cut !== null) this.stretches.cut(part.cut);
    this.stretches.append(part, part.start.length);
    for (const lane of part.lane) this.lanes |= 1 << lane;
    if (part.open !== null) this.lanes |= 1 << part.open.lane;
    this.open = part.open;
    this.now = part.now;
    this.nowStep = part.nowStep;
    this.#tell();
  }

  /** Another guest begins. */
  clear(): void {
    this.stretches.clear();
    this.names = [];
    this.open = null;
    this.now = 0;
    this.nowStep = 0;
    this.lanes = 0;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Records and the one that goes on. */
  get length(): number {
    return this.stretches.length + (this.open === null ? 0 : 1);
  }

  /** When the first one began. */
  get first(): number {
    return this.stretches.length > 0 ? this.stretches.columns.start[0] : (this.open?.start ?? 0);
  }

  at(index: number): Stretch {
    const { columns, length } = this.stretches;
    if (index >= length && this.open !== null) {
      const { open } = this;
      const time = Math.max(this.now - open.start, 0);
      const steps = this.nowStep - open.step;
      return { ...open, end: open.start + time, name: this.names[open.name] ?? '', steps, count: 1, busy: time };
    }
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
    const { columns, length } = this.stretches;
    const first = this.stretches.firstEndingAfter(end > start ? start : start - 1e-12);
    for (let i = first; i < length && columns.start[i] <= start; i++) if (columns.lane[i] === lane) return i;
    return Math.min(first, this.length - 1);
  }
}

export const timeline = new TimelineStore();
