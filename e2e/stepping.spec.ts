import { eip, expect, press, screen, shot, status, test } from './page.ts';

test('opens on primer, paused before a privileged instruction, with Step lit', async ({ ringside: page }) => {
  await expect(page.getByRole('button', { name: 'Guest', exact: true })).toContainText('primer');
  await expect(press(page, 'Step')).toHaveAttribute('data-lit', 'true');
  await expect(page.locator('[aria-current=step]')).toHaveCount(1);
  await expect(page.locator('[aria-current=step]')).toContainText('privileged');
  await expect(page.getByRole('region', { name: 'What just happened' })).toContainText('first privileged instruction');
  await expect(page.getByRole('region', { name: 'Registers', exact: true })).toContainText('ring 0');
  await shot(page, 'open-dark');
});

test('F11 steps, and the step is painted within 100 ms of the key', { tag: '@alone' }, async ({ ringside: page }) => {
  const times: number[] = [];
  for (let i = 0; i < 10; i += 1) {
    const before = await eip(page);
    // From the event to the first frame after EIP has changed in the document.
    await page.evaluate(() => {
      const register = () => document.querySelector('[data-register=eip]')?.textContent;
      const old = register();
      const painted = new Promise<number>(resolve => {
        addEventListener(
          'keydown',
          event => {
            const observer = new MutationObserver(() => {
              if (register() === old) return;
              observer.disconnect();
              requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - event.timeStamp)));
            });
            observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
          },
          { capture: true, once: true },
        );
      });
      Object.assign(window, { painted });
    });
    await page.keyboard.press('F11');
    times.push(await page.evaluate(() => (window as unknown as { painted: Promise<number> }).painted));
    expect(await eip(page)).not.toBe(before);
  }
  times.sort((a, b) => a - b);
  console.log(`step to paint, ms: ${times.map(time => time.toFixed(0)).join(' ')}`);
  expect(times[Math.floor(times.length / 2)]).toBeLessThan(100);
  await expect(page.getByRole('region', { name: 'What just happened' })).toContainText('Next:');
  await shot(page, 'stepped-dark');
});

test('a breakpoint that was set by a click is hit after Run', async ({ ringside: page }) => {
  const rows = page.locator('li:has(button[aria-pressed])');
  const here = await rows.evaluateAll(list => list.findIndex(row => row.ariaCurrent === 'step'));
  const button = rows.nth(here + 2).getByRole('button');
  const name = (await button.getAttribute('aria-label')) ?? '';
  await button.click();
  await expect(button).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByRole('region', { name: 'Breakpoints' })).toContainText(name.slice(-8));
  await press(page, 'Run').click();
  await expect(page.getByRole('region', { name: 'What just happened' })).toContainText('Stopped at the breakpoint');
  await expect.poll(() => eip(page)).toBe(name.slice(-8));
  await page.getByRole('button', { name: new RegExp(`^Remove: .*${name.slice(-8)}`) }).click();
  await expect(button).toHaveAttribute('aria-pressed', 'false');
});

test('typing ps on the console lists the processes, and function keys still control the machine', async ({
  ringside: page,
}) => {
  await page.keyboard.press('F5');
  await expect(status(page)).not.toContainText('Paused');
  await expect(screen(page)).toContainText('primer$', { timeout: 30_000 });
  await page.locator('.xterm').click();
  await page.keyboard.type('ps\n');
  await expect(screen(page)).toContainText('PID', { timeout: 15_000 });
  await shot(page, 'console-dark');
  await page.keyboard.press('F6');
  await expect(status(page)).toContainText('Paused');
  // Ctrl+Shift+Up gives the keyboard back to the page.
  await page.keyboard.press('Control+Shift+ArrowUp');
  await expect(press(page, 'Step')).toBeFocused();
});

test('keys that are typed in the page do not reach the guest', async ({ ringside: page }) => {
  await page.keyboard.press('F5');
  await expect(screen(page)).toContainText('primer$', { timeout: 30_000 });
  await page.getByRole('combobox', { name: 'Go to' }).fill('');
  await page.getByRole('combobox', { name: 'Go to' }).pressSequentially('zebra');
  await expect(screen(page)).not.toContainText('zebra');
});

