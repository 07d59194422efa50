import { type ChildProcess, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from '@playwright/test';
import { build, preview } from 'vite';
import config from '../../../playwright.config.ts';

/** The built page, served, and the browser of the page's tests. */

export interface Bench {
  readonly url: string;
  readonly version: string;
  /** A stranger to the page: no cache, no storage but that the tour was seen. */
  readonly context: () => Promise<BrowserContext>;
  readonly cpu: () => Cpu;
  readonly close: () => Promise<void>;
}

/** Time of the processor that the browser has used so far, in seconds. */
export interface Cpu {
  /** Of the threads of dedicated workers: the machine. */
  readonly workers: number;
  /** Of the threads on which pages run their scripts. */
  readonly pages: number;
  /** Of all processes. */
  readonly all: number;
}

const VIEWPORT = { width: 1440, height: 900 };

export async function start(): Promise<Bench> {
  await build({ logLevel: 'error' });
  const server = await preview({ logLevel: 'error', preview: { port: 0 } });
  const url = server.resolvedUrls?.local[0];
  if (url === undefined) throw new Error('The preview has no address.');
  const launched = await chromium.launchServer(config.use?.launchOptions ?? {});
  const browser: Browser = await chromium.connect(launched.wsEndpoint());
  const root = launched.process();
  return {
    url,
    version: browser.version(),
    context: async () => {
      const context = await browser.newContext({ viewport: VIEWPORT, colorScheme: 'dark' });
      await context.addInitScript(() => localStorage.setItem('ringside.settings', JSON.stringify({ toured: true })));
      return context;
    },
    cpu: () => cpuOf(root),
    close: async () => {
      await browser.close();
      await launched.close();
      await server.close();
    },
  };
}

/** A process and all that it has started. */
function family(root: number): readonly number[] {
  const lines = execFileSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = lines.map(line => line.trim().split(/\s+/).map(Number));
  const found = [root];
  for (let n = 0; n < found.length; n++) {
    for (const [pid, parent] of pairs) if (parent === found[n]) found.push(pid);
  }
  return found;
}

/** Nanoseconds on a processor, as the kernel counts them: a thread's name, and its time. */
function threads(pid: number): readonly (readonly [string, number, boolean])[] {
  const folder = `/proc/${pid}/task`;
  try {
    return readdirSync(folder).map(id => {
      const name = readFileSync(`${folder}/${id}/comm`, 'utf8').trim();
      const [time] = readFileSync(`${folder}/${id}/schedstat`, 'utf8').split(' ');
      return [name, Number(time), Number(id) === pid];
    });
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

function cpuOf(root: ChildProcess): Cpu {
  const sum = { workers: 0, pages: 0, all: 0 };
  for (const pid of family(root.pid ?? 0)) {
    const list = threads(pid);
    const isRenderer = list.some(([name]) => name === 'Compositor');
    for (const [name, time, isMain] of list) {
      sum.all += time / 1e9;
      if (name.startsWith('DedicatedWorke')) sum.workers += time / 1e9;
      else if (isMain && isRenderer) sum.pages += time / 1e9;
    }
  }
  return sum;
}

/** Waits until the page says that the machine is paused. */
export async function paused(page: Page): Promise<void> {
  await page.getByTestId('status').getByText('Paused').waitFor();
}
