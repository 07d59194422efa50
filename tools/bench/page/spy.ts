import type { Page } from '@playwright/test';
import type { FromWorker, ToWorker } from '../../../core/protocol/messages.ts';
import type { Setting } from '../../../core/protocol/monitor.ts';

/** What a page under measurement tells: the machine's views as they come, and what the page looks at. */
export interface Spy {
  /** Counts of the machine and the reader's time, at the last view. */
  readonly now: Sample | null;
  /** The same, each time that the guest's shell has asked for a command. */
  readonly prompts: readonly Sample[];
  /** To the worker, not on the page's behalf. */
  readonly say: (message: ToWorker) => void;
  /** What the page asked for last to be shown. */
  readonly windows: ToWorker | null;
  /** The worker alone is measured: the page hears nothing. */
  isAway: boolean;
}

export interface Sample {
  readonly instructions: number;
  /** Of the run that is under way, by what the guest itself executed; of the machine's processor without a monitor. */
  readonly milliseconds: number;
}

declare global {
  var spy: Spy;
  /** When animation frames came. */
  var frameTimes: number[];
}

/** Has the page's worker heard: before the page is loaded. `prompt`: what the guest's shell asks with. */
export async function spyOn(page: Page, prompt: string): Promise<void> {
  // The compiler names functions by this one, also those that are carried into a page.
  await page.addInitScript('globalThis.__name = named => named');
  await page.addInitScript(listen, prompt);
}

function listen(prompt: string): void {
  const spy = {
    now: null as Sample | null,
    prompts: [] as Sample[],
    say: (_: ToWorker): void => {
      throw new Error('There is no worker yet.');
    },
    windows: null as ToWorker | null,
    isAway: false,
  };
  globalThis.spy = spy;
  let tail = '';
  /** Views that the page itself has asked for, and gets. */
  let awaited = 0;
  const hear = (event: MessageEvent<FromWorker>): void => {
    const { data } = event;
    if (data.type !== 'view') return;
    if (awaited > 0) awaited -= 1;
    else if (spy.isAway) event.stopImmediatePropagation();
    const sample = { instructions: data.instructions, milliseconds: performance.now() };
    spy.now = sample;
    if (data.console.length === 0) return;
    tail += String.fromCharCode(...data.console);
    const parts = tail.split(prompt);
    for (let n = 1; n < parts.length; n++) spy.prompts.push(sample);
    tail = parts[parts.length - 1].slice(-prompt.length);
  };
  globalThis.Worker = class extends Worker {
    constructor(source: string | URL, options?: WorkerOptions) {
      super(source, options);
      spy.say = message => super.postMessage(message);
      this.addEventListener('message', hear);
    }

    override postMessage(message: ToWorker): void {
      if (message.type === 'frame') awaited += 1;
      if (message.type === 'windows') spy.windows = message;
      super.postMessage(message);
    }
  };
}

/** How often a machine that nobody looks at is asked for a view, in milliseconds: without any it would rest. */
const SELDOM = 100;

/**
 * Takes the page away from its worker, or gives it back: nothing of the machine is looked at then, and the page, which takes itself for hidden, hears and draws
 * nothing. One worker is measured both ways, for two have never translated the same code.
 */
export async function lookAway(page: Page, isAway: boolean): Promise<void> {
  await page.evaluate(
    ([away, seldom]) => {
      const { windows } = spy;
      if (windows === null) throw new Error('There is no machine.');
      spy.isAway = away;
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => away });
      document.dispatchEvent(new Event('visibilitychange'));
      if (!away) {
        spy.say(windows);
        return;
      }
      const monitor = {
        happened: false,
        account: false,
        timeline: false,
        translation: false,
        address: null,
        tables: false,
        open: [],
      };
      const code = { follow: true, address: 0, before: 0, after: 0 };
      spy.say({ type: 'windows', code, memory: null, monitor });
      const ask = () => {
        if (!spy.isAway) return;
        spy.say({ type: 'frame' });
        setTimeout(ask, seldom);
      };
      ask();
    },
    [isAway, SELDOM] as const,
  );
}

/** Says something to the worker as the page would. */
export async function tell(
  page: Page,
  message:
    | { readonly type: 'run' | 'pause' }
    | { readonly type: 'mode'; readonly setting: Setting }
    | { readonly type: 'input'; readonly text: string },
): Promise<void> {
  await page.evaluate(said => {
    const { type } = said;
    spy.say(type === 'input' ? { type, bytes: new TextEncoder().encode(said.text) } : said);
  }, message);
}
