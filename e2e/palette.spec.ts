import type { Page } from '@playwright/test';
import { violations } from './axe.ts';
import { eip, expect, screen, shot, status, test } from './page.ts';

const palette = (page: Page) => page.getByRole('dialog', { name: 'Commands' });
const box = (page: Page) => palette(page).getByRole('combobox');
const chosen = (page: Page) => palette(page).getByRole('option', { selected: true });

async function open(page: Page): Promise<void> {
  await page.keyboard.press('Control+k');
  await expect(box(page)).toBeFocused();
}

test('by keyboard alone: step, mode, theme, and what was used comes first', async ({ ringside: page }) => {
  const first = await eip(page);
  await open(page);
  await expect(chosen(page)).toContainText('Step');
  await page.keyboard.type('machine st');
  await expect(chosen(page)).toContainText('Machine step');
  await page.keyboard.press('Enter');
  await expect(palette(page)).toHaveCount(0);
  await expect.poll(() => eip(page)).not.toBe(first);

  await open(page);
  await page.keyboard.type('nested');
  await expect(chosen(page)).toContainText('Mode: Nested paging');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('group', { name: 'Mode' })).toContainText('nested');

  await open(page);
  await page.keyboard.type('theme light');
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');

  await open(page);
  await expect(palette(page).getByRole('group', { name: 'Recent' }).getByRole('option')).toHaveText([
    /^Theme: Light/,
    /^Mode: Nested paging/,
    /^Machine step/,
  ]);
  await page.reload();
  await expect(status(page)).toContainText('Paused');
  await open(page);
  await expect(chosen(page)).toContainText('Theme: Light');
});

test('arrows move, Escape closes and gives the focus back, what cannot be done is not', async ({ ringside: page }) => {
  const step = page.getByRole('group', { name: 'Run controls' }).getByRole('button', { name: 'Step', exact: true });
  await step.focus();
  await open(page);
  await page.keyboard.press('ArrowDown');
  await expect(chosen(page)).toContainText('Over');
  await expect(box(page)).toHaveAttribute('aria-activedescendant', (await chosen(page).getAttribute('id')) ?? '');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await expect(chosen(page)).toContainText('tour');
  await page.keyboard.press('Escape');
  await expect(palette(page)).toHaveCount(0);
  await expect(step).toBeFocused();

  await open(page);
  await page.keyboard.type('pause');
  await expect(chosen(page)).toHaveAttribute('aria-disabled', 'true');
  await page.keyboard.press('Enter');
  await expect(palette(page)).toBeVisible();
  await page.keyboard.type('zzzz');
  await expect(palette(page)).toContainText('Nothing matches');
});

test('symbols are found by their letters, verbs’ lines are carried out', async ({ ringside: page }) => {
  await open(page);
  await page.keyboard.type('swspace');
  await expect(chosen(page)).toContainText('switch_space');
  await shot(page, 'palette-symbol');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('list', { name: 'Code' })).toContainText('switch_space');

  await open(page);
  await page.keyboard.type('x/4xw $esp');
  await expect(chosen(page)).toContainText('x/4xw $esp');
  await page.keyboard.press('Enter');
  const verbs = page.getByRole('region', { name: 'Verbs' });
  await expect(verbs.getByRole('log')).toContainText(/0x[0-9a-f]{8}/);
  await expect(verbs.getByRole('textbox')).toBeFocused();
});

test('the guest keeps Ctrl+K, F1 opens from everywhere', async ({ ringside: page }) => {
  await page.keyboard.press('F5');
  await expect(screen(page)).toContainText('primer$');
  await page.getByRole('region', { name: 'Serial console' }).getByRole('textbox').focus();
  await page.keyboard.press('Control+k');
  await expect(palette(page)).toHaveCount(0);
  await page.keyboard.press('F1');
  await expect(box(page)).toBeFocused();
  await page.keyboard.type('pause');
  await page.keyboard.press('Enter');
  await expect(status(page)).toContainText('Paused');
});

test('in Chinese, in light and dark, on a phone', async ({ page }) => {
  // The checks of accessibility look at each element.
  test.slow();
  await page.goto('./?mode=bare&lang=zh');
  await expect(page.getByTestId('status')).toContainText('已暂停');
  const dialog = page.getByRole('dialog', { name: '命令面板' });
  await page.keyboard.press('Control+k');
  await expect(dialog.getByRole('combobox')).toBeFocused();
  await page.keyboard.type('嵌套');
  await expect(dialog.getByRole('option', { selected: true })).toContainText('模式：嵌套分页');
  await dialog.getByRole('combobox').fill('theme');
  await expect(dialog.getByRole('option').first()).toContainText('主题');
  await dialog.getByRole('combobox').fill('');
  for (const scheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    expect(await violations(page)).toEqual([]);
    await shot(page, `palette-zh-${scheme}`);
  }
  await page.setViewportSize({ width: 1024, height: 768 });
  await shot(page, 'palette-small');
  await page.setViewportSize({ width: 390, height: 844 });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(390);
  expect(await violations(page)).toEqual([]);
  await shot(page, 'palette-phone');
});
