import { test as base } from '@playwright/test';
import { expect, press, status } from './page.ts';

base('the first press of Step shows a trap, what the monitor did, and the way back', async ({ page }) => {
  await page.goto('./?tour=off');
  await expect(status(page)).toContainText('Paused');
  const card = page.getByRole('region', { name: 'What just happened' });
  await expect(card).toContainText('It traps.');
  await expect(page.getByRole('region', { name: 'Rings' })).toContainText('Now: the guest’s kernel, in ring 1');
  await press(page, 'Step').click();
  await expect(card).toContainText('mov eax,cr4');
  await expect(card).toContainText('ring 1');
  await expect(card).toContainText('#GP(0)');
  await expect(card).toContainText('Emulated the instruction');
});

base('the page opens in the mode that its address names', async ({ page }) => {
  await page.goto('./?tour=off&mode=nested');
  await expect(status(page)).toContainText('Paused');
  await expect(page.getByRole('region', { name: 'Rings' })).toContainText('non-root');
});
