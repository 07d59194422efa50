import { describe, expect, it } from 'vitest';
import type { BootOptions, BootPlan } from './boot.ts';
import { ELF_CONTENT, makeElf, multibootHeader, words } from './testing/images.ts';
import { loadKernel } from './testing/kernel.ts';

const MIB = 2 ** 20;
const options: BootOptions = { memoryBytes: 64 * MIB, commandLine: '', initrd: null };
const code = new Uint8Array([...multibootHeader(3), 0xf4, 0xeb, 0xfd]);
const kernel = (address: number) => {
  return makeElf(address + 12, [
    { virtualAddress: address, physicalAddress: address, bytes: code, memorySize: 0x2000 },
  ]);
};

/** Memory as the plan leaves it, to be read as a kernel reads it. */
function memoryOf(plan: BootPlan): DataView {
  const memory = new Uint8Array(Math.max(...plan.segments.map(({ address, bytes }) => address + bytes.length)));
  for (const { address, bytes } of plan.segments) memory.set(bytes, address);
  return new DataView(memory.buffer);
}

function stringAt(memory: DataView, address: number): string {
  const bytes = new Uint8Array(memory.buffer, address);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

describe('a multiboot ELF kernel', () => {
  it('is loaded by its program headers, with zeros behind the bytes of the file', () => {
    const plan = loadKernel(kernel(0x100000), options);
    expect(plan.kind).toBe('multiboot');
    expect(plan.segments[0].address).toBe(0x100000);
    expect(plan.segments[0].bytes).toEqual(new Uint8Array([...code, ...new Uint8Array(0x2000 - code.length)]));
    expect(plan.registers).toMatchObject({ eip: 0x10000c, eax: 0x2badb002, codeSelector: 8, dataSelector: 16 });
  });

  it('is entered at the physical address of its entry when it is linked for another', () => {
    const part = { virtualAddress: 0xc0100000, physicalAddress: 0x100000, bytes: code, memorySize: code.length };
    expect(loadKernel(makeElf(0xc010000c, [part]), options).registers.eip).toBe(0x10000c);
    expect(loadKernel(makeElf(0x10000c, [part]), options).registers.eip).toBe(0x10000c);
  });

  it('finds memory sizes, memory map, command line and loader name in the information structure', () => {
    const plan = loadKernel(kernel(0x100000), { ...options, commandLine: 'root=ram a' });
    const memory = memoryOf(plan);
    const info = plan.registers.ebx ?? 0;
    const word = (offset: number) => memory.getUint32(info + offset, true);
    expect(info).toBe(0x9000);
    expect(word(0)).toBe(0b10_0100_0101);
    expect(word(4)).toBe(639);
    expect(word(8)).toBe(63 * 1024);
    expect(stringAt(memory, word(16))).toBe('kernel root=ram a');
    expect(stringAt(memory, word(64))).toBe('Ringside');
    const map = Array.from({ length: word(44) / 24 }, (_, index) => {
      const entry = word(48) + index * 24;
      return [0, 4, 8, 12, 16, 20].map(offset => memory.getUint32(entry + offset, true));
    });
    expect(map).toEqual([
      [20, 0, 0, 0x9fc00, 0, 1],
      [20, 0x9fc00, 0, 0x400, 0, 2],
      [20, 0xf0000, 0, 0x10000, 0, 2],
      [20, 0x100000, 0, 63 * MIB, 0, 1],
    ]);
  });

  it('finds its module on the page boundary behind its zeros', () => {
    const initrd = new Uint8Array([1, 2, 3]);
    const plan = loadKernel(kernel(0x100800), { ...options, initrd });
    const memory = memoryOf(plan);
    const info = plan.registers.ebx ?? 0;
    const [flags, count, module] = [0, 20, 24].map(offset => memory.getUint32(info + offset, true));
    expect(flags & 8).toBe(8);
    expect(count).toBe(1);
    expect([0, 4].map(offset => memory.getUint32(module + offset, true))).toEqual([0x103000, 0x103003]);
    expect(stringAt(memory, memory.getUint32(module + 8, true))).toBe('initrd');
    expect(memory.getUint8(0x103002)).toBe(3);
  });

  it('gets a GDT with flat segments (SDM volume 3, section 3.4.5)', () => {
    const plan = loadKernel(kernel(0x100000), options);
    const { base, limit } = plan.registers.gdt ?? { base: 0, limit: 0 };
    const memory = memoryOf(plan);
    const entries = Array.from({ length: (limit + 1) / 8 }, (_, index) => memory.getBigUint64(base + index * 8, true));
    expect(entries).toEqual([0n, 0x00cf9b000000ffffn, 0x00cf93000000ffffn]);
    expect(base % 8).toBe(0);
  });

  it('keeps the information structure out of its way', () => {
    const plan = loadKernel(kernel(0x8000), options);
    const [start, end] = [plan.registers.ebx ?? 0, (plan.registers.gdt?.base ?? 0) + 24];
    expect(end <= 0x8000 || start >= 0xa000).toBe(true);
    expect(start).toBeGreaterThanOrEqual(0x500);
  });

  it('is told when it leaves no room below 640 KiB', () => {
    const whole = { virtualAddress: 0x500, physicalAddress: 0x500, bytes: code, memorySize: 0x9fc00 - 0x500 };
    expect(() => loadKernel(makeElf(0x50c, [whole]), options)).toThrow(/leaves no room below 640 KiB/);
  });

  it.each([
    ['to the last byte of memory', 0x3fff000, 0x1000, true],
    ['beyond it', 0x3fff000, 0x1001, false],
    ['to the extended BIOS data area', 0x9f000, 0xc00, true],
    ['into it', 0x9f000, 0xc01, false],
    ['from the end of the BIOS data', 0x500, 0x1000, true],
    ['from before it', 0x4fc, 0x1000, false],
    ['from 1 MiB', 0x100000, 0x1000, true],
    ['from before it', 0xffffc, 0x1000, false],
  ])('may reach %s', (_, address, memorySize, fits) => {
    const part = { virtualAddress: address, physicalAddress: address, bytes: code, memorySize };
    const load = () => loadKernel(makeElf(address, [part]), options);
    if (fits) expect(load().registers.eip).toBe(address);
    else expect(load).toThrow(/^The kernel /);
  });

  it('brings the symbols of its symbol table', () => {
    const part = { virtualAddress: 0x100000, physicalAddress: 0x100000, bytes: code, memorySize: code.length };
    const symbol = { name: 'main', value: 0x10000c, size: 3, type: 2, section: 1 };
    const plan = loadKernel(makeElf(0x10000c, [part], [symbol]), options);
    expect(plan.symbols?.symbols).toEqual([{ name: 'main', address: 0x10000c, size: 3, kind: 'function' }]);
  });
});

describe('a multiboot kernel with addresses in its header', () => {
  const LOAD = 0x200000;
  /** 16 bytes, the header, 16 bytes that are loaded, 4 that are not. */
  const flat = (loadEnd: number, bssEnd: number, entry = LOAD + 48) => {
    return new Uint8Array([
      ...words(1, 2, 3, 4),
      ...multibootHeader(0x10000, LOAD + 16, LOAD, loadEnd, bssEnd, entry),
      ...words(5, 6, 7, 8),
      ...words(9),
    ]);
  };

  it('is loaded from the byte that belongs to the load address, as far as the header says', () => {
    const image = flat(LOAD + 64, LOAD + 80);
    const plan = loadKernel(image, options);
    expect(plan.segments[0]).toEqual({
      address: LOAD,
      bytes: new Uint8Array([...image.subarray(0, 64), ...new Uint8Array(16)]),
    });
    expect(plan.registers.eip).toBe(LOAD + 48);
    expect(plan.symbols).toBeNull();
  });

  it('is loaded whole, without zeros, when the header leaves both ends open', () => {
    const image = flat(0, 0);
    expect(loadKernel(image, options).segments[0].bytes).toEqual(image);
  });

  it.each([
    ['cut short', flat(LOAD + 0x1000, 0), /cut short or damaged: the kernel that its multiboot header describes/],
    ['bss before data', flat(LOAD + 64, LOAD + 32), /bss end address lies before/],
    ['load end before the header', flat(LOAD + 8, 0), /load end address lies before the header/],
    ['too large for memory', flat(LOAD + 64, 0x10000000), /needs memory up to 0x10000000, but the machine has 64 MiB/],
    ['entry outside', flat(0, 0, 0x1000), /entry point 0x1000 lies outside/],
    ['header before load address', multibootHeader(0x10000, 0x1000, 0x2000, 0, 0, 0), /load address does not fit/],
    ['header cut', multibootHeader(0x10000, 0x1000), /cut short or damaged: its multiboot header/],
  ])('is refused when it is wrong: %s', (_, image, sentence) => {
    expect(() => loadKernel(image, options)).toThrow(sentence);
  });
});

describe('the multiboot header', () => {
  it.each([
    ['at the last place', 8192 - 12, true],
    ['behind the first 8192 bytes', 8192 - 8, false],
    ['not aligned to 4 bytes', 0x202, false],
  ])('counts %s: %s', (_, offset, counts) => {
    const bytes = new Uint8Array(9000);
    bytes.set(multibootHeader(0), offset - ELF_CONTENT);
    const part = { virtualAddress: 0x100000, physicalAddress: 0x100000, bytes, memorySize: bytes.length };
    const load = () => loadKernel(makeElf(0x100000, [part]), options).kind;
    if (counts) expect(load()).toBe('multiboot');
    else expect(load).toThrow(/no multiboot header/);
  });

  it('is refused when it demands what the loader does not know', () => {
    expect(() => loadKernel(multibootHeader(0x18), options)).toThrow(/demands features .* \(flags 0x18\)/);
  });

  it('is refused without addresses outside of an ELF file', () => {
    expect(() => loadKernel(multibootHeader(3), options)).toThrow(/not an ELF file/);
  });
});
