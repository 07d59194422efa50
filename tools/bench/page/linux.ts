import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { makeGuest } from '../guest.ts';

/** Linux in the page, opened as a reader opens files of his own: its shell has the benchmark's programs. */

export const PROMPT = '/ # ';

const PARTS = { mips: 150, int: 300, sha: 20, getppid: 150, mmap: 80, forkexec: 12 } as const;

/** The same work in each turn, whatever the machine's clock says: loops, system calls, page faults, processes; `times` as much, and some of each. */
export function work(times: number): string {
  return Object.entries(PARTS)
    .map(([program, chunks]) => `bench ${program} ${Math.ceil(chunks * times)}`)
    .join('; ');
}

/** `page` is at a machine that is paused. Linux is opened bare. Throws GuestError. */
export async function openLinux(page: Page): Promise<void> {
  const { kernel, initrd, commandLine } = makeGuest([], 1);
  const folder = mkdtempSync(join(tmpdir(), 'ringside-page-'));
  try {
    const files = { kernel: join(folder, 'vmlinuz'), initrd: join(folder, 'initrd.cpio.gz') };
    writeFileSync(files.kernel, kernel);
    writeFileSync(files.initrd, initrd);
    await page.getByRole('button', { name: 'Guest', exact: true }).click();
    await page.getByRole('menuitem', { name: /^Open image/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Open an image' });
    await dialog.getByLabel('Kernel').setInputFiles(files.kernel);
    await dialog.getByLabel('Initial RAM disk').setInputFiles(files.initrd);
    await dialog.getByLabel('Command line').fill(commandLine);
    await dialog.getByRole('button', { name: 'Open', exact: true }).click();
    await page.getByRole('button', { name: 'Guest', exact: true }).filter({ hasText: 'vmlinuz' }).waitFor();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
