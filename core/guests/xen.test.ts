import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError } from './boot.ts';
import { concat, type ElfPart, makeElf, words } from './testing/images.ts';
import { makeXenElf, note, XEN_NOTES } from './testing/xen.ts';
import { isXenKernel, loadXen, type XenOptions, type XenPlan } from './xen.ts';

const MIB = 1 << 20;
const BASE = 0xc0000000;
const PAGE = 4096;

const primer = new Uint8Array(
  readFileSync(fileURLToPath(new URL('../../public/guests/primer-para.elf', import.meta.url))),
);
const options: XenOptions = { memoryBytes: 32 * MIB, commandLine: 'quiet', initrd: null };

const code = new Uint8Array(PAGE * 2).fill(0x90);
const part = (changes: Partial<ElfPart> = {}): ElfPart => ({
  virtualAddress: BASE + 0x100000,
  physicalAddress: 0x100000,
  bytes: code,
  memorySize: 0x5000,
  ...changes,
});
const kernel = (changes: Partial<typeof XEN_NOTES> = {}, parts: readonly ElfPart[] = [part()]): Uint8Array =>
  makeXenElf({ ...XEN_NOTES, ...changes }, parts);

/** What a domain builder may rely on: all parts in order, in memory, apart from each other; and every table that is needed. */
function expectSound({ segments, domain }: XenPlan, { memoryBytes, initrd }: XenOptions): void {
  const { virtualBase, mappedPages, frameList, frameListPages, startInfo, store, console, tables, tablePages } = domain;
  const ends = segments.map(({ address, bytes }) => [address, address + bytes.length]);
  ends.forEach(([start], index) => {
    expect(start).toBeGreaterThanOrEqual(index === 0 ? 0 : ends[index - 1][1]);
  });
  expect(frameList * PAGE).toBeGreaterThanOrEqual(ends[ends.length - 1][1]);
  expect(frameListPages).toBe(Math.ceil(Math.floor(memoryBytes / PAGE) / 1024));
  const order = [frameList + frameListPages, startInfo + 1, store + 1, console + 1, tables + tablePages];
  expect(order).toEqual([startInfo, store, console, tables, (domain.stackTop - virtualBase) / PAGE - 1]);

  const end = virtualBase + mappedPages * PAGE;
  expect(end % (4 * MIB)).toBe(0);
  expect(end - domain.stackTop).toBeGreaterThanOrEqual(512 * 1024);
  expect(end - domain.stackTop).toBeLessThan(4 * MIB + 512 * 1024);
  expect(mappedPages * PAGE).toBeLessThanOrEqual(memoryBytes);
  expect(end).toBeLessThanOrEqual(0xf5800000);

  const directories = new Set([3]);
  const leaves = new Set<number>();
  for (let page = 0; page < mappedPages; page++) {
    directories.add(Math.floor((virtualBase + page * PAGE) / 2 ** 30));
    leaves.add(Math.floor((virtualBase + page * PAGE) / 2 ** 21));
  }
  expect(tablePages).toBe(1 + directories.size + leaves.size);

  if (initrd !== null) {
    const address = (domain.module?.address ?? 0) - virtualBase;
    expect(domain.module?.length).toBe(initrd.length);
    expect(address % PAGE).toBe(0);
    expect(segments.find(segment => segment.address === address)?.bytes).toBe(initrd);
  }
}

describe('primer-para', () => {
  it('is planned as Xen itself lays it out', () => {
    const plan = loadXen(primer, options);
    expectSound(plan, options);
    expect(plan.guest).toEqual({
      name: 'primer',
      version: '1.0',
      supportedFeatures: ['pae_pgdir_above_4gb'],
      requiredFeatures: [],
    });
    expect(plan.domain).toMatchObject({
      virtualBase: BASE,
      hypercallPage: 0xc0101000,
      mappedPages: 0x400,
      tablePages: 4,
    });
  });

  it('is told from the native kernel', () => {
    const native = readFileSync(fileURLToPath(new URL('../../public/guests/primer.elf', import.meta.url)));
    expect(isXenKernel(primer)).toBe(true);
    expect(isXenKernel(native)).toBe(false);
    expect(() => loadXen(native, options)).toThrow(/no notes for Xen/);
  });
});

