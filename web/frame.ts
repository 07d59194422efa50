/**
 * When the page asks the worker for a view: thirty times a second while the guest writes, ten while it only runs or waits for
 * somebody, and a few while the machine stands still. There is no animation loop: a frame in which nothing is new costs nothing. A hidden page asks for nothing.
 */

/** What the machine does, as its last view shows it: it waits where its guest has halted and written nothing. */
export type Doing = 'stands' | 'runs' | 'writes' | 'waits';

/** From one view of a guest that writes to the next: nobody sees more, and the machine has the time. */
const WRITING_MS = 33;
/** The same of one that only runs: numbers are read less often. */
const RUNNING_MS = 100;
/** The same when it has waited for so many views, one after the other. */
const WAITING_MS = 100;
const WAITS = 15;
/** The same while it does not run. */
const IDLE_MS = 250;
/** While an answer is awaited it is looked this often how long that has been. */
const WATCH_MS = 200;
/** A worker that has answered before and is silent for so long is taken for dead. */
const SILENCE_MS = 5000;
/** A new worker first has to be fetched and compiled. */
const FIRST_ANSWER_MS = 30_000;
/** Longest time that one look counts for: a laptop that wakes up is not a silent worker. */
const LONGEST_MS = 250;

export interface FrameLoop {
  /** Something was asked of the worker: have a view soon. */
  readonly hurry: () => void;
  /** The view that was asked for is here. */
  readonly answered: (doing: Doing) => void;
  readonly stop: () => void;
}

/** `ask` sends one `frame`; `silent` is called once when no answer comes, and the loop stops. */
export function startFrames(ask: () => void, silent: () => void): FrameLoop {
  let waiting = false;
  let everAnswered = false;
  let unanswered = 0;
  /** When the last view was asked for, and when it was last looked for its answer. */
  let asked = 0;
  let last = 0;
  /** Whether something was asked after the view that is on its way. */
  let wanted = false;
  /** Views of a machine that waits, since something else was seen or asked. */
  let waits = 0;
  let stopped = false;
  let timer = 0;

  const after = (milliseconds: number): void => {
    clearTimeout(timer);
    if (!stopped && !document.hidden) timer = window.setTimeout(tick, milliseconds);
  };

  const tick = (): void => {
    if (stopped || document.hidden) return;
    if (!waiting) {
      send();
      return;
    }
    const now = performance.now();
    unanswered += Math.min(Math.max(now - last, 0), LONGEST_MS);
    last = now;
    if (unanswered < (everAnswered ? SILENCE_MS : FIRST_ANSWER_MS)) {
      after(WATCH_MS);
      return;
    }
    stop();
    silent();
  };

  const send = (): void => {
    waiting = true;
    wanted = false;
    unanswered = 0;
    asked = performance.now();
    last = asked;
    ask();
    after(WATCH_MS);
  };

  const hurry = (): void => {
    if (stopped || document.hidden) return;
    waits = 0;
    if (waiting) wanted = true;
    else send();
  };

  const pauseFor = (doing: Doing): number => {
    if (doing === 'stands') return wanted ? 0 : IDLE_MS;
    if (doing === 'runs' && !wanted) return RUNNING_MS;
    return waits < WAITS ? WRITING_MS : WAITING_MS;
  };

  const answered = (doing: Doing): void => {
    waiting = false;
    everAnswered = true;
    waits = doing === 'waits' ? waits + 1 : 0;
    const pause = pauseFor(doing);
    after(Math.max(asked + pause - performance.now(), 0));
  };

  const seen = (): void => {
    last = performance.now();
    after(0);
  };

  const stop = (): void => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', seen);
  };

  document.addEventListener('visibilitychange', seen);
  after(0);
  return { hurry, answered, stop };
}
