import type { Processor } from '../machine/cpu/processor.ts';
import type { Translator } from '../machine/translate/translator.ts';
import type { Breakpoint } from '../protocol/breakpoints.ts';
import type { FromWorker, StepKind, StopReason, ToWorker } from '../protocol/messages.ts';
import type { Setting } from '../protocol/monitor.ts';
import type { Answer, Question } from '../protocol/questions.ts';
import { ConsoleBuffer } from './console-buffer.ts';
import { readSnapshot, writeSnapshot } from './files/snapshot-file.ts';
import { Pace } from './pace.ts';
import { HISTORY } from './past/history.ts';
import { BackError } from './past/past.ts';
import { type Guest, Session } from './session.ts';
import { answer, answerVmcs } from './views/answers.ts';
import { Viewer } from './views/viewer.ts';
import { Watching } from './watching/watching.ts';

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
  /** Has slice() called again, at once or after `delay` milliseconds; if that was asked for a later time before, now instead of then. */
  readonly schedule: (delay: number) => void;
  /** Makes what translates hot code (PcOptions); null while that is not there yet. */
  readonly translate?: (cpu: Processor) => Translator | null;
}

/** A slice, in milliseconds: the page's messages wait at most this long. */
const SLICE = 10;
/** Steps between looks at the clock. */
const CHUNK = 100_000;
/** Without a frame from the page for this long, nobody looks: the machine rests. */
const UNWATCHED = 1000;
/** How long to rest while the guest is halted, in milliseconds: about a frame of the page, so that nobody sees less for it. */
const REST = 16;
/** The same when nothing was printed or typed for CALM: the page asks for a view less often, too. */
const LONG_REST = 50;
const CALM = 1000;
/** Typed bytes kept for a guest that does not read them. */
const TYPED_LIMIT = 1 << 20;
const RATE_INTERVAL = 1000;
/** First guess of the steps in a second; the pace corrects it. */
const FIRST_RATE = 30_000_000;

const NO_BYTES = new Uint8Array(0);

/** What a message can ask of a machine that is open. */
type Request = Exclude<ToWorker, { type: 'open' | 'restore' | 'frame' | 'windows' | 'ask' | 'breakpoints' }>;

/** A machine that is open. */
interface Opened {
  readonly session: Session;
  readonly console: ConsoleBuffer;
  readonly watching: Watching;
}

/** What a search in the past is for: what is refused, or what is answered, if it finds nothing. */
type Sought = { readonly request: ToWorker['type'] } | { readonly id: number };

/** One machine and the page that looks at it: carries out requests, gives the machine its turns, answers with views. */
export class Desk {
  readonly #host: DeskHost;
  readonly #pace = new Pace();
  readonly #viewer = new Viewer();
  #opened: Opened | null = null;
  #running = false;
  #sought: Sought = { request: 'back' };
  #scheduled = false;
  /** Scheduled for the end of a rest. */
  #isResting = false;
  /** Something was printed or typed since the last slice, and when that was last so. */
  #isStirred = false;
  #lastStir = 0;
  #lastFrame = 0;
  #breakpoints: readonly Breakpoint[] = [];
  /** Keys that the guest's serial port had no room for yet. */
  #typed: Uint8Array = NO_BYTES;
  #rate = 0;
  #rateSteps = 0;
  #rateSince = 0;
  /** Milliseconds of the last turn, which no checkpoint has followed yet. */
  #ran = 0;

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

