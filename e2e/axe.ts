import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

async function analyze(page: Page, part: string | null) {
  const builder = new AxeBuilder({ page });
  const { violations: found } = await (part === null ? builder : builder.include(part))
    // One page is enough: there are no frames to gather from.
    .setLegacyMode(true)
    .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'])
    .analyze();
  return found.map(({ id, impact, nodes }) => ({ impact, line: `${id}: ${nodes.map(({ html }) => html).join(' ')}` }));
}

/** What a check for WCAG 2.2 AA finds on the page as it stands, or in a part of it. */
export async function violations(page: Page, part: string | null = null): Promise<readonly string[]> {
  return (await analyze(page, part)).map(({ line }) => line);
}

/** The same, if it is serious. */
export async function findings(page: Page): Promise<readonly string[]> {
  return (await analyze(page, null))
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ line }) => line);
}
