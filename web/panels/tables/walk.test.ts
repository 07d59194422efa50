import { describe, expect, it } from 'vitest';
import type { EntryBits, WalkReference, WalkView } from '../../../core/protocol/monitor.ts';
import {
  addressParts,
  binary,
  entryValue,
  faultText,
  groups,
  letters,
  memoryReferences,
  partValue,
  stripText,
} from './walk.ts';

const bits: EntryBits = {
  present: true,
  readable: true,
  writable: true,
  user: false,
  executable: true,
  accessed: true,
  dirty: true,
  large: false,
  global: true,
};

function reference(more: Partial<WalkReference>): WalkReference {
  return {
    number: 1,
    tables: 'guest',
    level: 'page table',
    index: 0,
    address: 0,
    machine: null,
    pseudo: null,
    translates: null,
    low: 0,
    high: 0,
    bits,
    ...more,
  };
}

function walk(references: readonly WalkReference[]): WalkView {
  return {
    tables: 'nested',
    pae: false,
    references,
    physical: 0,
    fault: null,
    pageSize: 4096,
    writable: true,
    user: false,
    executable: true,
  };
}

describe('the strip of an address', () => {
  it.each([
    [false, 4096, [10, 10, 12]],
    [false, 1 << 22, [10, 22]],
    [true, 4096, [2, 9, 9, 12]],
    [true, 1 << 21, [2, 9, 21]],
  ] as const)('PAE %s, pages of %i bytes', (pae, pageSize, widths) => {
    for (const linear of [0, 0xffffffff, 0xc0105244, 0x80000000]) {
      const parts = addressParts(linear, pae, pageSize);
      expect(parts.map(part => part.bits)).toEqual(widths);
      expect(parts.map(part => binary(part.value, part.bits)).join('')).toBe(binary(linear, 32));
      expect(parts.at(-1)?.low).toBe(0);
    }
  });

  it('is told in words', () => {
    const parts = addressParts(0xc0105244, false, 4096);
    expect(parts.map(partValue)).toEqual(['768', '261', '0x244']);
    expect(stripText(0xc0105244, parts)).toContain('bits 31 to 22: directory 768, bits 21 to 12: table 261');
  });
});

describe('entries', () => {
  it('have the letters that their level has', () => {
    expect(letters(bits, 'page table')).toEqual(['P', 'W', 'A', 'D', 'G']);
    expect(letters(bits, 'page directory')).toEqual(['P', 'W', 'A']);
    expect(letters({ ...bits, large: true }, 'page directory')).toEqual(['P', 'W', 'A', 'D', 'PS', 'G']);
    expect(letters({ ...bits, executable: false }, 'page table')).toContain('XD');
    expect(letters({ ...bits, executable: false }, 'EPT page table')).toEqual(['R', 'W', 'A', 'D']);
    expect(letters(bits, 'page directory pointer')).toEqual(['P']);
    expect(letters({ ...bits, present: false }, 'page table')).toEqual([]);
  });

  it('have sixteen digits where the high word says something', () => {
    expect(entryValue({ low: 0x1023, high: 0 })).toBe('00001023');
    expect(entryValue({ low: 0x1023, high: 0x80000000 | 0 })).toBe('8000000000001023');
  });
});

describe('a walk under EPT', () => {
  const ept = (translates: number, number: number) =>
    reference({ tables: 'nested', level: 'EPT page table', translates, number });
  const two = walk([
    ept(0x1000, 1),
    ept(0x1000, 2),
    reference({ level: 'page directory', number: 3 }),
    ept(0x5000, 4),
    ept(0x5000, 5),
  ]);

  it('is grouped by what is translated', () => {
    const list = groups(two);
    expect(list.map(({ references }) => references.length)).toEqual([2, 1, 2]);
    expect(list[0].translates).toEqual({ address: 0x1000, what: 'where the PDE lies' });
    expect(list[1].translates).toBeNull();
    expect(list[2].translates).toEqual({ address: 0x5000, what: 'the page' });
  });

  it('counts references to memory, not registers', () => {
    const register = reference({ level: 'page directory pointer', number: null, address: null });
    expect(memoryReferences(walk([register, ...two.references]))).toBe(5);
  });
});

describe('faults in words', () => {
  const page = (errorCode: number) => faultText({ kind: 'page fault', errorCode });

  it('say who, how and why', () => {
    expect(page(0)).toBe('Page fault, error code 0: a supervisor read where an entry is not present.');
    expect(page(5)).toBe('Page fault, error code 5: a user read that the entries do not allow.');
    expect(page(3)).toContain('a supervisor write that the entries do not allow');
    expect(page(13)).toContain('reserved bit');
    expect(page(16)).toContain('instruction fetch');
    expect(faultText({ kind: 'EPT violation', guestPhysical: 0xb8000 })).toContain('000b8000');
  });
});