  /** The host can translate from now on. */
  translate(): void {
    if (this.#opened === null) return;
    const { cpu } = this.#opened.session.pc;
    cpu.translator ??= this.#host.translate?.(cpu) ?? null;
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
        if (!this.#isResting) this.#schedule(0);
        this.#sendView();
        return;
      case 'windows':
        this.#viewer.setWindows(message.code, message.memory, message.monitor);
        this.#opened?.watching.look(message.monitor);
        return;
      case 'breakpoints':
        this.#opened?.session.setBreakpoints(message.breakpoints);
        this.#breakpoints = message.breakpoints;
        return;
      case 'ask':
        this.#ask(message.id, message.question);
        return;
      default:
        this.#control(this.#require(), message);
    }
  }

  #control({ session, watching, console }: Opened, message: Request): void {
    this.#viewer.renew();
    if (session.isSearching) this.#halt(session, session.stop);
    switch (message.type) {
      case 'run':
        this.#start(session, () => session.begin('run'));
        return;
      case 'until':
        this.#start(session, () => session.beginUntil(message.on));
        return;
      case 'pause':
        this.#pause(session);
        return;
      case 'step':
        this.#step(session, message.kind);
        return;
      case 'back':
        session.beginBack(message.kind, message.address);
        this.#search({ request: 'back' });
        return;
      case 'goTo':
        if (session.beginGoTo(message.step)) this.#search({ request: 'goTo' });
        return;
      case 'sameStep':
        session.beginSameStep(message.setting);
        this.#search({ request: 'sameStep' });
        return;
      case 'reset':
        this.#running = false;
        session.reset();
        watching.forget();
        // What the page has not had yet of the last run is not the next one's.
        console.take();
        return;
      case 'mode':
        session.change(message.setting);
        watching.renew();
        return;
      case 'input':
        if (this.#typed.length + message.bytes.length > TYPED_LIMIT) {
          throw new Error('The guest takes its input too slowly: the rest of what was typed or pasted is dropped.');
        }
        this.#typed = joined(this.#typed, message.bytes);
        this.#type(session);
        this.#isStirred = true;
        this.#schedule(0);
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
      case 'trace':
        this.#host.post({ type: 'trace', name: session.guest.name, file: watching.trace() });
        return;
    }
  }

  #require(): Opened {
    if (this.#opened === null) throw new Error('No machine is open yet.');
    return this.#opened;
  }

  // Questions

