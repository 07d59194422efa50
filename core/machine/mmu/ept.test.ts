import { describe, expect, it } from 'vitest';
import { CR0, CR4 } from '../../ia32/registers.ts';
import { createEptWalk, EPT, walkEpt } from './ept.ts';
import { createNestedWalk, createNestedWalker, references } from './nested.ts';
import type { Access, PagingRegisters } from './walk.ts';

/** Memory of words, with EPT tables at 10000 that map guest-physical pages where a spec says. */
class Memory {
  readonly words = new Map<number, number>();
  readonly reads: number[] = [];

  read(address: number): number {
    this.reads.push(address);
    return this.words.get(address) ?? 0;
  }

  set(address: number, low: number, high = 0): void {
    this.words.set(address, low);
    this.words.set(address + 4, high);
  }

  /** Tables for the first 4 MB; returns the EPT pointer. */
  tables(): number {
    this.set(0x10000, 0x11007);
    this.set(0x11000, 0x12007);
    this.set(0x12000, 0x13007);
    this.set(0x12008, 0x14007);
    return 0x1001e;
  }

  /** Maps a page below 4 MB. */
  map(guest: number, machine: number, bits = 0x37): void {
    this.set(0x13000 + (guest >>> 21) * 0x1000 + ((guest >>> 12) & 0x1ff) * 8, machine | bits);
  }
}

const GUEST_PAGE = 0x5000;

describe('EPT walk', () => {
  function walk(memory: Memory, pointer: number, guest = GUEST_PAGE + 0x123, needed: number = EPT.read) {
    const result = createEptWalk();
    walkEpt(memory, pointer, guest, needed, result);
    return result;
  }
  function mapped(bits?: number): [Memory, number] {
    const memory = new Memory();
    const pointer = memory.tables();
    memory.map(GUEST_PAGE, 0x77000, bits);
    return [memory, pointer];
  }

  it('takes four levels, and tells each', () => {
    const [memory, pointer] = mapped();
    const result = walk(memory, pointer);
    expect(result).toMatchObject({ physical: 0x77123, fault: null, permissions: 7, pageSize: 4096, count: 4 });
    expect(result.steps.map(step => [step.level, step.address, step.index, step.low])).toEqual([
      ['PML4', 0x10000, 0, 0x11007],
      ['page directory pointer', 0x11000, 0, 0x12007],
      ['page directory', 0x12000, 0, 0x13007],
      ['page table', 0x13028, 5, 0x77037],
    ]);
  });

  it('uses all bits of an address', () => {
    const memory = new Memory();
    memory.set(0x10000, 0x11007);
    memory.set(0x11000 + 8 * 3, 0x12007);
    memory.set(0x12000 + 8 * 0x1fe, 0x13007);
    memory.set(0x13000 + 8 * 0x1ab, 0x89abc037);
    expect(walk(memory, 0x1001e, 0xffdabcde).physical).toBe(0x89abccde);
  });

  it('maps 2 MB in three levels', () => {
    const memory = new Memory();
    const pointer = memory.tables();
    memory.set(0x12008, 0x40000000 | 0xb7);
    expect(walk(memory, pointer, 0x212345)).toMatchObject({ physical: 0x40012345, pageSize: 0x200000, count: 3 });
  });

  it.each([
    [7, 7, 7],
    [7, 1, 1],
    [3, 7, 3],
    [5, 3, 1],
  ])('permissions of the levels go together: %i and %i', (upper, lower, together) => {
    const [memory, pointer] = mapped(0x30 | lower);
    memory.set(0x11000, 0x12000 | upper);
    for (const needed of [EPT.read, EPT.write, EPT.execute, EPT.read | EPT.write]) {
      const result = walk(memory, pointer, GUEST_PAGE, needed);
      expect(result.permissions).toBe(together);
      expect(result.fault).toBe((together & needed) === needed ? null : 'violation');
      expect(result.physical).toBe((together & needed) === needed ? 0x77000 : -1);
    }
  });

  it.each([0x10000, 0x11000, 0x12000, 0x13028])(
    'an entry that is not present at %i is a violation without permissions',
    at => {
      const [memory, pointer] = mapped();
      memory.set(at, (memory.words.get(at) ?? 0) & ~7);
      expect(walk(memory, pointer)).toMatchObject({ fault: 'violation', permissions: 0, physical: -1 });
    },
  );

  it('what is not present cannot be misconfigured', () => {
    const [memory, pointer] = mapped();
    memory.set(0x13028, 0xfffffff8, 0xffffffff);
    expect(walk(memory, pointer).fault).toBe('violation');
  });

  it.each<[string, number, number, number]>([
    ['write without read in the PML4', 0x10000, 0x11006, 0],
    ['write only', 0x13028, 0x77032, 0],
    ['write and execute', 0x13028, 0x77036, 0],
    ['memory type 2', 0x13028, 0x77017, 0],
    ['memory type 3', 0x13028, 0x7701f, 0],
    ['memory type 7', 0x13028, 0x7703f, 0],
    ['bit 3 of the PML4', 0x10000, 0x1100f, 0],
    ['bit 7 of the PML4', 0x10000, 0x11087, 0],
    ['1 GB', 0x11000, 0x12087, 0],
    ['bit 6 of a directory', 0x12000, 0x13047, 0],
    ['2 MB not aligned', 0x12000, 0x1030b7, 0],
    ['2 MB of memory type 7', 0x12000, 0x2000bf, 0],
    ['an address beyond 32 bits', 0x13028, 0x77037, 1],
    ['a table beyond 32 bits', 0x12000, 0x13007, 0x80000],
  ])('misconfigured: %s', (_, at, low, high) => {
    const [memory, pointer] = mapped();
    memory.set(at, low, high);
    expect(walk(memory, pointer)).toMatchObject({ fault: 'misconfiguration', physical: -1 });
  });

  it.each<[string, number, number, number]>([
    ['execute only', 0x13028, 0x77034, 0],
    ['uncacheable', 0x13028, 0x77007, 0],
    ['ignored bits', 0x13028, 0x77f77, 0xfff00000 | 0],
    ['ignored bits of a table', 0x12000, 0x13f07, 0xfff00000 | 0],
  ])('not misconfigured: %s', (_, at, low, high) => {
    const [memory, pointer] = mapped();
    memory.set(at, low, high);
    expect(walk(memory, pointer).fault).not.toBe('misconfiguration');
  });
});

