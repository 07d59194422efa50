/// <reference lib="webworker" />
import type { Processor } from './machine/cpu/processor.ts';
import type { Translator } from './machine/translate/translator.ts';
import type { FromWorker, ToWorker } from './protocol/messages.ts';
import { Desk } from './session/desk.ts';

/** The worker's way in: messages to the desk, the desk's answers to the page, and a turn for the machine in between. */

declare const self: DedicatedWorkerGlobalScope;

function post(message: FromWorker): void {
  self.postMessage(message);
}

/** Wakes the machine's next slice without the delay that timers have; messages from the page get their turn first. */
const turn = new MessageChannel();

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
    if (delay === 0) turn.port2.postMessage(null);
    else setTimeout(work, delay);
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

turn.port1.onmessage = work;
self.onmessage = (event: MessageEvent<ToWorker>) => guarded(() => desk.handle(event.data));
