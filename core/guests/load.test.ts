import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BootOptions, type BootPlan, ImageError } from './boot.ts';
import { detectImage, loadImage } from './load.ts';
import { concat, type ElfPart, makeBzImage, makeElf, multibootHeader, words } from './testing/images.ts';
import { makeXenElf, XEN_NOTES } from './testing/xen.ts';

const MIB = 2 ** 20;
const options: BootOptions = { memoryBytes: 4 * MIB, commandLine: 'a=b', initrd: new Uint8Array(100) };
const code = concat([multibootHeader(3), new Uint8Array(52).fill(0x90)]);
const part = (changes: Partial<ElfPart> = {}): ElfPart => {
  return { virtualAddress: 0x100000, physicalAddress: 0x100000, bytes: code, memorySize: 0x1000, ...changes };
};
const symbol = { name: 'main', value: 0x10000c, size: 3, type: 2, section: 1 };
const data = part({ virtualAddress: 0x102000, physicalAddress: 0x102000, bytes: new Uint8Array(64).fill(5) });
const elf = makeElf(0x10000c, [part(), data], [symbol]);
const bzImage = makeBzImage(new Uint8Array(0x400));
const firmware = changed(new Uint8Array(65536), 65536 - 16, 0xea, 0, 0, 0, 0xf0);
const flat = concat([multibootHeader(0x10003, 0x100000, 0x100000, 0x100040, 0x100050, 0x100020), new Uint8Array(100)]);

function changed(image: Uint8Array, offset: number, ...values: readonly number[]): Uint8Array {
  const copy = image.slice();
  copy.set(values, offset);
  return copy;
}

describe('detectImage', () => {
  it('knows its kinds', () => {
    expect(detectImage(elf)).toBe('multiboot');
    expect(detectImage(flat)).toBe('multiboot');
    expect(detectImage(bzImage)).toBe('linux');
    expect(detectImage(firmware)).toBe('firmware');
  });
});

const primer = fileURLToPath(new URL('../../public/guests/primer.elf', import.meta.url));

it.skipIf(!existsSync(primer))("plans the start of the project's own kernel", () => {
  const plan = loadImage(new Uint8Array(readFileSync(primer)), { ...options, initrd: null });
  expect(plan.kind).toBe('multiboot');
  expectSound(plan, options.memoryBytes);
});

describe('firmware', () => {
  it('is at the reset vector and below 1 MB', () => {
    const plan = loadImage(firmware, { ...options, initrd: null });
    expect(plan).toMatchObject({ kind: 'firmware', registers: null });
    expect(plan.rom).toEqual(firmware);
    expect(plan.segments).toEqual([{ address: 0xf0000, bytes: firmware }]);
  });

  it('takes no initrd, and wants 1 MiB', () => {
    expect(() => loadImage(firmware, options)).toThrow(ImageError);
    expect(() => loadImage(firmware, { ...options, initrd: null, memoryBytes: 65536 })).toThrow(/at least 1 MiB/);
  });

  it('is no file of another size, nor one without a jump', () => {
    expect(() => detectImage(firmware.subarray(1))).toThrow(ImageError);
    expect(() => detectImage(changed(firmware, 65536 - 16, 0))).toThrow(ImageError);
  });
});

it('says how a kernel for Xen can be run', () => {
  const xen = makeXenElf(XEN_NOTES, [part({ bytes: new Uint8Array(64) })]);
  expect(() => loadImage(xen, options)).toThrow(/made for Xen .*--mode para/);
});

describe('loadImage refuses with one sentence', () => {
  it.each([
    ['an empty file', new Uint8Array(), 'The image is empty.'],
    [
      'text',
      new TextEncoder().encode('hello, world'),
      'This file is neither a multiboot kernel nor a Linux bzImage nor firmware.',
    ],
    ['gzip', words(0x00088b1f), /compressed with gzip/],
    ['cpio', new TextEncoder().encode('070701000000'), /cpio archive/],
    ['a boot sector', changed(new Uint8Array(512), 0x1fe, 0x55, 0xaa), /boot sector or disk image/],
    ['a 64-bit ELF file', changed(elf, 4, 2), /64-bit ELF .* build the kernel with -m32\.$/],
    ['an ELF file for ARM', changed(elf, 18, 40), /for ARM, not for x86/],
    ['an ELF file for an unknown machine', changed(elf, 18, 77), /for machine number 77/],
    ['a big-endian ELF file', changed(elf, 5, 2), /for a big-endian machine/],
    ['an object file', changed(elf, 16, 1), /object file/],
    ['an ELF file without program headers', changed(elf, 44, 0), /no program headers/],
    ['an ELF header cut short', elf.subarray(0, 30), /cut short .* ELF header reaches to byte 52, but the file has 30/],
    ['program headers cut short', elf.subarray(0, 100), /cut short .* program header table reaches to byte 116/],
    ['an ELF file cut short', elf.subarray(0, 600), /cut short .* program header 1 .* reaches to byte 640/],
    ['an ELF file without a multiboot header', changed(elf, 0x200, 0), /no multiboot header/],
    ['a multiboot 2 kernel', changed(elf, 0x200, 0xd6, 0x50, 0x52, 0xe8), /multiboot 2 header/],
    [
      'a kernel at the top of the address space',
      makeElf(0, [part({ physicalAddress: 0xfffff000 })]),
      /up to 0x100000000/,
    ],
    ['a kernel larger than memory', makeElf(0, [part({ memorySize: 5 * MIB })]), /the machine has 4 MiB: give it more/],
    ['a kernel in the BIOS data', makeElf(0, [part({ physicalAddress: 0x400 })]), /overwrite the interrupt vectors/],
    ['a kernel in the video memory', makeElf(0, [part({ physicalAddress: 0x9f000 })]), /into the video memory/],
    ['a kernel that loads twice to one place', makeElf(0x100000, [part(), part()]), /two .* load to the same memory/],
    ['a kernel that is entered elsewhere', makeElf(0x300000, [part()]), /entry point 0x300000 lies outside/],
    ['more in the file than in memory', makeElf(0, [part({ memorySize: 1 })]), /more bytes in the file than in memory/],
    ['nothing to load', makeElf(0, [part({ memorySize: 0, bytes: code })]), /nothing to load/],
  ])('%s', (_, image, sentence) => {
    expect(() => loadImage(image, options)).toThrow(sentence);
    expect(() => loadImage(image, options)).toThrow(ImageError);
  });

  it('a module that does not fit', () => {
    expect(() => loadImage(elf, { ...options, initrd: new Uint8Array(3 * MIB) })).toThrow(
      /module of 3 MiB does not fit/,
    );
  });
});

