import type { Page } from '@playwright/test';
import { expect, press, screen, shot, status, test } from './page.ts';

/** Runs primer until its shell waits, and stops it. */
async function toShell(page: Page): Promise<void> {
  await press(page, 'Run').click();
  await expect(screen(page)).toContainText('primer$');
  await press(page, 'Pause').click();
  await expect(status(page)).toContainText('Paused');
}

async function mode(page: Page, family: 'Full' | 'Hardware', name: string): Promise<void> {
  await page.getByRole('group', { name: 'Mode' }).getByText(family).click();
  await page.getByRole('menuitemradio', { name }).click();
}

function walkOf(page: Page, tables: string) {
  return page.getByTestId('walk').getByRole('article', { name: tables });
}

test('a click on ESP shows the walk of its address: three entries under PAE', async ({ ringside: page }) => {
  await toShell(page);
  await page.getByRole('button', { name: /^ESP / }).click();
  const walk = walkOf(page, 'Page tables');
  await expect(walk.getByRole('rowheader')).toHaveText([/^PDPTE \d+$/, /^PDE \d+$/, /^PTE \d+$/]);
  await expect(walk.getByRole('img')).toHaveAttribute('aria-label', /bits 31 to 30: ptr \d, bits 29 to 21: directory/);
  await expect(walk).toContainText('physical');
  await expect(walk).toContainText('2 memory references');
  await shot(page, 'walk-bare');

  await page
    .getByTestId('walk')
    .getByRole('textbox')
    .or(page.getByTestId('walk').getByRole('combobox'))
    .fill('b0000000');
  await page.keyboard.press('Enter');
  await expect(walk).toContainText('Page fault, error code');
  await expect(walk).toContainText('not present');
});

test('an address anywhere in code and memory leads to its walk', async ({ ringside: page }) => {
  await toShell(page);
  const row = page
    .getByRole('list', { name: 'Code' })
    .getByRole('listitem')
    .filter({ has: page.locator('button') });
  const first = row.nth(3);
  await first.click({ modifiers: ['Alt'] });
  await expect(page.getByTestId('walk')).toContainText('read · ring');
  await page.getByTestId('walk').getByRole('button', { name: 'Close' }).click();
  await expect(page.getByTestId('walk')).toContainText('Click an address');
  await page.getByRole('tab', { name: 'Memory' }).click();
  await page.getByRole('application').focus();
  await page.keyboard.press('w');
  await expect(page.getByTestId('walk')).toContainText('TLB');
});

test('under nested paging every entry of the guest’s is translated first', async ({ ringside: page }) => {
  await toShell(page);
  await mode(page, 'Hardware', 'Nested paging');
  await page.getByRole('button', { name: /^ESP / }).click();
  await expect(walkOf(page, 'Guest’s tables').first().getByRole('rowheader')).toHaveCount(3);
  const nested = walkOf(page, 'Guest’s tables under EPT');
  await expect(nested).toContainText('14 memory references');
  await expect(nested.getByRole('rowheader').filter({ hasText: /^EPT PTE/ })).toHaveCount(3);
  await expect(nested.getByRole('rowheader').filter({ hasText: /^PTE/ })).toHaveCount(1);
  await shot(page, 'walk-nested');

  // Each view brings the tables anew: hundreds of rows of them are compared, and the page stays quick.
  const tables = page.getByRole('region', { name: 'Page tables' });
  await tables.getByRole('button', { name: 'Show' }).click();
  const rows = tables.getByRole('treeitem');
  await expect(rows.last()).toHaveAttribute('aria-expanded', 'false');
  for (let level = 0; level < 3; level++) {
    const before = await rows.count();
    await rows.last().focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => rows.count()).toBeGreaterThan(before);
  }
  expect(await rows.count()).toBeGreaterThan(400);
  const frames = await page.evaluate(async () => {
    const end = performance.now() + 1500;
    let n = 0;
    for (; performance.now() < end; n++) await new Promise(requestAnimationFrame);
    return n;
  });
  expect(frames).toBeGreaterThan(5);
});

test('translation: guest’s and shadow tables open, registers differ, code stands beside the guest’s', async ({
  ringside: page,
}) => {
  await toShell(page);
  await mode(page, 'Full', 'Binary translation');
  await page.getByRole('button', { name: 'Next trap' }).click();
  await expect(page.getByRole('region', { name: 'Registers', exact: true })).toContainText('machine holds');
  await expect(page.getByRole('region', { name: 'Control registers' })).toContainText('CR3 of the machine');

  const tables = page.getByRole('region', { name: 'Page tables' });
  await tables.getByRole('button', { name: 'Show' }).click();
  const tree = tables.getByRole('tree');
  await expect(tree.getByRole('treeitem', { name: /Guest’s tables/ })).toBeVisible();
  await expect(tree.getByRole('treeitem', { name: /Shadow tables/ })).toBeVisible();
  const before = await tree.getByRole('treeitem').count();
  await tree.getByRole('treeitem').nth(1).focus();
  await page.keyboard.press('ArrowRight');
  await expect(tree.getByRole('treeitem').nth(1)).toHaveAttribute('aria-expanded', 'true');
  await expect.poll(() => tree.getByRole('treeitem').count()).toBeGreaterThan(before);
  await page.keyboard.press('Enter');
  await expect(walkOf(page, 'Shadow tables')).toBeVisible();
  await shot(page, 'tables-translate');

  await page.getByRole('button', { name: 'Translation', exact: true }).click();
  await expect(
    page.getByRole('list', { name: 'Translation' }).or(page.getByText('Nothing is translated here')),
  ).toBeVisible();
  await mode(page, 'Full', 'Trap and emulate');
  await expect(page.getByRole('button', { name: 'Translation', exact: true })).toHaveCount(0);
});
