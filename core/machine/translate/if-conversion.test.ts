import { describe, expect, it } from 'vitest';
import { decode } from '../../ia32/decoder.ts';
import { explore } from './graph.ts';
import { hammocksOf } from './if-conversion.ts';

/** Where the sides of the branches begin that code from 0 on can do without, and where they meet: null for no side. */
function hammocksIn(code: readonly number[]): readonly (readonly (number | null)[])[] {
  const byte = (at: number) => code[at] ?? 0xc3;
  const graph = explore(
    0,
    offset => decode({ byte }, offset, 4),
    () => true,
    64,
    'procedure',
  );
  if (graph === null) throw new Error('Nothing was found.');
  const startOf = (n: number | null) => (n === null ? null : graph.blocks[n].start);
  return [...hammocksOf(graph).values()].map(({ taken, fallen, join }) => [taken, fallen, join].map(startOf));
}

describe('a branch', () => {
  it('over a few instructions between registers is one', () => {
    // JZ 04; MOV EAX, EBX; 04: RET.
    expect(hammocksIn([0x74, 2, 0x89, 0xd8])).toEqual([[null, 2, 4]]);
  });

  it('with something on both sides is one', () => {
    // JZ 06; MOV EAX, EBX; JMP 08; 06: MOV EAX, ECX; 08: RET.
    expect(hammocksIn([0x74, 4, 0x89, 0xd8, 0xeb, 2, 0x89, 0xc8])).toEqual([[6, 2, 8]]);
  });

  it('to a few instructions that lead back is one', () => {
    // JZ 03; 02: RET; 03: MOV EAX, ECX; JMP 02.
    expect(hammocksIn([0x74, 1, 0xc3, 0x89, 0xc8, 0xeb, 0xfb])).toEqual([[3, null, 2]]);
  });

  it('is none where a side may fault or leave', () => {
    // MOV EAX, [EBX]; PUSH EAX; DIV ECX; INT3.
    for (const side of [[0x8b, 0x03], [0x50], [0xf7, 0xf1], [0xcc]]) {
      expect(hammocksIn([0x74, side.length, ...side])).toEqual([]);
    }
  });

  it('is none where a side is long, or another branch leads into it', () => {
    expect(hammocksIn([0x74, 5, 0x90, 0x90, 0x90, 0x90, 0x90])).toEqual([]);
    // JS 04; JZ 06; 04: MOV EAX, EBX; 06: RET.
    expect(hammocksIn([0x78, 2, 0x74, 2, 0x89, 0xd8])).toEqual([]);
  });

  it('is none where flags differ that somebody may ask for', () => {
    // JZ 04; ADD EAX, EBX; 04: RET; but behind another comparison, TEST EAX, EAX, it is one.
    expect(hammocksIn([0x74, 2, 0x01, 0xd8])).toEqual([]);
    expect(hammocksIn([0x74, 2, 0x01, 0xd8, 0x85, 0xc0])).toEqual([[null, 2, 4]]);
  });
});
