/**
 * The one animation loop of the page. It asks the worker for a view once per animation frame while the machine runs, and
 * a few times a second while it stands still, so that an idle page costs nothing. A hidden page asks for nothing.
 */

/** Pause between two views of a machine that does not run. */
const IDLE_MS = 250;
/** A worker that has answered before and is silent for so long is taken for dead. */
const SILENCE_MS = 5000;
/** A new worker first has to be fetched and compiled. */
const FIRST_ANSWER_MS = 30_000;
/** Longest time that one frame counts for: a laptop that wakes up is not a silent worker. */
const LONGEST_FRAME_MS = 250;

export interface FrameLoop {
  /** Something was asked of the worker: have a view soon. */
  readonly hurry: () => void;
  /** The view that was asked for is here. */
  readonly answered: (running: boolean) => void;
  readonly stop: () => void;
}

/** `ask` sends one `frame`; `silent` is called once when no answer comes, and the loop stops. */
export function startFrames(ask: () => void, silent: () => void): FrameLoop {
  let waiting = false;
  let everAnswered = false;
  let unanswered = 0;
  let last = performance.now();
  let stopped = false;
  let animation = 0;
  let timer = 0;

  const tick = (now: number): void => {
    animation = 0;
    if (stopped || document.hidden) return;
    const elapsed = Math.min(Math.max(now - last, 0), LONGEST_FRAME_MS);
    last = now;
    if (waiting) {
      unanswered += elapsed;
      if (unanswered >= (everAnswered ? SILENCE_MS : FIRST_ANSWER_MS)) {
        stop();
        silent();
        return;
      }
    } else {
      send();
    }
    next();
  };

  const next = (): void => {
    if (animation === 0 && !stopped) animation = requestAnimationFrame(tick);
  };

  const send = (): void => {
    waiting = true;
    unanswered = 0;
    ask();
  };

  const hurry = (): void => {
    if (stopped || document.hidden) return;
    clearTimeout(timer);
    if (!waiting) send();
    else wanted = true;
    next();
  };
  /** Whether something was asked after the view that is on its way. */
  let wanted = false;

  const answered = (running: boolean): void => {
    waiting = false;
    everAnswered = true;
    clearTimeout(timer);
    if (running || wanted) {
      wanted = false;
      next();
    } else {
      cancelAnimationFrame(animation);
      animation = 0;
      timer = window.setTimeout(next, IDLE_MS);
    }
  };

  const seen = (): void => {
    if (document.hidden) return;
    last = performance.now();
    next();
  };

  const stop = (): void => {
    stopped = true;
    clearTimeout(timer);
    cancelAnimationFrame(animation);
    document.removeEventListener('visibilitychange', seen);
  };

  document.addEventListener('visibilitychange', seen);
  next();
  return { hurry, answered, stop };
}