describe('a small kernel', () => {
  it('lies as its notes say, with all parts behind it', () => {
    const initrd = new Uint8Array(PAGE + 1).fill(7);
    const plan = loadXen(kernel(), { ...options, initrd });
    expect(plan.segments.map(({ address }) => address)).toEqual([0x100000, 0x105000]);
    expect(plan.domain).toEqual({
      virtualBase: BASE,
      mappedPages: 0x400,
      entry: BASE + 0x100010,
      hypercallPage: BASE + 0x101000,
      stackTop: BASE + 0x117000,
      frameList: 0x107,
      frameListPages: 8,
      startInfo: 0x10f,
      store: 0x110,
      console: 0x111,
      tables: 0x112,
      tablePages: 4,
      commandLine: 'quiet',
      module: { address: BASE + 0x105000, length: PAGE + 1 },
    });
    expectSound(plan, { ...options, initrd });
  });

  it('counts its physical addresses from the offset of its note', () => {
    const plan = loadXen(kernel({ 4: BASE }, [part({ physicalAddress: BASE + 0x100000 })]), options);
    expect(plan.segments[0].address).toBe(0x100000);
  });

  it('has half a megabyte behind its stack', () => {
    const memorySize = 3 * MIB - 64 * 1024;
    const plan = loadXen(kernel({}, [part({ memorySize })]), options);
    expect(plan.domain.mappedPages).toBe(0x800);
    expectSound(plan, options);
  });

  it('below the last gigabyte gets a directory for the monitor too', () => {
    const plan = loadXen(kernel({ 1: 0x80100010, 2: 0x80101000, 3: 0x80000000 }), options);
    expect(plan.domain.tablePages).toBe(1 + 2 + 2);
    expectSound(plan, options);
  });

  it('may name its entry in the ELF header only, and have no hypercall page', () => {
    const plan = loadXen(kernel({ 1: undefined, 2: undefined }), options);
    expect(plan.domain.entry).toBe(BASE + 0x100000);
    expect(plan.domain.hypercallPage).toBeNull();
  });

  it('may have other notes among its own', () => {
    const other = note('GNU\0', 3, words(1, 2, 3, 4, 5));
    const plain = makeElf(BASE + 0x100000, [part()]);
    expect(isXenKernel(makeXenElf(XEN_NOTES, [part()], other))).toBe(true);
    expect(isXenKernel(plain)).toBe(false);
  });

  it('tells the features it demands', () => {
    const { guest } = loadXen(kernel({ 10: '!writable_page_tables|pae_pgdir_above_4gb' }), options);
    expect(guest.requiredFeatures).toEqual(['writable_page_tables']);
    expect(guest.supportedFeatures).toEqual(['writable_page_tables', 'pae_pgdir_above_4gb']);
  });
});

