import type { Page } from '@playwright/test';
import type { FromWorker, ToWorker } from '../../../core/protocol/messages.ts';
import type { Setting } from '../../../core/protocol/monitor.ts';

/** What a page under measurement tells: the machine's views as they come, and the message that opened its guest. */
export interface Spy {
  /** Counts of the machine and the reader's time, at the last view. */
  readonly now: Sample | null;
  /** The same, each time that the guest's shell has asked for a command. */
  readonly prompts: readonly Sample[];
  readonly worker: Worker | null;
  readonly source: string;
  readonly opened: string;
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
    worker: null as Worker | null,
    source: '',
    opened: '',
  };
  globalThis.spy = spy;
  let tail = '';
  const hear = ({ data }: MessageEvent<FromWorker>): void => {
    if (data.type !== 'view') return;
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
      spy.worker = this;
      spy.source = String(source);
      this.addEventListener('message', hear);
    }

    override postMessage(message: ToWorker): void {
      // Bytes as JSON has them: the message is carried to another page.
      const bytes = (_: string, value: unknown) => (value instanceof Uint8Array ? { bytes: [...value] } : value);
      if (message.type === 'open') spy.opened = JSON.stringify(message, bytes);
      super.postMessage(message);
    }
  };
}

/** How often a machine that nobody looks at is asked for a view, in milliseconds: without any it would rest. */
const SELDOM = 100;

/** Opens the same guest in a page with nothing on it: the worker alone, of which nothing is looked at. */
export async function openAlone(page: Page, { source, opened }: Pick<Spy, 'source' | 'opened'>): Promise<void> {
  await page.evaluate(
    ([from, message, seldom]) => {
      const bytes = (_: string, value: { readonly bytes?: readonly number[] } | null) =>
        value?.bytes === undefined ? value : Uint8Array.from(value.bytes);
      const worker = new Worker(from, { type: 'module' });
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
      worker.postMessage({ type: 'windows', code, memory: null, monitor });
      worker.postMessage(JSON.parse(message, bytes));
      setInterval(() => worker.postMessage({ type: 'frame' }), seldom);
    },
    [source, opened, SELDOM] as const,
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
    globalThis.spy.worker?.postMessage(type === 'input' ? { type, bytes: new TextEncoder().encode(said.text) } : said);
  }, message);
}
