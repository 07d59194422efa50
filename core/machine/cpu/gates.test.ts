import { describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { CS, DS, EAX, EBX, ECX, ES, ESP, FS, GS, SS, TR } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import {
  Bench,
  CODE,
  CODE_SELECTOR,
  CONFORMING_SELECTOR,
  DATA,
  DATA_SELECTOR,
  FREE,
  NO_FLAGS,
  type Ring,
  STACKS,
  TSS,
  TSS_SELECTOR,
  TSS_STACKS,
} from '../testing/bench.ts';
import {
  type Code,
  callFar,
  dword,
  HLT,
  IRET,
  int,
  jmpFar,
  mov,
  NOP,
  push,
  toSegment,
  word,
  x,
} from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';
import { ACCESS, descriptor, dpl, type Entry, flat, GATE, gate, PRESENT } from '../testing/tables.ts';
import * as L from './layout.ts';

const [CODE0, , , CODE3] = CODE_SELECTOR;
const [DATA0, , , DATA3] = DATA_SELECTOR;
const UD2 = x('0f 0b');
const RETF = x('cb');

describe.each(MACHINES)('gates, $engine', machine => {
  const bench = () => new Bench(machine);

  describe('of the IDT', () => {
    it('an interrupt from ring 3 switches to the stack of the TSS and pushes five doublewords', () => {
      const b = bench().ring(3);
      b.gate(0x40, gate(GATE.interrupt, CODE0, b.handler(0x40), 3));
      b.flags(FLAG.CF | FLAG.IF | FLAG.DF);
      b.program(NOP, int(0x40));
      b.run();
      const top = TSS_STACKS[0];
      const frame = [5, 4, 3, 2, 1].map(n => b.read(top - 4 * n));
      expect(b.get(ESP)).toBe(top - 20);
      expect(frame).toEqual([DATA3, STACKS[3], NO_FLAGS | FLAG.CF | FLAG.IF | FLAG.DF, CODE3, CODE + 3].reverse());
      expect([b.cpu.selector(CS), b.cpu.selector(SS), b.cpu.cpl]).toEqual([CODE0, DATA0, 0]);
      expect([DS, ES, FS, GS].map(index => b.cpu.selector(index))).toEqual([DATA3, DATA3, DATA3, DATA3]);
      expect(b.cpu.eflags()).toBe(NO_FLAGS | FLAG.CF | FLAG.DF);
    });

    it('an interrupt in ring 0 stays on its stack and pushes three', () => {
      const b = bench();
      b.program(int(0x40));
      b.run();
      expect(b.get(ESP)).toBe(STACKS[0] - 12);
      expect([12, 8, 4].map(n => b.read(STACKS[0] - n))).toEqual([CODE + 2, CODE0, NO_FLAGS]);
    });

    it.each([
      ['an interrupt gate clears IF', GATE.interrupt, FLAG.IF],
      ['a trap gate leaves it', GATE.trap, 0],
      ['a 16-bit interrupt gate clears it', GATE.interrupt16, FLAG.IF],
      ['a 16-bit trap gate leaves it', GATE.trap16, 0],
    ])('%s; all clear TF, NT and RF', (_, type, cleared) => {
      const b = bench();
      b.gate(0x40, gate(type, CODE0, b.handler(0x40)));
      const set = FLAG.IF | FLAG.NT | FLAG.AC | FLAG.ID | FLAG.OF;
      b.flags(set);
      b.program(int(0x40));
      b.run();
      expect(b.cpu.eflags()).toBe(NO_FLAGS | (set & ~(cleared | FLAG.NT)));
    });

    it('from virtual-8086 mode, code of another ring than 0 counts before its limit', () => {
      const b = bench().ring(3);
      b.descriptor(FREE, descriptor(CODE, 0xff, ACCESS.code | dpl(1)));
      b.gate(0x40, gate(GATE.interrupt, FREE, 0x100, 3));
      b.flags(FLAG.VM | (3 << 12));
      for (const index of [CS, SS, DS, ES, FS, GS]) b.cpu.setSegment(index, CODE >> 4, CODE, 0xffff, 0xf3);
      b.cpu.i32[L.W_EIP] = 0;
      b.bytes(CODE, int(0x40));
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: FREE });
    });

    it('a 16-bit gate pushes words, and the offset has 16 bits', () => {
      const b = bench().ring(3);
      b.gate(0x40, gate(GATE.interrupt16, CODE0, 0xabcd0000 | b.handler(0x40), 3));
      b.program(int(0x40));
      b.run();
      const top = TSS_STACKS[0];
      expect(b.get(ESP)).toBe(top - 10);
      expect([10, 8, 6, 4, 2].map(n => b.read(top - n, 2))).toEqual([
        (CODE & 0xffff) | 2,
        CODE3,
        NO_FLAGS,
        STACKS[3],
        DATA3,
      ]);
      expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(0x40) + 1);
    });

    it('INT n needs a gate of its ring, INT3 and INTO as well; exceptions do not', () => {
      for (const [code, vector] of [
        [int(0x40), 0x40],
        [int(3), 3],
        [x('cc'), 3],
        [x('ce'), 4],
      ] as const) {
        const b = bench().ring(3);
        b.flags(FLAG.OF);
        b.program(code);
        expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: vector * 8 + 2, eip: CODE, cs: CODE3 });
      }
      for (const [code, vector, eip] of [
        [UD2, VECTOR.UD, CODE],
        [x('f1'), VECTOR.DB, CODE + 1],
      ] as const) {
        const b = bench().ring(3);
        b.program(code);
        expect(b.run()).toMatchObject({ vector, eip, cs: CODE3 });
      }
    });

    it('the return address of INT3, INTO and INT n is the next instruction', () => {
      for (const [code, vector] of [
        [int(0x40), 0x40],
        [x('cc'), 3],
        [x('ce'), 4],
      ] as const) {
        const b = bench();
        b.flags(FLAG.OF);
        b.program(code);
        expect(b.run()).toMatchObject({ vector, eip: CODE + code.length });
      }
      const b = bench();
      b.program(x('ce'));
      expect(b.run().vector, 'INTO without OF').toBeNull();
    });

    /** What is wrong, the entry, then the fault that INT 40 raises. */
    it.each<[string, Entry, number, number]>([
      ['an empty entry', [0, 0], VECTOR.GP, 0x202],
      ['not present', [gate(GATE.interrupt, CODE0, CODE)[0], 0x0e00], VECTOR.NP, 0x202],
      ['a call gate', gate(GATE.call, CODE0, CODE), VECTOR.GP, 0x202],
      ['a code segment', flat(ACCESS.code), VECTOR.GP, 0x202],
      ['a null selector', gate(GATE.interrupt, 0, CODE), VECTOR.GP, 0],
      ['a selector beyond the GDT', gate(GATE.interrupt, 0x200, CODE), VECTOR.GP, 0x200],
      ['a data segment', gate(GATE.interrupt, DATA0, CODE), VECTOR.GP, DATA0],
      ['code of an outer ring', gate(GATE.interrupt, CODE3, CODE), VECTOR.GP, CODE3 & ~3],
      ['code that is not present', gate(GATE.interrupt, FREE, CODE), VECTOR.NP, FREE],
      ['a target beyond the limit', gate(GATE.interrupt, FREE + 8, CODE), VECTOR.GP, 0],
    ])('%s', (_, entry, vector, code) => {
      const b = bench();
      b.descriptor(FREE, flat(ACCESS.code & ~PRESENT));
      b.descriptor(FREE + 8, descriptor(0, CODE - 1, ACCESS.code));
      b.gate(0x40, entry);
      b.program(int(0x40));
      expect(b.run()).toMatchObject({ vector, code, eip: CODE, cs: CODE0, esp: STACKS[0] });
      expect(b.get(ESP)).toBe(STACKS[0] - 16);
    });

    it('beyond the limit of the IDT', () => {
      const b = bench();
      b.cpu.i32[L.W_IDTR_LIMIT] = 0x40 * 8 + 6;
      b.program(int(0x3f), x('f4'), int(0x40));
      expect(b.run()).toMatchObject({ vector: 0x3f });
      b.ring(0);
      b.program(int(0x40));
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0x202, eip: CODE });
    });

    it('a fault on the way of an exception has EXT in its error code', () => {
      const b = bench();
      b.gate(VECTOR.UD, [0, 0]);
      b.program(UD2);
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: VECTOR.UD * 8 + 3, eip: CODE });
    });

    it('a fault on the way of an interrupt has it, too', () => {
      const b = bench();
      b.gate(0x41, gate(GATE.interrupt, 0x200, CODE));
      b.flags(FLAG.IF);
      b.raise(0x41);
      b.program(NOP);
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0x201, eip: CODE });
    });

    it('a handler in ring 1 runs on the stack of ring 1', () => {
      const b = bench().ring(3);
      b.gate(0x40, gate(GATE.interrupt, CODE_SELECTOR[1], b.handler(0x40), 3));
      b.bytes(b.handler(0x40), int(0x41));
      b.program(int(0x40));
      expect(b.run()).toMatchObject({
        // Its INT 41 goes on to ring 0, through a gate of DPL 0.
        vector: VECTOR.GP,
        code: 0x20a,
        cs: CODE_SELECTOR[1],
        ss: DATA_SELECTOR[1],
        esp: TSS_STACKS[1] - 20,
      });
    });

    it('a conforming handler keeps the ring and the stack', () => {
      const b = bench().ring(3);
      b.gate(0x40, gate(GATE.interrupt, CONFORMING_SELECTOR, CODE + 0x100, 3));
      b.bytes(CODE + 0x100, UD2);
      b.program(int(0x40));
      expect(b.run()).toMatchObject({ vector: VECTOR.UD, cs: CONFORMING_SELECTOR | 3, esp: STACKS[3] - 12 });
    });

    it('marks code and stack segments accessed', () => {
      const b = bench().ring(3);
      b.gate(0x40, gate(GATE.interrupt, FREE, b.handler(0x40), 3));
      b.descriptor(FREE, flat(ACCESS.code & ~1));
      b.descriptor(FREE + 8, flat(ACCESS.data & ~1));
      b.write(TSS + 8, 4, FREE + 8);
      b.program(int(0x40));
      b.run();
      expect([b.access(FREE), b.access(FREE + 8)]).toEqual([ACCESS.code, ACCESS.data]);
    });
  });

  describe('the stack of the TSS', () => {
    /** INT 40 goes to ring 0 with a TSS that is wrong; the fault is delivered in ring 1, whose stack is right. */
    function broken(change: (b: Bench) => void) {
      const b = bench().ring(3);
      b.gate(0x40, gate(GATE.interrupt, CODE0, b.handler(0x40), 3));
      for (const vector of [VECTOR.TS, VECTOR.SS, VECTOR.GP, VECTOR.PF]) {
        b.gate(vector, gate(GATE.interrupt, CODE_SELECTOR[1], CODE + 0x100));
      }
      b.bytes(CODE + 0x100, HLT);
      b.program(int(0x40));
      change(b);
      // HLT is privileged in ring 1: stop before it.
      b.step();
      const frame = b.get(ESP);
      return {
        ring: b.cpu.cpl,
        code: b.linear(frame),
        eip: b.linear(frame + 4),
        cs: b.linear(frame + 8),
        esp: b.linear(frame + 16),
      };
    }
    const from3 = { ring: 1, eip: CODE, cs: CODE3, esp: STACKS[3] };

    it.each<[string, number, Entry, number]>([
      ['null', 0, [0, 0], 0],
      ['beyond the GDT', 0x200, [0, 0], 0x200],
      ['code', CODE0, [0, 0], CODE0],
      ['read-only', FREE, flat(ACCESS.readOnly), FREE],
      ['of another ring', FREE, flat(ACCESS.data | dpl(1)), FREE],
      ['with another RPL', FREE | 1, flat(ACCESS.data), FREE],
      ['not present', FREE, flat(ACCESS.data & ~PRESENT), FREE],
    ])('SS0 is %s: #TS, or #SS if not present', (_, selector, entry, code) => {
      const result = broken(b => {
        b.descriptor(FREE, entry);
        b.write(TSS + 8, 4, selector);
      });
      expect(result).toEqual({ ...from3, code });
    });

    it('SS0 has no room: #SS with its selector', () => {
      const result = broken(b => {
        b.descriptor(FREE, descriptor(0, TSS_STACKS[0] - 5, ACCESS.data));
        b.write(TSS + 8, 4, FREE);
      });
      expect(result).toEqual({ ...from3, code: FREE });
    });

    it('the TSS ends before SS0: #TS with its selector', () => {
      const result = broken(b => {
        b.cpu.setSegment(7, TSS_SELECTOR, TSS, 8, 0x8b);
        b.write(TSS + 12, 4, TSS_STACKS[1]);
        // The fault needs a TSS again: the handler of #TS conforms and stays in ring 3.
        b.gate(VECTOR.TS, gate(GATE.interrupt, CONFORMING_SELECTOR, CODE + 0x100));
      });
      // No change of ring: error code, EIP, CS.
      expect(result).toMatchObject({ ring: 3, code: TSS_SELECTOR, eip: CODE, cs: CODE3 });
    });

    it('a 16-bit TSS has words', () => {
      const b = bench().ring(3);
      b.cpu.setSegment(7, TSS_SELECTOR, TSS, 0x2b, 0x83);
      b.write(TSS + 2, 2, 0x4800);
      b.write(TSS + 4, 2, DATA0);
      b.gate(0x40, gate(GATE.interrupt, CODE0, b.handler(0x40), 3));
      b.program(int(0x40));
      expect(b.run()).toMatchObject({ vector: 0x40, esp: STACKS[3], cs: CODE3 });
      expect(b.get(ESP)).toBe(0x4800 - 20);
    });
  });

  describe('IRET', () => {
    /** A frame on the stack of ring 0, then IRET. */
    const returning = (b: Bench, eip: number, cs: number, eflags: number, outer: readonly number[] = []) =>
      b.program(...[...outer].reverse().map(push), push(eflags), push(cs), push(eip), IRET);

    it('to ring 3 restores all five', () => {
      const b = bench();
      returning(b, CODE + 0x100, CODE3, FLAG.CF | FLAG.IF | FLAG.ONE, [0x7000, DATA3]);
      b.bytes(CODE + 0x100, UD2);
      expect(b.run()).toMatchObject({
        vector: VECTOR.UD,
        eip: CODE + 0x100,
        cs: CODE3,
        esp: 0x7000,
        ss: DATA3,
        eflags: NO_FLAGS | FLAG.CF | FLAG.IF | FLAG.RF,
      });
    });

    it('to an outer ring clears data segments of inner rings, not those that may stay', () => {
      const b = bench();
      b.segment(ES, DATA3);
      b.segment(FS, CONFORMING_SELECTOR);
      b.segment(GS, DATA_SELECTOR[1]);
      returning(b, CODE + 0x100, CODE3, FLAG.ONE, [0x7000, DATA3]);
      b.bytes(CODE + 0x100, UD2);
      b.run();
      expect([DS, ES, FS, GS].map(index => b.cpu.selector(index))).toEqual([0, DATA3, CONFORMING_SELECTOR, 0]);
    });

    it('in ring 0 sets every flag that there is', () => {
      const b = bench();
      returning(b, CODE + 0x100, CODE0, 0xffffffff & ~(FLAG.TF | FLAG.VM));
      b.bytes(CODE + 0x100, HLT);
      b.run();
      const all = 0x3f7fd7 & ~(FLAG.TF | FLAG.VM | FLAG.RF);
      expect(b.cpu.eflags()).toBe(all);
    });

    it.each([
      [3, 0, 0],
      [3, 3, FLAG.IF],
      [1, 0, 0],
      [1, 1, FLAG.IF],
    ] as const)('in ring %i with IOPL %i leaves IOPL, and IF unless CPL <= IOPL', (ring, iopl, changed) => {
      const b = bench().ring(ring);
      b.flags(iopl << 12);
      b.gate(0x40, gate(GATE.trap, CODE0, b.handler(0x40), 3));
      returning(b, CODE + 0x100, CODE_SELECTOR[ring], FLAG.IF | FLAG.IOPL | FLAG.NT | FLAG.CF);
      b.bytes(CODE + 0x100, int(0x40));
      expect(b.run()).toMatchObject({ vector: 0x40, eflags: NO_FLAGS | (iopl << 12) | FLAG.NT | FLAG.CF | changed });
    });

    it('POPF follows the same rule', () => {
      for (const [ring, iopl, changed] of [
        [3, 0, 0],
        [3, 3, FLAG.IF],
        [0, 0, FLAG.IF | FLAG.IOPL],
      ] as const) {
        const b = bench().ring(ring);
        b.flags(iopl << 12);
        b.gate(0x40, gate(GATE.trap, CODE0, b.handler(0x40), 3));
        b.program(push(0xffffffff & ~FLAG.TF), x('9d'), int(0x40)); // popf
        const free = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.DF | FLAG.OF | FLAG.NT | FLAG.AC | FLAG.ID;
        expect(b.run().eflags).toBe(NO_FLAGS | free | (iopl << 12) | changed);
      }
    });

    it.each<[string, number, number, number, number]>([
      ['null CS', 0, 0, VECTOR.GP, 0],
      ['CS beyond the GDT', 0x200, 0, VECTOR.GP, 0x200],
      ['CS is data', DATA0, 0, VECTOR.GP, DATA0],
      ['CS not present', FREE, 0, VECTOR.NP, FREE],
      ['RPL and DPL differ', CODE0 | 3, 0, VECTOR.GP, CODE0],
      ['EIP beyond the limit', FREE + 8, 0, VECTOR.GP, 0],
      ['null SS', CODE3, 0, VECTOR.GP, 0],
      ['null SS with RPL', CODE3, 3, VECTOR.GP, 0],
      ['SS of another ring', CODE3, DATA0 | 3, VECTOR.GP, DATA0],
      ['SS with another RPL', CODE3, DATA3 & ~3, VECTOR.GP, DATA3 & ~3],
      ['SS is code', CODE3, CODE3, VECTOR.GP, CODE3 & ~3],
      ['SS not present', CODE3, (FREE + 16) | 3, VECTOR.SS, FREE + 16],
    ])('%s: the fault is IRET’s own, and nothing has changed', (_, cs, ss, vector, code) => {
      const b = bench();
      b.descriptor(FREE, flat(ACCESS.code & ~PRESENT));
      b.descriptor(FREE + 8, descriptor(0, CODE, ACCESS.code));
      b.descriptor(FREE + 16, flat((ACCESS.data & ~PRESENT) | dpl(3)));
      const parts = returning(b, CODE + 0x100, cs, FLAG.CF | FLAG.ONE, [0x7000, ss]);
      expect(b.run()).toMatchObject({ vector, code, eip: parts[5], cs: CODE0, eflags: NO_FLAGS | FLAG.RF });
      expect(b.get(ESP)).toBe(STACKS[0] - 20 - 16);
    });

    it('to an inner ring is #GP with the selector', () => {
      const b = bench().ring(3);
      const parts = returning(b, CODE, CODE0, 0, [STACKS[0], DATA0]);
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: CODE0, eip: parts[5], esp: STACKS[3] - 20 });
    });

    it('with a 16-bit operand pops words', () => {
      const b = bench();
      b.descriptor(FREE, flat(ACCESS.code));
      b.flags(FLAG.ID);
      b.bytes(0x1234, HLT);
      b.program(x('66 6a 03'), [0x66, 0x68, ...word(FREE)], x('66 68 34 12'), x('66 cf'));
      expect(b.run()).toMatchObject({ vector: null, cs: FREE, eip: 0x1235, esp: STACKS[0] });
      expect(b.cpu.eflags()).toBe(NO_FLAGS | FLAG.CF | FLAG.ID);
    });
  });

  describe('call gates', () => {
    it('in the same ring push CS and EIP', () => {
      const b = bench();
      b.descriptor(FREE, gate(GATE.call, CODE0, CODE + 0x100));
      b.bytes(CODE + 0x100, HLT);
      b.program(callFar(FREE, 0xdead));
      expect(b.run()).toMatchObject({ vector: null, eip: CODE + 0x101, cs: CODE0 });
      expect([b.read(STACKS[0] - 4), b.read(STACKS[0] - 8)]).toEqual([CODE0, CODE + 7]);
    });

    it.each([
      ['32-bit', GATE.call, 4],
      ['16-bit', GATE.call16, 2],
    ] as const)('to an inner ring, %s: switch stacks and copy the parameters', (_, type, size) => {
      const b = bench().ring(3);
      const target = size === 2 ? 0x0f00 : CODE + 0x100;
      b.descriptor(FREE, gate(type, CODE0, target, 3, 3));
      b.bytes(target, HLT);
      const values = [0x1111, 0x2222, 0x3333];
      b.program(
        ...values.map(value => (size === 4 ? push(value) : [0x66, 0x68, ...word(value)])),
        callFar(FREE | 3, 0),
      );
      const start = STACKS[3] - 3 * size;
      const back = CODE + (size === 4 ? 15 : 12) + 7;
      expect(b.run()).toMatchObject({ vector: null, cs: CODE0, ss: DATA0, eip: target + 1 });
      const at = (n: number) => b.read(TSS_STACKS[0] - n * size, size);
      expect(b.get(ESP)).toBe(TSS_STACKS[0] - 7 * size);
      const cut = size === 2 ? 0xffff : 0xffffffff;
      expect([1, 2, 3, 4, 5, 6, 7].map(at)).toEqual([DATA3, start, ...values, CODE3, (back & cut) >>> 0]);
    });

    it('and back: RETF n releases the parameters on both stacks', () => {
      const b = bench().ring(3);
      b.descriptor(FREE, gate(GATE.call, CODE0, CODE + 0x100, 3, 2));
      b.bytes(CODE + 0x100, x('ca 08 00')); // retf 8
      b.program(push(1), push(2), callFar(FREE | 3, 0), UD2);
      expect(b.run()).toMatchObject({ vector: VECTOR.UD, eip: CODE + 17, cs: CODE3, ss: DATA3, esp: STACKS[3] });
    });

    it.each<[string, Ring, Entry, number, number, number | null]>([
      ['DPL below CPL', 3, gate(GATE.call, CODE0, CODE, 2), FREE | 3, VECTOR.GP, FREE],
      ['DPL below RPL', 0, gate(GATE.call, CODE0, CODE, 2), FREE | 3, VECTOR.GP, FREE],
      ['not present', 0, [CODE0 << 16, 0x0c00], FREE, VECTOR.NP, FREE],
      ['null target', 0, gate(GATE.call, 0, CODE), FREE, VECTOR.GP, 0],
      ['target beyond the GDT', 0, gate(GATE.call, 0x200, CODE), FREE, VECTOR.GP, 0x200],
      ['target is data', 0, gate(GATE.call, DATA0, CODE), FREE, VECTOR.GP, DATA0],
      ['target in an outer ring', 0, gate(GATE.call, CODE3, CODE), FREE, VECTOR.GP, CODE3 & ~3],
      ['target not present', 0, gate(GATE.call, FREE + 8, CODE), FREE, VECTOR.NP, FREE + 8],
      ['an interrupt gate', 0, gate(GATE.interrupt, CODE0, CODE), FREE, VECTOR.GP, FREE],
    ])('%s', (_, ring, entry, selector, vector, code) => {
      const b = bench().ring(ring);
      b.descriptor(FREE, entry);
      b.descriptor(FREE + 8, flat(ACCESS.code & ~PRESENT));
      b.program(callFar(selector, 0));
      expect(b.run()).toMatchObject({ vector, code, eip: CODE, esp: STACKS[ring] });
    });

    it('look at the stack before the offset', () => {
      for (const [esp, vector] of [
        [0x80, VECTOR.GP],
        [4, VECTOR.SS],
      ] as const) {
        const b = bench().ring(3);
        b.descriptor(FREE, descriptor(CODE, 0xff, ACCESS.code | dpl(3)));
        b.descriptor(FREE + 8, descriptor(DATA, 0xff, ACCESS.data | dpl(3)));
        b.segment(SS, (FREE + 8) | 3);
        b.set(ESP, esp);
        b.program(callFar(FREE | 3, 0x100));
        expect(b.run()).toMatchObject({ vector, code: 0, eip: CODE });
      }
    });

    it('with conforming code stay in the ring', () => {
      const b = bench().ring(3);
      b.descriptor(FREE, gate(GATE.call, CONFORMING_SELECTOR, CODE + 0x100, 3));
      b.bytes(CODE + 0x100, UD2);
      b.program(callFar(FREE | 3, 0));
      expect(b.run()).toMatchObject({ vector: VECTOR.UD, cs: CONFORMING_SELECTOR | 3, esp: STACKS[3] - 8 });
    });

    it('JMP goes through them without a change of ring only', () => {
      const b = bench().ring(3);
      b.descriptor(FREE, gate(GATE.call, CODE3, CODE + 0x100, 3));
      b.descriptor(FREE + 8, gate(GATE.call, CODE0, CODE + 0x100, 3));
      b.bytes(CODE + 0x100, UD2);
      b.program(jmpFar(FREE | 3, 0));
      expect(b.run()).toMatchObject({ vector: VECTOR.UD, cs: CODE3, eip: CODE + 0x100, esp: STACKS[3] });
      b.ring(3);
      b.program(jmpFar((FREE + 8) | 3, 0));
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: CODE0, eip: CODE });
    });
  });

  describe('RETF', () => {
    const far = (cs: number, eip: number): Code => [...push(cs), ...push(eip)];

    it('to an outer ring takes SS:ESP from the stack and clears inner data segments', () => {
      const b = bench();
      b.segment(GS, DATA3);
      b.bytes(CODE + 0x100, UD2);
      b.program(push(DATA3), push(0x7000), far(CODE3, CODE + 0x100), RETF);
      expect(b.run()).toMatchObject({ vector: VECTOR.UD, cs: CODE3, eip: CODE + 0x100, ss: DATA3, esp: 0x7000 });
      expect([DS, ES, FS, GS].map(index => b.cpu.selector(index))).toEqual([0, 0, 0, DATA3]);
      expect(b.cpu.segment(DS, L.S_ATTRIBUTES)).toBe(0);
    });

    it.each<[string, number, number, number, number]>([
      ['null CS', 0, 0, VECTOR.GP, 0],
      ['CS is data', DATA0, 0, VECTOR.GP, DATA0],
      ['CS not present', FREE, 0, VECTOR.NP, FREE],
      ['RPL and DPL differ', CODE0 | 3, DATA3, VECTOR.GP, CODE0],
      ['null SS', CODE3, 0, VECTOR.GP, 0],
      ['SS of another ring', CODE3, DATA0 | 3, VECTOR.GP, DATA0],
      ['SS not present', CODE3, (FREE + 8) | 3, VECTOR.SS, FREE + 8],
    ])('%s', (_, cs, ss, vector, code) => {
      const b = bench();
      b.descriptor(FREE, flat(ACCESS.code & ~PRESENT));
      b.descriptor(FREE + 8, flat((ACCESS.data & ~PRESENT) | dpl(3)));
      const parts = b.program(push(ss), push(0x7000), far(cs, CODE + 0x100), RETF);
      expect(b.run()).toMatchObject({ vector, code, eip: parts[3], cs: CODE0 });
      expect(b.get(ESP)).toBe(STACKS[0] - 16 - 16);
    });

    it.each([
      ['RETF', [], RETF],
      ['IRET', push(2), IRET],
    ])('%s looks at SS before the offset', (_, flags, code) => {
      for (const [ss, error] of [
        [DATA0 | 3, DATA0],
        [DATA3, 0],
      ] as const) {
        const b = bench();
        b.descriptor(FREE, descriptor(CODE, 0xff, ACCESS.code | dpl(3)));
        b.program(push(ss), push(0x7000), flags, push(FREE | 3), push(0x100), code);
        expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: error, cs: CODE0 });
      }
    });

    it('to an inner ring is #GP with the selector', () => {
      const b = bench().ring(3);
      const parts = b.program(push(DATA0), push(STACKS[0]), far(CODE0, CODE), RETF);
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: CODE0, eip: parts[3] });
    });
  });

  describe('IRET with NT set, whose back link', () => {
    it.each<[string, number, number, number]>([
      ['is null', 0, VECTOR.TS, 0],
      ['is a data segment', FREE, VECTOR.TS, FREE],
      ['is a task that is not busy', FREE + 8, VECTOR.TS, FREE + 8],
      ['is a busy task that is not present', FREE + 16, VECTOR.NP, FREE + 16],
      ['lies in the LDT', FREE | 4, VECTOR.TS, FREE | 4],
      ['lies beyond the GDT', 0xfff8, VECTOR.TS, 0xfff8],
    ])('%s', (_, link, vector, code) => {
      const b = bench();
      b.descriptor(FREE, flat(ACCESS.data));
      b.descriptor(FREE + 8, [0x67, 0x8900]);
      b.descriptor(FREE + 16, [0x67, 0x0b00]);
      b.write(b.cpu.base(TR), 2, link);
      b.flags(FLAG.NT);
      const parts = b.program(IRET);
      expect(b.run()).toMatchObject({ vector, code, eip: parts[0], cs: CODE0 });
    });
  });

  it('a whole trip: ring 3 calls ring 0 through a gate, which interrupts itself, and all comes back', () => {
    const b = bench().ring(3);
    b.descriptor(FREE, gate(GATE.call, CODE0, CODE + 0x100, 3));
    b.bytes(b.handler(0x41), [...x('43'), ...IRET]); // inc ebx; iret
    b.bytes(CODE + 0x100, [...x('1e'), ...mov(EAX, DATA0), ...toSegment(DS), ...int(0x41), ...x('1f'), ...RETF]);
    b.program(callFar(FREE | 3, 0), x('41'), [0x81, 0x05, ...dword(DATA), ...dword(7)], UD2); // inc ecx; add [DATA], 7
    expect(b.run()).toMatchObject({ vector: VECTOR.UD, cs: CODE3, ss: DATA3, esp: STACKS[3] });
    expect([b.get(EBX), b.get(ECX), b.read(DATA), b.cpu.selector(DS)]).toEqual([1, 1, 7, DATA3]);
  });
});
