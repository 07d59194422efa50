import type { Page } from '@playwright/test';
import { findings } from './axe.ts';
import { eip, expect, press, screen, shot, status, test } from './page.ts';

const modes = (page: Page) => page.getByRole('group', { name: 'Mode', exact: true });
const card = (page: Page) => page.getByRole('region', { name: 'What just happened' });
const rings = (page: Page) => page.getByRole('region', { name: 'Rings' });
const exits = (page: Page) => page.getByRole('region', { name: 'Traps and exits' });

/** Chooses a technique in one of the switch's menus. */
async function choose(page: Page, family: string, technique: string) {
  await modes(page).getByRole('button', { name: family }).click();
  await page.getByRole('menuitemradio', { name: technique }).click();
  await expect(modes(page).getByRole('button', { name: `${technique}, chosen` })).toBeVisible();
}

test('a privileged instruction traps in ring 1, and its card tells the whole of it', async ({ ringside: page }) => {
  await expect(rings(page)).toContainText('no monitor');
  const before = await eip(page);
  await choose(page, 'Full', 'Trap and emulate');
  expect(await eip(page)).toBe(before);
  await expect(card(page)).toContainText('traps');
  await press(page, 'Step').click();
  await expect(card(page)).toContainText('the processor raised #GP(0), and the monitor took over');
  await expect(card(page)).toContainText('SDM volume 3, 5.9');
  // The frame that the processor saved: CS of ring 1, and where it was.
  await expect(card(page)).toContainText(/CS\s*00000009\s*ring 1/);
  await expect(card(page)).toContainText(new RegExp(`EIP\\s*${before}`));
  await expect(card(page)).toContainText('Emulated the instruction');
  await expect(card(page)).toContainText(/\d+ instructions and memory references of the monitor/);
  await expect(rings(page)).toContainText('#GP(0), from ring 1 (kernel) to ring 0 (monitor)');
  await expect.poll(() => eip(page)).not.toBe(before);
  await shot(page, 'trap-dark');
  expect(await findings(page)).toEqual([]);
});

test('the same guest goes on under hardware assist, at its instruction, and exits', async ({ ringside: page }) => {
  await choose(page, 'Full', 'Trap and emulate');
  await press(page, 'Step').click();
  // What the card says before the step names #GP(0) too.
  await expect(card(page)).toContainText('the processor raised #GP(0), and the monitor took over');
  const before = await eip(page);
  await choose(page, 'Hardware', 'Nested paging');
  await expect(status(page)).toContainText('Paused');
  expect(await eip(page)).toBe(before);
  await expect(rings(page)).toContainText('root operation');
  await press(page, 'Next trap').click();
  await expect(card(page)).toContainText('The processor left non-root operation', { timeout: 15_000 });
  await expect(card(page)).toContainText(/exit reason\s*[0-9a-f]{8}/);
  // The way back is told once it has been gone.
  await expect(rings(page)).toContainText('Now: the monitor');
  await expect(card(page)).not.toContainText('VMRESUME back to the guest');
  await shot(page, 'exit-dark');
  // The card before can be read again.
  await card(page).getByRole('button', { name: 'The one before' }).click();
  await expect(card(page)).toContainText('The machine has gone on since.');
  await expect(card(page)).toContainText('IRET back to the guest');
  await page.emulateMedia({ colorScheme: 'light' });
  await shot(page, 'exit-light');
  expect(await findings(page)).toEqual([]);
});

test('every mode can be chosen from the card, and by keyboard', async ({ ringside: page }) => {
  await card(page).getByRole('button', { name: 'Full · translation' }).click();
  await expect(modes(page).getByRole('button', { name: 'Binary translation, chosen' })).toBeVisible();
  await modes(page).getByRole('button', { name: 'Hardware' }).focus();
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('menuitemradio', { name: 'Nested paging' })).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(modes(page).getByRole('button', { name: 'Shadow paging, chosen' })).toBeVisible();
  await modes(page).getByRole('button', { name: 'Bare machine' }).press('Enter');
  await expect(modes(page).getByRole('button', { name: 'Bare machine' })).toHaveAttribute('aria-pressed', 'true');
  await expect(rings(page)).toContainText('no monitor');
});

