import { eip, expect, press, status, test } from './page.ts';

test('five steps, five back, and forward again', async ({ ringside: page }) => {
  await expect(press(page, 'Back')).toHaveAttribute('aria-disabled', 'false');
  const seen = [await eip(page)];
  for (let n = 0; n < 5; n++) {
    await press(page, 'Step').click();
    await expect.poll(() => eip(page)).not.toBe(seen[n]);
    seen.push(await eip(page));
  }
  for (let n = 4; n >= 0; n--) {
    if (n === 4) await page.keyboard.press('Alt+F11');
    else await press(page, 'Back').click();
    await expect(status(page)).toContainText('Paused');
    await expect.poll(() => eip(page)).toBe(seen[n]);
  }
  for (let n = 1; n <= 5; n++) {
    await press(page, 'Step').click();
    await expect.poll(() => eip(page)).toBe(seen[n]);
  }
});

test('back to the previous trap, after a while of running', async ({ ringside: page }) => {
  await press(page, 'Run').click();
  await page.waitForTimeout(2500);
  await press(page, 'Pause').click();
  await expect(status(page)).toContainText('Paused');
  // The shell waits in HLT: EIP is the same before and after the timer's interrupt, the count of instructions is not.
  const count = async () => Number(((await status(page).textContent()) ?? '').replace(/\D/g, ''));
  const before = await count();
  await press(page, 'Back to previous trap').click();
  await expect.poll(count, { timeout: 20_000 }).toBeLessThan(before);
  await expect(status(page)).toContainText('Paused');
});
