import { describe, expect, it } from 'vitest';
import { CR0, CS, DS, EAX } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import { Bench, CODE, CODE_SELECTOR, DATA, DATA_SELECTOR } from '../../testing/bench.ts';
import { type Code, dword, x } from '../../testing/code.ts';
import { MACHINES } from '../../testing/machines.ts';
import * as L from '../layout.ts';
import * as S from './state.ts';

/** What user mode on silicon does not show (tools/silicon has the rest): real mode, CR0, and what follows an exception. */

/** The operand [address] of a one-byte opcode with /digit. */
const at = (opcode: number, digit: number, address: number): Code => [opcode, (digit << 3) | 5, ...dword(address)];
const FLD1 = x('d9 e8');
const FLDZ = x('d9 ee');
const FDIVP = x('de f9');
const FNINIT = x('db e3');
const fldcw = (address: number) => at(0xd9, 5, address);
const fnstenv = (address: number) => at(0xd9, 6, address);
const fnstsw = x('df e0');
const ZERO_DIVIDE_UNMASKED = 0x37b;

describe.each(MACHINES)('x87, $engine', machine => {
  /** 1 / 0 with that exception unmasked; the rest follows. */
  function divided(b: Bench, ...rest: readonly Code[]): number[] {
    b.write(DATA, 2, ZERO_DIVIDE_UNMASKED);
    return b.program(FNINIT, fldcw(DATA), FLD1, FLDZ, FDIVP, ...rest);
  }

  it('after RESET has the control word 40 and full, empty registers; after FNINIT 37F and none', () => {
    const b = new Bench(machine);
    const state = () => [b.cpu.i32[S.W_CONTROL], b.cpu.i32[S.W_STATUS], S.tagWord(b.cpu)];
    expect(state()).toEqual([0x40, 0, 0x5555]);
    b.program(FLD1, FNINIT);
    b.run();
    expect(state()).toEqual([0x37f, 0, 0xffff]);
  });

  describe('an unmasked exception', () => {
    it('is raised by the next instruction that waits, with the pointers at its cause', () => {
      for (const waiting of [FLD1, x('9b'), x('d9 d0'), fldcw(DATA)]) {
        const b = new Bench(machine);
        const starts = divided(b, fnstsw, waiting);
        expect(b.run()).toMatchObject({ vector: VECTOR.MF, code: null, eip: starts[6] });
        expect(b.get(EAX) & 0xffff).toBe(0xb084);
        expect([b.cpu.i32[S.W_INSTRUCTION], b.cpu.i32[S.W_OPCODE]]).toEqual([starts[4], 0x6f9]);
        expect(b.cpu.i32[S.W_INSTRUCTION_SELECTOR]).toBe(CODE_SELECTOR[0]);
      }
    });

    it('is not raised by those that do not wait, nor after FNCLEX, nor without CR0.NE', () => {
      const b = new Bench(machine);
      divided(b, fnstsw, fnstenv(DATA + 16), x('db e2'), FLD1);
      expect(b.run().vector).toBe(null);
      b.cpu.i32[L.W_CR0] &= ~CR0.NE;
      divided(b, FLD1);
      expect(b.run().vector).toBe(null);
    });

    it('is raised in code that has run before with masked ones, and not when they are masked again', () => {
      const b = new Bench(machine);
      b.program(FLD1, FLDZ, FDIVP, x('9b'));
      for (const [control, vector] of [
        [0x37f, null],
        [ZERO_DIVIDE_UNMASKED, VECTOR.MF],
        [0x37f, null],
      ] as const) {
        S.initialize(b.cpu);
        S.setControl(b.cpu, control);
        b.cpu.i32[L.W_EIP] = CODE;
        expect(b.run().vector).toBe(vector);
      }
    });

    it('comes after #NM', () => {
      const b = new Bench(machine);
      divided(b, FLD1);
      b.step(5);
      b.cpu.i32[L.W_CR0] |= CR0.TS;
      expect(b.run().vector).toBe(VECTOR.NM);
    });
  });

  it('runs again after the fault of its operand, as if it had not begun', () => {
    const b = new Bench(machine).paging();
    const page = 0x30000;
    b.page(page, 0);
    const starts = b.program(FNINIT, FLD1, at(0xdb, 7, page - 4)); // fstp tbyte [page - 4]
    expect(b.run()).toMatchObject({ vector: VECTOR.PF, eip: starts[2] });
    expect(b.read(page - 4)).toBe(0);
    expect([S.top(b.cpu), b.cpu.i32[S.W_INSTRUCTION]]).toEqual([7, starts[1]]);
    b.page(page, page | 7);
    b.run();
    expect([b.read(page - 4), b.read(page), b.read(page + 4, 2), S.top(b.cpu)]).toEqual([0, 0x80000000, 0x3fff, 0]);
  });

  it('checks no alignment but in ring 3', () => {
    for (const ring of [0, 3] as const) {
      const b = new Bench(machine).ring(ring);
      b.cpu.i32[L.W_CR0] |= CR0.AM;
      b.flags(1 << 18);
      b.program(at(0xdd, 0, DATA + 4)); // fld qword [DATA + 4]
      if (ring === 3) expect(b.run()).toMatchObject({ vector: VECTOR.AC, code: 0 });
      else expect(b.run().vector).toBe(null);
    }
  });

  describe('environments', () => {
    /** Seven fields of `size` bytes. */
    const fields = (b: Bench, address: number, size: 2 | 4) =>
      [0, 1, 2, 3, 4, 5, 6].map(n => b.read(address + size * n, size));

    /** 16-bit code at CS:20 adds the double at DS:8, then stores environments of both sizes at DS:40 and DS:60. */
    function stored(b: Bench, cs: number, ds: number): { readonly short: number[]; readonly long: number[] } {
      b.cpu.setSegment(CS, cs, CODE - 0x20, 0xffff, 0x9b);
      b.cpu.setSegment(DS, ds, DATA, 0xffff, 0x93);
      b.cpu.i32[S.W_CONTROL] = 0x37f;
      b.program(x('dc 06 08 00'), x('d9 36 40 00'), x('66 d9 36 60 00'));
      b.cpu.i32[L.W_EIP] = 0x20;
      b.step(3);
      return { short: fields(b, DATA + 0x40, 2), long: fields(b, DATA + 0x60, 4) };
    }

    it('have linear addresses and the opcode in real mode (SDM volume 1, figures 8-10 and 8-12)', () => {
      const b = new Bench(machine);
      b.cpu.i32[L.W_CR0] &= ~CR0.PE;
      const { short, long } = stored(b, (CODE - 0x20) >>> 4, DATA >>> 4);
      expect(short).toEqual([0x37f, 0, 0x5555, 0, 0x1406, 8, 0x2000]);
      expect(long).toEqual([0xffff037f, 0xffff0000, 0xffff5555, 0xffff0000, 0x1406, 0xffff0008, 0x2000]);
    });

    it('have selectors and offsets in protected mode (figures 8-9 and 8-11)', () => {
      const b = new Bench(machine);
      const { short, long } = stored(b, CODE_SELECTOR[0], DATA_SELECTOR[0]);
      expect(short).toEqual([0x37f, 0, 0x5555, 0x20, CODE_SELECTOR[0], 8, DATA_SELECTOR[0]]);
      expect(long.slice(3)).toEqual([0x20, (0x406 << 16) | CODE_SELECTOR[0], 8, 0xffff0000 + DATA_SELECTOR[0]]);
    });

    it('come back in real mode as they were stored', () => {
      const short = [0x37f, 0x3800, 0x5555, 0x1234, 0xa7ff, 0x5678, 0xb000];
      const long = [0x37f, 0x3800, 0x5555, 0x1234, 0x0abcd7ff, 0x5678, 0x0def0000];
      for (const [load, store, size, image] of [
        [x('d9 26 60 00'), x('d9 36 80 00'), 2, short],
        [x('66 d9 26 60 00'), x('66 d9 36 80 00'), 4, long],
      ] as const) {
        const b = new Bench(machine);
        b.cpu.i32[L.W_CR0] &= ~CR0.PE;
        stored(b, (CODE - 0x20) >>> 4, DATA >>> 4);
        image.forEach((field, n) => {
          b.write(DATA + 0x60 + size * n, size, field);
        });
        b.program(load, store);
        b.cpu.i32[L.W_EIP] = 0x20;
        b.step(2);
        const upper = (n: number) => (size === 4 && n !== 4 && n !== 6 ? 0xffff0000 : 0);
        expect(fields(b, DATA + 0x80, size)).toEqual(image.map((field, n) => field + upper(n)));
      }
    });
  });
});