test('reset starts again, with an empty console', async ({ ringside: page }) => {
  await page.keyboard.press('F5');
  await expect(screen(page)).toContainText('primer', { timeout: 30_000 });
  await page.keyboard.press('Control+Shift+F5');
  await expect(status(page)).toContainText('Paused');
  await expect(screen(page)).not.toContainText('primer');
  await expect(page.getByRole('region', { name: 'What just happened' })).toContainText('Nothing has run yet');
  await page.keyboard.press('F5');
  await expect(screen(page)).toContainText('primer', { timeout: 30_000 });
});

test('a register can be edited, and nonsense is refused beside it', async ({ ringside: page }) => {
  const eax = page.getByRole('button', { name: /^EAX / });
  await eax.focus();
  await page.keyboard.press('Enter');
  const box = page.getByRole('textbox', { name: 'Edit EAX' });
  await box.fill('wxyz');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('hexadecimal digits');
  await box.fill('cafe');
  await page.keyboard.press('Enter');
  await expect(eax).toHaveText('0000cafe');
});

test('code and memory are found by address, symbol and register, and memory can be written', async ({
  ringside: page,
}) => {
  const goTo = page.getByRole('combobox', { name: 'Go to' });
  await goTo.fill('no such place');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('no hexadecimal address, symbol or register');
  await page.getByRole('tab', { name: 'Memory' }).click();
  // The first look at memory is where the machine stands.
  await expect(page.getByRole('application')).toHaveAttribute('aria-label', new RegExp(`Cursor at ${await eip(page)}`));
  await goTo.fill('esp');
  await page.keyboard.press('Enter');
  await goTo.fill('eip');
  await page.keyboard.press('Enter');
  const editor = page.getByRole('application');
  await expect(editor).toHaveAttribute('aria-label', new RegExp(`Cursor at ${await eip(page)}`));
  await goTo.fill('00102000');
  await page.keyboard.press('Enter');
  await editor.focus();
  await page.keyboard.type('5a');
  await page.keyboard.press('ArrowLeft');
  await expect(editor).toHaveAttribute('aria-label', /Cursor at 00102000, 5a/);
  await shot(page, 'memory-dark');
});

test('who looks elsewhere is brought back by the next stop, and scrolling goes on for ever', async ({
  ringside: page,
}) => {
  const now = page.locator('[aria-current=step]');
  const goTo = page.getByRole('combobox', { name: 'Go to' });
  // The kernel's addresses are mapped once it has paging on.
  await page.keyboard.press('F5');
  await expect(screen(page)).toContainText('primer$', { timeout: 30_000 });
  await page.keyboard.press('F6');
  await expect(status(page)).toContainText('Paused');
  await goTo.fill('main');
  await page.keyboard.press('Enter');
  await expect(now).toHaveCount(0);
  const list = page.getByRole('list', { name: 'Code' });
  await list.hover();
  const last = () =>
    list.evaluate(element => {
      const { bottom } = element.getBoundingClientRect();
      const rows = [...element.querySelectorAll<HTMLElement>('li:has(button)')];
      const row = rows.findLast(r => r.getBoundingClientRect().bottom <= bottom);
      return Number.parseInt(row?.querySelector('button')?.ariaLabel?.slice(-8) ?? '0', 16);
    });
  let reached = await last();
  for (let i = 0; i < 12; i += 1) {
    await page.mouse.wheel(0, 900);
    await expect.poll(last).toBeGreaterThan(reached);
    reached = await last();
  }
  await page.keyboard.press('F11');
  await expect(now).toBeInViewport();
});

test('a guest that waits at its prompt is idle without a flicker', async ({ ringside: page }) => {
  await page.keyboard.press('F5');
  await expect(screen(page)).toContainText('primer$', { timeout: 30_000 });
  await expect(status(page)).toContainText('Idle in HLT', { timeout: 15_000 });
  const others = await page.evaluate(async () => {
    const seen = new Set<string>();
    const element = document.querySelector('[data-testid=status] [data-state]');
    const start = performance.now();
    while (performance.now() - start < 3000) {
      seen.add(element?.getAttribute('data-state') ?? '');
      await new Promise(requestAnimationFrame);
    }
    return [...seen];
  });
  expect(others).toEqual(['halted']);
});
