import type { Page } from '@playwright/test';
import { violations } from './axe.ts';
import { eip, expect, press, screen, shot, status, test } from './page.ts';

const modes = (page: Page) => page.getByRole('group', { name: 'Mode', exact: true });
const card = (page: Page) => page.getByRole('region', { name: 'What just happened' });
const list = (page: Page) => page.getByRole('region', { name: 'Breakpoints' });
const change = (page: Page) => page.getByTestId('change');
const count = async (page: Page) => Number(((await status(page).textContent()) ?? '').replace(/\D/g, ''));

/** Every way to run primer, and how it is chosen. */
const MODES = [
  { name: 'Bare machine', family: null },
  { name: 'Trap and emulate', family: 'Full' },
  { name: 'Binary translation', family: 'Full' },
  { name: 'Scan and patch', family: 'Full' },
  { name: 'Paravirtualization', family: null },
  { name: 'Nested paging', family: 'Hardware' },
  { name: 'Shadow paging', family: 'Hardware' },
] as const;
type Mode = (typeof MODES)[number];

async function choose(page: Page, { name, family }: Mode): Promise<void> {
  if (family !== null) {
    await modes(page).getByRole('button', { name: family }).click();
    await page.getByRole('menuitemradio', { name }).click();
    await expect(modes(page).getByRole('button', { name: `${name}, chosen` })).toBeVisible();
    return;
  }
  const button = modes(page).getByRole('button', { name });
  await button.click();
  if (name === 'Paravirtualization') await page.getByRole('button', { name: 'Start again' }).click();
  await expect(button).toHaveAttribute('aria-pressed', 'true');
  await expect(status(page)).toContainText('Paused');
}

/** Sets a breakpoint by the form. */
async function add(page: Page, kind: string, fields: Readonly<Record<string, string>> = {}): Promise<void> {
  await list(page).getByRole('button', { name: 'Add', exact: true }).click();
  const form = page.getByRole('form', { name: 'New breakpoint' });
  await form.getByLabel('Stop at').selectOption(kind);
  for (const [label, value] of Object.entries(fields)) {
    const control = form.getByLabel(label, { exact: true });
    await control.fill(value);
  }
  await form.getByRole('button', { name: 'Set', exact: true }).click();
}

/** Runs to primer's prompt, and pauses. */
async function boot(page: Page): Promise<void> {
  await page.keyboard.press('F5');
  await expect(screen(page)).toContainText('primer$', { timeout: 40_000 });
  await page.keyboard.press('F6');
  await expect(status(page)).toContainText('Paused');
}

for (const mode of MODES) {
  test(`an event stops the guest and is told: ${mode.name}`, async ({ ringside: page }) => {
    await choose(page, mode);
    const [kind, story] =
      mode.name === 'Bare machine'
        ? ['delivery', /The guest was given .+; it stands before the first instruction of its handler/]
        : mode.name === 'Paravirtualization'
          ? ['hypercall', /The kernel asked the monitor: hypercall/]
          : ['exit', /The guest left for the monitor at/];
    await add(page, kind);
    await expect(list(page).getByRole('checkbox')).toBeChecked();
    await press(page, 'Run').click();
    await expect(card(page)).toContainText(story, { timeout: 30_000 });
    await expect(list(page)).toContainText('stopped here');
    await expect(list(page)).toContainText('1×');
    // Switched off, it stops nothing.
    await list(page).getByRole('checkbox').click();
    await expect(list(page).getByRole('checkbox')).not.toBeChecked();
    await press(page, 'Run').click();
    await expect(screen(page)).toContainText('primer$', { timeout: 40_000 });
    await list(page)
      .getByRole('button', { name: /^Remove/ })
      .click();
    await expect(list(page)).toContainText('None.');
  });
}

for (const mode of [MODES[0], MODES[2], MODES[5]]) {
  test(`a watchpoint with a condition tells the values before and after: ${mode.name}`, async ({ ringside: page }) => {
    await choose(page, mode);
    await add(page, 'write', { Address: 'tick_count', 'Only if (empty: always)': 'cpl ==', 'Let pass first': '3' });
    // What is wrong with the condition is said where it was typed, and nothing was set.
    const form = page.getByRole('form', { name: 'New breakpoint' });
    await expect(form.getByRole('alert')).toBeVisible();
    await expect(list(page).getByRole('checkbox')).toHaveCount(0);
    await form.getByLabel('Only if (empty: always)').fill('cpl == 0');
    await form.getByRole('button', { name: 'Set', exact: true }).click();
    await expect(list(page)).toContainText('tick_count');
    await expect(list(page)).toContainText('if cpl == 0');
    await expect(list(page)).toContainText('lets 3 hits pass');
    await press(page, 'Run').click();
    await expect(card(page)).toContainText('00000003 → 00000004', { timeout: 40_000 });
    await expect(card(page)).toContainText('tick_count');
    await expect(card(page)).toContainText('Its condition cpl == 0 holds.');
    await expect(list(page)).toContainText('4×');
    await card(page)
      .getByRole('button', { name: /timer_tick/ })
      .click();
    await expect(page.getByRole('list', { name: 'Code' })).toContainText('timer_tick');
    await shot(page, `watchpoint-${mode.name.replaceAll(' ', '-').toLowerCase()}`);
  });
}

