import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { BootOptions } from './boot.ts';
import { makeBzImage } from './testing/images.ts';
import { loadKernel } from './testing/kernel.ts';

const MIB = 2 ** 20;
const kernel = new Uint8Array(0x1000).fill(0x90);
const initrd = new Uint8Array(0x1801).fill(7);
const options: BootOptions = { memoryBytes: 64 * MIB, commandLine: 'console=ttyS0', initrd };

function segmentAt(plan: ReturnType<typeof loadKernel>, address: number): DataView {
  const bytes = plan.segments.find(segment => segment.address === address)?.bytes ?? new Uint8Array();
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

describe('a Linux bzImage', () => {
  const plan = loadKernel(makeBzImage(kernel), options);
  const zeroPage = segmentAt(plan, plan.registers.esi ?? 0);

  it('is entered as the 32-bit boot protocol demands', () => {
    expect(plan.kind).toBe('linux');
    expect(plan.registers).toMatchObject({
      eip: 0x100000,
      ebx: 0,
      edi: 0,
      ebp: 0,
      codeSelector: 0x10,
      dataSelector: 0x18,
    });
    expect(plan.segments.find(segment => segment.address === 0x100000)?.bytes).toEqual(kernel);
    const gdt = segmentAt(plan, plan.registers.gdt?.base ?? 0);
    expect(plan.registers.gdt?.limit).toBe(31);
    expect([0, 8, 16, 24].map(at => gdt.getBigUint64(at, true))).toEqual([
      0n,
      0n,
      0x00cf9b000000ffffn,
      0x00cf93000000ffffn,
    ]);
  });

  it('finds its setup header in the zero page, and nothing else of its real-mode part', () => {
    expect(zeroPage.byteLength).toBe(4096);
    expect(zeroPage.getUint32(0x202, true)).toBe(0x53726448);
    expect(zeroPage.getUint32(0x268, true)).toBe(0x1234);
    expect(zeroPage.getUint8(0x1ef)).toBe(0);
    expect(zeroPage.getUint8(0x26c)).toBe(0);
    expect(zeroPage.getUint8(0x210)).toBe(0xff);
    expect(zeroPage.getUint32(0x214, true)).toBe(0x100000);
  });

  it('finds its command line', () => {
    const line = segmentAt(plan, zeroPage.getUint32(0x228, true));
    expect(new TextDecoder().decode(new Uint8Array(line.buffer))).toBe('console=ttyS0\0');
  });

  it('finds the initrd on a page boundary at the top of memory', () => {
    expect(zeroPage.getUint32(0x218, true)).toBe(64 * MIB - 0x2000);
    expect(zeroPage.getUint32(0x21c, true)).toBe(0x1801);
    expect(plan.segments.find(segment => segment.address === 64 * MIB - 0x2000)?.bytes).toEqual(initrd);
  });

  it('finds the initrd no higher than it can reach', () => {
    const limited = loadKernel(makeBzImage(kernel, { initrdAddressMax: 0x1ffffff }), options);
    expect(segmentAt(limited, 0x90000).getUint32(0x218, true)).toBe(0x2000000 - 0x2000);
  });

  it('finds the memory map of a PC', () => {
    expect(zeroPage.getUint8(0x1e8)).toBe(4);
    const map = [0, 1, 2, 3].map(index => {
      const entry = 0x2d0 + index * 20;
      const [base, length] = [zeroPage.getBigUint64(entry, true), zeroPage.getBigUint64(entry + 8, true)];
      return [base, length, zeroPage.getUint32(entry + 16, true)];
    });
    expect(map).toEqual([
      [0n, 0x9fc00n, 1],
      [0x9fc00n, 0x400n, 2],
      [0xf0000n, 0x10000n, 2],
      [0x100000n, BigInt(63 * MIB), 1],
    ]);
  });

  it.each([
    ['without an initrd', makeBzImage(kernel), { initrd: null }, /needs an initial RAM disk .* give it one/],
    ['of an old protocol', makeBzImage(kernel, { version: 0x204 }), {}, /boot protocol 2\.4, older than 2\.6/],
    ['that is a zImage', makeBzImage(kernel, { loadFlags: 0 }), {}, /zImage/],
    ['for 64 bits', makeBzImage(kernel, { xLoadFlags: 1 }), {}, /64-bit Linux kernel/],
    [
      'cut short',
      makeBzImage(kernel).subarray(0, 3000),
      {},
      /cut short .* reaches to byte 5\d\d\d, but the file has 3000/,
    ],
    ['cut in its header', makeBzImage(kernel).subarray(0, 0x220), {}, /cut short or damaged: its Linux setup header/],
    ['with nothing in it', makeBzImage(kernel, { sysSize: 0 }), {}, /no kernel behind it/],
    [
      'too large for memory',
      makeBzImage(kernel, { initSize: 64 * MIB }),
      {},
      /up to 66 MiB, but the machine has 64 MiB/,
    ],
    ['with too large an initrd', makeBzImage(kernel), { memoryBytes: 0x281000 }, /initrd of 6 KiB does not fit/],
    ['with too long a command line', makeBzImage(kernel, { commandLineSize: 12 }), {}, /has 13 bytes, .* takes 12/],
    ['with an empty initrd', makeBzImage(kernel), { initrd: new Uint8Array() }, /initrd is empty/],
  ])('is refused %s', (_, image, changes, sentence) => {
    expect(() => loadKernel(image, { ...options, ...changes })).toThrow(sentence);
  });
});

const images = fileURLToPath(new URL('../../images/', import.meta.url));
const has = existsSync(`${images}vmlinuz-686`) && existsSync(`${images}initrd-686.cpio.gz`);

describe.skipIf(!has)("Debian's kernel", () => {
  const debian = () => new Uint8Array(readFileSync(`${images}vmlinuz-686`));

  it('has a plan in 256 MiB, and a sentence in 16 MiB', () => {
    const real = {
      ...options,
      memoryBytes: 256 * MIB,
      initrd: new Uint8Array(readFileSync(`${images}initrd-686.cpio.gz`)),
    };
    expect(loadKernel(debian(), real).registers.eip).toBe(0x100000);
    expect(() => loadKernel(debian(), { ...real, memoryBytes: 16 * MIB })).toThrow(/unpacks itself up to/);
  });
});
