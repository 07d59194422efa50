import { describe, expect, it } from 'vitest';
import { CR0, CR4, DS, EAX, EBX, ECX, ES, ESI } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { Bench, CODE, DATA, DIRECTORY, type Ring } from '../testing/bench.ts';
import { type Code, fromControl, load, mov, NOP, store, storeValue, toControl, toSegment, x } from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';
import { setCr0, setCr4 } from './control.ts';
import * as L from './layout.ts';
import { EFER, EFER_NXE } from './msr-numbers.ts';

/** A linear address far from what the bench maps. */
const FAR = 0x40000000;
const ACCESSED = 32;
const DIRTY = 64;
const GLOBAL = 256;

describe.each(MACHINES)('paging, $engine', machine => {
  const bench = () => new Bench(machine);
  /** Where a program faulted: error code and CR2. */
  const fault = (b: Bench) => {
    const { vector, code, eip } = b.run();
    return { vector, code, eip, cr2: b.cpu.i32[L.W_CR2] >>> 0 };
  };

  it('translates by the tables', () => {
    const b = bench().paging();
    b.page(FAR, DATA | 7);
    b.page(FAR + 0x1000, (DATA + 0x5000) | 7);
    b.program(storeValue(FAR + 0xffe, 0x44332211), load(DATA + 0xffe), mov(EBX, 0));
    expect(b.run().vector).toBeNull();
    expect(b.read(DATA + 0xffc)).toBe(0x22110000);
    expect(b.read(DATA + 0x5000)).toBe(0x4433);
    expect(b.get(EAX)).toBe(0x2211);
  });

  describe('raises #PF with the reason in its error code', () => {
    const P = 1;
    const RW = 2;
    const US = 4;
    const reads = load(FAR);
    const writes = store(FAR);
    const jumps: Code = x('e9 eb ff fe 3f 90'); // jmp FAR, from CODE + 0x10
    it.each<[string, Ring, Code, number, number, number | null]>([
      ['read, not present', 0, reads, 0, 7, 0],
      ['write, not present', 0, writes, 0, 7, 2],
      ['read from ring 3, not present', 3, reads, 0, 7, 4],
      ['write from ring 3, not present', 3, writes, 0, 7, 6],
      ['read from ring 3, directory not present', 3, reads, 7, 0, 4],
      ['fetch from ring 3, not present', 3, jumps, 0, 7, 4],
      ['fetch, directory not present', 0, jumps, 7, 0, 0],
      ['read of a supervisor page from ring 3', 3, reads, P | RW, 7, 5],
      ['read through a supervisor directory from ring 3', 3, reads, 7, P | RW, 5],
      ['fetch of a supervisor page from ring 3', 3, jumps, P | RW, 7, 5],
      ['write of a supervisor page from ring 3', 3, writes, P | RW, 7, 7],
      ['write of a read-only page from ring 3', 3, writes, P | US, 7, 7],
      ['write through a read-only directory from ring 3', 3, writes, 7, P | US, 7],
      ['write of a read-only page with WP', 0, writes, P | US, 7, 3],
      ['write through a read-only directory with WP', 0, writes, 7, P, 3],
      ['write of a supervisor page from ring 2', 2, writes, P | RW, 7, null],
      ['read of a supervisor page from ring 1', 1, reads, P, 7, null],
      ['read of a read-only page from ring 3', 3, reads, P | US, 7, null],
    ])('%s', (_, ring, code, pte, pde, expected) => {
      const b = bench().paging().ring(ring);
      b.page(FAR, DATA | pte);
      b.directory(FAR, (b.read(DIRECTORY + (FAR >>> 20)) & ~7) | pde);
      const [, , eip] = b.program([...NOP, ...NOP], [...x('eb 0c'), ...new Array<number>(12).fill(0x90)], code);
      if (expected === null) {
        // HLT, or what it raises outside of ring 0.
        expect(b.run().vector).toBe(ring === 0 ? null : VECTOR.GP);
        return;
      }
      const jumped = code === jumps;
      expect(fault(b)).toEqual({ vector: VECTOR.PF, code: expected, eip: jumped ? FAR : eip, cr2: FAR });
    });

    it('but a write of a read-only page by ring 0 passes without WP', () => {
      const b = bench().paging(0, 0);
      b.page(FAR, DATA | 5);
      b.program(storeValue(FAR, 99));
      expect(b.run().vector).toBeNull();
      expect(b.read(DATA)).toBe(99);
    });

    it('and WP counts from the moment it is set', () => {
      const b = bench().paging(0, 0);
      b.page(FAR, DATA | 5);
      const [, , , , eip] = b.program(
        storeValue(FAR, 99),
        fromControl(0),
        x('0d 00 00 01 00'), // or eax, CR0.WP
        toControl(0),
        storeValue(FAR, 100),
      );
      expect(fault(b)).toEqual({ vector: VECTOR.PF, code: 3, eip, cr2: FAR });
      expect(b.read(DATA)).toBe(99);
    });
  });

  it('a write across a page boundary that faults changes nothing, and CR2 names the page that is not there', () => {
    const b = bench().paging();
    b.page(FAR, DATA | 7);
    b.program(storeValue(FAR + 0xffd, -1));
    expect(fault(b)).toEqual({ vector: VECTOR.PF, code: 2, eip: CODE, cr2: FAR + 0x1000 });
    expect(b.read(DATA + 0xffc)).toBe(0);
  });

  it('a fault in the first page of two comes first', () => {
    const b = bench().paging();
    b.page(FAR + 0x1000, DATA | 7);
    b.program(load(FAR + 0xffd));
    expect(fault(b)).toMatchObject({ code: 0, cr2: FAR + 0xffd });
  });

  describe('accessed and dirty bits', () => {
    it('a read sets A in both entries, a write sets D in the last', () => {
      const b = bench().paging();
      b.page(FAR, DATA | 7);
      const bits = () => [b.read(DIRECTORY + (FAR >>> 20)) & 0x60, b.read(b.pte(FAR)) & 0x60];
      b.program(load(FAR), x('f4'), store(FAR));
      b.run();
      expect(bits()).toEqual([ACCESSED, ACCESSED]);
      b.run();
      expect(bits()).toEqual([ACCESSED, ACCESSED | DIRTY]);
    });

    it('an access that faults sets none in the entry that forbids it', () => {
      const b = bench().paging().ring(3);
      b.page(FAR, DATA | 5);
      b.program(store(FAR));
      b.run();
      expect(b.read(b.pte(FAR)) & 0x60).toBe(0);
    });

    it('code and the stack are accessed, too', () => {
      const b = bench().paging();
      b.program(x('50')); // push eax
      b.run();
      expect(b.read(b.pte(CODE)) & 0x60).toBe(ACCESSED);
      expect(b.read(b.pte(0x5ffc)) & 0x60).toBe(ACCESSED | DIRTY);
    });
  });

  describe('the TLB', () => {
    it('may be stale until INVLPG, and is not after it', () => {
      const b = bench().paging();
      b.page(FAR, DATA | 7);
      b.write(DATA, 4, 1);
      b.write(DATA + 0x1000, 4, 2);
      b.program(
        load(FAR),
        storeValue(b.pte(FAR), (DATA + 0x1000) | 7),
        x('0f 01 3d 00 00 00 40'), // invlpg [FAR]
        load(FAR),
      );
      b.run();
      expect(b.get(EAX)).toBe(2);
    });

    it('INVLPG of any address in a 4 MB page drops all of it', () => {
      const b = bench().paging(CR4.PSE);
      b.directory(FAR, 0x87);
      b.write(DATA, 4, 1);
      b.program(
        load(FAR + DATA),
        load(FAR + DATA + 0x3000),
        storeValue(DIRECTORY + (FAR >>> 20), 0),
        x('0f 01 3d 00 10 00 40'), // invlpg [FAR + 1000]
        load(FAR + DATA),
      );
      expect(fault(b)).toMatchObject({ vector: VECTOR.PF, code: 0, cr2: FAR + DATA });
    });

    it('a load of CR3 changes the address space, data and code', () => {
      const b = bench().paging();
      const other = 0x90000;
      for (let n = 0; n < 1024; n++) b.write(other + 4 * n, 4, b.read(DIRECTORY + 4 * n));
      // In the other space, CODE's second page and FAR are other pages.
      b.write(other, 4, 0x91000 | 7);
      for (let n = 0; n < 1024; n++) b.write(0x91000 + 4 * n, 4, (n << 12) | 7);
      b.write(0x91000 + ((CODE >>> 12) + 1) * 4, 4, 0x92000 | 7);
      b.page(FAR, DATA | 7);
      b.write(other + (FAR >>> 20), 4, 0x93000 | 7);
      b.write(0x93000, 4, (DATA + 0x1000) | 7);
      b.write(DATA, 4, 1);
      b.write(DATA + 0x1000, 4, 2);
      b.bytes(CODE + 0x1000, x('b9 11 00 00 00 c3')); // mov ecx, 11; ret
      b.bytes(0x92000, x('b9 22 00 00 00 c3')); // mov ecx, 22; ret
      b.program(
        x('e8 fb 0f 00 00'), // call CODE + 1000
        load(FAR),
        x('89 cb 89 c6'), // mov ebx, ecx; mov esi, eax
        mov(EAX, other),
        toControl(3),
        x('e8 e5 0f 00 00'), // call CODE + 1000
        load(FAR),
      );
      expect(b.run().vector).toBeNull();
      expect([b.get(EBX), b.get(ESI), b.get(ECX), b.get(EAX)]).toEqual([0x11, 1, 0x22, 2]);
    });

    it.each([
      ['a load of CR3', toControl(3), fromControl(3), 'kept'],
      ['a change of CR4.PGE', [...x('35 80 00 00 00'), ...toControl(4)], fromControl(4), 'dropped'],
      ['INVLPG', x('0f 01 3d 00 00 00 40'), [], 'dropped'],
    ])('a global translation at %s', (_, change, before, outcome) => {
      const b = bench().paging(CR4.PGE);
      b.page(FAR, DATA | 7 | GLOBAL);
      b.write(DATA, 4, 1);
      b.program(load(FAR), storeValue(b.pte(FAR), 0), before, change, load(FAR));
      expect(b.run().vector).toBe(outcome === 'kept' ? null : VECTOR.PF);
    });

    it('without CR4.PGE nothing is global', () => {
      const b = bench().paging();
      b.page(FAR, DATA | 7 | GLOBAL);
      b.program(load(FAR), storeValue(b.pte(FAR), 0), fromControl(3), toControl(3), load(FAR));
      expect(b.run().vector).toBe(VECTOR.PF);
    });
  });

  describe('4 MB pages', () => {
    it('translate 22 bits, with A and D in the directory entry', () => {
      const b = bench().paging(CR4.PSE);
      b.directory(FAR, 0x87);
      b.program(storeValue(FAR + DATA + 4, 5), load(FAR + 0x1000));
      b.run();
      expect(b.read(DATA + 4)).toBe(5);
      expect(b.read(DIRECTORY + (FAR >>> 20))).toBe(0x87 | ACCESSED | DIRTY);
    });

    it('have reserved bits 13 to 21', () => {
      const b = bench().paging(CR4.PSE).ring(3);
      b.directory(FAR, 0x87 | 0x2000);
      b.program(load(FAR));
      expect(fault(b)).toMatchObject({ vector: VECTOR.PF, code: 1 | 4 | 8, cr2: FAR });
    });

    it('are none without CR4.PSE: the bit is ignored', () => {
      const b = bench().paging();
      b.page(FAR, DATA | 7);
      b.directory(FAR, b.read(DIRECTORY + (FAR >>> 20)) | 0x80);
      b.write(DATA, 4, 7);
      b.program(load(FAR));
      b.run();
      expect(b.get(EAX)).toBe(7);
    });
  });

  describe('PAE', () => {
    const executeDisable = 0x80000000;
    const nx = (b: Bench) => {
      b.cpu.i32[L.W_MSR + EFER] = EFER_NXE;
      return b;
    };
    const LOW = 0x180000;

    it('translates 4 KB and 2 MB pages', () => {
      const b = bench().paePaging();
      b.pae(FAR, DATA | 7);
      b.write(b.paeDirectory(FAR + 0x200000), 4, 0x87);
      b.program(storeValue(FAR, 5), storeValue(FAR + 0x200000 + DATA + 4, 6));
      expect(b.run().vector).toBeNull();
      expect([b.read(DATA), b.read(DATA + 4)]).toEqual([5, 6]);
      expect(b.read(b.paeTable(FAR))).toBe(DATA | 7 | ACCESSED | DIRTY);
      expect(b.read(b.paeDirectory(FAR + 0x200000))).toBe(0x87 | ACCESSED | DIRTY);
    });

    it('faults where a pointer, directory or table entry is not present', () => {
      for (const level of [0, 1, 2]) {
        const b = bench().paePaging().ring(3);
        b.pae(FAR, DATA | 7);
        const at = [DIRECTORY + 8, b.paeDirectory(FAR), b.paeTable(FAR)][level];
        b.write(at, 4, 0);
        if (level === 0) b.cpu.loadPdptes(DIRECTORY);
        b.program(load(FAR));
        expect(fault(b)).toMatchObject({ vector: VECTOR.PF, code: 4, cr2: FAR });
      }
    });

    it('execute disable forbids fetches, and the error code says that it was one', () => {
      for (const [ring, code] of [
        [0, 0x11],
        [3, 0x15],
      ] as const) {
        const b = nx(bench()).paePaging().ring(ring);
        b.pae(LOW, DATA | 7, executeDisable);
        b.write(DATA, 4, 0x90909090);
        b.program(load(LOW), mov(ECX, LOW), x('ff e1')); // jmp ecx
        expect(fault(b)).toEqual({ vector: VECTOR.PF, code, eip: LOW, cr2: LOW });
        expect(b.get(EAX)).toBe(0x90909090);
      }
    });

    it('execute disable of the directory counts, and is not undone below', () => {
      const b = nx(bench()).paePaging();
      b.pae(FAR, DATA | 7);
      b.write(b.paeDirectory(FAR) + 4, 4, executeDisable);
      b.program(mov(ECX, FAR), x('ff e1'));
      expect(fault(b)).toMatchObject({ code: 0x11, cr2: FAR });
    });

    it('with NXE a fetch of a page that is not present has the fetch bit, too; data accesses never', () => {
      const b = nx(bench()).paePaging();
      b.program(mov(ECX, FAR), x('ff e1'));
      expect(fault(b)).toMatchObject({ code: 0x10, cr2: FAR });
      b.program(load(FAR));
      expect(fault(b)).toMatchObject({ code: 0, cr2: FAR });
    });

    it.each([
      ['bit 63 without NXE', 0x80000000, false, 9],
      ['bit 62', 0x40000000, true, 9],
      ['bit 32', 1, true, 9],
    ])('%s of a table entry is reserved', (_, high, withNx, code) => {
      const b = bench();
      if (withNx) nx(b);
      b.paePaging();
      b.pae(FAR, DATA | 7, high);
      b.program(load(FAR));
      expect(fault(b)).toMatchObject({ vector: VECTOR.PF, code, cr2: FAR });
    });

    it('the pointers are registers: memory counts when CR3 is loaded', () => {
      const b = bench().paePaging();
      b.pae(FAR, DATA | 7);
      b.program(
        storeValue(DIRECTORY + 8, 0),
        x('0f 01 3d 00 00 00 40'), // invlpg [FAR]
        load(FAR),
        fromControl(3),
        toControl(3),
        load(FAR),
      );
      const stop = fault(b);
      expect(stop).toMatchObject({ vector: VECTOR.PF, cr2: FAR, eip: CODE + 10 + 7 + 5 + 3 + 3 });
    });

    it('a pointer with reserved bits is #GP(0) when CR3 is loaded, and CR3 stays', () => {
      const b = bench().paePaging();
      b.write(0x90000, 4, 0x41003);
      const [, eip] = b.program(mov(EAX, 0x90000), toControl(3));
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0, eip });
      expect(b.cpu.i32[L.W_CR3]).toBe(DIRECTORY);
    });
  });

  describe('accesses of the processor itself are the supervisor’s', () => {
    it('a load of a segment register from ring 3 reads a GDT that ring 3 cannot', () => {
      const b = bench().paging().ring(3);
      b.page(0x1000, 0x1003);
      b.program(mov(EAX, 0x23), toSegment(DS), load(0x1000));
      expect(fault(b)).toMatchObject({ vector: VECTOR.PF, code: 5, eip: CODE + 7, cr2: 0x1000 });
    });

    it('it faults as one where the GDT is not mapped', () => {
      const b = bench().paging().ring(3);
      b.cpu.i32[L.W_GDTR_BASE] = FAR;
      // The handler's descriptors are needed to get there.
      b.page(FAR, 0);
      b.program(mov(EAX, 0x23), toSegment(ES));
      expect(() => b.run()).toThrow('double fault');
    });
  });

  describe('control registers', () => {
    it.each([
      ['PG without PE', 0, CR0.PG],
      ['PG and no PE, with others', 0, CR0.PG | CR0.WP | CR0.NE],
      ['NW without CD', 0, CR0.PE | CR0.NW],
      ['a bit of CR4 that is reserved', 4, 0x800],
    ])('%s is #GP(0), and the register stays', (_, register, value) => {
      const b = bench();
      const before = b.cpu.i32[register === 0 ? L.W_CR0 : L.W_CR4];
      const [, eip] = b.program(mov(EAX, value), toControl(register));
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0, eip });
      expect(b.cpu.i32[register === 0 ? L.W_CR0 : L.W_CR4]).toBe(before);
    });

    it('CR0.ET reads as 1, reserved bits as 0', () => {
      const b = bench();
      b.program(mov(EAX, 0x0fd6ffc1), toControl(0), fromControl(0));
      b.run();
      expect(b.get(EAX)).toBe(CR0.PE | CR0.ET | CR0.AM);
    });

    it('paging goes on and off from a page that is mapped to itself', () => {
      const b = bench().paging();
      setCr0(b.cpu, CR0.PE);
      setCr4(b.cpu, 0);
      b.page(FAR, DATA | 7);
      b.write(DATA, 4, 3);
      b.program(
        mov(EAX, CR0.PE | CR0.PG),
        toControl(0),
        x('8b 1d 00 00 00 40'), // mov ebx, [FAR]
        mov(EAX, CR0.PE),
        toControl(0),
        x('8b 0d 00 00 02 00'), // mov ecx, [DATA]
      );
      expect(b.run().vector).toBeNull();
      expect([b.get(EBX), b.get(ECX)]).toEqual([3, 3]);
    });
  });
});