test('running until the next event of a kind, by menu and by F8', async ({ ringside: page }) => {
  await boot(page);
  const menu = page.getByRole('button', { name: /^Next event of a kind/ });
  await menu.focus();
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('menuitemradio', { name: /exit to the monitor/ })).toBeFocused();
  await expect(page.getByRole('menuitemradio', { name: /exit to the monitor/ })).toHaveAttribute(
    'aria-disabled',
    'true',
  );
  await page.getByRole('menuitemradio', { name: 'interrupt or exception of the guest' }).click();
  await expect(card(page)).toContainText('The guest was given', { timeout: 15_000 });
  const first = await count(page);
  await page.keyboard.press('F8');
  await expect.poll(() => count(page), { timeout: 15_000 }).toBeGreaterThan(first);
  await expect(status(page)).toContainText('Paused');
  await expect(card(page)).toContainText('The guest was given');
  // The choice outlives the page.
  await page.reload();
  await expect(status(page)).toContainText('Paused');
  await menu.click();
  await expect(page.getByRole('menuitemradio', { name: 'interrupt or exception of the guest' })).toHaveAttribute(
    'aria-checked',
    'true',
  );
});

for (const mode of [MODES[0], MODES[3], MODES[6]]) {
  test(`who changed a cell of memory last, there and back: ${mode.name}`, async ({ ringside: page }) => {
    await choose(page, mode);
    await boot(page);
    await page.getByRole('tab', { name: 'Memory' }).click();
    await page.getByRole('combobox', { name: 'Go to' }).fill('tick_count');
    await page.keyboard.press('Enter');
    const here = await count(page);
    await page
      .getByRole('button', { name: /^What to do with/ })
      .first()
      .click();
    await page.getByRole('menuitem', { name: /Who changed it last/ }).click();
    await expect(change(page)).toContainText('timer_tick', { timeout: 30_000 });
    await expect(change(page)).toContainText(/[0-9a-f]{8} → [0-9a-f]{8}/);
    expect(await count(page)).toBe(here);
    await change(page).getByRole('button', { name: 'Go there' }).click();
    await expect.poll(() => count(page), { timeout: 30_000 }).toBeLessThan(here);
    await expect(status(page)).toContainText('Paused');
    await expect(change(page).getByRole('button', { name: 'Go there' })).toHaveAttribute('aria-disabled', 'true');
    await shot(page, `last-change-${mode.name.replaceAll(' ', '-').toLowerCase()}`);
    await change(page).getByRole('button', { name: 'Come back' }).click();
    await expect.poll(() => count(page), { timeout: 30_000 }).toBe(here);
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await violations(page, '[data-testid=change]')).toEqual([]);
    }
  });
}

test('an entry of a page table tells who changed it, in its bits', async ({ ringside: page }) => {
  await boot(page);
  await page.getByRole('combobox', { name: 'Walk of an address' }).fill('tick_count');
  await page.keyboard.press('Enter');
  const entry = page.getByTestId('walk').getByRole('button', { name: /^What to do with/ });
  // The address that is walked has one as well, before the entries are there.
  await expect.poll(() => entry.count()).toBeGreaterThan(1);
  await entry.last().click();
  await page.getByRole('menuitem', { name: /Who changed it last/ }).click();
  await expect(change(page)).toContainText('bits', { timeout: 30_000 });
  await expect(change(page)).toContainText(/P/);
});

test('the same step in other modes, from the card', async ({ ringside: page }) => {
  await choose(page, MODES[1]);
  await press(page, 'Step').click();
  await expect(card(page)).toContainText('the processor raised #GP(0), and the monitor took over');
  const [after, steps] = [await eip(page), await count(page)];
  expect(steps).toBeGreaterThan(0);
  await expect(card(page).getByRole('button', { name: 'Same step: Paravirtualization' })).toHaveAttribute(
    'aria-disabled',
    'true',
  );
  for (const mode of [MODES[2], MODES[5]]) {
    await card(page)
      .getByRole('button', { name: `Same step: ${mode.name}` })
      .click();
    await expect(modes(page).getByRole('button', { name: `${mode.name}, chosen` })).toBeVisible({ timeout: 20_000 });
    await expect(status(page)).toContainText('Paused');
    await expect.poll(() => eip(page)).toBe(after);
    // Back to before it, and once more as it was.
    await press(page, 'Back').click();
    await expect.poll(() => eip(page)).not.toBe(after);
    await choose(page, MODES[1]);
    await press(page, 'Step').click();
    await expect(card(page)).toContainText('the processor raised #GP(0), and the monitor took over');
  }
  // A mode that is chosen by hand offers the same step as well.
  await choose(page, MODES[3]);
  await card(page).getByRole('button', { name: 'Same step here' }).click();
  await expect(modes(page).getByRole('button', { name: `${MODES[3].name}, chosen` })).toBeVisible({ timeout: 20_000 });
  await expect(card(page).getByRole('button', { name: 'Same step here' })).toHaveCount(0);
  await expect.poll(() => eip(page)).toBe(after);
});