test('a reset keeps the mode', async ({ ringside: page }) => {
  await choose(page, 'Full', 'Scan and patch');
  await page.keyboard.press('Control+Shift+F5');
  await expect(card(page)).toContainText('Nothing has run yet');
  await expect(modes(page).getByRole('button', { name: 'Scan and patch, chosen' })).toBeVisible();
});

test('the machine is stepped by its own instructions, through the monitor’s code', async ({ ringside: page }) => {
  await choose(page, 'Full', 'Trap and emulate');
  await page.keyboard.press('Control+F11');
  await expect(card(page)).toContainText('in the monitor’s own code');
  await expect(rings(page)).toContainText('Now: the monitor, in ring 0.');
});

test('exits are counted while the guest runs', async ({ ringside: page }) => {
  await page.getByRole('tab', { name: 'Exits' }).click();
  await expect(exits(page)).toContainText('There is no monitor');
  await choose(page, 'Full', 'Trap and emulate');
  await page.keyboard.press('F5');
  await expect(screen(page)).toContainText('primer$', { timeout: 30_000 });
  await expect(exits(page).getByRole('row', { name: /^cli trap/ })).toBeVisible({ timeout: 15_000 });
  await expect(exits(page)).toContainText(/\d % direct/);
  await expect(exits(page).getByRole('row', { name: /^all/ })).toContainText(/\d/);
  await page.keyboard.press('F6');
  await expect(status(page)).toContainText('Paused');
  await exits(page).getByRole('button', { name: 'monitor' }).click();
  await expect(exits(page).getByRole('columnheader', { name: 'monitor' })).toHaveAttribute('aria-sort', 'descending');
  await shot(page, 'exits-dark');
  expect(await findings(page)).toEqual([]);
});

test('paravirtualization asks before it starts the guest again, with another kernel', async ({ ringside: page }) => {
  await modes(page).getByRole('button', { name: 'Paravirtualization' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('primer starts again from its beginning');
  expect(await findings(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(modes(page).getByRole('button', { name: 'Bare machine' })).toHaveAttribute('aria-pressed', 'true');

  await modes(page).getByRole('button', { name: 'Paravirtualization' }).click();
  await dialog.getByRole('button', { name: 'Start again' }).click();
  await expect(modes(page).getByRole('button', { name: 'Paravirtualization' })).toHaveAttribute('aria-pressed', 'true');
  await expect(card(page)).toContainText('Nothing has run yet');
  await press(page, 'Next trap').click();
  await expect(card(page)).toContainText('hypercall', { timeout: 15_000 });
  await page.keyboard.press('F5');
  await expect(screen(page)).toContainText('primer$', { timeout: 30_000 });
  const tables = page.getByRole('region', { name: 'Page tables' });
  await tables.getByRole('button', { name: 'Show' }).click();
  await expect(tables.getByRole('treeitem', { name: /pseudo 00[0-9a-f]{6}/ }).first()).toBeVisible();
  await shot(page, 'para-dark');

  await modes(page).getByRole('button', { name: 'Hardware' }).click();
  await page.getByRole('menuitemradio', { name: 'Nested paging' }).click();
  await expect(dialog).toContainText('with its ordinary kernel');
  await dialog.getByRole('button', { name: 'Start again' }).click();
  await expect(modes(page).getByRole('button', { name: 'Nested paging, chosen' })).toBeVisible();
  await expect(status(page)).toContainText('Paused');
});

test('on a phone, rings, card and exits are panels of their own', async ({ ringside: page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await choose(page, 'Full', 'Trap and emulate');
  await press(page, 'Step').click();
  for (const tab of ['Rings', 'Exits']) {
    await page.getByRole('tab', { name: tab }).click();
    await expect(page.getByRole('tabpanel')).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    expect(await findings(page)).toEqual([]);
    await shot(page, `phone-${tab.toLowerCase()}`);
  }
});