describe('a kernel that cannot be started is refused with a sentence', () => {
  const xen = kernel();
  it.each([
    ['a file that is no ELF file', new Uint8Array(100), /no notes for Xen/],
    ['for another interface', kernel({ 5: 'xen-2.0' }), /interface xen-2\.0/],
    ['for no interface', kernel({ 5: undefined }), /interface of no version/],
    ['without PAE', kernel({ 9: 'no' }), /not built for PAE/],
    ['that does not speak of PAE', kernel({ 9: undefined }), /not built for PAE/],
    ['for another loader', kernel({ 8: 'bsd' }), /loader bsd/],
    ['that wants ring 0', kernel({ 10: '!supervisor_mode_kernel' }), /feature supervisor_mode_kernel/],
    ['at a crooked base', kernel({ 3: 0xc0001000 }), /0xc0001000, which is not a multiple of 4 MiB/],
    ['that is entered elsewhere', kernel({ 1: 0xc0300000 }), /entry point 0xc0300000 lies outside/],
    ['with a crooked hypercall page', kernel({ 2: BASE + 0x101004 }), /hypercall page at 0xc0101004/],
    ['with its hypercall page behind it', kernel({ 2: BASE + 0x105000 }), /hypercall page at 0xc0105000/],
    ['with a number of 2 bytes', kernel({ 1: 'x' }), /note 1 is not a 32-bit number/],
    ['below its own memory', kernel({ 4: 0x200000 }), /does not fit its own note/],
    [
      'across the monitor',
      kernel({ 1: 0xf5500010, 2: undefined, 3: 0xf5400000 }, [part({ memorySize: 4 * MIB })]),
      /monitor begins at/,
    ],
    [
      'that leaves the monitor too little',
      kernel({ 12: 0xf6000000 }),
      /leaves the monitor the addresses from 0xf6000000/,
    ],
    ['larger than memory', kernel({}, [part({ memorySize: 40 * MIB })]), /needs at least 44 MiB/],
    ['at the top of the address space', kernel({}, [part({ physicalAddress: 0xfffff000 })]), /loads to 0xfffff000/],
    ['that loads twice to one place', kernel({}, [part(), part()]), /two .* load to the same memory/],
    ['cut short', xen.subarray(0, xen.length - 8), /cut short/],
  ])('%s', (_, image, sentence) => {
    expect(() => loadXen(image, options)).toThrow(sentence);
    expect(() => loadXen(image, options)).toThrow(ImageError);
  });

  it('a damaged note', () => {
    const damaged = makeXenElf(XEN_NOTES, [part()], concat([words(4, 1000, 1), words(0x006e6558)]));
    expect(() => loadXen(damaged, options)).toThrow(/one of its notes is longer/);
    expect(isXenKernel(damaged)).toBe(false);
  });

  it('a domain that is too small', () => {
    expect(() => loadXen(primer, { ...options, memoryBytes: 2 * MIB })).toThrow(/needs at least 4 MiB .* has 2 MiB/);
  });

  it('a command line that is too long', () => {
    expect(() => loadXen(primer, { ...options, commandLine: 'x'.repeat(1024) })).toThrow(/room for 1023/);
    expect(loadXen(primer, { ...options, commandLine: 'x'.repeat(1023) }).domain.commandLine).toHaveLength(1023);
  });
});

it('whatever the file says, the plan is sound or the reason is one sentence', () => {
  const image = kernel({}, [part(), part({ virtualAddress: BASE + 0x200000, physicalAddress: 0x200000 })]);
  const value = fc.oneof(
    fc.constantFrom(0, 1, 4, 5, 0x1000, 0x100000, 0x80000000, BASE, 0xf5400000, 0xfffff000, 0xffffffff),
    fc.integer({ min: 0, max: 0xffffffff }),
  );
  // Headers lie at the beginning of the file, notes at its end.
  const offset = fc.oneof(fc.nat(180), fc.integer({ min: image.length - 300, max: image.length - 4 }));
  const change = fc.record({ offset, value, isByte: fc.boolean() });
  let plans = 0;
  fc.assert(
    fc.property(
      fc.array(change, { minLength: 1, maxLength: 3 }),
      fc.constantFrom(MIB, 4 * MIB, 8 * MIB, 64 * MIB),
      fc.constantFrom(null, 1, 0x12345),
      (changes, memoryBytes, initrdLength) => {
        const copy = image.slice();
        const view = new DataView(copy.buffer);
        for (const { offset, value, isByte } of changes) {
          if (isByte) view.setUint8(offset, value & 0xff);
          else view.setUint32(offset, value, true);
        }
        const initrd = initrdLength === null ? null : new Uint8Array(initrdLength);
        const changed: XenOptions = { memoryBytes, commandLine: '', initrd };
        try {
          expectSound(loadXen(copy, changed), changed);
          plans++;
        } catch (error) {
          if (!(error instanceof ImageError)) throw error;
          expect(error.message).toMatch(/^[A-Z][^\n]*\.$/);
        }
      },
    ),
    { numRuns: 2000 },
  );
  expect(plans).toBeGreaterThan(100);
});
