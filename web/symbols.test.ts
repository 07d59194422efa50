import { expect, test } from 'vitest';
import type { Registers, Symbols } from '../core/protocol/messages.ts';
import { indexSymbols, parseAddress, parseHex32 } from './symbols.ts';

const symbols: Symbols = {
  symbols: [
    { name: 'main', address: 0xc0100000, size: 0x20 },
    { name: 'switch_space', address: 0xc0100a10, size: 0x30 },
    { name: 'tail', address: 0xc0100a40, size: 0 },
  ],
  files: [{ name: 'kernel/vm.c', text: 'int a;\nvoid switch_space(void) {\n  current = s;\n}' }],
  lines: [
    [0xc0100a10, 0, 2],
    [0xc0100a15, 0, 3],
    [0xc0100a30, 0, 99],
  ],
};
const index = indexSymbols(symbols);
const registers: Registers = {
  general: Uint32Array.of(1, 2, 3, 4, 0xc01fffb0, 6, 7, 8),
  eip: 0xc0100a1e,
  eflags: 2,
  cr0: 0,
  cr2: 0xdeadbeef,
  cr3: 0x104000,
  cr4: 0,
  cpl: 0,
  segments: [],
  gdtr: { base: 0, limit: 0 },
  idtr: { base: 0, limit: 0 },
};

test('a symbol holds the addresses from its start to its end, and one without a size those to the next', () => {
  expect(index.nameAt(0xc0100a0f)).toBeNull();
  expect(index.nameAt(0xc0100a10)).toBe('switch_space');
  expect(index.nameAt(0xc0100a3f)).toBe('switch_space');
  expect(index.nameAt(0xc0200000)).toBe('tail');
  expect(index.nameAt(0)).toBeNull();
});

test('a line row holds until the next one, and a line that the file does not have is no line', () => {
  expect(index.lineAt(0xc0100a0f)).toBeNull();
  expect(index.lineAt(0xc0100a14)).toMatchObject({ line: 2, text: 'void switch_space(void) {' });
  expect(index.lineAt(0xc0100a2f)).toMatchObject({ file: 'kernel/vm.c', line: 3, text: '  current = s;' });
  expect(index.lineAt(0xc0100a30)).toBeNull();
  // The last of all has no end in the table.
  const open = indexSymbols({ symbols: [], files: [{ name: 'user/a.c', text: 'x' }], lines: [[0x800500, 0, 1]] });
  expect(open.lineAt(0x800580)).toMatchObject({ line: 1 });
  expect(open.lineAt(0x70000000)).toBeNull();
});

test('a line that only leaves room is the source of nothing that stands there', () => {
  const text = 'hypercall_page:\n  times 4096 db 0\n  times 4 nop';
  const room = indexSymbols({
    symbols: [],
    files: [{ name: 'boot.asm', text }],
    lines: [
      [0x1000, 0, 2],
      [0x2000, 0, 3],
    ],
  });
  expect(room.lineAt(0x1020)).toBeNull();
  expect(room.lineAt(0x2001)).toMatchObject({ line: 3 });
});

test.each([
  ['c0100a1e', 0xc0100a1e],
  ['0xC0100A1E', 0xc0100a1e],
  ['switch_space', 0xc0100a10],
  ['switch_space+0x1e', 0xc0100a2e],
  [' switch_space + 1e ', 0xc0100a2e],
  ['esp', 0xc01fffb0],
  ['%ESP+4', 0xc01fffb4],
  ['eip', 0xc0100a1e],
  ['cr2', 0xdeadbeef],
  ['ffffffff+2', 1],
  ['nowhere', null],
  ['', null],
  ['123456789', null],
  ['main+', null],
])('“%s” is the address %s', (typed, address) => {
  expect(parseAddress(typed, index, registers)).toBe(address);
});

test('EIP means the linear address of the next instruction', () => {
  const flat = { selector: 0, base: 0, limit: 0xffff, description: '' };
  const real = { ...registers, eip: 0xfff0, segments: [flat, { ...flat, base: 0xffff0000 }] };
  expect(parseAddress('eip', index, real)).toBe(0xfffffff0);
});

test('a name that is also hexadecimal is the symbol', () => {
  const odd = indexSymbols({ ...symbols, symbols: [{ name: 'face', address: 0x1000, size: 4 }] });
  expect(parseAddress('face', odd, null)).toBe(0x1000);
  expect(parseAddress('face', index, null)).toBe(0xface);
});

test('suggestions begin with what was typed, then contain it', () => {
  expect(index.suggest('ma', 5)).toEqual(['main']);
  expect(index.suggest('A', 5)).toEqual(['main', 'switch_space', 'tail']);
  expect(index.suggest('t', 1)).toEqual(['tail']);
});

test('register values are at most eight hexadecimal digits', () => {
  expect(parseHex32('0xffffffff')).toBe(0xffffffff);
  expect(parseHex32('10h')).toBe(16);
  expect(parseHex32('-1')).toBeNull();
  expect(parseHex32('1ffffffff')).toBeNull();
  expect(parseHex32('xyz')).toBeNull();
});

test('an offset is that behind the symbol that holds the address, also where another has its name', () => {
  const twice = indexSymbols({
    ...symbols,
    symbols: [
      { name: 'start', address: 0x1000, size: 0x100 },
      { name: 'start', address: 0x8000, size: 0x100 },
    ],
  });
  expect(twice.nameAt(0x1010)).toBe('start');
  expect(twice.offsetAt(0x1010)).toBe(0x10);
  expect(twice.offsetAt(0x8004)).toBe(4);
  expect(twice.offsetAt(0x5000)).toBeNull();
});
