import type { Page } from '@playwright/test';
import { findings } from './axe.ts';
import { expect, press, screen, shot, status, test } from './page.ts';

for (const theme of ['Light', 'Dark'] as const) {
  test(`no serious accessibility finding, ${theme.toLowerCase()}`, async ({ ringside: page }) => {
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('menuitemradio', { name: theme }).click();
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme.toLowerCase());
    await expect(screen(page)).toBeAttached();
    expect(await findings(page)).toEqual([]);
    await page.keyboard.press('F11');
    await page.getByRole('tab', { name: 'Memory' }).click();
    await expect(page.getByRole('application')).toBeVisible();
    expect(await findings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Guest', exact: true }).click();
    expect(await findings(page)).toEqual([]);
    await shot(page, `menu-${theme.toLowerCase()}`);
    await page.getByRole('menuitem', { name: /Open image/ }).click();
    await expect(page.getByRole('dialog')).toBeVisible();
    expect(await findings(page)).toEqual([]);
    await shot(page, `dialog-${theme.toLowerCase()}`);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('tab', { name: 'Code' }).click();
    await page.keyboard.press('F5');
    await expect(status(page)).not.toContainText('Paused');
    expect(await findings(page)).toEqual([]);
    await shot(page, `running-${theme.toLowerCase()}`);
  });
}

test('the theme is remembered, except in safe mode', async ({ ringside: page }) => {
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('menuitemradio', { name: 'Light' }).click();
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
  await page.goto('./?mode=bare&safe');
  await expect(status(page)).toContainText('Paused');
  await expect(page.locator('html')).not.toHaveAttribute('data-theme', /./);
});

test('stored nonsense does not keep the page from starting', async ({ ringside: page }) => {
  await page.evaluate(() =>
    localStorage.setItem('ringside.settings', '{"theme":5,"layouts":{"columns":{"left":"x"}}}'),
  );
  await page.reload();
  await expect(status(page)).toContainText('Paused');
  await expect(page.getByRole('region', { name: 'Registers', exact: true })).toBeVisible();
});

test('a worker that falls silent is explained, and another one starts with the same guest', async ({ page }) => {
  // The page is shown its own worker, but one that stops answering when told to.
  await page.addInitScript(() => {
    const Real = Worker;
    const fakes: { silent: boolean } = { silent: false };
    Object.assign(window, { fakes });
    window.Worker = class extends Real {
      override postMessage(message: unknown, transfer?: unknown) {
        if (!fakes.silent) super.postMessage(message, transfer as Transferable[]);
      }
    };
  });
  await page.goto('./?mode=bare');
  await expect(status(page)).toContainText('Paused');
  await page.locator('[aria-current=step]').getByRole('button').click();
  await page.evaluate(() => {
    (window as unknown as { fakes: { silent: boolean } }).fakes.silent = true;
  });
  await expect(page.getByRole('alertdialog')).toContainText('has not answered', { timeout: 12_000 });
  await shot(page, 'silent-dark');
  await page.evaluate(() => {
    (window as unknown as { fakes: { silent: boolean } }).fakes.silent = false;
  });
  await page.getByRole('button', { name: 'Restart the machine' }).click();
  await expect(page.getByRole('alertdialog')).toHaveCount(0);
  await expect(status(page)).toContainText('Paused');
  await expect(page.locator('[aria-current=step]').getByRole('button')).toHaveAttribute('aria-pressed', 'true');
});

test('first view in light', async ({ ringside: page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await expect(screen(page)).toBeAttached();
  await shot(page, 'open-light');
});

test('a phone shows one panel at a time and nothing is cut off at the side', async ({ ringside: page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const tab of ['Code', 'Console', 'Registers', 'Memory', 'Machine']) {
    await page.getByRole('tab', { name: tab }).click();
    await expect(page.getByRole('tabpanel')).toBeVisible();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(390);
    await shot(page, `phone-${tab.toLowerCase()}`);
    expect(await findings(page)).toEqual([]);
  }
  for (const family of ['Full virtualization', 'Hardware-assisted virtualization']) {
    await page.getByRole('button', { name: family }).click();
    const menu = await page.getByRole('menu', { name: family }).boundingBox();
    expect((menu?.x ?? -1) >= 0 && (menu?.x ?? 0) + (menu?.width ?? 390) <= 390, family).toBe(true);
    await page.keyboard.press('Escape');
  }
  await press(page, 'Step').click();
});

test('a worker that fails is explained, with what it said', async ({ page }) => {
  await page.addInitScript(() => {
    const Real = Worker;
    window.Worker = class extends Real {
      constructor(address: string | URL, options?: WorkerOptions) {
        super(address, options);
        Object.assign(window, { lastWorker: this });
      }
    };
  });
  await page.goto('./?mode=bare');
  await expect(status(page)).toContainText('Paused');
  await page.evaluate(() => {
    const { lastWorker } = window as unknown as { lastWorker: Worker };
    lastWorker.dispatchEvent(new ErrorEvent('error', { message: 'RangeError: out of bounds', cancelable: true }));
  });
  await expect(page.getByRole('alertdialog')).toContainText('The emulator itself failed');
  await expect(page.getByRole('button', { name: 'Restart the machine' })).toBeFocused();
  await page.getByText('What it said').click();
  await expect(page.getByRole('alertdialog')).toContainText('out of bounds');
  expect(await findings(page)).toEqual([]);
  await shot(page, 'failed-dark');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('alertdialog')).toBeVisible();
  await page.getByRole('button', { name: 'Restart the machine' }).click();
  await expect(status(page)).toContainText('Paused');
});

