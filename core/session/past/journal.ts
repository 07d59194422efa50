import type { EditableRegister, MemoryWindow } from '../../protocol/messages.ts';
import type { Setting } from '../../protocol/monitor.ts';

/**
 * A place in a session's course. The count of steps alone does not name it: time passes without a step while the processor is
 * halted, and a power cycle takes none.
 */
export interface Moment {
  /** Power cycles before. */
  readonly boot: number;
  /** Steps since the session began, over all power cycles. */
  readonly step: number;
  /** Virtual nanoseconds since power-on. */
  readonly time: number;
}

/** What comes to a machine from outside. Nothing else makes two machines with the same guest and options differ. */
export type Input =
  /** Typed on the serial console: what the port took. */
  | { readonly kind: 'console'; readonly bytes: Uint8Array }
  | { readonly kind: 'register'; readonly register: EditableRegister; readonly value: number }
  | {
      readonly kind: 'memory';
      readonly space: MemoryWindow['space'];
      readonly address: number;
      readonly bytes: Uint8Array;
    }
  /** Steps a virtual second from here on. */
  | { readonly kind: 'rate'; readonly rate: number }
  /** A power cycle that a person asked for; the guest's own follow from its instructions. */
  | { readonly kind: 'reset' }
  /** The guest goes on in another mode. */
  | { readonly kind: 'mode'; readonly setting: Setting }
  /** The guest was saved: under the monitor it is taken off the processor for that, which takes steps. */
  | { readonly kind: 'save' }
  /** The same, and it went on under a monitor made anew: what comes after follows from the saved state alone. */
  | { readonly kind: 'checkpoint' };

export interface Entry {
  readonly at: Moment;
  readonly input: Input;
}

export interface JournalLimits {
  readonly entries: number;
  /** Bytes of all console and memory entries together. */
  readonly bytes: number;
}

/** Hours of typing. */
const LIMITS: JournalLimits = { entries: 1 << 16, bytes: 4 << 20 };

/**
 * What came to a machine from outside, and when, in order. A position counts entries since the session began, dropped ones too.
 *
 * The journal is bounded: when a limit is passed, the oldest entries go until half of it is used, and what lies before the first
 * that is left can no longer be replayed from. It takes no checkpoints of its own; whoever wants to go back far keeps some.
 */
export class Journal {
  readonly #limits: JournalLimits;
  #entries: Entry[] = [];
  /** Position of the oldest entry that is kept. */
  #first = 0;
  #bytes = 0;

  constructor(limits: JournalLimits = LIMITS) {
    this.#limits = limits;
  }

  /** The position behind the newest entry. */
  get end(): number {
    return this.#first + this.#entries.length;
  }

  /** The oldest position that since() takes. */
  get first(): number {
    return this.#first;
  }

  /** Keeps `input` itself, not a copy. */
  record(at: Moment, input: Input): void {
    this.#entries.push({ at, input });
    this.#bytes += bytesOf(input);
    const { entries, bytes } = this.#limits;
    if (this.#entries.length <= entries && this.#bytes <= bytes) return;
    let gone = 0;
    while (this.#entries.length - gone > entries / 2 || this.#bytes > bytes / 2) {
      this.#bytes -= bytesOf(this.#entries[gone++].input);
    }
    this.#entries = this.#entries.slice(gone);
    this.#first += gone;
  }

  /** What follows a position, oldest first. Throws RangeError if some of it was dropped. */
  since(position: number): readonly Entry[] {
    if (position < this.#first || position > this.end) {
      throw new RangeError('The journal does not reach back to there: its oldest entries were dropped.');
    }
    return this.#entries.slice(position - this.#first);
  }

  /** The entry at a position; null at the end, and for one that was dropped. */
  at(position: number): Entry | null {
    return this.#entries[position - this.#first] ?? null;
  }

  /** Forgets what follows a position: the course goes another way from there. */
  cut(position: number): void {
    for (const { input } of this.#entries.splice(Math.max(position - this.#first, 0))) this.#bytes -= bytesOf(input);
  }

  /** Forgets all: the machine was replaced by one of another course. No earlier position counts any more. */
  restart(): void {
    this.#first = this.end + 1;
    this.#entries = [];
    this.#bytes = 0;
  }
}

function bytesOf(input: Input): number {
  return input.kind === 'console' || input.kind === 'memory' ? input.bytes.length : 0;
}
