import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { writeCpio } from './cpio.ts';
import { buildInitramfs } from './initramfs.ts';

/** Typed by hand after the kernel's buffer-format.rst: magic and 13 numbers of 8 hexadecimal digits, then the name. */
const DEVICE = [
  '070701',
  '00000001', // inode
  '00002180', // mode: character device, rw-------
  '00000000', // user
  '00000000', // group
  '00000001', // links
  '00000000', // modified
  '00000000', // size
  '00000000', // device that holds it, major
  '00000000', // and minor
  '00000005', // device it names, major
  '00000001', // and minor
  '0000000C', // length of the name with its zero
  '00000000', // checksum, not used in this format
  'dev/console\0',
  '\0\0', // to a multiple of 4: 110 + 12 is 122
].join('');

const FILE = [
  '070701',
  ...['00000002', '000081A4', '00000000', '00000000', '00000001', '00000000', '00000005'],
  ...['00000000', '00000000', '00000000', '00000000', '00000002', '00000000'],
  'a\0', // 110 + 2 is 112
  'hello\0\0\0',
].join('');

describe('writeCpio', () => {
  it('writes the records of the newc format', () => {
    const archive = writeCpio([
      { kind: 'character device', path: 'dev/console', permissions: 0o600, major: 5, minor: 1 },
      { kind: 'file', path: 'a', permissions: 0o644, bytes: Buffer.from('hello') },
    ]);
    const text = Buffer.from(archive).toString('latin1');
    expect(text.slice(0, DEVICE.length + FILE.length)).toBe(DEVICE + FILE);
    expect(text.slice(DEVICE.length + FILE.length)).toMatch(
      /^070701(0{8}){4}00000001(0{8}){6}0000000B0{8}TRAILER!!!\0\0*$/,
    );
    expect(archive.length % 4).toBe(0);
  });
});

describe('buildInitramfs', () => {
  it('makes the same bytes each time, with no time or system in them', () => {
    const busybox = Buffer.alloc(1000, 0x90);
    const first = buildInitramfs(busybox);
    expect(buildInitramfs(busybox)).toEqual(first);
    expect([...first.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
    expect(gunzipSync(first).includes(busybox)).toBe(true);
  });
});
