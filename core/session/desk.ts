import type {
  BackKind,
  CodeWindow,
  FromWorker,
  MemoryWindow,
  PastView,
  StopReason,
  ToWorker,
  View,
} from '../protocol/messages.ts';
import type { MonitorView, MonitorWindows, Setting, TableView, TranslationView } from '../protocol/monitor.ts';
import type { Answer, Question } from '../protocol/questions.ts';
import { spacesOf } from './address-spaces.ts';
import { addressView } from './address-view.ts';
import { answer } from './answers.ts';
import { ChromeTrace } from './chrome-trace.ts';
import { codeRows } from './code-view.ts';
import { tellBoth } from './fan.ts';
import { Happenings } from './happenings.ts';
import { HISTORY } from './history.ts';
import { accountOf, seatOf } from './monitor-view.ts';
import { Pace } from './pace.ts';
import { registerView } from './register-view.ts';
import { Scroll } from './scroll.ts';
import { BackError, type Guest, Session } from './session.ts';
import { readSnapshot, writeSnapshot } from './snapshot-file.ts';
import { tablesView } from './tables-view.ts';
import { Timeline } from './timeline.ts';
import { translationView } from './translation-view.ts';

/** What the desk needs of its host. */
export interface DeskHost {
  /**
   * Sends a message, by copy: once a buffer was transferred out of a thread, V8 checks every access to any typed array there for
   * having lost its buffer, which costs the executor a quarter of its speed.
   */
  readonly post: (message: FromWorker) => void;
  /** Milliseconds, never going back. */
  readonly now: () => number;
  /** Unix seconds. */
  readonly date: () => number;
  /** Has slice() called again, at once or after `delay` milliseconds. */
  readonly schedule: (delay: number) => void;
}

/** A slice, in milliseconds: the page's messages wait at most this long. */
const SLICE = 10;
/** Steps between looks at the clock. */
const CHUNK = 100_000;
/** Without a frame from the page for this long, nobody looks: the machine rests. */
const UNWATCHED = 1000;
/** How long to rest while the guest is halted, in milliseconds. */
const REST = 4;
/** Console bytes kept for a page that does not take them. */
const CONSOLE_LIMIT = 1 << 16;
/** Typed bytes kept for a guest that does not read them. */
const TYPED_LIMIT = 1 << 20;
/** While the machine runs, code is listed this often at most, in milliseconds. */
const CODE_INTERVAL = 100;
const RATE_INTERVAL = 1000;
/** While the machine runs, the account of exits is sent this often at most. */
const ACCOUNT_INTERVAL = 250;
/** And what came to the timeline: as often as it is drawn. */
const TIMELINE_INTERVAL = 45;
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
/** First guess of the steps in a second; the pace corrects it. */
const FIRST_RATE = 30_000_000;
const MAX_WINDOW = 4096;
const MAX_ROWS = 500;

/** One machine and the page that looks at it: carries out requests, gives the machine its turns, answers with views. */
export class Desk {
  readonly #host: DeskHost;
  readonly #pace = new Pace();
  #session: Session | null = null;
  #running = false;
  #scheduled = false;
  #lastFrame = 0;
  #serial = 0;
  #code: CodeWindow = { follow: true, address: 0, before: 8, after: 40 };
  #memory: MemoryWindow | null = null;
  #monitorWindows: MonitorWindows = NO_WINDOWS;
  #happenings: Happenings | null = null;
  /** Kept with what it holds while nobody looks. */
  #timeline: Timeline | null = null;
  #lastAccount = 0;
  #lastTimeline = 0;
  /** What was listed last. */
  #tables: readonly TableView[] | null = null;
  #translation: TranslationView | null = null;
  #breakpoints: readonly number[] = [];
  #console = new Uint8Array(CONSOLE_LIMIT);
  #consoleLength = 0;
  #consoleDropped = 0;
  /** What was printed, for when the machine goes back in time. */
  #scroll = new Scroll();
  /** The console begins anew with the next view. */
  #isAnew = false;
  /** Keys that the guest's serial port had no room for yet. */
  #typed: Uint8Array = new Uint8Array(0);
  #lastCode = 0;
  #codeIsStale = true;
  #rate = 0;
  #rateSteps = 0;
  #rateSince = 0;

  constructor(host: DeskHost) {
    this.#host = host;
  }

  /** Carries out a request of the page. What cannot be done is answered with `refused`, and leaves everything as it was. */
  handle(message: ToWorker): void {
    try {
      this.#handle(message);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#host.post({ type: 'refused', request: message.type, message: error.message });
    }
  }

