import type { Mode } from '../../protocol/monitor.ts';
import { LANES, type Lane, type Mark, type Stretch, type TraceSink } from '../../vmm/trace.ts';

/** Characters that are gathered before they are written. */
const CHUNK = 1 << 16;

export interface ChromeTraceOptions {
  /** What the machine is called. */
  readonly name: string;
  readonly mode: Mode;
  /** Stretches and marks at most; what comes later is left out. */
  readonly limit: number;
  /** Takes the next part of the file. */
  readonly write: (text: string) => void;
  /** The limit was reached. */
  readonly onCut: () => void;
}

/** Nanoseconds as microseconds that are not one too few for readers who multiply by 1000 and cut: then stretches would overlap. */
function micros(ns: number): number {
  const exact = ns / 1000;
  return Math.trunc(exact * 1000) === ns ? exact : exact * (1 + Number.EPSILON);
}

/**
 * Writes a trace as JSON in the object form of the Trace Event Format, which Perfetto and chrome://tracing open: one process for the machine,
 * a thread for each lane, a complete event for each stretch. Times are microseconds of virtual time.
 */
export class ChromeTrace implements TraceSink {
  readonly #options: ChromeTraceOptions;
  readonly #named = new Set<Lane>();
  #text = '';
  #events = 0;
  #last = 0;
  #isCut = false;

  constructor(options: ChromeTraceOptions) {
    this.#options = options;
    const { name, mode } = options;
    this.#text = `{"displayTimeUnit":"ns","traceEvents":[\n${JSON.stringify({
      name: 'process_name',
      ph: 'M',
      pid: 1,
      tid: 0,
      args: { name: mode === 'bare' ? `${name}, on the bare machine` : `${name}, --mode ${mode}` },
    })}`;
  }

  stretch({ lane, category, name, start, end, details }: Stretch): void {
    if (!this.#begin(lane, end)) return;
    const tid = LANES.indexOf(lane);
    this.#put(
      `{"name":${JSON.stringify(name)},"cat":"${category}","ph":"X","ts":${micros(start)},"dur":${micros(end - start)},"pid":1,"tid":${tid},"args":${JSON.stringify(details)}}`,
    );
  }

  mark({ lane, name, at, details }: Mark): void {
    if (!this.#begin(lane, at)) return;
    const tid = LANES.indexOf(lane);
    this.#put(
      `{"name":${JSON.stringify(name)},"cat":"guest","ph":"i","s":"t","ts":${micros(at)},"pid":1,"tid":${tid},"args":${JSON.stringify(details)}}`,
    );
  }

  /** Counts an event, and names its lane the first time; false if there is no more room. */
  #begin(lane: Lane, at: number): boolean {
    if (this.#isCut) return false;
    if (this.#events === this.#options.limit) {
      this.#isCut = true;
      this.#put(
        `{"name":"trace cut: ${this.#options.limit} events","ph":"i","s":"g","ts":${micros(this.#last)},"pid":1,"tid":0}`,
      );
      this.#options.onCut();
      return false;
    }
    this.#events++;
    this.#last = at;
    if (this.#named.has(lane)) return true;
    this.#named.add(lane);
    const tid = LANES.indexOf(lane);
    this.#put(JSON.stringify({ name: 'thread_name', ph: 'M', pid: 1, tid, args: { name: this.#label(lane) } }));
    this.#put(JSON.stringify({ name: 'thread_sort_index', ph: 'M', pid: 1, tid, args: { sort_index: ORDER[lane] } }));
    return true;
  }

  /** What a lane is on the machine, and what the guest takes it for. */
  #label(lane: Lane): string {
    const { mode } = this.#options;
    switch (lane) {
      case 'monitor':
        return mode === 'hardware' ? 'VMX root ring 0 (monitor)' : 'ring 0 (monitor)';
      case 'waiting':
        return 'halted';
      case 'ring 1':
        if (mode === 'bare') return lane;
        if (mode === 'para') return 'ring 1 (guest kernel)';
        return `ring 1 (guest kernel${mode === 'translate' ? ', translated' : ''}: believes it is in ring 0)`;
      case 'ring 3':
        return mode === 'bare' ? lane : 'ring 3 (guest user)';
      case 'ring 0':
      case 'ring 2':
        return lane;
      case 'non-root ring 0':
        return 'VMX non-root ring 0 (guest kernel)';
      case 'non-root ring 3':
        return 'VMX non-root ring 3 (guest user)';
      case 'non-root ring 1':
      case 'non-root ring 2':
        return `VMX ${lane}`;
    }
  }

  #put(event: string): void {
    this.#text += `,\n${event}`;
    if (this.#text.length < CHUNK) return;
    this.#options.write(this.#text);
    this.#text = '';
  }

  /** The end of the file. */
  finish(): void {
    const other = { time: 'virtual', cut: this.#isCut };
    this.#options.write(`${this.#text}\n],"otherData":${JSON.stringify(other)}}\n`);
    this.#text = '';
  }
}

/** The least privileged lane on top. */
const ORDER: Readonly<Record<Lane, number>> = {
  'ring 3': 0,
  'non-root ring 3': 1,
  'ring 2': 2,
  'non-root ring 2': 3,
  'ring 1': 4,
  'non-root ring 1': 5,
  'ring 0': 6,
  'non-root ring 0': 7,
  monitor: 8,
  waiting: 9,
};