test('a click on the timeline goes there, and what was left stays in sight', async ({ ringside: page }) => {
  await page.getByRole('tab', { name: 'Timeline' }).click();
  await choose(page, MODES[5]);
  await boot(page);
  const timeline = page.getByRole('region', { name: 'Timeline' });
  await timeline.getByRole('button', { name: 'Show all' }).click();
  const here = await count(page);
  const box = await timeline.locator('canvas').boundingBox();
  if (box === null) throw new Error('the timeline is not drawn');
  // Half of the run ago.
  await page.mouse.click(box.x + box.width * 0.5, box.y + box.height * 0.42);
  await expect.poll(() => count(page), { timeout: 30_000 }).toBeLessThan(here);
  await expect(status(page)).toContainText('Paused');
  const there = await count(page);
  await shot(page, 'timeline-went-back');
  // As a list: what is ahead is told, and the way there is a button.
  await timeline.getByRole('button', { name: 'As a list' }).click();
  await expect(timeline.locator('tr[aria-current=time]')).toContainText('now');
  await expect(timeline.locator('tr[data-place=ahead]').first()).toContainText('ahead');
  await timeline
    .locator('tr[data-place=ahead]')
    .first()
    .getByRole('button', { name: /^Go there/ })
    .press('Enter');
  await expect.poll(() => count(page), { timeout: 30_000 }).toBeGreaterThan(there);
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await violations(page, 'section[aria-label=Timeline]')).toEqual([]);
  }
});

test.describe('by touch', () => {
  test.use({ hasTouch: true, viewport: { width: 390, height: 844 } });

  test('the timeline is pinched and dragged, and a tap goes there', async ({ ringside: page }) => {
    await page.getByRole('tab', { name: 'Timeline' }).click();
    await page.keyboard.press('F5');
    await page.waitForTimeout(2000);
    await page.keyboard.press('F6');
    await expect(status(page)).toContainText('Paused');
    const timeline = page.getByRole('region', { name: 'Timeline' });
    await timeline.getByRole('button', { name: 'Show all' }).click();
    const box = await timeline.locator('canvas').boundingBox();
    if (box === null) throw new Error('the timeline is not drawn');
    const shown = () => timeline.getByText(/shown$/).textContent();
    const at = (share: number) => ({ x: box.x + box.width * share, y: box.y + box.height / 2 });
    const here = await count(page);
    const all = await shown();
    const input = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...shares: readonly number[]) =>
      input.send('Input.dispatchTouchEvent', { type, touchPoints: shares.map((share, id) => ({ ...at(share), id })) });
    await touch('touchStart', 0.4);
    await touch('touchStart', 0.4, 0.6);
    for (const by of [0.05, 0.1, 0.15, 0.2]) await touch('touchMove', 0.4 - by, 0.6 + by);
    await touch('touchEnd', 0.2);
    await touch('touchEnd');
    await expect.poll(shown).not.toBe(all);
    const zoomed = await shown();
    await touch('touchStart', 0.3);
    for (const to of [0.4, 0.5, 0.6]) await touch('touchMove', to);
    await touch('touchEnd');
    // Neither was a tap.
    await page.waitForTimeout(500);
    expect(await shown()).toBe(zoomed);
    expect(await count(page)).toBe(here);
    await page.touchscreen.tap(at(0.3).x, at(0.3).y);
    await expect.poll(() => count(page), { timeout: 30_000 }).toBeLessThan(here);
    await shot(page, 'timeline-phone');
  });
});

test('the form of a breakpoint is accessible, in dark and light', async ({ ringside: page }) => {
  await list(page).getByRole('button', { name: 'Add', exact: true }).click();
  const form = page.getByRole('form', { name: 'New breakpoint' });
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const kind of ['write', 'delivery', 'ring']) {
      await form.getByLabel('Stop at').selectOption(kind);
      expect(await violations(page, 'form[aria-label="New breakpoint"]')).toEqual([]);
    }
  }
  await page.keyboard.press('Escape');
  await expect(form).toHaveCount(0);
});

test('every ring explains itself to those who point at it or come by keyboard', async ({ ringside: page }) => {
  const rings = page.getByRole('region', { name: 'Rings' });
  for (const mode of [MODES[0], MODES[1], MODES[5]]) {
    await choose(page, mode);
    const all = rings.getByRole('img');
    await expect(all).toHaveCount(mode.family === 'Hardware' ? 8 : 4);
    for (const ring of await all.all()) {
      const words = (await ring.getAttribute('aria-label')) ?? '';
      await ring.focus();
      await expect(rings.locator('p')).toHaveText(words);
    }
  }
});
