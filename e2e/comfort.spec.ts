import type { Page } from '@playwright/test';
import { findings } from './axe.ts';
import { eip, expect, press, screen, shot, status, test } from './page.ts';

const happened = (page: Page) => page.getByRole('region', { name: 'What just happened' });
const bottom = (page: Page) => page.getByRole('tablist', { name: 'The run' });
const console_ = (page: Page) => page.getByRole('region', { name: 'Serial console' });
const sheet = (page: Page) => page.getByRole('dialog', { name: 'Keyboard shortcuts' });

test.describe('the tour', () => {
  test.use({ storageState: { cookies: [], origins: [] } });
  const tour = (page: Page) => page.getByRole('region', { name: 'Tour' });

  test('a stranger gets five cards beside the real things; stepping goes on by itself', async ({ ringside: page }) => {
    await expect(tour(page)).toContainText('1 of 5');
    // It takes no focus and blocks nothing.
    expect(await page.evaluate(() => document.activeElement === document.body)).toBe(true);
    expect(await findings(page)).toEqual([]);
    await shot(page, 'tour-dark');
    await tour(page).getByRole('button', { name: 'Next' }).click();
    await expect(tour(page)).toContainText('2 of 5');
    const before = await eip(page);
    await press(page, 'Step').click();
    await expect.poll(() => eip(page)).not.toBe(before);
    await expect(tour(page)).toContainText('3 of 5');
    await tour(page).getByRole('button', { name: 'Next' }).click();
    await tour(page).getByRole('button', { name: 'Next' }).click();
    await expect(tour(page)).toContainText('5 of 5');
    await tour(page).getByRole('button', { name: 'Done' }).click();
    await expect(tour(page)).toHaveCount(0);
    await page.reload();
    await expect(status(page)).toContainText('Paused');
    await expect(happened(page)).toBeVisible();
    await expect(tour(page)).toHaveCount(0);
  });

  test('no card stands on what it is about, nor on the header', async ({ ringside: page }) => {
    for (const size of [
      { width: 1440, height: 900 },
      { width: 1024, height: 768 },
    ]) {
      await page.setViewportSize(size);
      for (const [n, target] of ['next', 'step', 'happened', 'mode', 'run'].entries()) {
        await expect(tour(page)).toContainText(`${n + 1} of 5`);
        // Places are looked at four times a second.
        await page.waitForTimeout(600);
        const card = await tour(page).boundingBox();
        for (const [name, element] of [
          [target, page.locator(`[data-tour=${target}]`)],
          ['header', page.getByRole('banner')],
        ] as const) {
          const other = await element.first().boundingBox();
          if (card === null || other === null) throw new Error(`${name} has no place`);
          const apart =
            card.x >= other.x + other.width ||
            other.x >= card.x + card.width ||
            card.y >= other.y + other.height ||
            other.y >= card.y + card.height;
          expect(apart, `${n + 1} ${name} ${size.width}`).toBe(true);
        }
        if (n < 4) await tour(page).getByRole('button', { name: 'Next' }).click();
      }
      for (let n = 0; n < 4; n++) await tour(page).getByRole('button', { name: 'Back' }).click();
    }
  });

  test('Escape skips it for good, and the menu brings it back, with the focus', async ({ ringside: page }) => {
    await expect(tour(page)).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(tour(page)).toHaveCount(0);
    await page.reload();
    await expect(status(page)).toContainText('Paused');
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('menuitem', { name: 'Take the tour' }).click();
    await expect(tour(page).getByRole('button', { name: 'Next' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(tour(page)).toContainText('2 of 5');
    await page.keyboard.press('F11');
    await expect(tour(page)).toContainText('3 of 5');
    await page.keyboard.press('Escape');
    await expect(tour(page)).toHaveCount(0);
    await expect(press(page, 'Step')).toBeFocused();
  });
});

test('the sheet of shortcuts opens on ?, where nobody types', async ({ ringside: page }) => {
  await page
    .getByRole('textbox', { name: 'Go to' })
    .or(page.getByRole('combobox', { name: 'Go to' }))
    .focus();
  await page.keyboard.press('Shift+?');
  await expect(sheet(page)).toHaveCount(0);
  await press(page, 'Step').focus();
  await page.keyboard.press('Shift+?');
  await expect(sheet(page)).toBeVisible();
  for (const chord of ['F5', 'F6', 'F9', 'F10', 'F11', 'Shift+F11', 'Ctrl+F10', 'Alt+F11', 'Ctrl+B', 'Ctrl+J', '?']) {
    await expect(
      sheet(page).locator('kbd', { hasText: new RegExp(`^${chord.replace(/[+?]/g, '\\$&')}$`) }),
    ).toHaveCount(1);
  }
  expect(await findings(page)).toEqual([]);
  await shot(page, 'shortcuts-dark');
  const before = await eip(page);
  await page.keyboard.press('F11');
  await page.keyboard.press('Escape');
  await expect(sheet(page)).toHaveCount(0);
  await expect(press(page, 'Step')).toBeFocused();
  expect(await eip(page)).toBe(before);
});

test('safe mode uses nothing that was remembered, keeps nothing, and says the way out', async ({ ringside: page }) => {
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('menuitemradio', { name: 'Light' }).click();
  await page.keyboard.press('Control+b');
  await page.goto('./?mode=bare&safe');
  await expect(status(page)).toContainText('Paused');
  await expect(page.getByText('Safe mode:')).toBeVisible();
  await expect(page.locator('html')).not.toHaveAttribute('data-theme', /./);
  await expect(happened(page)).toBeVisible();
  expect(await findings(page)).toEqual([]);
  await shot(page, 'safe-dark');
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('menuitemradio', { name: 'Dark' }).click();
  await page.getByRole('link', { name: 'Leave safe mode' }).click();
  await expect(status(page)).toContainText('Paused');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
  await expect(happened(page)).toHaveCount(0);
  await page.goto('./?mode=bare&safe');
  await page.getByRole('button', { name: 'Forget them and leave' }).click();
  await expect(status(page)).toContainText('Paused');
  await expect(page).not.toHaveURL(/safe/);
  await expect(page.locator('html')).not.toHaveAttribute('data-theme', /./);
  await expect(happened(page)).toBeVisible();
});

for (const nonsense of [
  '{',
  '[[[[',
  '7',
  '{"closed":{"left":1},"layouts":[],"language":9}',
  '\u0000',
  '{"layouts":{"columns":{"left":1e308,"middle":-4,"right":"x"}}}',
]) {
  test(`stored nonsense (${JSON.stringify(nonsense)}) does not keep the page from starting`, async ({ page }) => {
    await page.addInitScript(text => localStorage.setItem('ringside.settings', text), nonsense);
    await page.goto('./?mode=bare&tour=off');
    await expect(status(page)).toContainText('Paused');
    await expect(happened(page)).toBeVisible();
  });
}

test('parts are closed and opened by keys and buttons, and stay as they were left', async ({ ringside: page }) => {
  await expect(bottom(page)).toBeVisible();
  for (const [keys, part] of [
    ['Control+b', happened(page)],
    ['Control+j', bottom(page)],
    ['Control+`', console_(page)],
    ['Control+Alt+b', page.getByRole('region', { name: 'Registers', exact: true })],
  ] as const) {
    await page.keyboard.press(keys);
    await expect(part).toHaveCount(0);
    await page.reload();
    await expect(status(page)).toContainText('Paused');
    await expect(part).toHaveCount(0);
    await page.keyboard.press(keys);
    await expect(part).toBeVisible();
  }
  const button = page.getByRole('button', { name: 'Bottom panel' });
  await button.click();
  await expect(button).toHaveAttribute('aria-pressed', 'false');
  await expect(bottom(page)).toHaveCount(0);
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Bottom panel' }).click();
  await expect(bottom(page)).toBeVisible();
});

test('an edge is dragged, closes a part when it is dragged away, and goes back on a double click', async ({
  ringside: page,
}) => {
  const edge = page.getByRole('separator', { name: /Machine column/ });
  const width = async () => (await happened(page).boundingBox())?.width ?? 0;
  const first = await width();
  const box = await edge.boundingBox();
  if (box === null) throw new Error('the edge has no place');
  await page.mouse.move(box.x, box.y + 200);
  await page.mouse.down();
  await page.mouse.move(box.x + 60, box.y + 200, { steps: 4 });
  await page.mouse.up();
  await expect.poll(width).toBeGreaterThan(first + 50);
  await edge.dblclick({ position: { x: 0, y: 300 }, force: true });
  await expect.poll(width).toBeCloseTo(first, 0);
  await page.mouse.move(box.x, box.y + 200);
  await page.mouse.down();
  await page.mouse.move(40, box.y + 200, { steps: 4 });
  await page.mouse.up();
  await expect(happened(page)).toHaveCount(0);
  await page.getByRole('button', { name: 'Machine column' }).click();
  await expect.poll(width).toBeCloseTo(first, 0);
  await page.getByRole('separator', { name: /The run/ }).focus();
  await page.keyboard.press('Enter');
  await expect(bottom(page)).toHaveCount(0);
});

test('what is typed on the console is the guest’s, but for the machine’s keys', async ({ ringside: page }) => {
  await page.keyboard.press('F5');
  await expect(screen(page)).toContainText('primer$', { timeout: 20_000 });
  await page.locator('.xterm').click();
  await page.keyboard.type('ab?w');
  await page.keyboard.press('Control+b');
  await expect(screen(page)).toContainText('ab?w');
  await expect(happened(page)).toBeVisible();
  await expect(sheet(page)).toHaveCount(0);
  await page.keyboard.press('F6');
  await expect(status(page)).toContainText('Paused');
  // The way out of the console, without a pointer.
  await page.keyboard.press('Control+Shift+ArrowUp');
  await expect(page.locator('[data-primary]').first()).toBeFocused();
  await page.keyboard.press('Shift+?');
  await expect(sheet(page)).toBeVisible();
});

test('a first minute without a pointer: every stop of the focus can be seen', async ({ ringside: page }) => {
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the code' })).toBeFocused();
  const seen: string[] = [];
  for (let n = 0; n < 60; n++) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      if (!(element instanceof Element) || element === document.body) return null;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const { width, height } = element.getBoundingClientRect();
      const isTerminal = element.closest('.xterm') !== null;
      const hasOutline = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1 && width + height > 0;
      // A part of a drawing is outlined itself.
      const shape = element instanceof SVGElement ? element.querySelector('circle') : null;
      const isSeen = isTerminal || hasOutline || (shape !== null && getComputedStyle(shape).strokeWidth === '3px');
      return { isSeen, isTerminal, name: element.getAttribute('aria-label') ?? element.textContent ?? element.tagName };
    });
    if (stop === null) break;
    seen.push(stop.name);
    expect(stop.isSeen, stop.name).toBe(true);
    if (stop.isTerminal) break;
  }
  expect(seen.length).toBeGreaterThan(15);
  // Back to the controls, a step, another mode, a trap.
  await press(page, 'Step').focus();
  const before = await eip(page);
  await page.keyboard.press('Enter');
  await expect.poll(() => eip(page)).not.toBe(before);
  await page.getByRole('button', { name: 'Full virtualization' }).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: /Full virtualization: Trap and emulate, chosen/ })).toBeFocused();
  await page.keyboard.press('Control+F10');
  await expect(happened(page)).toContainText('the monitor took over', { timeout: 15_000 });
});

test('who asks for less motion gets none', async ({ ringside: page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.getByRole('button', { name: 'Full virtualization' }).click();
  await page.getByRole('menuitemradio', { name: /Trap and emulate/ }).click();
  for (let n = 0; n < 3; n++) {
    await page.keyboard.press('F11');
    const longest = await page.evaluate(() =>
      Math.max(
        0,
        ...document.getAnimations().map(animation => Number(animation.effect?.getComputedTiming().duration ?? 0)),
      ),
    );
    expect(longest).toBeLessThanOrEqual(1);
  }
});

test('every drawing has a text of its own', async ({ ringside: page }) => {
  await page.getByRole('tab', { name: 'Timeline' }).click();
  const silent = await page.evaluate(() =>
    [...document.querySelectorAll('svg, canvas')]
      .filter(drawing => {
        const named = drawing.closest('[aria-label], [aria-labelledby], [title]') !== null;
        const hidden = drawing.closest('[aria-hidden=true], .xterm') !== null;
        return !named && !hidden && (drawing.textContent ?? '') === '' && drawing.parentElement?.textContent === '';
      })
      .map(drawing => drawing.outerHTML.slice(0, 120)),
  );
  expect(silent).toEqual([]);
});
