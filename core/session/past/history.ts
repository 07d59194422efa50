import type { MachineState } from '../../machine/pc.ts';
import type { Setting } from '../../protocol/monitor.ts';
import type { Counts } from '../../vmm/counts.ts';
import { isBefore } from './player.ts';
import { type Checkpoint, type Mark, POWER_ON } from './replay.ts';

export interface HistoryOptions {
  /** Bytes that all checkpoints together may keep. */
  readonly bytes: number;
  /** The part of the run time that taking them may cost. */
  readonly share: number;
  /** Milliseconds of running between two at least; and under a monitor, where none can be added to the past later. */
  readonly interval: number;
  readonly monitored: number;
}

/**
 * A few seconds of a large guest, minutes of a small one. A step back replays from the checkpoint before, so the interval is about how long it takes;
 * what a checkpoint costs divided by the share, if that is longer.
 */
export const HISTORY: HistoryOptions = { bytes: 256 << 20, share: 0.04, interval: 400, monitored: 200 };

const PAGE = 4096;
/** What a checkpoint needs beside its pages: page numbers, and objects that nobody counted. */
const PER_PAGE = 16;

/** A page of memory that some checkpoints in a row have in common. */
interface Page {
  readonly words: Int32Array;
  uses: number;
}

/** What a checkpoint was taken with. */
export interface Taken extends Mark {
  readonly setting: Setting;
  /** What the monitor had counted until then. */
  readonly counts: Counts | null;
  /** Bytes on the console until then. */
  readonly printed: number;
}

export interface Kept extends Taken {
  /** Everything but memory; null: power-on. */
  readonly rest: Omit<MachineState, 'pages' | 'bytes'> | null;
  readonly numbers: Uint32Array;
  readonly pages: readonly Page[];
}

/**
 * Checkpoints of a session's past, within a budget: each keeps only the pages that differ from those of the one before. When there are too many,
 * those go first that are close to others, and more so the older they are: what is long ago takes longer to come back to, and what was
 * just now does not.
 */
export class History {
  readonly #options: HistoryOptions;
  #kept: Kept[] = [];
  #bytes = 0;
  /** Milliseconds run since the last checkpoint, and what one costs. */
  #run = 0;
  #cost = 0;
  #spent = 0;

  constructor(options: HistoryOptions, setting: Setting) {
    this.#options = options;
    this.#kept = [
      { ...POWER_ON, setting, counts: null, printed: 0, rest: null, numbers: new Uint32Array(0), pages: [] },
    ];
  }

  /** Oldest first. */
  get kept(): readonly Kept[] {
    return this.#kept;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Milliseconds that checkpoints have cost. */
  get spent(): number {
    return this.#spent;
  }

  /** Another so many milliseconds were run: whether it is time for a checkpoint. */
  isDue(milliseconds: number, isMonitored: boolean): boolean {
    const { interval, monitored, share } = this.#options;
    this.#run += milliseconds;
    return this.#run >= Math.max(isMonitored ? monitored : interval, this.#cost / share);
  }

  /** A checkpoint took so many milliseconds. */
  took(milliseconds: number): void {
    this.#run = 0;
    this.#spent += milliseconds;
    // One that was interrupted by something else must not keep the next away for long.
    this.#cost = this.#cost === 0 ? milliseconds : (this.#cost + milliseconds) / 2;
  }

  /** Keeps a checkpoint at its place among the others. */
  keep(taken: Taken, state: MachineState): void {
    const next = this.#kept.findIndex(({ at }) => !isBefore(at, taken.at));
    const place = next === -1 ? this.#kept.length : next;
    const same = this.#kept[place];
    if (same !== undefined && !isBefore(taken.at, same.at)) return;
    const { pages: numbers, bytes, ...rest } = state;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
    const before = this.#kept[place - 1];
    const pages: Page[] = [];
    let other = 0;
    for (let n = 0; n < numbers.length; n++) {
      while (before !== undefined && before.numbers[other] < numbers[n]) other++;
      const old = before?.numbers[other] === numbers[n] ? before.pages[other] : undefined;
      const first = n * (PAGE >> 2);
      if (old !== undefined && isSame(old.words, words, first)) {
        old.uses++;
        pages.push(old);
      } else {
        pages.push({ words: words.slice(first, first + (PAGE >> 2)), uses: 1 });
        this.#bytes += PAGE;
      }
    }
    const kept: Kept = { ...taken, rest, numbers, pages };
    this.#bytes += sizeOf(kept);
    this.#kept.splice(place, 0, kept);
    this.#shrink();
  }

  /** Drops until the budget holds. */
  #shrink(): void {
    while (this.#bytes > this.#options.bytes && this.#kept.length > 1) {
      const last = this.#kept.length - 1;
      const now = this.#kept[last].at.step;
      let least = Number.POSITIVE_INFINITY;
      // Too large alone: the newest one goes.
      let place = last;
      for (let n = 0; n < last; n++) {
        if (this.#kept[n].rest === null) continue;
        const from = this.#kept[n - 1]?.at.step ?? 0;
        // The gap that it would leave, as seen from here.
        const loss = (this.#kept[n + 1].at.step - from) / (now - from + 1);
        if (loss < least) {
          least = loss;
          place = n;
        }
      }
      this.#drop(place);
    }
  }

  #drop(place: number): void {
    const [gone] = this.#kept.splice(place, 1);
    for (const page of gone.pages) if (--page.uses === 0) this.#bytes -= PAGE;
    this.#bytes -= sizeOf(gone);
  }

  /** The course goes another way from a mark on, and the journal begins at `first`: what lies outside of it is dropped. */
  trim(to: Mark, first: number): void {
    for (let n = this.#kept.length - 1; n >= 0; n--) {
      const { at, position } = this.#kept[n];
      if (position < first || position > to.position || isBefore(to.at, at)) this.#drop(n);
    }
  }

  /** Drops all: the machine is of another course from this state on. */
  restart(taken: Taken, state: MachineState): void {
    while (this.#kept.length > 0) this.#drop(this.#kept.length - 1);
    this.keep(taken, state);
  }
}

/** The state that was kept; null: power-on. */
export function stateOf({ rest, numbers, pages }: Kept): Checkpoint['state'] {
  if (rest === null) return null;
  const words = new Int32Array(pages.length * (PAGE >> 2));
  pages.forEach((page, n) => {
    words.set(page.words, n * (PAGE >> 2));
  });
  return { ...rest, pages: numbers, bytes: new Uint8Array(words.buffer) };
}

function isSame(page: Int32Array, words: Int32Array, first: number): boolean {
  for (let n = 0; n < page.length; n++) if (page[n] !== words[first + n]) return false;
  return true;
}

/** Bytes of a checkpoint beside the contents of its pages. */
function sizeOf({ rest, pages }: Kept): number {
  if (rest === null) return 0;
  const { local, global, largeRegions, spaces } = rest.tlb;
  const tlb = [local.words, local.entries, global.words, global.entries, largeRegions, spaces];
  return pages.length * PER_PAGE + rest.processor.byteLength + tlb.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
