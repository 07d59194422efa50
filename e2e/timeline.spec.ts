import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { violations } from './axe.ts';
import { expect, screen, shot, status, test } from './page.ts';

const panel = (page: Page) => page.getByRole('region', { name: 'Timeline' });
const drawing = (page: Page) => panel(page).getByRole('listbox');
const chosen = (page: Page) => panel(page).getByRole('option');

async function bootNested(page: Page): Promise<void> {
  await page.getByRole('tab', { name: 'Timeline' }).click();
  await page.getByRole('button', { name: 'Hardware · nested' }).click();
  await page.keyboard.press('F5');
  await expect(screen(page)).toContainText('primer$', { timeout: 30_000 });
}

test('before anything runs the timeline says what it will show', async ({ page }) => {
  await page.goto('./?mode=bare');
  await page.getByRole('tab', { name: 'Timeline' }).click();
  await expect(panel(page)).toBeVisible();
});

test('an exit is found by keyboard, named, and saved in a trace', async ({ ringside: page }, info) => {
  await bootNested(page);
  await shot(page, 'timeline-running-dark');
  await page.keyboard.press('F6');
  await expect(status(page)).toContainText('Paused');
  await expect(panel(page)).toContainText('Monitor');
  // So that an exit is near.
  await page.keyboard.press('Control+F10');
  await expect(status(page)).toContainText('Paused');

  await drawing(page).focus();
  await page.keyboard.press('End');
  // The way back to an exit: every other stretch is one at most.
  for (let n = 0; n < 10 && !/exit: /.test((await chosen(page).textContent()) ?? ''); n += 1) {
    await page.keyboard.press('ArrowLeft');
    await page.waitForTimeout(100);
  }
  await expect(chosen(page)).toContainText(/Monitor · ring 0, exit: .+, \d+ ns|Monitor · ring 0, exit: .+µs/);
  const before = await panel(page)
    .getByText(/shown$/)
    .textContent();
  for (let n = 0; n < 6; n += 1) await page.keyboard.press('w');
  await expect(panel(page).getByText(/shown$/)).not.toHaveText(before ?? '');
  await expect(drawing(page)).toBeFocused();
  await shot(page, 'timeline-exit-dark');

  const waiting = page.waitForEvent('download');
  await panel(page).getByRole('button', { name: 'Save as a trace' }).click();
  const download = await waiting;
  const path = info.outputPath('trace.json');
  await download.saveAs(path);
  const { traceEvents } = JSON.parse(await readFile(path, 'utf8')) as {
    traceEvents: { readonly ph: string; readonly cat?: string; readonly name: string; readonly dur?: number }[];
  };
  const exits = traceEvents.filter(({ ph, cat }) => ph === 'X' && cat === 'exit');
  expect(exits.length).toBeGreaterThan(10);
  expect(exits.every(({ dur }) => dur !== undefined && dur >= 0)).toBe(true);
});

test('the list says the same in words, and both are accessible in light and dark', async ({ ringside: page }) => {
  await bootNested(page);
  await page.keyboard.press('F6');
  await expect(status(page)).toContainText('Paused');
  // Wherever that was, the monitor is now among the last.
  await page.keyboard.press('Control+F10');
  await expect(status(page)).toContainText('Paused');
  for (const scheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const asList of [false, true]) {
      const list = panel(page).getByRole('button', { name: 'As a list' });
      if (((await list.getAttribute('aria-pressed')) === 'true') !== asList) await list.click();
      expect(await violations(page)).toEqual([]);
      await shot(page, `timeline-${asList ? 'list' : 'drawing'}-${scheme}`);
    }
  }
  await expect(panel(page).getByRole('row')).not.toHaveCount(0);
  await expect(panel(page).getByRole('table')).toContainText('Monitor · ring 0');
});
