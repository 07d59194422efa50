import { describe, expect, it } from 'vitest';
import { CR0, CR4 } from '../../ia32/registers.ts';
import { type Access, createWalk, type Walk, walkTables } from './walk.ts';

/** Tables as a map from physical address to doubleword; what is not there reads as 0. */
class Tables {
  readonly words = new Map<number, number>();
  readonly reads: number[] = [];
  cr0 = CR0.PE | CR0.PG | CR0.WP;
  cr3 = 0x1000;
  cr4 = 0;
  nxe = false;
  readonly pointers = [0, 0, 0, 0, 0, 0, 0, 0];

  read(address: number): number {
    this.reads.push(address);
    return this.words.get(address) ?? 0;
  }

  set(address: number, low: number, high = 0): this {
    this.words.set(address, low).set(address + 4, high);
    return this;
  }

  pdpte(index: number): number {
    return this.pointers[2 * index];
  }

  pdpteHigh(index: number): number {
    return this.pointers[2 * index + 1];
  }

  walk(linear: number, access: Access = 'read', user = false): Walk {
    const walk = createWalk();
    walkTables(this, this, linear | 0, access, user, walk);
    return walk;
  }
}

/** The steps that count, as plain objects. */
function steps(walk: Walk) {
  return walk.steps.slice(0, walk.count).map(step => ({ ...step }));
}

describe('32-bit paging', () => {
  const LINEAR = 0xc0401234;
  const tables = (pde = 0x2007, pte = 0x3007) => new Tables().set(0x1000 + 0x301 * 4, pde).set(0x2000 + 4, pte);

  it('meets a directory and a table entry', () => {
    const walk = tables().walk(LINEAR);
    expect(walk).toMatchObject({ physical: 0x3234, pageSize: 4096, writable: true, user: true, executable: true });
    expect(steps(walk)).toEqual([
      { level: 'page directory', address: 0x1c04, index: 0x301, low: 0x2007, high: 0 },
      { level: 'page table', address: 0x2004, index: 1, low: 0x3007, high: 0 },
    ]);
  });

  it('reads each entry once and nothing else', () => {
    const t = tables();
    t.walk(LINEAR);
    expect(t.reads).toEqual([0x1c04, 0x2004]);
  });

  it('ignores the low bits of CR3', () => {
    const t = tables();
    t.cr3 |= 0x18;
    expect(t.walk(LINEAR).physical).toBe(0x3234);
  });

  it('gives addresses above 2 GB as positive numbers', () => {
    expect(tables(0x2007, 0xfee00007 | 0).walk(LINEAR).physical).toBe(0xfee00234);
  });

  it('stops at an entry that is not present, whatever its other bits', () => {
    const walk = tables(0xfffffffe | 0).walk(LINEAR);
    expect(walk).toMatchObject({ physical: -1, error: 0, count: 1 });
    expect(tables(0x2007, 0xfffffffe | 0).walk(LINEAR, 'write', true)).toMatchObject({
      physical: -1,
      error: 6,
      count: 2,
    });
  });

  it('combines rights as the manual’s table of page-level protection does (SDM volume 3, 4.6.1)', () => {
    for (let bits = 0; bits < 128; bits++) {
      const flag = (n: number) => (bits >> n) & 1;
      const [pdeW, pdeU, pteW, pteU, wp, write, user] = [0, 1, 2, 3, 4, 5, 6].map(flag);
      const t = tables(0x2001 | (pdeW << 1) | (pdeU << 2), 0x3001 | (pteW << 1) | (pteU << 2));
      if (!wp) t.cr0 &= ~CR0.WP;
      const isUserPage = pdeU && pteU;
      const isWritable = pdeW && pteW;
      const allowed = user ? isUserPage && (isWritable || !write) : isWritable || !write || !wp;
      const walk = t.walk(LINEAR, write ? 'write' : 'read', user === 1);
      const expected = allowed ? { physical: 0x3234 } : { physical: -1, error: 1 | (write << 1) | (user << 2) };
      expect(walk, `case ${bits}`).toMatchObject(expected);
      expect([walk.writable, walk.user], `case ${bits}`).toEqual([isWritable === 1, isUserPage === 1]);
    }
  });

  it('reports dirty and global of the last entry, global only with CR4.PGE', () => {
    const t = tables(0x2007, 0x3147);
    expect(t.walk(LINEAR)).toMatchObject({ dirty: true, global: false });
    t.cr4 = CR4.PGE;
    expect(t.walk(LINEAR)).toMatchObject({ dirty: true, global: true });
    expect(tables(0x2147).walk(LINEAR)).toMatchObject({ dirty: false, global: false });
  });

  it('ends at a 4 MB page with CR4.PSE', () => {
    const t = tables(0x00c00087);
    t.cr4 = CR4.PSE;
    const walk = t.walk(LINEAR);
    expect(walk).toMatchObject({ physical: 0x00c01234, pageSize: 0x400000, count: 1 });
    expect(t.reads).toEqual([0x1c04]);
    t.cr4 = 0;
    expect(t.walk(LINEAR).count).toBe(2);
  });

  it.each([13, 14, 20, 21])('bit %i of a 4 MB page is reserved', bit => {
    const t = tables(0x87 | (1 << bit));
    t.cr4 = CR4.PSE;
    expect(t.walk(LINEAR, 'write', true)).toMatchObject({ physical: -1, error: 1 | 2 | 4 | 8 });
  });

  it('bit 12 of a 4 MB page and bit 7 of a table entry choose a memory type and are allowed', () => {
    const t = tables(0x1087);
    t.cr4 = CR4.PSE;
    expect(t.walk(LINEAR).physical).toBe(0x1234);
    expect(tables(0x2007, 0x3087).walk(LINEAR).physical).toBe(0x3234);
  });

  it('a fetch needs no right of its own and has no bit in the error code, even with NXE', () => {
    const t = tables(0x2007, 0);
    t.nxe = true;
    expect(t.walk(LINEAR, 'execute', true).error).toBe(4);
    expect(tables().walk(LINEAR, 'execute', true).physical).toBe(0x3234);
  });
});

