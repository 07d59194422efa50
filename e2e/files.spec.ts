import { readFileSync } from 'node:fs';
import { drop, eip, expect, shot, status, test } from './page.ts';

const primer = readFileSync(new URL('../public/guests/primer.elf', import.meta.url));

test('a broken file is refused with one sentence, and the machine goes on', async ({ ringside: page }) => {
  await drop(page, [{ name: 'broken.bin', bytes: new TextEncoder().encode('this is no kernel') }]);
  const notice = page.getByRole('alert');
  await expect(notice).toHaveCount(1);
  await expect(notice).toHaveText(/^broken\.bin: [A-Z][^.!?]*\.$/);
  await shot(page, 'refused-dark');
  const before = await eip(page);
  await page.keyboard.press('F11');
  await expect.poll(() => eip(page)).not.toBe(before);
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await expect(notice).toHaveCount(0);
});

test('a dropped kernel is opened', async ({ ringside: page }) => {
  await drop(page, [{ name: 'mine.elf', bytes: primer }]);
  await expect(page.getByRole('button', { name: 'Guest', exact: true })).toContainText('mine.elf');
  await expect(status(page)).toContainText('Paused');
  await expect(page.getByRole('region', { name: 'Guest image' })).toContainText('mine.elf');
});

test('a cut-off kernel is refused or stops, and the page stays', async ({ ringside: page }) => {
  await drop(page, [{ name: 'half.elf', bytes: primer.subarray(0, 6000) }]);
  await expect(page.getByRole('alert').first()).toBeVisible();
  await expect(page.getByRole('alertdialog')).toHaveCount(0);
});

test('an initial RAM disk alone is not taken for a kernel', async ({ ringside: page }) => {
  await drop(page, [{ name: 'initrd.gz', bytes: Uint8Array.of(0x1f, 0x8b, 8, 0) }]);
  await expect(page.getByRole('alert')).toHaveText(
    'initrd.gz looks like an initial RAM disk; drop it together with its kernel.',
  );
});

test('a snapshot brings the machine back to where it was', async ({ ringside: page }) => {
  const here = await eip(page);
  await page.getByRole('button', { name: 'Snapshot' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: /Save/ }).click(),
  ]);
  const file = await download.path();
  await page.keyboard.press('F11');
  await expect.poll(() => eip(page)).not.toBe(here);
  await drop(page, [{ name: 'saved.ringside', bytes: readFileSync(file) }]);
  await expect.poll(() => eip(page)).toBe(here);
});
