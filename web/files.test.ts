import { expect, test } from 'vitest';
import { FileError, readFile } from './files.ts';
import { sniff } from './sniff.ts';

function bytes(size: number, at: number, ...values: readonly number[]): Uint8Array {
  const data = new Uint8Array(size);
  data.set(values, at);
  return data;
}

test.each([
  ['vmlinuz', bytes(0x400, 0x202, 0x48, 0x64, 0x72, 0x53), 'linux'],
  ['primer.elf', bytes(64, 0, 0x7f, 0x45, 0x4c, 0x46), 'elf'],
  ['kernel.bin', bytes(9000, 8188, 0x02, 0xb0, 0xad, 0x1b), 'multiboot'],
  ['late.bin', bytes(9000, 8192, 0x02, 0xb0, 0xad, 0x1b), 'unknown'],
  ['initrd.gz', bytes(10, 0, 0x1f, 0x8b), 'initrd'],
  ['initrd.cpio', new TextEncoder().encode('070701000'), 'initrd'],
  ['a.ringside', bytes(10, 0), 'snapshot'],
  ['note.txt', new TextEncoder().encode('x'), 'unknown'],
  ['nothing', new Uint8Array(0), 'unknown'],
] as const)('%s', (name, data, kind) => {
  expect(sniff(name, data)).toBe(kind);
});

const never = new AbortController().signal;

test('a file is read whole, with its progress', async () => {
  const data = bytes(70_000, 69_999, 7);
  const seen: number[] = [];
  const read = await readFile(new File([data.slice()], 'f'), loaded => seen.push(loaded), never);
  expect(read).toEqual(data);
  expect(seen.at(-1)).toBe(70_000);
});

test('an empty file, and one of more than 512 MiB, is refused with a sentence', async () => {
  await expect(readFile(new File([], 'empty.bin'), () => {}, never)).rejects.toThrow('empty.bin is empty.');
  const large = new File(['x'], 'large.img');
  Object.defineProperty(large, 'size', { value: 513 * 1024 * 1024 });
  const refused = readFile(large, () => {}, never);
  await expect(refused).rejects.toThrow(FileError);
  await expect(refused).rejects.toThrow(/513 MiB; files of more than 512 MiB/);
});

test('reading ends when it is no longer wanted', async () => {
  const controller = new AbortController();
  controller.abort();
  await expect(readFile(new File(['abc'], 'f'), () => {}, controller.signal)).rejects.toThrow(/abort/i);
});
