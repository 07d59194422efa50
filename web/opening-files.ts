/** From files of a person's own to an `open` or `restore` for the worker. */
import { FileError, readFile } from './files.ts';
import { open } from './machine.ts';
import { BARE } from './modes.ts';
import { type FileOptions, once } from './opening.ts';
import { type FileKind, sniff } from './sniff.ts';
import { text } from './text.ts';

/** Opens dropped or chosen files: a kernel, a kernel and its initial RAM disk in any order, or a snapshot. */
export function openFiles(files: readonly File[], options: FileOptions): Promise<void> {
  const name = files[0]?.name ?? '';
  return once(name, async (progress, signal) => {
    if (files.length > 2) throw new FileError(text.files.tooMany(files.length));
    const read: { readonly name: string; readonly bytes: Uint8Array<ArrayBuffer>; readonly kind: FileKind }[] = [];
    for (const file of files) {
      const bytes = await readFile(file, progress, signal);
      read.push({ name: file.name, bytes, kind: sniff(file.name, bytes) });
    }
    if (read.length === 1 && read[0].kind === 'snapshot') {
      restore(name, read[0].bytes);
      return;
    }
    if (read.length === 1 && read[0].kind === 'initrd') throw new FileError(text.files.initrdAlone(name));
    const [kernel, initrd] = read[0].kind === 'initrd' ? [read[1], read[0]] : read;
    const linux = kernel.kind === 'linux';
    open({
      name: kernel.name,
      source: null,
      message: {
        type: 'open',
        name: kernel.name,
        kernel: kernel.bytes,
        initrd: initrd?.bytes ?? null,
        symbols: null,
        commandLine: options.commandLine ?? (linux ? 'console=ttyS0' : ''),
        memoryMib: options.memoryMib ?? (linux ? 256 : 64),
        stopBeforePrivileged: !linux,
        setting: BARE,
      },
      run: linux,
    });
  });
}

/** Reads a snapshot file and restores it. */
export function openSnapshot(file: File): Promise<void> {
  return once(file.name, async (progress, signal) => {
    const bytes = await readFile(file, progress, signal);
    restore(file.name, bytes);
  });
}

function restore(name: string, file: Uint8Array<ArrayBuffer>): void {
  open({ name, source: null, message: { type: 'restore', file }, run: false });
}
