import type { Page } from '@playwright/test';
import { violations } from './axe.ts';
import { expect, press, screen, shot, status, test } from './page.ts';

const section = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

/** Runs primer until its shell waits, and stops it. */
async function toShell(page: Page): Promise<void> {
  await press(page, 'Run').click();
  await expect(screen(page)).toContainText('primer$');
  await press(page, 'Pause').click();
  await expect(status(page)).toContainText('Paused');
}

async function nested(page: Page): Promise<void> {
  await page.getByRole('group', { name: 'Mode' }).getByText('Hardware').click();
  await page.getByRole('menuitemradio', { name: 'Nested paging' }).click();
  await expect(page.getByRole('group', { name: 'Mode' })).toContainText('nested');
}

test('control registers and flags bit by bit, each with its sentence and section', async ({ ringside: page }) => {
  // The checks of accessibility look at each element.
  test.slow();
  await toShell(page);
  const control = section(page, 'Control registers');
  await control.getByText('CR0', { exact: true }).click();
  const bits = control.getByRole('listbox', { name: 'CR0 bit by bit' });
  await expect(bits.getByRole('option', { name: /^PG, bit 31: 1\. .*SDM volume 3, 2\.5/ })).toBeVisible();
  await expect(bits.getByRole('option', { name: /^TS, bit 3: / })).toBeVisible();
  await bits.focus();
  await page.keyboard.press('End');
  await expect(bits.getByRole('option', { selected: true })).toHaveAccessibleName(/^PE, bit 0: 1/);
  await expect(control).toContainText('Protected mode: segments have descriptors');
  await bits.getByRole('option', { name: /^WP,/ }).hover();
  await expect(control).toContainText('Supervisor code cannot write to read-only pages either.');

  await control.getByText('EFLAGS', { exact: true }).click();
  const flags = control.getByRole('listbox', { name: 'EFLAGS bit by bit' });
  await expect(flags.getByRole('option', { name: /^IOPL, bits 13 to 12: 0/ })).toBeVisible();
  await control.getByText('CR3', { exact: true }).click();
  await expect(
    control.getByRole('listbox', { name: 'CR3 bit by bit' }).getByRole('option').first(),
  ).toHaveAccessibleName(/^base, bits 31 to 5: [0-9a-f]{8}/);
  await nested(page);
  await press(page, 'Next trap').click();
  await expect(bits.getByRole('option', { name: /^NE, bit 5: 0\. machine: 1/ })).toBeVisible();
  await shot(page, 'bits-dark');
  expect(await violations(page)).toEqual([]);
  await page.emulateMedia({ colorScheme: 'light' });
  expect(await violations(page)).toEqual([]);
  await shot(page, 'bits-light');
});

