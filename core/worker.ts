/// <reference lib="webworker" />
import type { Processor } from './machine/cpu/processor.ts';
import type { Translator } from './machine/translate/translator.ts';
import type { FromWorker, ToWorker } from './protocol/messages.ts';
import { Desk } from './session/desk.ts';
import { gunzip } from './session/files/gunzip.ts';
import { LARGEST_SNAPSHOT } from './session/files/snapshot-file.ts';

/** The worker's way in: messages to the desk, the desk's answers to the page, and a turn for the machine in between. */

declare const self: DedicatedWorkerGlobalScope;

function post(message: FromWorker): void {
  self.postMessage(message);
}

/** Wakes the machine's next slice without the delay that timers have; messages from the page get their turn first. */
const turn = new MessageChannel();
/** The timer that ends a rest. */
let rest: ReturnType<typeof setTimeout> | undefined;

/** What translates hot code is fetched when the page stands: until then everything is executed, which takes the same course. */
let makeTranslator: ((cpu: Processor) => Translator) | undefined;
import('./machine/translate/translator.ts').then(
  ({ translatorOf }) => {
    makeTranslator = translatorOf('regions');
    desk.translate();
  },
  () => {
    // It cannot be fetched: the machine is slower, and nothing else.
  },
);

const desk = new Desk({
  post,
  translate: cpu => makeTranslator?.(cpu) ?? null,
  now: () => performance.now(),
  date: () => Date.now() / 1000,
  /** At once, or after some milliseconds while the machine has nothing to do. */
  schedule: delay => {
    clearTimeout(rest);
    if (delay === 0) turn.port2.postMessage(null);
    else rest = setTimeout(work, delay);
  },
});

function guarded(action: () => void): void {
  try {
    action();
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    post({ type: 'crashed', message });
    self.close();
  }
}

function work(): void {
  guarded(() => desk.slice());
}

/** What came while a snapshot is unpacked, and is done behind it; null: none is. */
let waiting: ToWorker[] | null = null;

function take(message: ToWorker): void {
  if (waiting !== null) waiting.push(message);
  else if (message.type === 'restore') void restore(message.file);
  else desk.handle(message);
}

async function restore(packed: Uint8Array): Promise<void> {
  waiting = [];
  const unpacked = await gunzip(packed, LARGEST_SNAPSHOT);
  guarded(() => {
    const behind = waiting ?? [];
    waiting = null;
    desk.handle({ type: 'restore', file: unpacked ?? packed });
    for (const message of behind) take(message);
  });
}

turn.port1.onmessage = work;
self.onmessage = (event: MessageEvent<ToWorker>) => guarded(() => take(event.data));
