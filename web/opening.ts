/** From a chosen guest or file to an `open` for the worker. One at a time: a new choice ends the one before. */

import type { Setting } from '../core/protocol/monitor.ts';
import { FileError, fetchFile, type Progress } from './files.ts';
import type { PageGuest } from './guests.ts';
import { open } from './machine.ts';
import { BARE } from './modes.ts';
import { notify } from './stores/notices.ts';
import { opening } from './stores/opening.ts';
import { text } from './text.ts';

export interface FileOptions {
  /** Null: what suits the kind of image. */
  readonly commandLine: string | null;
  readonly memoryMib: number | null;
}

let controller: AbortController | null = null;

export function cancelOpening(): void {
  controller?.abort();
  opening.setState({ now: null });
}

/**
 * Fetches a guest of the page and opens it: on the machine itself unless said, from where it can go under the monitor while it runs. For
 * `para` it is the guest's kernel for that, which stands before its first instruction: it has no privileged one to stop at.
 */
export function openGuest(guest: PageGuest, setting: Setting = BARE): Promise<void> {
  return once(guest.name, async (progress, signal) => {
    const para = setting.mode === 'para' ? guest.para : null;
    const files = para ?? guest;
    const kernel = await fetchFile(files.kernel, progress, signal);
    const initrd = guest.initrd === null ? null : await fetchFile(guest.initrd, progress, signal);
    const symbols = files.symbols === null ? null : await fetchFile(files.symbols, progress, signal);
    open({
      name: guest.name,
      source: guest,
      message: {
        type: 'open',
        name: guest.name,
        kernel,
        initrd,
        symbols: symbols === null ? null : new TextDecoder().decode(symbols),
        commandLine: guest.commandLine,
        memoryMib: guest.memoryMib,
        stopBeforePrivileged: guest.start === 'privileged' && para === null,
        setting,
      },
      run: guest.start === 'run',
    });
  });
}

/** Fetches a snapshot of a guest that asks for commands already, and lets it go on. */
export function openBooted(name: string, address: string): Promise<void> {
  return once(name, async (progress, signal) => {
    const file = await fetchFile(address, progress, signal);
    open({ name, source: null, message: { type: 'restore', file }, run: true });
  });
}

/** Opens dropped or chosen files: a kernel, a kernel and its initial RAM disk in any order, or a snapshot. */
export function openFiles(files: readonly File[], options: FileOptions): Promise<void> {
  return withFiles(part => part.openFiles(files, options));
}

/** Reads a snapshot file and restores it. */
export function openSnapshot(file: File): Promise<void> {
  return withFiles(part => part.openSnapshot(file));
}

type FilesPart = typeof import('./opening-files.ts');

/** What only files need is fetched with the first of them. */
async function withFiles(work: (part: FilesPart) => Promise<void>): Promise<void> {
  let part: FilesPart;
  try {
    part = await import('./opening-files.ts');
  } catch {
    notify(text.layout.missing);
    return;
  }
  await work(part);
}

/** Does the work of opening, after which its choice holds; what was begun before ends. */
export async function once(
  name: string,
  work: (progress: Progress, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  controller?.abort();
  const mine = new AbortController();
  controller = mine;
  const progress: Progress = (loaded, total) => {
    if (controller === mine) opening.setState({ now: { name, stage: 'reading', loaded, total } });
  };
  progress(0, null);
  try {
    await work(progress, mine.signal);
  } catch (error) {
    if (mine.signal.aborted) return;
    opening.setState({ now: null });
    if (error instanceof FileError) notify(error.message);
    else throw error;
  }
}