test('descriptor tables: the guest’s and the machine’s, what is in use, gates lead to code', async ({
  ringside: page,
}) => {
  // The checks of accessibility look at each element.
  test.slow();
  await toShell(page);
  const tables = section(page, 'Descriptor tables');
  await tables.getByRole('button', { name: 'Show' }).click();
  await expect(tables.getByRole('row', { name: /^0008 0 code 32/ })).toBeVisible();
  await expect(tables).toContainText('in TR now');
  await expect(tables.getByRole('button', { name: 'machine’s' })).toHaveCount(0);

  await tables.getByRole('button', { name: 'IDT' }).click();
  const fault = tables.getByRole('row', { name: /^0e #PF/ });
  await expect(fault).toContainText('interrupt gate 32');
  const gate = fault.getByRole('button');
  const address = /:([0-9a-f]{8})/.exec((await gate.textContent()) ?? '')?.[1] ?? 'none';
  await gate.click();
  await expect(page.getByRole('button', { name: `Breakpoint at ${address}` })).toBeInViewport();
  await tables.getByRole('button', { name: 'LDT' }).click();
  await expect(tables).toContainText('No entry is in use');

  await page.getByRole('group', { name: 'Mode' }).getByText('Full').click();
  await page.getByRole('menuitemradio', { name: 'Trap and emulate' }).click();
  await tables.getByRole('button', { name: 'GDT' }).click();
  await tables.getByRole('button', { name: 'machine’s' }).click();
  // The monitor's own segments lie at the end of its table, above those that it keeps for the guest.
  await expect(tables.getByRole('row', { name: /^e008 0 code 32/ })).toBeVisible();

  await section(page, 'Segments').getByRole('button', { name: 'CS', exact: true }).click();
  await section(page, 'Segments')
    .getByRole('button', { name: /^Entry \d+ of the GDT/ })
    .first()
    .click();
  await expect(tables.getByRole('button', { name: 'guest’s' })).toHaveAttribute('aria-pressed', 'true');
  await expect(tables.locator('[data-target]')).toContainText('code 32');
  await shot(page, 'descriptors-dark');
  for (const scheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    expect(await violations(page)).toEqual([]);
  }
});

test('the VMCS: by area, filtered, with what has changed', async ({ ringside: page }) => {
  // The checks of accessibility look at each of its rows.
  test.slow();
  const vmcs = section(page, 'VMCS');
  await vmcs.getByRole('button', { name: 'Show' }).click();
  await expect(vmcs).toContainText('Only hardware-assisted virtualization');
  await nested(page);
  await press(page, 'Next trap').click();
  await expect(vmcs.getByRole('row', { name: /^Exit reason/ })).toContainText('I/O instruction');
  await expect(vmcs.getByRole('row', { name: 'Guest-state area' })).toBeVisible();
  await press(page, 'Next trap').click();
  await expect(vmcs.getByRole('row', { name: /^Guest RIP changed since the last stop/ })).toBeVisible();
  await vmcs.getByRole('button', { name: 'Changed only' }).click();
  await expect(vmcs.getByRole('row', { name: /^Host RIP/ })).toHaveCount(0);
  await vmcs.getByRole('button', { name: 'Changed only' }).click();
  await vmcs.getByRole('searchbox').fill('ept pointer');
  await expect(vmcs.getByRole('row', { name: /^EPT pointer/ })).toContainText('write-back, 4 levels');
  await expect(vmcs.getByRole('status')).toContainText(/^1 of \d+ fields/);
  await vmcs.getByRole('searchbox').fill('nothing such');
  await expect(vmcs).toContainText('No field has these words');
  await vmcs.getByRole('searchbox').fill('');
  await vmcs.scrollIntoViewIfNeeded();
  for (const scheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    expect(await violations(page)).toEqual([]);
    await shot(page, `vmcs-${scheme}`);
  }
});

test('the tables follow a running machine', async ({ ringside: page }) => {
  await nested(page);
  const vmcs = section(page, 'VMCS');
  await vmcs.getByRole('button', { name: 'Show' }).click();
  const rip = vmcs.getByRole('row', { name: /^Guest RIP/ });
  await expect(rip).toBeVisible();
  const before = await rip.textContent();
  await press(page, 'Run').click();
  await expect.poll(() => rip.textContent()).not.toBe(before);
});

test('on a phone nothing is cut off at the side', async ({ ringside: page }) => {
  // The checks of accessibility look at each element.
  test.slow();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole('tab', { name: 'Registers' }).click();
  await section(page, 'Control registers').getByText('CR0', { exact: true }).click();
  await section(page, 'Descriptor tables').getByRole('button', { name: 'Show' }).click();
  await section(page, 'Segments').getByRole('button', { name: 'CS', exact: true }).click();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  expect(await violations(page)).toEqual([]);
  await shot(page, 'registers-phone');
  await page.setViewportSize({ width: 1024, height: 768 });
  await shot(page, 'registers-small');
});

test('x87, SSE and debug registers: closed at first, read as one likes, decoded and edited', async ({
  ringside: page,
}) => {
  const section = page.getByRole('region', { name: 'x87, SSE, debug registers' });
  await expect(section.getByRole('button', { expanded: false })).toHaveCount(3);
  await section.getByRole('button', { name: /^SSE/ }).click();
  await section.getByRole('button', { name: 'XMM1, bits 31 to 0' }).press('Enter');
  await section.getByRole('textbox', { name: 'Edit XMM1, bits 31 to 0' }).fill('c0200000');
  await page.keyboard.press('Enter');
  await expect(section).toContainText('−2.5');
  await section.getByRole('button', { name: 'MXCSR bit by bit' }).click();
  await section.getByRole('option', { name: /^RC/ }).hover();
  await expect(section).toContainText('Rounding: 0 to nearest');
  await section.getByRole('button', { name: /^x87/ }).click();
  await expect(section.getByRole('row')).toHaveCount(8);
  await section.getByRole('button', { name: /^Debug/ }).click();
  await section.getByRole('button', { name: 'DR7 00000400' }).press('Enter');
  await section.getByRole('textbox', { name: 'Edit DR7' }).fill('000d0002');
  await page.keyboard.press('Enter');
  await expect(section).toContainText('writes, 4 bytes');
  await section.getByRole('button', { name: 'DR7 bit by bit' }).scrollIntoViewIfNeeded();
  await shot(page, 'units-dark');
  expect(await violations(page)).toEqual([]);
});
