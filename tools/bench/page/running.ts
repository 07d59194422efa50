import type { Page } from '@playwright/test';
import type { Setting } from '../../../core/protocol/monitor.ts';
import { type Bench, paused } from './browser.ts';
import { openLinux, PROMPT, work } from './linux.ts';
import { openPanels } from './panels.ts';
import { lookAway, type Sample, spyOn, tell } from './spy.ts';

/** The guest at work in one worker, with every panel of the page open and while the page looks away, in turns. */

export interface Turn {
  /** Times for the work: of the reader's, and of the worker's own on a processor. In seconds. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Instructions of the machine's processor, the monitor's too, in millions a second. */
  readonly rate: number;
  /** Processor seconds of the page's own thread, and of all else but the worker, for each second. */
  readonly pageCpu: number;
  readonly otherCpu: number;
}

/** Of a guest that waits at its prompt, with the panels that the page opens with: processor seconds in each second. */
export interface Idle {
  readonly worker: number;
  readonly page: number;
  readonly other: number;
}

export interface Rates {
  readonly mode: string;
  readonly idle: Idle;
  readonly panels: readonly Turn[];
  readonly alone: readonly Turn[];
  /** Between two animation frames of the page in turns of their own, in milliseconds. */
  readonly frames: readonly number[];
}

const LONGEST = 300_000;
/** How long a guest is watched that waits, and what it may still have to do before; milliseconds. */
const IDLE = 10_000;
const SETTLING = 3000;
/** How much work makes some seconds in a mode, and how many turns of it come first, until hot code is translated by Ringside and by the browser. */
const WORK = {
  bare: { times: 10, warmUps: 6 },
  nested: { times: 2.5, warmUps: 6 },
  shadow: { times: 0.5, warmUps: 2 },
  translate: { times: 0.03, warmUps: 1 },
  patch: { times: 0.03, warmUps: 1 },
} as const;

type Measured = keyof typeof WORK;

function isMeasured(mode: string): mode is Measured {
  return mode in WORK;
}

/** Of a mode by the name that the page's address has for it. */
function settingOf(mode: Measured): Setting {
  return mode === 'nested' || mode === 'shadow' ? { mode: 'hardware', paging: mode } : { mode, paging: 'nested' };
}

/** Measures one mode, with so many turns for each. Throws RangeError for one that Linux is not measured in. */
export async function measureRates(bench: Bench, mode: string, rounds: number): Promise<Rates> {
  if (!isMeasured(mode)) throw new RangeError(`Linux is not measured under ${mode}.`);
  const { times, warmUps } = WORK[mode];
  const commands = work(times);
  const context = await bench.context();
  const page = await context.newPage();
  await spyOn(page, PROMPT);
  await page.goto(`${bench.url}?mode=${mode}`);
  await paused(page);
  await openLinux(page);
  const panels: Turn[] = [];
  const alone: Turn[] = [];
  const frames: number[] = [];
  await tell(page, { type: 'run' });
  await prompted(page, 1);
  // An image is opened bare, and its guest goes on in the mode.
  await tell(page, { type: 'mode', setting: settingOf(mode) });
  const idle = await measureIdle(bench, page);
  await tell(page, { type: 'pause' });
  // Only now there is paging, and so there are tables.
  await openPanels(page);
  for (let n = 0; n < warmUps; n++) await turn(bench, page, commands);
  for (let round = 0; round < rounds; round++) {
    // Who is first changes: what else the computer does comes to both.
    if (round % 2 === 0) panels.push(await turn(bench, page, commands));
    await lookAway(page, true);
    alone.push(await turn(bench, page, commands));
    await lookAway(page, false);
    if (round % 2 === 1) panels.push(await turn(bench, page, commands));
  }
  // Who counts frames makes the page draw each of them, which it does not do by itself: that would slow down the guest in the turns before.
  for (let round = 0; round < rounds; round += 2)
    frames.push(...(await countFrames(page, () => turn(bench, page, commands))));
  await context.close();
  return { mode, idle, panels, alone, frames };
}

/** Milliseconds from one animation frame to the next, while something goes on. */
async function countFrames(page: Page, during: () => Promise<unknown>): Promise<readonly number[]> {
  await page.evaluate(() => {
    const seen: number[] = [];
    globalThis.frameTimes = seen;
    const tick = (now: number): void => {
      seen.push(now);
      if (globalThis.frameTimes === seen) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  await during();
  return page.evaluate(() => {
    const seen = globalThis.frameTimes;
    globalThis.frameTimes = [];
    return seen.slice(1).map((time, n) => time - seen[n]);
  });
}

async function measureIdle(bench: Bench, page: Page): Promise<Idle> {
  await page.waitForTimeout(SETTLING);
  const [before, from] = [bench.cpu(), performance.now()];
  await page.waitForTimeout(IDLE);
  const [after, seconds] = [bench.cpu(), (performance.now() - from) / 1000];
  const worker = (after.workers - before.workers) / seconds;
  const own = (after.pages - before.pages) / seconds;
  return { worker, page: own, other: (after.all - before.all) / seconds - worker - own };
}

async function prompted(page: Page, count: number): Promise<Sample> {
  const there = await page.waitForFunction(wanted => spy.prompts[wanted - 1] ?? null, count, {
    timeout: LONGEST,
    polling: 50,
  });
  const sample = await there.jsonValue();
  if (sample === null) throw new Error('There is no prompt.');
  return sample;
}

/** Lets the guest do its work once, and pauses it. */
async function turn(bench: Bench, page: Page, commands: string): Promise<Turn> {
  const before = bench.cpu();
  const { from, prompts } = await page.evaluate(() => {
    if (spy.now === null) throw new Error('There is no view yet.');
    return { from: { ...spy.now, milliseconds: performance.now() }, prompts: spy.prompts.length };
  });
  await tell(page, { type: 'run' });
  await tell(page, { type: 'input', text: `${commands}\n` });
  const to = await prompted(page, prompts + 1);
  const after = bench.cpu();
  await tell(page, { type: 'pause' });
  await page.waitForTimeout(400);
  const millions = (a: Sample, b: Sample) => (b.instructions - a.instructions) / 1e6;
  const seconds = (to.milliseconds - from.milliseconds) / 1000;
  const workers = after.workers - before.workers;
  const pages = after.pages - before.pages;
  return {
    seconds,
    cpuSeconds: workers,
    rate: millions(from, to) / seconds,
    pageCpu: pages / seconds,
    otherCpu: (after.all - before.all - workers - pages) / seconds,
  };
}
