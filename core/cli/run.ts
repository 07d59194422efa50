import { writeSync } from 'node:fs';
import { translatorOf } from '../machine/translate/translator.ts';
import { type Guest, Session } from '../session/session.ts';
import type { RunArguments } from './arguments.ts';
import { EXIT } from './main.ts';
import { statsLine } from './stats.ts';
import { traceTo } from './trace-file.ts';

/** Steps between looks at the limits: well below a tenth of a second. */
const SLICE = 1_000_000;
/** The same for a guest that waits, in nanoseconds of its time: it takes no steps. */
const WAIT = 1e9;

/** The console so far, as far as texts are looked for in it. */
class Watch {
  readonly #text: string | null;
  #tail = '';
  seen = false;

  constructor(text: string | null) {
    this.#text = text;
    this.seen = text === null || text === '';
  }

  feed(text: string): void {
    if (this.seen || this.#text === null) return;
    this.#tail = (this.#tail + text).slice(-(this.#text.length + text.length));
    this.seen = this.#tail.includes(this.#text);
  }
}

/** Writes all bytes, also to a pipe that is full for a moment. */
function print(bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
  }
}

/** Runs a guest without a page; returns the exit code. Throws ImageError for an image that cannot be started. */
export function runHeadless(guest: Guest, options: RunArguments): number {
  const until = new Watch(options.until);
  const inputAfter = new Watch(options.inputAfter);
  const isWaiting = options.until !== null;
  let pending: number[] = [];
  const decoder = new TextDecoder('utf-8');
  let session: Session;
  let testExit: number | null = null;
  const flush = (): void => {
    if (pending.length === 0) return;
    const bytes = Uint8Array.from(pending);
    pending = [];
    print(bytes);
    const text = decoder.decode(bytes, { stream: true });
    inputAfter.feed(text);
    until.feed(text);
  };
  session = new Session(guest, {
    startTime: Date.now() / 1000,
    rate: options.rate,
    onConsole: byte => pending.push(byte),
    mode: options.mode,
    translate: translatorOf(options.engine),
    paging: options.paging,
    onTestExit: options.testDevices ? code => (testExit = code & 0xff) : undefined,
  });
  if (options.stats) session.monitor?.watchHoles(true);
  const endTrace = options.trace === null ? null : traceTo(options.trace, session, options);
  session.begin('run');
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  let input = options.input;
  const drive = (): number => {
    for (;;) {
      const left = options.maxInstructions - session.steps;
      if (left <= 0 || seconds() >= options.timeout) return EXIT.limit;
      const running = session.run(Math.min(SLICE, left), session.pc.clock.now() + WAIT);
      flush();
      if (input.length > 0 && inputAfter.seen) input = input.subarray(session.input(input));
      if (isWaiting && until.seen) return EXIT.done;
      if (!running) return testExit ?? endOf(session);
    }
  };
  let code: number;
  try {
    code = drive();
  } finally {
    endTrace?.();
  }
  if (options.stats) process.stdout.write(`\n${statsLine(session, seconds())}\n`);
  return code;
}

function endOf(session: Session): number {
  const { stop } = session;
  switch (stop.kind) {
    case 'powerOff':
      return EXIT.done;
    case 'deadHalt':
      process.stderr.write('ringside: the guest halted with interrupts off: nothing can wake it.\n');
      return EXIT.limit;
    case 'tripleFault':
      process.stderr.write(`ringside: triple fault: ${stop.report}\n`);
      return EXIT.crashed;
    case 'unimplemented':
      process.stderr.write(`ringside: not done yet: ${stop.report}\n`);
      return EXIT.crashed;
    case 'start':
    case 'pause':
    case 'step':
    case 'breakpoint':
    case 'privileged':
      return EXIT.limit;
  }
}