  /** Answers, now or when the past has been searched. */
  #ask(id: number, question: Question): void {
    try {
      const { session } = this.#require();
      if (question.kind === 'lastWrite') this.#askLastWrite(session, id, question);
      else if (question.kind !== 'vmcs') this.#answer(id, answer(session, question));
      else {
        answerVmcs(session).then(
          given => this.#answer(id, given),
          error => this.#cannotAnswer(id, error),
        );
      }
    } catch (error) {
      this.#cannotAnswer(id, error);
    }
  }

  #cannotAnswer(id: number, error: unknown): void {
    if (!(error instanceof Error)) throw error;
    this.#answer(id, { kind: 'none', message: error.message });
  }

  #askLastWrite(session: Session, id: number, question: Extract<Question, { kind: 'lastWrite' }>): void {
    if (this.#running) throw new Error('The machine runs: pause it to look into its past.');
    session.beginLastWrite(question, found => this.#answer(id, found));
    this.#search({ id });
  }

  #answer(id: number, given: Answer): void {
    this.#host.post({ type: 'answer', id, answer: given });
  }

  // Machines

  #open(guest: Guest, setting: Setting, stopBeforePrivileged: boolean): void {
    const { session } = this.#take(this.#create(guest, setting));
    if (stopBeforePrivileged) this.#start(session, () => session.begin('privileged'));
  }

  #restore(file: Uint8Array): void {
    const { guest, state } = readSnapshot(file);
    const opened = this.#create(guest, { mode: 'bare', paging: 'nested' });
    opened.session.restore(state);
    this.#take(opened);
  }

  #create(guest: Guest, setting: Setting): Opened {
    const console = new ConsoleBuffer();
    const watching: Watching = new Watching(() => session);
    const session: Session = new Session(guest, {
      startTime: this.#host.date(),
      rate: FIRST_RATE,
      onConsole: byte => {
        this.#isStirred = true;
        console.print(byte);
      },
      onRewind: printed => {
        console.rewind(printed);
        // What was typed for later waits no longer.
        this.#typed = NO_BYTES;
        watching.rewound();
      },
      onNear: machine => watching.rehearse(machine),
      history: HISTORY,
      translate: cpu => this.#host.translate?.(cpu) ?? null,
      ...setting,
    });
    return { session, console, watching };
  }

  #take(opened: Opened): Opened {
    this.#opened?.session.watchMachines(null);
    this.#opened = opened;
    const { session, watching } = opened;
    watching.look(this.#viewer.windows);
    this.#running = false;
    this.#typed = NO_BYTES;
    this.#ran = 0;
    this.#viewer.renew();
    session.setBreakpoints(this.#breakpoints);
    const { guest, symbolFile, plan } = session;
    this.#host.post({
      type: 'opened',
      name: guest.name,
      kind: plan.kind,
      memoryMib: guest.memoryMib,
      symbols: symbolFile,
    });
    return opened;
  }

  // Turns

  #start(session: Session, begin: () => void): void {
    if (session.ended) throw new Error('The machine has ended: reset it, or open another guest.');
    begin();
    const now = this.#host.now();
    this.#pace.start(now, session.pc.clock);
    this.#running = true;
    this.#rate = 0;
    this.#rateSince = now;
    this.#rateSteps = session.steps;
    this.#schedule(0);
  }

  #step(session: Session, kind: StepKind): void {
    if (kind !== 'into' && kind !== 'machine') {
      this.#start(session, () => session.begin(kind));
      return;
    }
    if (session.ended) throw new Error('The machine has ended: reset it, or open another guest.');
    this.#running = false;
    session.begin(kind);
  }

  /** The session has set out to the past: the slices do the work. */
  #search(sought: Sought): void {
    this.#sought = sought;
    this.#running = true;
    this.#rate = 0;
    this.#schedule(0);
  }

  #halt(session: Session, stop: StopReason): void {
    if (!this.#running) return;
    this.#running = false;
    if (session.isSearching && 'id' in this.#sought) {
      this.#answer(this.#sought.id, { kind: 'none', message: 'The search was given up.' });
    }
    session.abandon();
    session.stop = stop;
  }

  #pause(session: Session): void {
    const isGuestRunning = this.#running && !session.isSearching;
    this.#halt(session, { kind: 'pause' });
    if (isGuestRunning) session.pause();
  }

  /** What is to be done at once ends a rest. */
  #schedule(delay: number): void {
    if (!this.#running || (this.#scheduled && !(this.#isResting && delay === 0))) return;
    this.#scheduled = true;
    this.#isResting = delay > 0;
    this.#host.schedule(delay);
  }

  /** The machine's turn: runs for about SLICE milliseconds, then asks for the next one. */
  slice(): void {
    this.#scheduled = false;
    this.#isResting = false;
    const session = this.#opened?.session;
    if (session === undefined || !this.#running) return;
    const started = this.#host.now();
    // The next frame goes on.
    if (started - this.#lastFrame > UNWATCHED) {
      this.#pace.start(started, session.pc.clock);
      return;
    }
    if (session.isSearching) {
      this.#searchOn(session, started);
      return;
    }
    this.#type(session);
    // For a checkpoint the guest leaves for the monitor: not where it has stopped, to be looked at.
    session.remember(this.#ran, this.#host.now);
    this.#ran = 0;
    const { clock } = session.pc;
    const stepsBefore = session.steps;
    const limit = this.#pace.limit(started, clock, session.halted);
    let now = started;
    let isAhead = false;
    while (this.#running && now - started < SLICE && !isAhead) {
      this.#running = session.run(CHUNK, limit);
      now = this.#host.now();
      isAhead = session.pc.clock.now() >= limit || session.halted;
    }
    const rate = this.#pace.ran(now - started, session.steps - stepsBefore, session.pc.clock);
    if (rate !== null) session.setRate(rate);
    this.#ran = now - started;
    if (!this.#running) this.#viewer.renew();
    this.#measure(session, now);
    if (this.#isStirred) this.#lastStir = now;
    this.#isStirred = false;
    const rest = now - this.#lastStir > CALM ? LONG_REST : REST;
    this.#schedule(isAhead && session.halted ? rest : 0);
  }

  /** A turn of a search in the past: the machine stands still. */
  #searchOn(session: Session, started: number): void {
    try {
      while (this.#running && this.#host.now() - started < SLICE) {
        this.#running = session.run(CHUNK, Number.POSITIVE_INFINITY);
      }
    } catch (error) {
      if (!(error instanceof BackError)) throw error;
      this.#running = false;
      const { message } = error;
      if ('id' in this.#sought) this.#answer(this.#sought.id, { kind: 'none', message });
      else this.#host.post({ type: 'refused', request: this.#sought.request, message });
    }
    if (!this.#running) this.#viewer.renew();
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

  #sendView(): void {
    if (this.#opened === null) return;
    const { session, watching, console } = this.#opened;
    const looked = { session, watching, console, running: this.#running, rate: this.#rate, now: this.#host.now() };
    this.#host.post(this.#viewer.view(looked));
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
