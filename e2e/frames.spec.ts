import { expect, screen, status, test } from './page.ts';
import { type FrameWork, frameWork } from './work.ts';

/** Recordings, and how long each takes. The best figures count. */
const RECORDINGS = 3;
const MILLISECONDS = 2500;
/**
 * What the main thread may do for a frame, in units of work (see work.ts), so that neither a slow nor a busy computer counts as
 * a slow page. On two quiet cores a unit is 2.4 to 3 ms, a frame 1.2 to 1.5 units, and 95 % are below 3.7.
 */
const MEAN = 2;
const P95 = 5.5;

test(
  'at full speed a frame costs the page little, so that sixty a second have room',
  { tag: '@alone' },
  async ({ ringside: page }, info) => {
    await page.keyboard.press('F5');
    await expect(screen(page)).toContainText('primer$', { timeout: 30_000 });
    await page.locator('.xterm').click();
    await page.keyboard.type('bench\n'.repeat(16));
    await expect(status(page)).toContainText('Running');
    const works: FrameWork[] = [];
    for (let i = 0; i < RECORDINGS; i += 1) works.push(await frameWork(page, MILLISECONDS));
    await expect(screen(page)).toContainText('context switch');

    for (const { mean, p95, unit, rate, frames } of works) {
      const most = frames.at(-1) ?? 0;
      const description = `${rate.toFixed(1)} frames a second; main thread ${mean.toFixed(1)} ms a frame, 95 % below ${p95.toFixed(1)}, all below ${most.toFixed(1)}; unit ${unit.toFixed(1)} ms`;
      info.annotations.push({ type: 'frames', description });
      console.log(description);
    }
    const best = (figure: 'mean' | 'p95' | 'unit'): number => Math.min(...works.map(work => work[figure]));
    expect(best('mean') / best('unit')).toBeLessThan(MEAN);
    expect(best('p95') / best('unit')).toBeLessThan(P95);
  },
);