test('columns are resized by keyboard, hidden and shown, and remembered', async ({ ringside: page }) => {
  const happened = page.getByRole('region', { name: 'What just happened' });
  const width = async () => (await happened.boundingBox())?.width ?? 0;
  const before = await width();
  await page.getByRole('separator', { name: /Machine column/ }).focus();
  await page.keyboard.press('ArrowRight');
  await expect.poll(width).toBeGreaterThan(before + 20);
  const wider = await width();
  await page.reload();
  await expect(status(page)).toContainText('Paused');
  await expect.poll(width).toBeCloseTo(wider, -1);
  const toggle = page.getByRole('button', { name: 'Machine column' });
  await toggle.click();
  await expect(toggle).toHaveAttribute('aria-pressed', 'false');
  await expect(happened).not.toBeInViewport();
  await toggle.click();
  await expect(happened).toBeInViewport();
});

test('in a small window no tool of the panels is cut off', async ({ ringside: page }) => {
  await page.setViewportSize({ width: 1024, height: 768 });
  await page.getByRole('tab', { name: 'Memory' }).click();
  const panel = await page.getByRole('tabpanel', { name: 'Memory' }).boundingBox();
  for (const name of ['Linear', 'Physical', 'Previous 4 KB', 'Next 4 KB']) {
    const tool = await page.getByRole('button', { name }).boundingBox();
    expect(tool?.x).toBeGreaterThan(panel?.x ?? 0);
    expect((tool?.x ?? 0) + (tool?.width ?? 0)).toBeLessThan((panel?.x ?? 0) + (panel?.width ?? 0));
  }
  await shot(page, 'small-dark');
});

/** Texts of the header that are cut off, things that lie over each other, and how far the page is wider than its window. */
function crowding(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const header = document.querySelector('header');
    if (header === null) return ['no header'];
    const name = (element: Element) => element.textContent || element.className;
    const wrong: string[] = [];
    for (const parent of [header, ...header.children]) {
      const boxes = [...parent.children]
        .filter(child => child.getBoundingClientRect().width > 1 && getComputedStyle(child).position !== 'absolute')
        .map(child => ({ child, box: child.getBoundingClientRect() }));
      for (const [n, { child, box }] of boxes.entries()) {
        for (const other of boxes.slice(n + 1)) {
          const apart =
            box.right <= other.box.left + 1 ||
            other.box.right <= box.left + 1 ||
            box.bottom <= other.box.top + 1 ||
            other.box.bottom <= box.top + 1;
          if (!apart) wrong.push(`${name(child)} over ${name(other.child)}`);
        }
      }
    }
    for (const element of header.querySelectorAll('button, span, b, small')) {
      if (element.clientWidth > 1 && element.scrollWidth > element.clientWidth + 1) wrong.push(`cut: ${name(element)}`);
    }
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) wrong.push(`${scrollWidth - clientWidth} px too wide`);
    return wrong;
  });
}

for (const language of ['en', 'zh']) {
  test(`the header fits into every width (${language})`, async ({ page }) => {
    await page.goto(`./?mode=translate&lang=${language}`);
    await expect(page.getByTestId('status').locator('[data-state=paused]')).toBeVisible();
    for (const width of [1440, 1280, 1024, 900, 820, 768, 600, 390, 360]) {
      await page.setViewportSize({ width, height: 900 });
      // The columns have gone, or come.
      await expect(page.getByRole('separator').first()).toHaveCount(width > 860 ? 1 : 0);
      expect(await crowding(page), `${width}`).toEqual([]);
    }
  });
}