/** What a board may rely on. */
function expectSound(plan: BootPlan, memoryBytes: number): void {
  if (plan.registers === null) return;
  const sorted = plan.segments.map(({ address, bytes }) => [address, address + bytes.length]).sort(([a], [b]) => a - b);
  sorted.forEach(([start, end], index) => {
    expect(start).toBeGreaterThanOrEqual(index === 0 ? 0x500 : sorted[index - 1][1]);
    expect(end).toBeLessThanOrEqual(memoryBytes);
    expect(end <= 0x9fc00 || start >= 0x100000).toBe(true);
  });
  const { eip, gdt } = plan.registers;
  const isLoaded = (start: number, end: number) => sorted.some(segment => segment[0] <= start && end <= segment[1]);
  expect(isLoaded(eip, eip + 1)).toBe(true);
  expect(gdt !== undefined && isLoaded(gdt.base, gdt.base + gdt.limit + 1)).toBe(true);
  for (const value of Object.values(plan.registers)) {
    if (typeof value === 'number') expect(value >>> 0).toBe(value);
  }
}

/** Numbers that headers go wrong with, and any others. */
const word = fc.oneof(
  fc.constantFrom(
    0,
    1,
    12,
    0x1000,
    0x9000,
    0x9f000,
    0x100000,
    0x3ff000,
    0x7fffffff,
    0x80000000,
    0xfffffff0,
    0xffffffff,
  ),
  fc.integer({ min: 0, max: 0xffffffff }),
);

/** A change is a word or a byte at one of `length` places. */
const changes = (length: number) => {
  const change = fc.record({ offset: fc.nat(length - 4), value: word, isByte: fc.boolean() });
  return fc.record({
    changes: fc.array(change, { maxLength: 4 }),
    cut: fc.oneof({ weight: 7, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(length) }),
    memoryBytes: fc.constantFrom(0x10000, 0xa0000, MIB, 0x110000, 3 * MIB, 4 * MIB),
    initrdLength: fc.constantFrom(null, 1, 100, 4096, 0x12345, MIB, 2 * MIB),
  });
};

describe('whatever the header says, the plan is sound or the reason is one sentence', () => {
  // Where the fields are: in an ELF file headers and symbol tables, in a bzImage the setup header.
  const cases = [
    {
      name: 'ELF',
      image: elf,
      places: [
        [0, 130],
        [0x200, 12],
        [elf.length - 260, 260],
      ],
    },
    { name: 'addresses', image: flat, places: [[0, 32]] },
    { name: 'bzImage', image: bzImage, places: [[0x1f0, 0x80]] },
  ] as const;

  it.each(cases)('$name', ({ image, places }) => {
    const offsets = places.flatMap(([start, length]) => Array.from({ length }, (_, index) => start + index));
    let plans = 0;
    fc.assert(
      fc.property(changes(offsets.length), ({ changes, cut, memoryBytes, initrdLength }) => {
        const copy = image.slice();
        const view = new DataView(copy.buffer);
        for (const { offset, value, isByte } of changes) {
          const at = Math.min(offsets[offset], copy.length - 4);
          if (isByte) view.setUint8(at, value & 0xff);
          else view.setUint32(at, value, true);
        }
        const mutated = copy.subarray(0, cut ?? copy.length);
        const initrd = initrdLength === null ? null : new Uint8Array(initrdLength);
        try {
          expectSound(loadImage(mutated, { memoryBytes, commandLine: 'x', initrd }), memoryBytes);
          plans++;
        } catch (error) {
          if (!(error instanceof ImageError)) throw error;
          expect(error.message).toMatch(/^[A-Z][^\n]*\.$/);
        }
      }),
      { numRuns: 3000 },
    );
    expect(plans).toBeGreaterThan(100);
  });
});
