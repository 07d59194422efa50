import type { Page } from '@playwright/test';
import { violations } from './axe.ts';
import { eip, expect, press, screen, shot, status, test } from './page.ts';

const panel = (page: Page) => page.getByRole('region', { name: 'Verbs' });
const input = (page: Page) => panel(page).getByRole('textbox', { name: 'A verb and its words' });
const log = (page: Page) => panel(page).getByRole('log');

async function open(page: Page): Promise<void> {
  await page.getByRole('tab', { name: 'Verbs' }).click();
  await expect(input(page)).toBeVisible();
}

/** What the last line has said, when it is done. */
async function say(page: Page, line: string): Promise<string> {
  await input(page).fill(line);
  await input(page).press('Enter');
  const last = log(page).locator('[data-state]').last();
  await expect(last.locator('p')).toHaveText(`> ${line}`);
  await expect(last).not.toHaveAttribute('data-state', 'running', { timeout: 20_000 });
  return (
    (await last
      .locator('pre')
      .textContent({ timeout: 1000 })
      .catch(() => '')) ?? ''
  );
}

test('GDB’s words: step, break, look, change', async ({ ringside: page }) => {
  await open(page);
  const first = await eip(page);
  expect(await say(page, 'si')).toMatch(/^=> [0-9a-f]{8}/);
  await expect.poll(() => eip(page)).not.toBe(first);
  const where = await say(page, 'info program');
  expect(where).toContain(await eip(page));

  const breakpoint = await say(page, 'b switch_space');
  expect(breakpoint).toMatch(/break [0-9a-f]{8} <switch_space>/);
  const address = /break ([0-9a-f]{8})/.exec(breakpoint)?.[1] ?? '';
  const stop = await say(page, 'c');
  expect(stop).toContain('Continuing.');
  expect(stop).toContain(`=> ${address} <switch_space>`);
  await expect.poll(() => eip(page)).toBe(address);
  expect(await say(page, 'info breakpoints')).toContain('met once');
  await say(page, 'delete');
  expect(await say(page, 'info b')).toBe('No breakpoint is set.');

  expect(await say(page, 'set $ebx = 0x1234')).toBe('ebx  00001234');
  expect(await say(page, 'p $ebx + 1')).toContain('= 0x00001235');
  expect(await say(page, 'r')).toMatch(/^eax {2}[0-9a-f]{8}/);
  expect(await say(page, 'x/4xw $esp')).toMatch(/^[0-9a-f]{8}.*: {2}0x[0-9a-f]{8}( {2}0x[0-9a-f]{8}){3}$/m);
  expect(await say(page, 'x/2i $eip')).toContain(`=> ${address}`);
  expect(await say(page, 'set *($esp) = 0xdeadbeef')).toContain('0xdeadbeef');
  expect(await say(page, 'x $esp')).toContain('0xdeadbeef');
  const now = await eip(page);
  await say(page, 'rsi');
  await expect.poll(() => eip(page)).not.toBe(now);
  await shot(page, 'verbs-gdb-dark');
});

test('Bochs’ and virsh’s words: tables, walks, modes, exits', async ({ ringside: page }) => {
  await open(page);
  await press(page, 'Run').click();
  await expect(screen(page)).toContainText('primer$');
  expect(await say(page, 'x/2i $eip')).not.toBe('');
  await say(page, 'suspend');
  await expect(status(page)).toContainText('Paused');
  expect(await say(page, 'creg')).toMatch(/^cr0 {2}[0-9a-f]{8} {2}\[ .*PE.*PG.* \]/);
  expect(await say(page, 'sreg')).toContain('CS ');
  expect(await say(page, 'info gdt')).toContain('code 32');
  expect(await say(page, 'info idt')).toContain('interrupt gate 32');
  expect(await say(page, 'info tlb')).toContain('4 KB');
  expect(await say(page, 'page $esp')).toContain('PTE');
  expect(await say(page, 'xp /8bx 00100000')).toMatch(/^00100000: {2}0x/);
  expect(await say(page, 'info vmcs')).not.toBe('');

  expect(await say(page, 'mode nested')).toBe('nested: Nested paging');
  await say(page, 'vmexitbp');
  expect(await say(page, 'c')).toContain('Stopped by vmexitbp.');
  await say(page, 'delete');
  expect(await say(page, 'info vmcs exit reason')).toContain('Exit reason');
  expect(await say(page, 'domstats')).toMatch(/exits\.total=[1-9]/);
  expect(await say(page, 'dominfo')).toContain('Nested paging');
  await shot(page, 'verbs-virsh-dark');
});

test('history, completion, help and what is unknown', async ({ ringside: page }) => {
  await open(page);
  await say(page, 'dominfo');
  await say(page, 'creg');
  await input(page).press('ArrowUp');
  await expect(input(page)).toHaveValue('creg');
  await input(page).press('ArrowUp');
  await expect(input(page)).toHaveValue('dominfo');
  await input(page).press('ArrowDown');
  await input(page).press('ArrowDown');
  await expect(input(page)).toHaveValue('');

  await input(page).pressSequentially('disas');
  await input(page).press('Tab');
  await expect(input(page)).toHaveValue('disassemble ');
  await input(page).pressSequentially('switch_sp');
  await input(page).press('Tab');
  await expect(input(page)).toHaveValue('disassemble switch_space ');
  await input(page).fill('rev');
  await input(page).press('Tab');
  await expect(input(page)).toHaveValue('reverse-');
  await expect(panel(page).getByRole('status')).toContainText('reverse-continue');
  await input(page).fill('');
  await input(page).press('Tab');
  await expect(input(page)).not.toBeFocused();

  const help = await say(page, '?');
  for (const word of ['stepi', 'break', 'info', 'vmexitbp', 'snapshot-create']) expect(help).toContain(word);
  expect(await say(page, 'help x')).toContain('x/8xw $esp');
  expect(await say(page, 'contniue')).toBe('“contniue” is no verb. Did you mean continue?');
  await input(page).press('Control+l');
  await expect(log(page).locator('[data-state]')).toHaveCount(0);
});

test('a run that does not end is given up with Ctrl+C', async ({ ringside: page }) => {
  await open(page);
  await input(page).fill('c');
  await input(page).press('Enter');
  await expect(status(page)).not.toContainText('Paused');
  await input(page).press('Control+c');
  await expect(status(page)).toContainText('Paused');
  await expect(log(page).locator('[data-state]').last()).toHaveAttribute('data-state', 'refused');
});

test('accessible in light and dark, wide and narrow', async ({ ringside: page }) => {
  // The checks of accessibility look at each element.
  test.slow();
  await open(page);
  await say(page, 'help');
  await say(page, 'nosuch');
  for (const scheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    expect(await violations(page)).toEqual([]);
    await shot(page, `verbs-${scheme}`);
  }
  await page.setViewportSize({ width: 1024, height: 768 });
  await shot(page, 'verbs-small');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole('tab', { name: 'Verbs' }).click();
  await say(page, 'x/8xw $esp');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  expect(await violations(page)).toEqual([]);
  await shot(page, 'verbs-phone');
});
