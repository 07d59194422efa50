import { describe, expect, it } from 'vitest';
import { CR0, CR4 } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import { Bench, DATA } from '../../testing/bench.ts';
import { type Code, dword, x } from '../../testing/code.ts';
import { MACHINES } from '../../testing/machines.ts';
import * as L from '../layout.ts';
import * as S from '../x87/state.ts';

/** What user mode on silicon does not show (tools/silicon has the rest): control registers, and who may. */

/** The operand [address] of an opcode after 0F, with /reg. */
const at = (opcode: number, reg: number, address: number): Code => [0x0f, opcode, (reg << 3) | 5, ...dword(address)];
const PADDB = x('0f fc c1');
const ADDPS = x('0f 58 c1');
const DIVPS = x('0f 5e c1');
const EMMS = x('0f 77');
const FXSAVE = at(0xae, 0, DATA);
const FXRSTOR = at(0xae, 1, DATA);
const LDMXCSR = at(0xae, 2, DATA);
const STMXCSR = at(0xae, 3, DATA);
const CVTPI2PS = x('0f 2a c1');
const MOVNTI = at(0xc3, 0, DATA);
const PREFETCH = at(0x18, 0, DATA);
const SFENCE = x('0f ae f8');

describe.each(MACHINES)('MMX and SSE, $engine', machine => {
  function bench(cr0 = 0, cr4: number = CR4.OSFXSR | CR4.OSXMMEXCPT): Bench {
    const b = new Bench(machine);
    b.cpu.i32[L.W_CR0] |= cr0;
    b.cpu.i32[L.W_CR4] |= cr4;
    return b;
  }

  function vectorOf(b: Bench, code: Code): number | null {
    b.program(code);
    return b.run().vector;
  }

  it.each([
    ['PADDB', PADDB, VECTOR.UD, VECTOR.NM, null],
    ['EMMS', EMMS, VECTOR.UD, VECTOR.NM, null],
    ['ADDPS', ADDPS, VECTOR.UD, VECTOR.NM, VECTOR.UD],
    ['CVTPI2PS', CVTPI2PS, VECTOR.UD, VECTOR.NM, VECTOR.UD],
    ['LDMXCSR', LDMXCSR, VECTOR.UD, VECTOR.NM, VECTOR.UD],
    ['STMXCSR', STMXCSR, VECTOR.UD, VECTOR.NM, VECTOR.UD],
    ['FXSAVE', FXSAVE, VECTOR.UD, VECTOR.NM, null],
    ['FXRSTOR', FXRSTOR, VECTOR.UD, VECTOR.NM, null],
    ['MOVNTI', MOVNTI, null, null, null],
    ['PREFETCHNTA', PREFETCH, null, null, null],
    ['SFENCE', SFENCE, null, null, null],
  ] as const)('%s under EM, under TS, without OSFXSR', (_, code, em, ts, osfxsr) => {
    expect(vectorOf(bench(CR0.EM | CR0.TS), code)).toBe(em);
    expect(vectorOf(bench(CR0.TS), code)).toBe(ts);
    expect(vectorOf(bench(0, 0), code)).toBe(osfxsr);
    expect(vectorOf(bench(), code)).toBe(null);
    expect(vectorOf(bench(), [0xf0, ...code])).toBe(VECTOR.UD);
  });

  it('a pending x87 exception is raised by MMX instructions, behind #NM, and not by SSE or FXSAVE', () => {
    for (const [code, vector] of [
      [PADDB, VECTOR.MF],
      [EMMS, VECTOR.MF],
      [CVTPI2PS, VECTOR.MF],
      [at(0x2a, 0, DATA), null],
      [ADDPS, null],
      [FXSAVE, null],
    ] as const) {
      const b = bench(CR0.NE);
      b.cpu.i32[S.W_CONTROL] = 0x37e;
      b.cpu.i32[S.W_STATUS] = 0x8081;
      expect(vectorOf(b, code)).toBe(vector);
      b.cpu.i32[L.W_CR0] |= CR0.TS;
      expect(vectorOf(b, code)).toBe(VECTOR.NM);
    }
  });

  it('an unmasked exception is #XM, or #UD without OSXMMEXCPT, and leaves its flag and the operands', () => {
    for (const [cr4, vector] of [
      [CR4.OSFXSR | CR4.OSXMMEXCPT, VECTOR.XM],
      [CR4.OSFXSR, VECTOR.UD],
    ] as const) {
      const b = bench(0, cr4);
      b.cpu.i32[L.W_MXCSR] = 0x1d80;
      b.cpu.i32.fill(0x3f800000, L.W_XMM, L.W_XMM + 4);
      const starts = b.program(DIVPS);
      expect(b.run()).toMatchObject({ vector, code: null, eip: starts[0] });
      expect(b.cpu.i32[L.W_MXCSR]).toBe(0x1d84);
      expect(b.cpu.i32[L.W_XMM]).toBe(0x3f800000);
    }
  });

  it('after RESET MXCSR is 1F80, and LDMXCSR takes no reserved bit', () => {
    const b = bench();
    b.program(STMXCSR);
    b.run();
    expect(b.read(DATA)).toBe(0x1f80);
    b.write(DATA, 4, 0x10000);
    expect(vectorOf(b, LDMXCSR)).toBe(VECTOR.GP);
    b.write(DATA, 4, 0xffff);
    b.program(LDMXCSR);
    b.run();
    expect(b.cpu.i32[L.W_MXCSR]).toBe(0xffff);
  });

  it('FXSAVE and FXRSTOR move the XMM registers with OSFXSR only', () => {
    for (const has of [true, false]) {
      const b = bench(0, has ? CR4.OSFXSR : 0);
      for (let n = 0; n < 32; n++) b.cpu.i32[L.W_XMM + n] = 0x1000 + n;
      b.program(FXSAVE);
      b.run();
      expect([24, 28, 160, 284].map(offset => b.read(DATA + offset))).toEqual(
        has ? [0x1f80, 0xffff, 0x1000, 0x101f] : [0, 0, 0, 0],
      );
      b.write(DATA + 24, 4, 0x3f80);
      b.write(DATA + 284, 4, 5);
      b.program(FXRSTOR);
      b.run();
      expect([b.cpu.i32[L.W_MXCSR], b.cpu.i32[L.W_XMM + 31]]).toEqual(has ? [0x3f80, 5] : [0x1f80, 0x101f]);
      b.write(DATA + 24, 4, 0x10000);
      expect(vectorOf(b, FXRSTOR)).toBe(has ? VECTOR.GP : null);
    }
  });

  it('operands on no 16-byte boundary are #GP(0), but for those that need none', () => {
    expect(vectorOf(bench(), at(0x58, 0, DATA + 8))).toBe(VECTOR.GP); // addps
    expect(vectorOf(bench(), at(0x29, 0, DATA + 4))).toBe(VECTOR.GP); // movaps
    expect(vectorOf(bench(), at(0x11, 0, DATA + 4))).toBe(null); // movups
    expect(vectorOf(bench(), [0xf3, ...at(0x58, 0, DATA + 1)])).toBe(null); // addss
  });

  it('a store across a page is made whole or not at all', () => {
    const b = new Bench(machine).paging();
    b.cpu.i32[L.W_CR4] |= CR4.OSFXSR;
    const page = 0x30000;
    b.page(page, 0);
    b.cpu.i32.fill(-1, L.W_XMM, L.W_XMM + 4);
    const starts = b.program(at(0x11, 0, page - 8)); // movups [page - 8],xmm0
    expect(b.run()).toMatchObject({ vector: VECTOR.PF, eip: starts[0] });
    expect(b.read(page - 8)).toBe(0);
    b.page(page, page | 7);
    b.run();
    expect([b.read(page - 8), b.read(page + 4), b.read(page + 8)]).toEqual([0xffffffff, 0xffffffff, 0]);
  });
});