describe('two-dimensional walk', () => {
  const PAGED = CR0.PE | CR0.PG | CR0.WP;
  const NO_PDPTES = { pdpte: () => 0, pdpteHigh: () => 0 };
  const registers = (cr4 = 0): PagingRegisters => ({ cr0: PAGED, cr3: 0x1000, cr4, nxe: false, ...NO_PDPTES });

  /** Guest tables at guest-physical 1000 and 2000, moved by 40000 in the machine; the page is guest-physical 5000. */
  function guest32(): [Memory, number] {
    const memory = new Memory();
    const pointer = memory.tables();
    memory.map(0x1000, 0x41000);
    memory.map(0x2000, 0x42000);
    memory.map(GUEST_PAGE, 0x77000);
    memory.words.set(0x41000 + 4 * 3, 0x2067);
    memory.words.set(0x42000 + 4 * 4, GUEST_PAGE | 0x67);
    return [memory, pointer];
  }
  const LINEAR = 3 * 0x400000 + 4 * 0x1000 + 0x321;

  function walk(memory: Memory, pointer: number, r: PagingRegisters, linear = LINEAR, access: Access = 'read') {
    const nested = createNestedWalk();
    memory.reads.length = 0;
    createNestedWalker(memory, nested)(r, pointer, linear, access, false);
    return nested;
  }

  it('takes 14 references for two guest levels, as it reads', () => {
    const [memory, pointer] = guest32();
    const nested = walk(memory, pointer, registers());
    expect(nested).toMatchObject({ physical: 0x77321, fault: null, count: 3 });
    expect(references(nested)).toBe(14);
    // EPT entries are read as two words.
    expect(memory.reads.length).toBe(3 * 4 * 2 + 2);
    expect(nested.translations.map(walked => walked.guestPhysical)).toEqual([0x100c, 0x2010, GUEST_PAGE + 0x321]);
    expect(nested.guest.steps.slice(0, 2).map(step => step.address)).toEqual([0x100c, 0x2010]);
  });

  it('takes 9 for a guest page of 4 MB, 8 with EPT pages of 2 MB', () => {
    const [memory, pointer] = guest32();
    memory.words.set(0x41000 + 4 * 3, 0x83);
    const linear = 3 * 0x400000 + GUEST_PAGE;
    expect(references(walk(memory, pointer, registers(CR4.PSE), linear))).toBe(9);
    memory.set(0x12000, 0xb7);
    memory.words.set(0x1000 + 4 * 3, 0x83);
    expect(references(walk(memory, pointer, registers(CR4.PSE), linear))).toBe(7);
  });

  it('takes 14 for PAE paging: its pointers are registers', () => {
    const [memory, pointer] = guest32();
    memory.map(0x3000, 0x43000);
    memory.set(0x42000, 0x3067);
    memory.set(0x43000 + 8, GUEST_PAGE | 0x67);
    const r = { ...registers(CR4.PAE), pdpte: () => 0x2001 };
    const nested = walk(memory, pointer, r, 0x1234);
    expect(nested).toMatchObject({ physical: 0x77234, fault: null });
    expect(references(nested)).toBe(14);
  });

  it('takes 4 without paging', () => {
    const [memory, pointer] = guest32();
    const nested = walk(memory, pointer, { ...registers(), cr0: CR0.PE }, GUEST_PAGE + 7);
    expect([nested.physical, references(nested)]).toEqual([0x77007, 4]);
  });

  it('a guest table that EPT does not map ends it there', () => {
    const [memory, pointer] = guest32();
    memory.map(0x2000, 0, 0);
    const nested = walk(memory, pointer, registers());
    expect(nested).toMatchObject({ physical: -1, fault: 'EPT', count: 2 });
    expect(nested.translations[1]).toMatchObject({ fault: 'violation', guestPhysical: 0x2010 });
    expect(references(nested)).toBe(9);
  });

  it('a guest page fault comes before the EPT of the page is looked at', () => {
    const [memory, pointer] = guest32();
    memory.words.set(0x42000 + 4 * 4, GUEST_PAGE | 0x66);
    const nested = walk(memory, pointer, registers());
    expect(nested).toMatchObject({ physical: -1, fault: 'page fault', count: 2 });
    expect(nested.guest.error).toBe(0);
    expect(references(nested)).toBe(10);
  });

  it('with accessed and dirty flags, guest tables must be writable by EPT', () => {
    const [memory, pointer] = guest32();
    memory.map(0x2000, 0x42000, 0x31);
    expect(walk(memory, pointer, registers()).fault).toBe(null);
    expect(walk(memory, pointer | 0x40, registers()).fault).toBe('EPT');
  });

  it('one table as directory and table is translated twice', () => {
    const [memory, pointer] = guest32();
    memory.words.set(0x41000 + 4 * 3, 0x1067);
    memory.words.set(0x41000 + 4 * 4, GUEST_PAGE | 0x67);
    const nested = walk(memory, pointer, registers());
    expect([nested.physical, references(nested)]).toEqual([0x77321, 14]);
  });
});
