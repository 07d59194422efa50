import { findings } from './axe.ts';
import { expect, press, screen, shot, status, test } from './page.ts';

test('the engine: the hottest regions, and the code in view beside its WebAssembly', async ({ ringside: page }) => {
  await page.getByRole('tab', { name: 'Engine' }).click();
  const panel = page.getByRole('region', { name: 'Engine', exact: true });
  await expect(panel).toContainText('Nothing is hot yet.');
  await expect(panel).toContainText('Not hot yet');
  await press(page, 'Run').click();
  await expect(screen(page)).toContainText('primer$');
  const hottest = panel.getByRole('region', { name: 'Hottest regions' }).getByRole('row');
  await expect.poll(() => hottest.count()).toBeGreaterThan(5);
  await press(page, 'Pause').click();
  await expect(status(page)).toContainText('Paused');

  const first = hottest.nth(1).getByRole('button');
  const name = (await first.locator('span').textContent()) ?? '';
  await first.click();
  // Its own line: a call of it names its address too.
  const code = page
    .getByRole('list', { name: 'Code', exact: true })
    .getByRole('listitem')
    .filter({ has: page.getByRole('button', { name: `Breakpoint at ${name}` }) });
  const mnemonic =
    (await code
      .locator('span', { hasText: /^[a-z]+ *$/ })
      .first()
      .textContent()) ?? '';
  await expect(panel).toContainText(`Code in view ${name} runs as WebAssembly`);
  await panel.getByRole('button', { name: 'Show the WebAssembly' }).click();
  const list = page.getByRole('list', { name: 'Guest’s code and its WebAssembly' });
  await expect(page.getByRole('button', { name: 'WASM' })).toHaveAttribute('aria-pressed', 'true');
  // The same instruction as in the code.
  await expect(list.locator(`[data-address="${Number.parseInt(name, 16)}"]`)).toContainText(
    `${name}${mnemonic.trimEnd()}`,
  );
  await expect(list).toContainText('(local.get $budget)');
  expect(await findings(page)).toEqual([]);
  await shot(page, 'engine-dark');
  await page.getByRole('button', { name: 'WASM' }).click();
  await expect(code).toBeVisible();
});
