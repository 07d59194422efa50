import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { symbolsFromElf } from './elf-symbols.ts';
import { makeElf } from './testing/images.ts';

const part = { virtualAddress: 0x1000, physicalAddress: 0x1000, bytes: new Uint8Array(64), memorySize: 64 };

describe('symbolsFromElf', () => {
  it('lists functions, objects and labels in code by address, and nothing else', () => {
    const image = makeElf(
      0x1000,
      [part],
      [
        { name: 'table', value: 0x1020, size: 16, type: 1, section: 2 },
        { name: 'main', value: 0x1008, size: 8, type: 2, section: 1 },
        { name: 'label', value: 0x1008, size: 0, type: 0, section: 1 },
        { name: 'high', value: 0xc0100000, size: 4, type: 2, section: 1 },
        { name: 'data label', value: 0x1030, size: 0, type: 0, section: 2 },
        { name: 'constant', value: 5, size: 0, type: 0, section: 0xfff1 },
        { name: 'elsewhere', value: 0, size: 0, type: 2, section: 0 },
        { name: 'kernel.c', value: 0, size: 0, type: 4, section: 0xfff1 },
        { name: '', value: 0x1000, size: 0, type: 2, section: 1 },
      ],
    );
    expect(symbolsFromElf(image)).toEqual({
      format: 'ringside-symbols-1',
      symbols: [
        { name: 'label', address: 0x1008, size: 0, kind: 'function' },
        { name: 'main', address: 0x1008, size: 8, kind: 'function' },
        { name: 'table', address: 0x1020, size: 16, kind: 'object' },
        { name: 'high', address: 0xc0100000, size: 4, kind: 'function' },
      ],
      files: [],
      lines: [],
    });
  });

  it('is null for what has no symbols', () => {
    expect(symbolsFromElf(makeElf(0x1000, [part]))).toBeNull();
    expect(symbolsFromElf(new Uint8Array(100))).toBeNull();
  });

  it('is null when the file is cut short', () => {
    const image = makeElf(0x1000, [part], [{ name: 'main', value: 0x1008, size: 8, type: 2, section: 1 }]);
    for (let length = 0; length < image.length; length++) expect(symbolsFromElf(image.subarray(0, length))).toBeNull();
  });
});

const SOURCE =
  'int zero[9]; static int one = 1; static int f(int x) { return x + one; } int _start(int x) { return f(x) + zero[x]; }';
const OPTIONS = ['-m32', '-O0', '-nostdlib', '-static', '-fno-pie', '-no-pie', '-x', 'c'];

/** The program above as the machine's own compiler and linker make it; null where there are none for 32 bits. */
function compile(folder: string): string | null {
  const [source, output] = [join(folder, 'a.c'), join(folder, 'a.elf')];
  writeFileSync(source, SOURCE);
  return spawnSync('gcc', [...OPTIONS, source, '-o', output]).status === 0 ? output : null;
}

it('finds what nm finds in a compiled program', context => {
  const folder = mkdtempSync(join(tmpdir(), 'elf-symbols-'));
  try {
    const file = compile(folder);
    if (file === null) return context.skip();
    const listed = execFileSync('nm', ['--print-size', file], { encoding: 'utf8' });
    const sized = [...listed.matchAll(/^(\w+) (\w+) \w (\w+)$/gm)].map(([, address, size, name]) => {
      return { name, address: Number.parseInt(address, 16), size: Number.parseInt(size, 16) };
    });
    const found = symbolsFromElf(new Uint8Array(readFileSync(file)))?.symbols ?? [];
    expect(sized.map(({ name }) => name).sort()).toEqual(['_start', 'f', 'one', 'zero']);
    expect(found).toEqual(expect.arrayContaining(sized.map(symbol => expect.objectContaining(symbol))));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
