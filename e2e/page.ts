import { test as base, expect, type Page } from '@playwright/test';

/** The page as a person finds it: open, with primer paused in it. */
export const test = base.extend<{ readonly ringside: Page }>({
  ringside: async ({ page }, use) => {
    const errors: string[] = [];
    page.on('pageerror', error => errors.push(error.message));
    page.on('console', message => {
      // A missing images.json is what a computer without images has.
      if (message.type() === 'error' && !message.location().url.endsWith('images.json')) errors.push(message.text());
    });
    await slowDown(page);
    await page.goto('./?mode=bare');
    await expect(status(page)).toContainText('Paused');
    // It is paused before it runs up to its first privileged instruction as well.
    await expect(page.locator('[aria-current=step]')).toContainText('privileged');
    await use(page);
    expect(errors).toEqual([]);
  },
});
export { expect };

/** SLOW=6: a processor six times as slow as this one, to find specs that do not wait for what they look at. */
async function slowDown(page: Page): Promise<void> {
  const rate = Number(process.env['SLOW'] ?? 1);
  if (rate <= 1) return;
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate });
}

export function status(page: Page) {
  return page.getByTestId('status');
}

/** Value of EIP in the register panel. */
export async function eip(page: Page): Promise<string> {
  return (await page.getByRole('button', { name: /^EIP / }).textContent()) ?? '';
}

export function press(page: Page, name: string) {
  return page.getByRole('group', { name: 'Run controls' }).getByRole('button', { name, exact: true });
}

/** The text that the terminal shows. */
export function screen(page: Page) {
  return page.locator('.xterm-rows');
}

export function shot(page: Page, name: string) {
  return page.screenshot({ path: `test-results/screens/${name}.png` });
}

/** Drops files on the page as from a file manager. */
export async function drop(page: Page, files: readonly { readonly name: string; readonly bytes: Uint8Array }[]) {
  const plain = files.map(file => ({ name: file.name, base64: Buffer.from(file.bytes).toString('base64') }));
  await page.evaluate(list => {
    const transfer = new DataTransfer();
    for (const { name, base64 } of list) {
      const bytes = Uint8Array.from(atob(base64), character => character.charCodeAt(0));
      transfer.items.add(new File([bytes], name));
    }
    for (const type of ['dragenter', 'dragover', 'drop']) {
      document.body.dispatchEvent(
        new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true, composed: true }),
      );
    }
  }, plain);
}
