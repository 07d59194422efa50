/** The record layout of the timeline: stretches of time in lanes, as columns of equal length. Worker and page keep theirs the same way. */

/** Where the processor spends its time, in the order of core/vmm/trace.ts. */
export const TIMELINE_LANES = [
  'ring 0',
  'ring 1',
  'ring 2',
  'ring 3',
  'non-root ring 0',
  'non-root ring 1',
  'non-root ring 2',
  'non-root ring 3',
  'monitor',
  'waiting',
] as const;
export type TimelineLane = (typeof TIMELINE_LANES)[number];

/**
 * What a record is: a guest's stretch; the monitor's for an exit of the guest's, or for something else; a HLT; something that happened without
 * a change of the lane, which takes no time; or several records of a lane that were merged.
 */
export const STRETCH_KINDS = ['guest', 'exit', 'monitor', 'wait', 'mark', 'several'] as const;
export type StretchKind = (typeof STRETCH_KINDS)[number];

export const KIND = { guest: 0, exit: 1, monitor: 2, wait: 3, mark: 4, several: 5 } as const satisfies Readonly<
  Record<StretchKind, number>
>;

/** Starts and ends never go down from one record to the next. Only `several` of different lanes overlap: they have the same start and end. */
export interface StretchColumns {
  /** Virtual seconds since the guest was opened. Ends are exclusive. */
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** Index into TIMELINE_LANES. */
  readonly lane: Uint8Array;
  /** Index into STRETCH_KINDS. */
  readonly kind: Uint8Array;
  /** What led here, or why the guest left for the monitor: index into names. Of `several`, the longest's. */
  readonly name: Uint16Array;
  /** Guest-linear address where it began, or of the instruction that left; 0 where there is none. Of `several`, the longest's. */
  readonly address: Uint32Array;
  /** Steps since the guest was opened, at the start. */
  readonly step: Float64Array;
  /** Steps in it; of `several`, in all of them. */
  readonly steps: Float64Array;
  /** How many records were merged; 1 for all but `several`. */
  readonly count: Uint32Array;
  /** Seconds that the lane had in it: all of the time, except for `several`. */
  readonly busy: Float32Array;
}

function columns(size: number): StretchColumns {
  return {
    start: new Float64Array(size),
    end: new Float64Array(size),
    lane: new Uint8Array(size),
    kind: new Uint8Array(size),
    name: new Uint16Array(size),
    address: new Uint32Array(size),
    step: new Float64Array(size),
    steps: new Float64Array(size),
    count: new Uint32Array(size),
    busy: new Float32Array(size),
  };
}

/** First number of parts that the whole is divided into: shorter ones are merged first. */
const PARTS = 8192;
/** The share of the room that is kept as it came, and the share that is in use after merging. */
const FRESH = 0.25;
const AFTER = 0.5;
/** Seconds that rounding takes are no gap. */
const GAP = 1e-9;

/** Stretches in bounded room. When it is full, the older ones that are shortest are merged, until there is room again. */
export class Stretches {
  readonly columns: StretchColumns;
  readonly size: number;
  length = 0;
  /** Seconds below which stretches were merged last. */
  #merged = 0;
  #isGathering = false;
  /** How many records were gathered and are not here yet, the first one's kind, and where they begin and end. */
  #gathered = 0;
  #firstKind = 0;
  #first = 0;
  #firstStep = 0;
  #last = 0;
  // What is being merged, by lane, and in which lanes something is.
  #lanes = 0;
  readonly #busy = new Float64Array(TIMELINE_LANES.length);
  readonly #steps = new Float64Array(TIMELINE_LANES.length);
  readonly #count = new Float64Array(TIMELINE_LANES.length);
  readonly #longest = new Float64Array(TIMELINE_LANES.length);
  readonly #name = new Uint16Array(TIMELINE_LANES.length);
  readonly #address = new Uint32Array(TIMELINE_LANES.length);

  /** `size`: records at most. */
  constructor(size: number) {
    this.size = size;
    this.columns = columns(size);
  }

  /** Adds one at the end. There must be room. */
  push(
    kind: number,
    lane: number,
    start: number,
    end: number,
    name: number,
    address: number,
    step: number,
    steps: number,
    count: number,
    busy: number,
  ): void {
    const to = this.columns;
    const at = this.length++;
    to.kind[at] = kind;
    to.lane[at] = lane;
    to.start[at] = start;
    to.end[at] = end;
    to.name[at] = name;
    to.address[at] = address;
    to.step[at] = step;
    to.steps[at] = steps;
    to.count[at] = count;
    to.busy[at] = busy;
  }

  /** Adds one that is whole. When there is no room, some of the older ones are merged. */
  add(
    kind: number,
    lane: number,
    start: number,
    end: number,
    name: number,
    address: number,
    step: number,
    steps: number,
  ): void {
    if (this.#isGathering && end - start < this.#merged) {
      this.#gather(kind, lane, start, end, name, address, step, steps);
      return;
    }
    this.#settle();
    if (this.length === this.size) this.#makeRoom();
    this.push(kind, lane, start, end, name, address, step, steps, 1, end - start);
  }

  /** Whether those that are added are merged at once, as others of their length were: that is much less work. */
  set isGathering(is: boolean) {
    this.#isGathering = is;
    this.#settle();
  }

