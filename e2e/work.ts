import type { CDPSession, Page } from '@playwright/test';

/** An event of Chrome's trace format: times in microseconds; `tdur` is time of the processor, not of the clock. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
}

export interface FrameWork {
  /** Processor time that the main thread of the page has spent in each frame, in milliseconds, sorted. */
  readonly frames: readonly number[];
  readonly mean: number;
  readonly p95: number;
  /** What a fixed piece of work has cost at the same time: how fast this computer is at it, with all that goes on beside. */
  readonly unit: number;
  /** Animation frames a second. */
  readonly rate: number;
}

const CATEGORIES = ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'];

async function record(session: CDPSession, during: () => Promise<void>): Promise<readonly TraceEvent[]> {
  const events: TraceEvent[] = [];
  const collect = ({ value }: { readonly value: readonly object[] }): void => {
    events.push(...(value as readonly TraceEvent[]));
  };
  session.on('Tracing.dataCollected', collect);
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: CATEGORIES },
  });
  await during();
  const complete = new Promise<void>(resolve => session.once('Tracing.tracingComplete', () => resolve()));
  await session.send('Tracing.end');
  await complete;
  session.off('Tracing.dataCollected', collect);
  return events;
}

/** Makes, lays out and removes a hundred lines of text: processor time of the main thread, in milliseconds. */
async function unitOfWork(page: Page, session: CDPSession): Promise<number> {
  const TIMES = 10;
  const spent = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
  };
  const before = await spent();
  await page.evaluate(times => {
    for (let n = 0; n < times; n += 1) {
      const lines = document.createElement('div');
      lines.style.cssText = 'position: absolute; visibility: hidden';
      for (let i = 0; i < 100; i += 1) {
        const line = document.createElement('p');
        line.textContent = `line ${i} of ${n}`;
        lines.append(line);
      }
      document.body.append(lines);
      lines.getBoundingClientRect();
      lines.remove();
    }
  }, TIMES);
  return (((await spent()) - before) * 1000) / TIMES;
}

/** Counts the page's frames for so many milliseconds, and what each has cost its main thread. */
export async function frameWork(page: Page, milliseconds: number): Promise<FrameWork> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  // The first time is spent on compiling.
  await unitOfWork(page, session);
  const before = await unitOfWork(page, session);
  let rate = 0;
  const events = await record(session, async () => {
    rate = await page.evaluate(
      wanted =>
        new Promise<number>(resolve => {
          const start = performance.now();
          let count = 0;
          const tick = () => {
            const elapsed = performance.now() - start;
            if (elapsed >= wanted) resolve((count * 1000) / elapsed);
            else requestAnimationFrame(tick);
            count += 1;
          };
          requestAnimationFrame(tick);
        }),
      milliseconds,
    );
  });
  const unit = Math.min(before, await unitOfWork(page, session));
  await session.detach();

  const thread = ({ pid, tid }: TraceEvent): string => `${pid}/${tid}`;
  const fired = events.find(({ name }) => name === 'FireAnimationFrame');
  if (fired === undefined) throw new Error('The trace has no animation frame.');
  const main = events.filter(event => thread(event) === thread(fired)).sort((a, b) => a.ts - b.ts);
  const begins = main.filter(({ name, ph }) => name === 'AnimationFrame' && ph === 'b').map(({ ts }) => ts);
  const frames = new Array<number>(begins.length).fill(0);
  let at = 0;
  for (const { name, ph, ts, dur, tdur } of main) {
    // The task that draws a frame begins a little before it.
    while (at + 1 < begins.length && ts + (dur ?? 0) / 2 >= begins[at + 1]) at += 1;
    if (name === 'RunTask' && ph === 'X') frames[at] += (tdur ?? 0) / 1000;
  }
  // The first and the last are cut off.
  const whole = frames.slice(1, -1).sort((a, b) => a - b);
  const sum = whole.reduce((a, b) => a + b, 0);
  return { frames: whole, mean: sum / whole.length, p95: whole[Math.floor(whole.length * 0.95)], unit, rate };
}
