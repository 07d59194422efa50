import type { CodeWindow, MemoryWindow, PastView, View } from '../../protocol/messages.ts';
import type { AddressView, MonitorView, MonitorWindows, TableView, TranslationView } from '../../protocol/monitor.ts';
import type { ConsoleBuffer } from '../console-buffer.ts';
import type { Session } from '../session.ts';
import type { Watching } from '../watching/watching.ts';
import { spacesOf } from './address-spaces.ts';
import { addressView } from './address-view.ts';
import { codeRows } from './code-view.ts';
import { accountOf, seatOf } from './monitor-view.ts';
import { registerView } from './register-view.ts';
import { tablesView } from './tables-view.ts';
import { translationView } from './translation-view.ts';

/** While the machine runs, code is listed this often at most, in milliseconds. */
const CODE_INTERVAL = 500;
/** While the machine runs, the account of exits is sent this often at most. */
const ACCOUNT_INTERVAL = 500;
/** And what came to the timeline: as often as it is drawn. */
const TIMELINE_INTERVAL = 250;
const MAX_WINDOW = 4096;
const MAX_ROWS = 500;
/** Nothing of the monitor is shown. */
const NO_WINDOWS: MonitorWindows = {
  happened: false,
  account: false,
  timeline: false,
  translation: false,
  address: null,
  tables: false,
  open: [],
};

/** What is looked at, beside the session. */
export interface Looked {
  readonly session: Session;
  readonly watching: Watching;
  readonly console: ConsoleBuffer;
  readonly running: boolean;
  /** Steps a second of the reader's. */
  readonly rate: number;
  /** Milliseconds. */
  readonly now: number;
}

/** Puts together what the page draws, for the windows that it has open. What is costly is made as often as it can be read. */
export class Viewer {
  #serial = 0;
  #code: CodeWindow = { follow: true, address: 0, before: 8, after: 40 };
  #memory: MemoryWindow | null = null;
  #monitor: MonitorWindows = NO_WINDOWS;
  #lastCode = 0;
  #lastAccount = 0;
  #lastTimeline = 0;
  #codeIsStale = true;
  /** What was listed last. */
  #tables: readonly TableView[] | null = null;
  #translation: TranslationView | null = null;
  #address: AddressView | null = null;

  get windows(): MonitorWindows {
    return this.#monitor;
  }

  /** Throws an Error with one sentence for windows that are too large; then they are what they were. */
  setWindows(code: CodeWindow, memory: MemoryWindow | null, monitor: MonitorWindows): void {
    const isCount = (n: number, most: number) => Number.isInteger(n) && n >= 0 && n <= most;
    if (!isCount(code.before, MAX_ROWS) || !isCount(code.after, MAX_ROWS)) {
      throw new Error(`A code window has at most ${MAX_ROWS} rows before and after.`);
    }
    if (memory !== null && !isCount(memory.length, MAX_WINDOW)) {
      throw new Error(`A memory window has at most ${MAX_WINDOW} bytes.`);
    }
    this.#code = code;
    this.#memory = memory;
    this.#monitor = monitor;
    this.#lastAccount = 0;
    this.#codeIsStale = true;
  }

  /** The machine is not where it was: everything is listed anew. */
  renew(): void {
    this.#codeIsStale = true;
  }

  view(looked: Looked): View {
    const { session, running, now } = looked;
    const cpu = session.processor;
    const { clock } = session.pc;
    const isCodeDue = this.#codeIsStale || (running && now - this.#lastCode > CODE_INTERVAL);
    if (isCodeDue) {
      this.#lastCode = now;
      this.#codeIsStale = false;
    }
    // Between two listings a machine that runs tells what is new: its output, and its part of the timeline.
    const isWhole = isCodeDue || !running;
    const window = isWhole ? this.#memory : null;
    return {
      type: 'view',
      serial: ++this.#serial,
      running,
      halted: session.halted,
      stop: session.stop,
      instructions: session.steps,
      rate: running ? looked.rate : 0,
      seconds: clock.now() / 1e9,
      registers: registerView(cpu),
      monitor: this.#monitorView(looked, isCodeDue, isWhole),
      code: isCodeDue ? codeRows(cpu, session.symbols, this.#code, cpu.linearEip) : null,
      memory:
        window === null ? null : { window, bytes: session.readMemory(window.space, window.address, window.length) },
      ...looked.console.take(),
      past: pastOf(session),
      breakCounts: session.breakCounts,
    };
  }

  /** `isCodeDue`: what is as costly as a listing is made anew; `isWhole`: and sent. */
  #monitorView({ session, watching, running, now }: Looked, isCodeDue: boolean, isWhole: boolean): MonitorView {
    const { monitor, setting, pc, processor } = session;
    const { address, account, timeline, tables, open, translation } = this.#monitor;
    if (isCodeDue) {
      const spaces = spacesOf(pc, monitor, processor);
      this.#tables = tables ? tablesView(spaces, open) : null;
      this.#address = address === null ? null : addressView(spaces, address);
      const isWanted = translation && monitor !== null;
      this.#translation = isWanted ? translationView(monitor, pc.cpu, processor, session.symbols) : null;
    }
    const isAccountDue = account && now - this.#lastAccount >= ACCOUNT_INTERVAL;
    if (isAccountDue) this.#lastAccount = now;
    const isTimelineDue = timeline && (!running || now - this.#lastTimeline >= TIMELINE_INTERVAL);
    if (isTimelineDue) this.#lastTimeline = now;
    return {
      setting,
      seat: seatOf(pc.cpu, monitor, processor),
      machine: monitor === null ? null : registerView(pc.cpu),
      // Nobody can read what comes thousands of times a second.
      happening: running ? null : (watching.happenings?.last ?? null),
      account: isAccountDue && monitor !== null ? accountOf(monitor) : null,
      address: isWhole ? this.#address : null,
      tables: isWhole ? this.#tables : null,
      timeline: isTimelineDue ? (watching.timeline?.take() ?? null) : null,
      translation: isWhole ? this.#translation : null,
    };
  }
}

function pastOf({ history, isPast, isSearching }: Session): PastView | null {
  return history === null ? null : { from: history.from, bytes: history.bytes, isPast, isSearching };
}