describe('PAE paging', () => {
  const LINEAR = 0xc0a01234;
  const NX = 0x80000000 | 0;
  const tables = (pde = 0x5007, pte = 0x6007, pdeHigh = 0, pteHigh = 0) => {
    const t = new Tables().set(0x4000 + 5 * 8, pde, pdeHigh).set(0x5000 + 8, pte, pteHigh);
    t.cr4 = CR4.PAE;
    t.pointers[6] = 0x4001;
    return t;
  };

  it('begins at a register, then meets a directory and a table entry of 8 bytes', () => {
    const walk = tables().walk(LINEAR);
    expect(walk).toMatchObject({ physical: 0x6234, pageSize: 4096, executable: true });
    expect(steps(walk)).toEqual([
      { level: 'page directory pointer', address: 0, index: 3, low: 0x4001, high: 0 },
      { level: 'page directory', address: 0x4028, index: 5, low: 0x5007, high: 0 },
      { level: 'page table', address: 0x5008, index: 1, low: 0x6007, high: 0 },
    ]);
  });

  it('stops at each level that is not present', () => {
    const t = tables();
    t.pointers[6] = 0;
    expect(t.walk(LINEAR)).toMatchObject({ physical: -1, error: 0, count: 1 });
    expect(tables(0).walk(LINEAR)).toMatchObject({ physical: -1, error: 0, count: 2 });
    expect(tables(0x5007, 0).walk(LINEAR)).toMatchObject({ physical: -1, error: 0, count: 3 });
  });

  it('ends at a 2 MB page, with or without CR4.PSE', () => {
    expect(tables(0x00600087).walk(LINEAR)).toMatchObject({ physical: 0x00601234, pageSize: 0x200000, count: 2 });
  });

  it.each([13, 17, 20])('bit %i of a 2 MB page is reserved', bit => {
    expect(tables(0x87 | (1 << bit)).walk(LINEAR)).toMatchObject({ physical: -1, error: 9 });
  });

  it('the 32 bits above the physical address width of 32 are reserved in both entries', () => {
    for (let bit = 0; bit < 31; bit++) {
      expect(tables(0x5007, 0x6007, 1 << bit).walk(LINEAR), `bit ${bit + 32}`).toMatchObject({ error: 9, count: 2 });
      expect(tables(0x5007, 0x6007, 0, 1 << bit).walk(LINEAR), `bit ${bit + 32}`).toMatchObject({ error: 9, count: 3 });
    }
  });

  it('bit 63 is reserved without NXE, with it no level above or below undoes it', () => {
    expect(tables(0x5007, 0x6007, 0, NX).walk(LINEAR, 'read', true)).toMatchObject({ physical: -1, error: 13 });
    for (const [pdeHigh, pteHigh] of [
      [NX, 0],
      [0, NX],
    ]) {
      const t = tables(0x5007, 0x6007, pdeHigh, pteHigh);
      t.nxe = true;
      expect(t.walk(LINEAR)).toMatchObject({ physical: 0x6234, executable: false });
      expect(t.walk(LINEAR, 'execute', true)).toMatchObject({ physical: -1, error: 0x15 });
      expect(t.walk(LINEAR, 'execute', false)).toMatchObject({ physical: -1, error: 0x11 });
    }
  });

  it('a reserved bit comes before missing rights, and a missing entry before a reserved bit', () => {
    expect(tables(0x5001, 0x6001, 1).walk(LINEAR, 'write', true).error).toBe(15);
    expect(tables(0x5006, 0x6007, 1).walk(LINEAR, 'write', true).error).toBe(6);
  });

  it('with NXE a fetch has its bit also where nothing is present', () => {
    const t = tables(0);
    t.nxe = true;
    expect(t.walk(LINEAR, 'execute', true).error).toBe(0x14);
    t.nxe = false;
    expect(t.walk(LINEAR, 'execute', true).error).toBe(4);
  });
});

describe('a walk object', () => {
  it('is overwritten as a whole by the next walk', () => {
    const t = new Tables().set(0x1000, 0x2005).set(0x2000, 0x3147).set(0x1004, 0x87);
    t.cr4 = CR4.PSE | CR4.PGE;
    const reused = createWalk();
    for (const linear of [0, 0x400000, 0x800000]) {
      walkTables(t, t, linear, 'read', false, reused);
      const fresh = t.walk(linear);
      expect({ ...reused, steps: steps(reused), error: 0, pageSize: 0 }).toEqual({
        ...fresh,
        steps: steps(fresh),
        error: 0,
        pageSize: 0,
      });
    }
  });
});