  #handle(message: ToWorker): void {
    switch (message.type) {
      case 'open':
        this.#open(message, message.setting, message.stopBeforePrivileged);
        return;
      case 'restore':
        this.#restore(message.file);
        return;
      case 'frame':
        this.#lastFrame = this.#host.now();
        this.#schedule(0);
        this.#sendView();
        return;
      case 'windows':
        this.#setWindows(message.code, message.memory, message.monitor);
        return;
      case 'ask':
        this.#host.post({ type: 'answer', id: message.id, answer: this.#answer(message.question) });
        return;
      case 'breakpoints':
        this.#breakpoints = message.breakpoints.flatMap(({ on, enabled }) =>
          on.kind === 'execute' && enabled ? [on.address] : [],
        );
        this.#session?.setBreakpoints(this.#breakpoints);
        return;
      default:
        this.#control(this.#requireSession(), message);
    }
  }

  #control(
    session: Session,
    message: Exclude<ToWorker, { type: 'open' | 'restore' | 'frame' | 'windows' | 'ask' | 'breakpoints' }>,
  ): void {
    this.#codeIsStale = true;
    if (session.isSearching) this.#halt(session, session.stop);
    switch (message.type) {
      case 'run':
        this.#start(session, 'run');
        return;
      case 'pause':
        this.#halt(session, { kind: 'pause' });
        return;
      case 'step':
        if (message.kind === 'into' || message.kind === 'machine') this.#step(session, message.kind);
        else this.#start(session, message.kind);
        return;
      case 'back':
        this.#back(session, message.kind, message.address);
        return;
      case 'reset':
        this.#running = false;
        session.reset();
        return;
      case 'mode':
        this.#unwatch(session);
        try {
          session.change(message.setting);
        } finally {
          this.#watch(session);
        }
        return;
      case 'input':
        if (this.#typed.length + message.bytes.length > TYPED_LIMIT) {
          throw new Error('The guest takes its input too slowly: the rest of what was typed or pasted is dropped.');
        }
        this.#typed = joined(this.#typed, message.bytes);
        this.#type(session);
        return;
      case 'writeRegister':
        session.writeRegister(message.register, message.value);
        return;
      case 'writeMemory':
        session.writeMemory(message.space, message.address, message.bytes);
        return;
      case 'save': {
        const file = writeSnapshot(session.guest, session.save());
        this.#host.post({ type: 'snapshot', name: session.guest.name, file });
        return;
      }
      case 'until':
      case 'goTo':
      case 'sameStep':
        throw new Error('This machine cannot do that yet.');
      case 'trace':
        this.#host.post({ type: 'trace', name: session.guest.name, file: this.#trace(session) });
        return;
    }
  }

  #answer(question: Question): Answer {
    try {
      if (question.kind === 'lastWrite') throw new Error('This machine cannot do that yet.');
      return answer(this.#requireSession(), question);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return { kind: 'none', message: error.message };
    }
  }

  #requireSession(): Session {
    if (this.#session === null) throw new Error('No machine is open yet.');
    return this.#session;
  }

  #open(guest: Guest, setting: Setting, stopBeforePrivileged: boolean): void {
    this.#take(this.#newSession(guest, setting));
    if (stopBeforePrivileged && this.#session !== null) this.#start(this.#session, 'privileged');
  }

  #restore(file: Uint8Array): void {
    const { guest, state } = readSnapshot(file);
    const session = this.#newSession(guest, { mode: 'bare', paging: 'nested' });
    session.restore(state);
    this.#take(session);
  }

  #newSession(guest: Guest, setting: Setting): Session {
    return new Session(guest, {
      startTime: this.#host.date(),
      rate: FIRST_RATE,
      onConsole: byte => this.#output(byte),
      onRewind: printed => this.#rewound(printed),
      history: HISTORY,
      ...setting,
    });
  }

  #take(session: Session): void {
    if (this.#session !== null) this.#unwatch(this.#session);
    this.#happenings = null;
    this.#timeline = null;
    this.#session = session;
    this.#watch(session);
    this.#running = false;
    this.#typed = new Uint8Array(0);
    this.#consoleLength = 0;
    this.#consoleDropped = 0;
    this.#scroll = new Scroll();
    this.#isAnew = false;
    this.#codeIsStale = true;
    session.setBreakpoints(this.#breakpoints);
    const { guest, symbolFile, plan } = session;
    this.#host.post({
      type: 'opened',
      name: guest.name,
      kind: plan.kind,
      memoryMib: guest.memoryMib,
      symbols: symbolFile,
    });
  }

  /** Begins or ends to record what is looked at. */
  #watch(session: Session): void {
    this.#unwatch(session);
    const { happened, timeline } = this.#monitorWindows;
    if (happened) this.#happenings ??= new Happenings(session.symbols);
    if (timeline) this.#timeline ??= new Timeline(session);
    const card = happened ? this.#happenings : null;
    const lanes = timeline ? this.#timeline : null;
    if (card === null && lanes === null) return;
    session.watchMachines((pc, monitor) => {
      card?.attach(pc, monitor, session.setting);
      if (lanes === null) return;
      lanes.attach(pc, monitor);
      const watcher = card === null ? lanes : tellBoth(card, lanes);
      if (monitor === null) pc.cpu.probe = watcher;
      else monitor.watch(watcher);
    });
    lanes?.begin();
  }

  #unwatch(session: Session): void {
    session.watchMachines(null);
    if (session.monitor === null) session.pc.cpu.probe = null;
    else session.monitor.watch(null);
    this.#happenings?.detach();
    this.#timeline?.detach();
  }

  /** What the timeline holds, as a file. */
  #trace({ guest, setting, symbols }: Session): Uint8Array {
    const parts: string[] = [];
    const trace = new ChromeTrace({
      name: guest.name,
      mode: setting.mode,
      limit: Number.POSITIVE_INFINITY,
      write: text => parts.push(text),
      onCut: () => {},
    });
    this.#timeline?.take();
    this.#timeline?.tell(trace, address => symbols.name(address));
    trace.finish();
    return new TextEncoder().encode(parts.join(''));
  }

  #setWindows(code: CodeWindow, memory: MemoryWindow | null, monitor: MonitorWindows): void {
    const isCount = (n: number, most: number) => Number.isInteger(n) && n >= 0 && n <= most;
    if (!isCount(code.before, MAX_ROWS) || !isCount(code.after, MAX_ROWS)) {
      throw new Error(`A code window has at most ${MAX_ROWS} rows before and after.`);
    }
    if (memory !== null && !isCount(memory.length, MAX_WINDOW)) {
      throw new Error(`A memory window has at most ${MAX_WINDOW} bytes.`);
    }
    this.#code = code;
    this.#memory = memory;
    const { happened, timeline } = this.#monitorWindows;
    this.#monitorWindows = monitor;
    const isOther = happened !== monitor.happened || timeline !== monitor.timeline;
    if (this.#session !== null && isOther) this.#watch(this.#session);
    this.#lastAccount = 0;
    this.#codeIsStale = true;
  }

  #start(session: Session, goal: 'run' | 'over' | 'out' | 'trap' | 'privileged'): void {
    if (session.ended) throw new Error('The machine has ended: reset it, or open another guest.');
    session.begin(goal);
    const now = this.#host.now();
    this.#pace.start(now, session.pc.clock);
    this.#running = true;
    this.#rate = 0;
    this.#rateSince = now;
    this.#rateSteps = session.steps;
    this.#schedule(0);
  }

  #step(session: Session, kind: 'into' | 'machine'): void {
    if (session.ended) throw new Error('The machine has ended: reset it, or open another guest.');
    this.#running = false;
    session.begin(kind);
  }

  /** Sets out to the past; the slices do the work. */
  #back(session: Session, kind: BackKind, address: number | undefined): void {
    session.beginBack(kind, address);
    this.#running = true;
    this.#rate = 0;
    this.#schedule(0);
  }

  /** The machine is where it had printed so many bytes: the console shows that, and what was typed for later waits no longer. */
  #rewound(printed: number): void {
    this.#scroll.cut(printed);
    this.#isAnew = true;
    this.#typed = new Uint8Array(0);
    if (this.#session !== null) this.#watch(this.#session);
  }

  #halt(session: Session, stop: StopReason): void {
    if (!this.#running) return;
    this.#running = false;
    session.abandon();
    session.stop = stop;
  }

  #schedule(delay: number): void {
    if (this.#scheduled || !this.#running) return;
    this.#scheduled = true;
    this.#host.schedule(delay);
  }

  /** The machine's turn: runs for about SLICE milliseconds, then asks for the next one. */
  slice(): void {
    this.#scheduled = false;
    const session = this.#session;
    if (session === null || !this.#running) return;
    const started = this.#host.now();
    // The next frame goes on.
    if (started - this.#lastFrame > UNWATCHED) {
      this.#pace.start(started, session.pc.clock);
      return;
    }
    if (session.isSearching) {
      this.#search(session, started);
      return;
    }
    this.#type(session);
    const { clock } = session.pc;
    const stepsBefore = session.steps;
    const limit = this.#pace.limit(started, clock);
    let now = started;
    let isAhead = false;
    while (this.#running && now - started < SLICE && !isAhead) {
      this.#running = session.run(CHUNK, limit);
      now = this.#host.now();
      isAhead = session.pc.clock.now() >= limit || session.halted;
    }
    const rate = this.#pace.ran(now - started, session.steps - stepsBefore, session.pc.clock);
    if (rate !== null) session.setRate(rate);
    session.remember(now - started, this.#host.now);
    if (!this.#running) this.#codeIsStale = true;
    this.#measure(session, now);
    this.#schedule(isAhead ? REST : 0);
  }

  /** A turn of a search in the past: the machine stands still. */
  #search(session: Session, started: number): void {
    try {
      while (this.#running && this.#host.now() - started < SLICE) {
        this.#running = session.run(CHUNK, Number.POSITIVE_INFINITY);
      }
    } catch (error) {
      if (!(error instanceof BackError)) throw error;
      this.#running = false;
      this.#host.post({ type: 'refused', request: 'back', message: error.message });
    }
    if (!this.#running) this.#codeIsStale = true;
    this.#schedule(0);
  }

  #measure(session: Session, now: number): void {
    const elapsed = now - this.#rateSince;
    if (elapsed < RATE_INTERVAL) return;
    this.#rate = ((session.steps - this.#rateSteps) * 1000) / elapsed;
    this.#rateSteps = session.steps;
    this.#rateSince = now;
  }

  #type(session: Session): void {
    if (this.#typed.length > 0) this.#typed = this.#typed.subarray(session.input(this.#typed));
  }

  #output(byte: number): void {
    this.#scroll.print(byte);
    if (this.#consoleLength === CONSOLE_LIMIT) {
      this.#consoleDropped++;
      return;
    }
    this.#console[this.#consoleLength++] = byte;
  }

  #sendView(): void {
    const session = this.#session;
    if (session === null) return;
    const cpu = session.processor;
    const { clock } = session.pc;
    const now = this.#host.now();
    const isCodeDue = this.#codeIsStale || (this.#running && now - this.#lastCode > CODE_INTERVAL);
    if (isCodeDue) {
      this.#lastCode = now;
      this.#codeIsStale = false;
    }
    const isAnew = this.#isAnew;
    const output = isAnew ? this.#scroll.bytes : this.#console.slice(0, this.#consoleLength);
    const dropped = isAnew ? 0 : this.#consoleDropped;
    this.#isAnew = false;
    this.#consoleLength = 0;
    this.#consoleDropped = 0;
    const window = this.#memory;
    const view: View = {
      type: 'view',
      serial: ++this.#serial,
      running: this.#running,
      halted: session.halted,
      stop: session.stop,
      instructions: session.steps,
      rate: this.#running ? this.#rate : 0,
      seconds: clock.now() / 1e9,
      registers: registerView(cpu),
      monitor: this.#monitorView(session, now, isCodeDue),
      code: isCodeDue ? codeRows(cpu, session.symbols, this.#code, cpu.linearEip) : null,
      memory:
        window === null ? null : { window, bytes: session.readMemory(window.space, window.address, window.length) },
      console: output,
      consoleDropped: dropped,
      consoleAnew: isAnew,
      past: pastOf(session),
    };
    this.#host.post(view);
  }

  /** `isCodeDue`: what is as costly as a listing is made anew. */
  #monitorView(session: Session, now: number, isCodeDue: boolean): MonitorView {
    const { monitor, setting, pc, processor } = session;
    const { address, tables, open, translation } = this.#monitorWindows;
    const spaces = spacesOf(pc, monitor, processor);
    if (isCodeDue || !tables) this.#tables = tables ? tablesView(spaces, open) : null;
    if (isCodeDue || !translation) {
      const isWanted = translation && monitor !== null;
      this.#translation = isWanted ? translationView(monitor, pc.cpu, processor, session.symbols) : null;
    }
    const isAccountDue = this.#monitorWindows.account && now - this.#lastAccount >= ACCOUNT_INTERVAL;
    if (isAccountDue) this.#lastAccount = now;
    const isTimelineDue =
      this.#monitorWindows.timeline && (!this.#running || now - this.#lastTimeline >= TIMELINE_INTERVAL);
    if (isTimelineDue) this.#lastTimeline = now;
    return {
      setting,
      seat: seatOf(pc.cpu, monitor, processor),
      machine: monitor === null ? null : registerView(pc.cpu),
      happening: this.#happenings?.last ?? null,
      account: isAccountDue && monitor !== null ? accountOf(monitor) : null,
      address: address === null ? null : addressView(spaces, address),
      tables: this.#tables,
      timeline: isTimelineDue ? (this.#timeline?.take() ?? null) : null,
      translation: this.#translation,
    };
  }
}

function pastOf({ history, isPast, isSearching }: Session): PastView | null {
  return history === null ? null : { from: history.from, bytes: history.bytes, isPast, isSearching };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
