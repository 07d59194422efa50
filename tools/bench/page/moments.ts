import { gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { type Bench, paused } from './browser.ts';
import { openPanels } from './panels.ts';
import { spyOn, tell } from './spy.ts';

/** What a reader waits for: a step, a step back, the page itself. Times in milliseconds. */

export interface Waits {
  readonly steps: readonly number[];
  /** The first of a machine has another one made. */
  readonly firstBack: number;
  readonly backs: readonly number[];
}

const STEPS = 20;
const BACKS = 6;
const LONGEST = 20_000;

/** Presses a button and waits until the registers show another EIP and are painted: from the event on, as the browser dates it. */
async function press(page: Page, name: string): Promise<number> {
  const painted = page.evaluate(
    ([pressed, longest]) =>
      new Promise<number>((resolve, reject) => {
        const value = () => document.querySelector('[data-register=eip]')?.textContent;
        const old = value();
        let began: number | null = null;
        document.addEventListener('pointerdown', event => (began = event.timeStamp), { capture: true, once: true });
        const look = (): void => {
          if (began !== null && value() !== old) {
            const from = began;
            // Behind the frame that draws it.
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => resolve(performance.now() - from);
            requestAnimationFrame(() => port2.postMessage(null));
            observer.disconnect();
          }
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, { subtree: true, childList: true, characterData: true });
        setTimeout(() => reject(new Error(`Nothing came of ${pressed}.`)), longest);
      }),
    [name, LONGEST] as const,
  );
  await page.getByRole('group', { name: 'Run controls' }).getByRole('button', { name, exact: true }).click();
  return painted;
}

/** In primer, which has run to its shell, with every panel open. */
export async function measureWaits(bench: Bench, mode: string): Promise<Waits> {
  const context = await bench.context();
  const page = await context.newPage();
  await spyOn(page, 'primer$ ');
  await page.goto(`${bench.url}?mode=${mode}`);
  await paused(page);
  await tell(page, { type: 'run' });
  await page.waitForFunction(() => spy.prompts.length > 0, undefined, { timeout: LONGEST });
  await tell(page, { type: 'pause' });
  await openPanels(page);
  const steps: number[] = [];
  for (let n = 0; n < STEPS; n++) steps.push(await press(page, 'Step'));
  const firstBack = await press(page, 'Back');
  const backs: number[] = [];
  for (let n = 0; n < BACKS; n++) backs.push(await press(page, 'Back'));
  await context.close();
  return { steps, firstBack, backs };
}

export interface Load {
  /** From the navigation to the first thing drawn, and until the guest stands before its first privileged instruction. */
  readonly drawn: number;
  readonly paused: number;
  /** All that was fetched until then, as a host sends it that compresses. */
  readonly bytes: number;
  readonly files: number;
}

/** Opens the page as somebody who was never here. */
export async function measureLoad(bench: Bench): Promise<Load> {
  const context = await bench.context();
  const page = await context.newPage();
  const bodies: Promise<Buffer>[] = [];
  page.on('response', response => bodies.push(response.body().catch(() => Buffer.alloc(0))));
  await page.goto(bench.url, { waitUntil: 'commit' });
  await paused(page);
  const times = await page.evaluate(() => ({
    paused: performance.now(),
    drawn: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
  }));
  const files = await Promise.all(bodies);
  await context.close();
  return { ...times, bytes: files.reduce((sum, file) => sum + gzipSync(file).length, 0), files: files.length };
}