  #gather(
    kind: number,
    lane: number,
    start: number,
    end: number,
    name: number,
    address: number,
    step: number,
    steps: number,
  ): void {
    if (end - this.#first > this.#merged || start - this.#last >= GAP) this.#settle();
    if (this.#gathered++ === 0) {
      if (this.length + TIMELINE_LANES.length > this.size) this.#makeRoom();
      this.#firstKind = kind;
      this.#first = start;
      this.#firstStep = step;
    }
    this.#last = end;
    this.#take(lane, name, address, steps, 1, end - start);
  }

  /** Puts down what was gathered. */
  #settle(): void {
    if (this.#gathered === 0) return;
    this.#put(this.#gathered === 1 ? this.#firstKind : KIND.several, this.#first, this.#last, this.#firstStep);
    this.#gathered = 0;
  }

  /** Adds what another part of the time brought. More than half of the room at once is not taken. */
  append(from: StretchColumns, length: number): void {
    if (length > this.size / 2) throw new RangeError('More stretches at once than half of the room.');
    if (this.length + length > this.size) this.#makeRoom();
    const to = this.columns;
    for (let i = 0; i < length; i++) this.#copy(from, i, to, this.length++);
  }

  #copy(from: StretchColumns, i: number, to: StretchColumns, at: number): void {
    to.kind[at] = from.kind[i];
    to.lane[at] = from.lane[i];
    to.start[at] = from.start[i];
    to.end[at] = from.end[i];
    to.name[at] = from.name[i];
    to.address[at] = from.address[i];
    to.step[at] = from.step[i];
    to.steps[at] = from.steps[i];
    to.count[at] = from.count[i];
    to.busy[at] = from.busy[i];
  }

  /** Forgets all that ends after a time: the machine went back to before it. */
  cut(time: number): void {
    this.#settle();
    this.length = this.firstEndingAfter(time);
  }

  clear(): void {
    this.length = 0;
    // What comes next may be calmer.
    this.#merged /= 2;
  }

  /** Index of the first one that ends after a time; the length if there is none. */
  firstEndingAfter(time: number): number {
    const { end } = this.columns;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (end[middle] > time) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #makeRoom(): void {
    const { start, end } = this.columns;
    const whole = end[this.length - 1] - start[0];
    const older = Math.trunc(this.length * (1 - FRESH));
    const most = this.size * AFTER - (this.length - older);
    let shortest = Math.max(this.#merged, whole / PARTS);
    // To look is much less work than to merge: that is done once.
    while (shortest <= whole && this.#lengthOf(older, shortest, GAP) > most) shortest *= 2;
    this.#merged = Math.min(shortest, whole);
    // Where nobody looked are gaps. When nothing else helps they go, too.
    this.merge(older, shortest, shortest > whole ? Number.POSITIVE_INFINITY : GAP);
  }

  /** The first one that does not belong to those from `at` on, among the first `count`: see merge(). */
  #endOfRun(at: number, count: number, seconds: number, gap: number): number {
    const { start, end } = this.columns;
    const latest = start[at] + seconds;
    let next = at + 1;
    while (next < count && end[next] <= latest && start[next] - end[next - 1] < gap) next++;
    return next;
  }

  /** How many records merge() would leave of the first `count`. */
  #lengthOf(count: number, seconds: number, gap: number): number {
    const { lane } = this.columns;
    let length = 0;
    for (let at = 0; at < count; ) {
      const next = this.#endOfRun(at, count, seconds, gap);
      if (next - at < 3) {
        length += next - at;
        at = next;
        continue;
      }
      let lanes = 0;
      for (; at < next; at++) lanes |= 1 << lane[at];
      for (; lanes !== 0; lanes &= lanes - 1) length++;
    }
    return length;
  }

  /**
   * Merges neighbours among the first `count`, where they are together no longer than so many seconds, and what is between two of them no longer
   * than `gap`.
   */
  merge(count: number, seconds: number, gap = GAP): void {
    const { length } = this;
    this.length = 0;
    for (let at = 0; at < count; ) {
      const next = this.#endOfRun(at, count, seconds, gap);
      if (next - at < 3) {
        for (; at < next; at++) this.#move(at);
      } else {
        this.#mergeRun(at, next);
        at = next;
      }
    }
    for (let at = count; at < length; at++) this.#move(at);
  }

  /** Moves one down to the end of those that are merged already. */
  #move(from: number): void {
    const to = this.length++;
    if (to !== from) this.#copy(this.columns, from, this.columns, to);
  }

  /** Puts one record for each lane in place of those from `from` to `to`; it is never more than these were. */
  #mergeRun(from: number, to: number): void {
    const { lane, start, end, name, address, step, steps, count, busy } = this.columns;
    // What is written lies before or on what was read: these are taken first.
    const first = start[from];
    const last = end[to - 1];
    const firstStep = step[from];
    for (let i = from; i < to; i++) this.#take(lane[i], name[i], address[i], steps[i], count[i], busy[i]);
    this.#put(KIND.several, first, last, firstStep);
  }

  /** Merges one with those of its lane that were taken before. */
  #take(lane: number, name: number, address: number, steps: number, count: number, busy: number): void {
    const isNew = (this.#lanes & (1 << lane)) === 0;
    if (isNew || busy > this.#longest[lane]) {
      this.#longest[lane] = busy;
      this.#name[lane] = name;
      this.#address[lane] = address;
    }
    if (isNew) {
      this.#lanes |= 1 << lane;
      this.#count[lane] = count;
      this.#busy[lane] = busy;
      this.#steps[lane] = steps;
    } else {
      this.#count[lane] += count;
      this.#busy[lane] += busy;
      this.#steps[lane] += steps;
    }
  }

  /** One record for each lane of which something was taken. */
  #put(kind: number, first: number, last: number, firstStep: number): void {
    for (let lanes = this.#lanes; lanes !== 0; lanes &= lanes - 1) {
      const l = 31 - Math.clz32(lanes & -lanes);
      this.push(
        kind,
        l,
        first,
        last,
        this.#name[l],
        this.#address[l],
        firstStep,
        this.#steps[l],
        this.#count[l],
        this.#busy[l],
      );
    }
    this.#lanes = 0;
  }
}
