import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from '@playwright/test';
import { build, preview } from 'vite';
import config from '../../../playwright.config.ts';
import { type Answer, GuestError, type Host, type Measured, type Memory, RunError, type ScriptTask } from '../task.ts';
import type { Order } from './worker.ts';

const CONFIG = 'tools/bench/chromium/vite.config.ts';
const FOLDER = 'node_modules/.cache/bench/chromium';
/** The words have v86 take its turns from its own thread, as it does in Node. Else another thread wakes it for each millisecond, late where others work. */
const WORKER = 'worker.js?use-scheduling-api';

/** The browser of the page's tests, and a server of what its workers need. Throws GuestError if it cannot be started. */
export async function openChromium(): Promise<Host> {
  const { launchOptions = {} } = config.use ?? {};
  const { executablePath = '' } = launchOptions;
  if (!existsSync(executablePath)) throw new GuestError(`There is no ${executablePath}: install Chromium.`);
  await build({ configFile: CONFIG });
  writeFileSync(join(FOLDER, 'index.html'), '<!doctype html><title>Benchmark</title>\n');
  const server = await preview({ configFile: CONFIG });
  const url = server.resolvedUrls?.local[0];
  if (url === undefined) throw new Error('The preview has no address.');
  const browser = await chromium.launch(launchOptions).catch(error => {
    throw new GuestError(`Chromium does not start: ${firstLine(error)}`);
  });
  return {
    title: `Chromium ${browser.version()}`,
    prepare: task => {
      if (task.machine === 'qemu') throw new GuestError('QEMU does not run in a browser.');
      const order = orderOf(task);
      return () => measure(browser, url, order);
    },
    close: async () => {
      await browser.close();
      await server.close();
    },
  };
}

/** Puts the bytes of a task where the worker fetches them: those of all tasks are the same. */
function orderOf(task: ScriptTask): Order {
  const { kernel, initrd, commandLine } = task.guest;
  const files = 'files' in task ? task.files : {};
  for (const [name, bytes] of Object.entries({ kernel, initrd, ...files })) writeFileSync(join(FOLDER, name), bytes);
  return { machine: task.machine, commandLine };
}

/** A page of its own, and so a process, with nothing but the worker. */
async function measure(browser: Browser, url: string, order: Order): Promise<Measured> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(url);
    const answer = await page.evaluate(
      ([address, order]) =>
        new Promise<Answer>(resolve => {
          const worker = new Worker(address, { type: 'module' });
          worker.onmessage = ({ data }: MessageEvent<Answer>) => resolve(data);
          worker.onerror = ({ message }) => resolve(message ?? 'The worker cannot be loaded.');
          worker.postMessage(order);
        }),
      [WORKER, order] as const,
    );
    if (typeof answer === 'string') throw new RunError(answer);
    return { ...answer, memory: await mostMemory(browser) };
  } catch (error) {
    throw error instanceof RunError ? error : new RunError(`Chromium went away: ${firstLine(error)}`);
  } finally {
    await context.close();
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0];
}

/** Of the largest process of a page: the others are spare ones. */
async function mostMemory(browser: Browser): Promise<Memory> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const bytes = (status: string, name: string) =>
    1024 * Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
  const sizes = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => readFileSync(`/proc/${id}/status`, 'utf8'))
    .map(status => ({ all: bytes(status, 'VmHWM'), files: bytes(status, 'RssFile') }));
  const { all, files } = sizes.reduce((a, b) => (b.all > a.all ? b : a));
  return { own: all - files, files };
}
