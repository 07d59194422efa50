import type { Page } from '@playwright/test';
import { findings } from './axe.ts';
import { drop, eip, expect, screen, shot, status, test } from './page.ts';

async function openChinese(page: Page): Promise<void> {
  await page.goto('./?mode=bare&lang=zh&tour=off');
  await expect(status(page)).toContainText('已暂停');
}

test('a language is chosen, kept, and left again, and the machine does not notice', async ({ ringside: page }) => {
  const before = await eip(page);
  await page.keyboard.press('F11');
  await expect.poll(() => eip(page)).not.toBe(before);
  const here = await eip(page);
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('menuitemradio', { name: '简体中文' }).click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN');
  await expect(status(page)).toContainText('已暂停');
  await expect(page.getByRole('region', { name: '刚才发生了什么' })).toContainText('执行');
  await expect.poll(() => eip(page)).toBe(here);
  await page.reload();
  await expect(
    page.getByRole('group', { name: '运行控制' }).getByRole('button', { name: '单步', exact: true }),
  ).toBeVisible();
  await page.getByRole('button', { name: '设置' }).click();
  await page.getByRole('menuitemradio', { name: 'English' }).click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await expect(status(page)).toContainText('Paused');
});

test('the console keeps its screen when the language changes', async ({ ringside: page }) => {
  await page.keyboard.press('F5');
  await expect(screen(page)).toContainText('primer$', { timeout: 20_000 });
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('menuitemradio', { name: '简体中文' }).click();
  await expect(page.getByRole('region', { name: '串口控制台' })).toBeVisible();
  await expect(screen(page)).toContainText('primer$');
});

test('the address asks before the browser does', async ({ browser }) => {
  const context = await browser.newContext({ locale: 'zh-CN' });
  const page = await context.newPage();
  await page.goto('./?mode=bare&tour=off');
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN');
  await page.goto('./?mode=bare&tour=off&lang=en');
  await expect(status(page)).toContainText('Paused');
  await context.close();
});

test('a language that cannot be fetched is reported, and the page stays as it is', async ({ page }) => {
  await page.route(/\/all-[^/]*\.js$/, route => route.abort());
  await page.goto('./?mode=bare');
  await expect(status(page)).toContainText('Paused');
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('menuitemradio', { name: '简体中文' }).click();
  await expect(page.getByRole('alert')).toContainText('could not be fetched');
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
});

/** What the page says outside of code, and in names for those who hear it, that has English words and no Chinese. */
function english(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const isCode = (element: Element) =>
      element.closest('noscript, code, kbd, pre, .xterm, [aria-label="代码"] li, datalist, [lang=en]') !== null;
    const said: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      if (node.parentElement !== null && !isCode(node.parentElement)) said.push(node.textContent ?? '');
    }
    for (const element of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
      if (isCode(element)) continue;
      for (const name of ['aria-label', 'title', 'placeholder']) said.push(element.getAttribute(name) ?? '');
    }
    // Names, also of flags; hexadecimal.
    const names = /^(Ringside|primer|help|ring \d|vi[fp]|native\/\S+.*|[^g-z]*)$/;
    return [...new Set(said.map(words => words.trim()))].filter(
      words => /[a-z]{3}/.test(words) && !/\p{Script=Han}/u.test(words) && !names.test(words),
    );
  });
}

test('nothing of the page’s own is left in English', async ({ page }) => {
  await openChinese(page);
  await expect(page.getByRole('region', { name: '刚才发生了什么' })).toBeVisible();
  expect(await english(page)).toEqual([]);
  await page.getByRole('button', { name: '全虚拟化', exact: true }).click();
  await page.getByRole('menuitemradio', { name: /陷入并模拟/ }).click();
  await page.keyboard.press('F11');
  await page.keyboard.press('F11');
  await expect(page.getByRole('region', { name: '刚才发生了什么' })).toContainText('监视器');
  await page.getByRole('button', { name: /^ESP/ }).click();
  const show = page.getByRole('button', { name: '显示', exact: true });
  while ((await show.count()) > 0) await show.first().click();
  await page.getByRole('tab', { name: '时间线' }).click();
  await page.waitForTimeout(500);
  expect(await english(page)).toEqual([]);
  await shot(page, 'zh-trap-dark');
});

test('what the machine refuses, and why, is said in Chinese', async ({ page }) => {
  await openChinese(page);
  await drop(page, [{ name: 'broken.elf', bytes: new TextEncoder().encode('\x7fELF\x01\x01\x01 is cut off') }]);
  await expect(page.getByRole('alert')).toHaveText(/^broken\.elf: 镜像被截断或已损坏/);
  await page.getByRole('button', { name: '添加', exact: true }).click();
  const form = page.getByRole('form');
  await form.getByLabel(/^地址/).fill('00100000');
  await form.getByLabel(/仅当/).fill('zzz == 1');
  await form.locator('[type=submit]').click();
  await expect(form.getByRole('alert')).toHaveText('zzz 既不是寄存器，也不是标志。');
  await page.keyboard.press('Escape');
  await page.getByRole('tab', { name: '命令' }).click();
  const input = page.getByRole('textbox', { name: '命令及其参数' });
  for (const [line, answer] of [
    ['print [eax', '无法读懂'],
    ['goto 99999999', '机器还没有到达那里'],
    ['reverse-write ffffff00', '没有变化'],
    ['info gdt', '位代码段'],
  ]) {
    await input.fill(line);
    await input.press('Enter');
    await expect(page.getByRole('log')).toContainText(answer);
  }
});

for (const theme of ['light', 'dark'] as const) {
  test(`no serious accessibility finding in Chinese, ${theme}`, async ({ page }) => {
    // Four looks at the whole page.
    test.slow();
    await page.emulateMedia({ colorScheme: theme });
    await openChinese(page);
    await expect(screen(page)).toBeAttached();
    expect(await findings(page)).toEqual([]);
    await shot(page, `zh-${theme}`);
    await page.getByRole('button', { name: '设置' }).click();
    expect(await findings(page)).toEqual([]);
    await shot(page, `zh-settings-${theme}`);
    await page.keyboard.press('Escape');
    await page.setViewportSize({ width: 390, height: 844 });
    await expect(page.getByRole('tab', { name: '控制台' })).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    expect(await findings(page)).toEqual([]);
    await shot(page, `zh-phone-${theme}`);
  });
}
