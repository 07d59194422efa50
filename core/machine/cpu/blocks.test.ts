import { describe, expect, it } from 'vitest';
import type { Instruction } from '../../ia32/instruction.ts';
import { CS, EAX, EBX, ECX, EDX } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { Bench, CODE, CODE_SELECTOR, DATA, FREE } from '../testing/bench.ts';
import { HLT, mov, x } from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';
import { ACCESS, descriptor } from '../testing/tables.ts';
import * as L from './layout.ts';

const EDGE = CODE + 0x1000;

/** Code that has run before is kept, and must not be taken for what it is not any more. */
describe.each(MACHINES)('kept code, $engine', machine => {
  const bench = () => new Bench(machine);

  function runAt(b: Bench, eip: number) {
    b.cpu.i32[L.W_EIP] = eip;
    return b.run();
  }

  describe('an instruction across two pages that has run', () => {
    /** MOV EAX, 11223344 with two bytes in the first page, run often enough to be kept. */
    function kept(b: Bench): void {
      b.bytes(EDGE - 2, [...mov(EAX, 0x11223344), ...HLT]);
      for (let n = 0; n < 3; n++) {
        b.set(EAX, 0);
        expect(runAt(b, EDGE - 2).vector).toBeNull();
        expect(b.get(EAX)).toBe(0x11223344);
      }
    }

    it('faults when the second page is gone', () => {
      const b = bench().paging().ring(3);
      b.bytes(EDGE - 2, [...mov(EAX, 0x11223344), ...x('0f 0b')]);
      for (let n = 0; n < 3; n++) {
        b.ring(3);
        expect(runAt(b, EDGE - 2).vector).toBe(VECTOR.UD);
      }
      b.page(EDGE, 0);
      b.cpu.flushPage(EDGE);
      b.ring(3).set(EAX, 7);
      expect(runAt(b, EDGE - 2)).toMatchObject({ vector: VECTOR.PF, code: 4, eip: EDGE - 2 });
      expect([b.cpu.i32[L.W_CR2], b.get(EAX)]).toEqual([EDGE, 7]);
    });

    it('is found again through another linear address with another second page', () => {
      const b = bench().paging();
      kept(b);
      const far = 0x40000000;
      b.page(far, CODE | 7);
      b.page(far + 0x1000, DATA | 7);
      b.bytes(DATA, [0x77, 0x66, 0x55, ...HLT]);
      runAt(b, far + 0x1000 - 2);
      expect(b.get(EAX)).toBe(0x55667744);
      runAt(b, EDGE - 2);
      expect(b.get(EAX)).toBe(0x11223344);
    });

    it.each([0, 1, 2, 3, 4])('sees byte %i change, written by the host', n => {
      const b = bench();
      kept(b);
      // An opcode: MOV EBX; else a byte of the constant.
      b.write(EDGE - 2 + n, 1, n === 0 ? 0xbb : 0x99);
      b.set(EBX, 0);
      runAt(b, EDGE - 2);
      if (n === 0) expect(b.get(EBX)).toBe(0x11223344);
      else expect((b.get(EAX) >>> (8 * (n - 1))) & 0xff).toBe(0x99);
    });

    it('becomes a shorter one, and the rest is code of its own', () => {
      const b = bench();
      kept(b);
      b.bytes(EDGE - 2, x('40 40 f4')); // inc eax; inc eax; hlt
      b.set(EAX, 0);
      runAt(b, EDGE - 2);
      expect(b.get(EAX)).toBe(2);
    });

    it('is #GP(0) when the limit of CS cuts it', () => {
      const b = bench();
      kept(b);
      b.descriptor(FREE, descriptor(0, EDGE + 1, ACCESS.code));
      b.segment(CS, FREE);
      b.set(EAX, 7);
      expect(runAt(b, EDGE - 2)).toMatchObject({ vector: VECTOR.GP, code: 0, eip: EDGE - 2 });
      expect(b.get(EAX)).toBe(7);
    });

    it('is another one in 16-bit code', () => {
      const b = bench();
      kept(b);
      b.bytes(EDGE + 1, HLT);
      b.descriptor(FREE, descriptor(0, 0xfffff, ACCESS.code, 0));
      b.segment(CS, FREE);
      b.set(EAX, 0);
      runAt(b, EDGE - 2);
      expect(b.get(EAX)).toBe(0x3344);
      b.segment(CS, CODE_SELECTOR[0]);
    });

    it('walks the tables no more often than when it was decoded', () => {
      const b = bench().paging();
      b.bytes(EDGE - 2, [...mov(EAX, 1), ...HLT]);
      const walks = [0, 1, 2].map(() => {
        b.cpu.flushAll();
        const before = b.cpu.walks;
        runAt(b, EDGE - 2);
        return b.cpu.walks - before;
      });
      expect(new Set(walks).size).toBe(1);
    });
  });

  it('more blocks than are kept, in turn, do what they say', () => {
    const b = bench();
    const blocks = 30_000;
    const start = 0x100000;
    // inc eax; jmp to the next one
    for (let n = 0; n < blocks; n++) b.bytes(start + 3 * n, x('40 eb 00'));
    // dec ecx; jz to the hlt; jmp edx; hlt
    b.bytes(start + 3 * blocks, x('49 74 02 ff e2 f4'));
    b.set(EAX, 0);
    b.set(ECX, 3);
    b.set(EDX, start);
    b.cpu.i32[L.W_EIP] = start;
    expect(b.run(7 * blocks).vector).toBeNull();
    expect(b.get(EAX)).toBe(3 * blocks);
  });

  describe('a watch of rows', () => {
    function listen(b: Bench) {
      const heard: string[] = [];
      const tell = (what: string, { row }: Instruction) => heard.push(`${what} ${row.mnemonic} ${b.get(EAX)}`);
      b.cpu.blocks.watch({
        has: row => row.operation === 'bswap' || row.operation === 'ud',
        begins: i => tell('begins', i) > 0,
        retires: i => tell('retires', i),
      });
      return heard;
    }

    it('hears of an instruction before and after, also in code that is kept', () => {
      const b = bench();
      // bswap eax; inc eax; bswap eax; hlt
      b.bytes(CODE, x('0f c8 40 0f c8 f4'));
      b.set(EAX, 1);
      runAt(b, CODE);
      const heard = listen(b);
      b.set(EAX, 1);
      const steps = b.cpu.count;
      runAt(b, CODE);
      expect(b.cpu.count - steps).toBe(4);
      expect(heard).toEqual([
        'begins bswap 1',
        'retires bswap 16777216',
        'begins bswap 16777217',
        'retires bswap 16777217',
      ]);
      b.cpu.blocks.watch(null);
    });

    it('hears no end of what faults, and nothing when it is over', () => {
      const b = bench();
      b.bytes(CODE, x('0f 0b'));
      const heard = listen(b);
      expect(runAt(b, CODE).vector).toBe(VECTOR.UD);
      expect(heard).toEqual([`begins ud2 ${b.get(EAX)}`]);
      b.cpu.blocks.watch(null);
      expect(runAt(b, CODE).vector).toBe(VECTOR.UD);
      expect(heard.length).toBe(1);
    });
  });
});
