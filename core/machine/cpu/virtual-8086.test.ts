import { describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { CR4, CS, DS, EAX, ES, ESP, FS, GS, SS } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { Bench, CODE, CODE_SELECTOR, TSS, TSS_STACKS } from '../testing/bench.ts';
import { CLI, type Code, IRET, int, NOP, STI, x } from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';
import { GATE, gate } from '../testing/tables.ts';
import * as L from './layout.ts';

const { IF, VIF, VIP, TF, NT, VM } = FLAG;
const IOPL3 = FLAG.IOPL;
const PUSHF = x('9c');
const POPF = x('9d');
/** The program's stack and the place of its own interrupt handler, in segments of 64 KB. */
const STACK_SEGMENT = 0x2000;
const STACK = STACK_SEGMENT << 4;
const TOP = 0x1000;
const HANDLER_SEGMENT = 0x3000;
const HANDLER = (HANDLER_SEGMENT << 4) + 0x123;

describe.each(MACHINES)('virtual-8086 mode, $engine', machine => {
  /** In the mode with CS at CODE, after IRET would have led there; `flags` besides VM. */
  function bench(flags: number, cr4: number, ...code: readonly Code[]): Bench {
    const b = new Bench(machine);
    b.program(...code);
    b.cpu.i32[L.W_CR4] = cr4;
    b.cpu.setEflags(VM | flags);
    b.cpu.setCpl(3);
    b.cpu.setSegment(CS, CODE >> 4, CODE, 0xffff, 0xf3);
    b.cpu.setSegment(SS, STACK_SEGMENT, STACK, 0xffff, 0xf3);
    for (const index of [DS, ES, FS, GS]) b.cpu.setSegment(index, STACK_SEGMENT, STACK, 0xffff, 0xf3);
    b.cpu.i32[L.W_EIP] = 0;
    b.set(ESP, TOP);
    // The redirection bitmap, 32 bytes of zeros, lies below the I/O map, which is empty but for its last byte.
    b.cpu.setSegment(7, 0x28, TSS, 0x68 + 32, 0x8b);
    b.write(TSS + 0x66, 2, 0x68 + 32);
    b.write(TSS + 0x68 + 32, 1, 0xff);
    return b;
  }
  const flagsOf = (b: Bench) => b.cpu.eflags() & (IF | VIF | VIP | TF | NT | IOPL3 | VM);
  const pushed = (b: Bench, n = 0) => b.read(STACK + (b.get(ESP) & 0xffff) + 2 * n, 2);
  const push = (value: number): Code => [0x68, value & 0xff, value >>> 8];

  describe.each<[string, Code]>([
    ['CLI', CLI],
    ['STI', STI],
    ['PUSHF', PUSHF],
    ['POPF', POPF],
    ['INT n', int(0x40)],
    ['IRET', IRET],
  ])('%s', (_, code) => {
    it('needs IOPL 3 where there is no VME', () => {
      const b = bench(0, 0, code);
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0, eip: 0, cs: CODE >> 4 });
      const allowed = bench(IOPL3, 0, code);
      allowed.gate(0x40, gate(GATE.interrupt, CODE_SELECTOR[0], allowed.handler(0x40), 3));
      allowed.step();
      expect(allowed.cpu.i32[L.W_EIP]).not.toBe(allowed.handler(VECTOR.GP));
    });
  });

  it('INT3 goes through the IDT at any IOPL, with all segments on the stack', () => {
    for (const flags of [0, IOPL3]) {
      const b = bench(flags, CR4.VME, x('cc'));
      b.gate(VECTOR.BP, gate(GATE.interrupt, CODE_SELECTOR[0], b.handler(VECTOR.BP), 3));
      expect(b.run()).toMatchObject({ vector: VECTOR.BP, eip: 1, cs: CODE >> 4, eflags: VM | flags | FLAG.ONE });
      expect(b.get(ESP)).toBe(TSS_STACKS[0] - 36);
    }
  });

  describe('with VME below IOPL 3', () => {
    it('CLI and STI change VIF, and not IF', () => {
      const b = bench(IF, CR4.VME, STI, NOP, CLI);
      b.step();
      expect(flagsOf(b)).toBe(VM | IF | VIF);
      b.step(2);
      expect(flagsOf(b)).toBe(VM | IF);
    });

    it('STI holds nothing off, and is #GP while an interrupt waits', () => {
      const b = bench(VIP, CR4.VME, STI);
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0, eip: 0 });
      const c = bench(0, CR4.VME, STI);
      c.step();
      expect(c.cpu.i32[L.W_SHADOW]).toBe(0);
    });

    it('PUSHF shows VIF as IF, and IOPL 3; of 32 bits it is #GP', () => {
      for (const [flags, shown] of [
        [VIF, IF],
        [IF, 0],
        [IF | VIF | NT, IF | NT],
      ] as const) {
        const b = bench(flags, CR4.VME, PUSHF);
        b.step();
        expect(pushed(b)).toBe(shown | IOPL3 | FLAG.ONE);
      }
      const b = bench(0, CR4.VME, x('66 9c'));
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0 });
    });

    it.each<[string, number, number, number | null]>([
      ['IF for VIF', 0, IF, VM | VIF],
      ['no IF', IF | VIF, 0, VM | IF],
      ['IOPL is kept', 0, IOPL3, VM],
      ['NT is loaded', 0, NT, VM | NT],
      ['IF while one waits', VIP, IF, null],
      ['no IF while one waits', VIP, 0, VM | VIP],
      ['TF', 0, TF, null],
    ])('POPF and IRET: %s', (_, flags, value, expected) => {
      const pop = bench(flags, CR4.VME, push(value), POPF, NOP);
      pop.step(2);
      if (expected === null) {
        expect(pop.stop({ ss: 0, esp: 0 })).toMatchObject({ vector: null });
        expect(pop.cpu.cpl).toBe(0);
        expect(pop.read(TSS_STACKS[0] - 24)).toBe(TOP - 2);
      } else expect(flagsOf(pop)).toBe(expected);
      const back = bench(flags, CR4.VME, push(value), push(HANDLER_SEGMENT), push(0x123), IRET);
      back.step(4);
      if (expected === null) expect(back.cpu.cpl).toBe(0);
      else {
        expect(flagsOf(back)).toBe(expected);
        expect([back.cpu.selector(CS), back.cpu.i32[L.W_EIP], back.get(ESP)]).toEqual([HANDLER_SEGMENT, 0x123, TOP]);
      }
    });

    it('of 32 bits POPF and IRET are #GP, before they read the stack', () => {
      for (const code of [x('66 9d'), x('66 cf')]) {
        expect(bench(0, CR4.VME, code).run()).toMatchObject({ vector: VECTOR.GP, code: 0, eip: 0 });
        const atLimit = bench(0, CR4.VME, code);
        atLimit.set(ESP, 0xffff);
        expect(atLimit.run()).toMatchObject({ vector: VECTOR.GP, code: 0, eip: 0 });
      }
    });

    it('INT n enters the handler of the program where the bitmap says so, else it is #GP', () => {
      const b = bench(VIF | IF, CR4.VME, int(0x40), NOP);
      b.write(0x40 * 4, 4, (HANDLER_SEGMENT << 16) | 0x123);
      b.bytes(HANDLER, IRET);
      b.step();
      expect([b.cpu.selector(CS), b.cpu.i32[L.W_EIP]]).toEqual([HANDLER_SEGMENT, 0x123]);
      expect(flagsOf(b)).toBe(VM | IF);
      expect([0, 1, 2].map(n => pushed(b, n))).toEqual([2, CODE >> 4, IF | IOPL3 | FLAG.ONE]);
      b.step();
      expect(flagsOf(b)).toBe(VM | IF | VIF);
      expect([b.cpu.i32[L.W_EIP], b.get(ESP)]).toEqual([2, TOP]);
      const c = bench(VIF, CR4.VME, int(0x40));
      c.write(TSS + 0x68 + 8, 1, 1);
      expect(c.run()).toMatchObject({ vector: VECTOR.GP, code: 0, eip: 0 });
    });

    it('INT n is #GP where the TSS has no bitmap', () => {
      const b = bench(0, CR4.VME, int(0xff));
      b.cpu.setSegment(7, 0x28, TSS, 0x60, 0x8b);
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0, eip: 0 });
    });
  });

  describe('with VME and IOPL 3', () => {
    it('the flags are the real ones', () => {
      const b = bench(IOPL3, CR4.VME, STI, PUSHF, CLI, POPF);
      b.step(2);
      expect(flagsOf(b)).toBe(VM | IOPL3 | IF);
      b.step();
      expect(flagsOf(b)).toBe(VM | IOPL3);
      b.step();
      expect(flagsOf(b)).toBe(VM | IOPL3 | IF);
    });

    it('INT n goes by the bitmap, and clears IF', () => {
      const b = bench(IOPL3 | IF, CR4.VME, int(0x40));
      b.write(0x40 * 4, 4, (HANDLER_SEGMENT << 16) | 0x123);
      b.step();
      expect([b.cpu.selector(CS), b.cpu.i32[L.W_EIP], flagsOf(b)]).toEqual([HANDLER_SEGMENT, 0x123, VM | IOPL3]);
      const c = bench(IOPL3, CR4.VME, int(0x40));
      c.write(TSS + 0x68 + 8, 1, 1);
      c.gate(0x40, gate(GATE.interrupt, CODE_SELECTOR[0], c.handler(0x40), 3));
      expect(c.run()).toMatchObject({ vector: 0x40, eip: 2, cs: CODE >> 4 });
    });
  });

  describe('an interrupt that waits while VIF is set', () => {
    it('is #GP before the instruction', () => {
      const b = bench(VIF | VIP, CR4.VME, NOP);
      expect(b.run()).toMatchObject({
        vector: VECTOR.GP,
        code: 0,
        eip: 0,
        eflags: VM | VIF | VIP | FLAG.RF | FLAG.ONE,
      });
    });

    it('is not looked at where flags are not virtual', () => {
      for (const [flags, cr4] of [
        [0, 0],
        [IOPL3, CR4.VME],
      ]) {
        const b = bench(VIF | VIP | flags, cr4, NOP);
        b.step();
        expect(b.cpu.i32[L.W_EIP]).toBe(1);
      }
    });
  });

  describe('PVI', () => {
    const protectedBench = (flags: number, cr4: number, ...code: readonly Code[]) => {
      const b = new Bench(machine).ring(3);
      b.program(...code);
      b.cpu.i32[L.W_CR4] = cr4;
      b.flags(flags);
      return b;
    };

    it('gives CLI and STI of ring 3 VIF', () => {
      const b = protectedBench(IF, CR4.PVI, STI, NOP, CLI);
      b.step();
      expect(flagsOf(b)).toBe(IF | VIF);
      b.step(2);
      expect(flagsOf(b)).toBe(IF);
      expect(protectedBench(VIP, CR4.PVI, STI).run()).toMatchObject({ vector: VECTOR.GP, code: 0 });
    });

    it('is not for VME alone, nor for other rings', () => {
      expect(protectedBench(0, CR4.VME, STI).run()).toMatchObject({ vector: VECTOR.GP });
      const b = protectedBench(0, CR4.PVI, STI).ring(2);
      expect(b.run()).toMatchObject({ vector: VECTOR.GP });
    });

    it('is #GP where an interrupt waits while VIF is set, of ring 3 alone', () => {
      expect(protectedBench(VIF | VIP, CR4.PVI, NOP).run()).toMatchObject({ vector: VECTOR.GP, code: 0 });
      for (const make of [
        () => protectedBench(VIF | VIP, CR4.PVI, NOP).ring(2),
        () => protectedBench(VIF | VIP, CR4.VME, NOP),
        () => protectedBench(VIF | VIP | IOPL3, CR4.PVI, NOP),
      ]) {
        const b = make();
        const before = b.cpu.i32[L.W_EIP];
        b.step();
        expect(b.cpu.i32[L.W_EIP]).toBe(before + 1);
      }
    });

    it('leaves POPF and PUSHF as they are', () => {
      const b = protectedBench(VIF, CR4.PVI, PUSHF, x('58'));
      b.step(2);
      expect(b.get(EAX)).toBe(VIF | FLAG.ONE);
    });
  });

  it('IRET of ring 0 loads VIF and VIP with the mode', () => {
    const b = new Bench(machine);
    const frame = [0x10, CODE >> 4, VM | VIF | VIP | FLAG.ONE, TOP, STACK_SEGMENT, 1, 2, 3, 4];
    b.set(ESP, 0x5800);
    frame.forEach((value, n) => {
      b.write(0x5800 + 4 * n, 4, value);
    });
    b.program(IRET);
    b.step();
    expect(flagsOf(b)).toBe(VM | VIF | VIP);
    expect([ES, DS, FS, GS].map(index => b.cpu.selector(index))).toEqual([1, 2, 3, 4]);
  });
});
