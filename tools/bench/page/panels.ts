import type { Page } from '@playwright/test';
import { paused } from './browser.ts';

/** Opens all that a page of this size can show at once: every section of the columns, a walk, tables with their first entries, the timeline. */
export async function openPanels(page: Page): Promise<void> {
  await paused(page);
  await page.getByRole('tab', { name: 'Timeline' }).click();
  await page.getByRole('button', { name: /^ESP / }).click();
  for (const name of ['Page tables', 'Descriptor tables', 'VMCS']) {
    const show = page.getByRole('region', { name, exact: true }).getByRole('button', { name: 'Show' });
    if ((await show.count()) > 0) await show.click();
  }
  for (let n = 0; n < 2; n++)
    await page.getByRole('treeitem', { expanded: false }).first().locator('span').first().click();
}
