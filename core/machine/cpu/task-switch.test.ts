import { describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { CR0, CS, DS, EAX, EBX, EDI, ES, ESP, FS, GS, LDTR, SS, TR } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import {
  Bench,
  CODE,
  CODE_SELECTOR,
  DATA,
  DATA_SELECTOR,
  FREE,
  LDT,
  type Ring,
  STACKS,
  TSS,
  TSS_SELECTOR,
} from '../testing/bench.ts';
import { callFar, HLT, IRET, int, jmpFar, load, mov, NOP, store, storeValue, x } from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';
import { ACCESS, descriptor, dpl, flat, GATE, gate, PRESENT } from '../testing/tables.ts';
import * as L from './layout.ts';

/** The other task: its TSS, its code and its stack. */
const TASK = FREE;
const TASK_TSS = 0x3800;
const TASK_CODE = CODE + 0x1000;
const TASK_STACK = 0x7000;
/** Where a 32-bit TSS has its registers. */
const AT = {
  link: 0,
  cr3: 0x1c,
  eip: 0x20,
  eflags: 0x24,
  eax: 0x28,
  ebx: 0x34,
  esp: 0x38,
  edi: 0x44,
  es: 0x48,
  cs: 0x4c,
} as const;
const SS_AT = 0x50;
const DS_AT = 0x54;
const FS_AT = 0x58;
const LDT_AT = 0x60;
const TRAP_AT = 0x64;
const NT = FLAG.NT;

/** A 32-bit task in a ring that halts at once, with EAX 0x1111 and EDI 0x2222. */
function addTask(b: Bench, ring: Ring = 0, access: number = ACCESS.tss): void {
  b.descriptor(TASK, descriptor(TASK_TSS, 0x67, access, 0));
  const set = (offset: number, value: number) => b.write(TASK_TSS + offset, 4, value);
  set(AT.eip, TASK_CODE);
  set(AT.eflags, FLAG.ONE);
  set(AT.eax, 0x1111);
  set(AT.edi, 0x2222);
  set(AT.esp, TASK_STACK);
  for (const at of [AT.es, SS_AT, DS_AT, FS_AT, FS_AT + 4]) set(at, DATA_SELECTOR[ring]);
  set(AT.cs, CODE_SELECTOR[ring]);
  b.write(TASK_TSS + 4, 4, 0x7800);
  b.write(TASK_TSS + 8, 4, DATA_SELECTOR[0]);
  b.bytes(TASK_CODE, HLT);
}

describe.each(MACHINES)('task switches, $engine', machine => {
  const bench = (ring: Ring = 0) => {
    const b = new Bench(machine);
    addTask(b);
    return b.ring(ring);
  };

  it('JMP saves the old task, loads the new one, moves the busy bit and sets CR0.TS', () => {
    const b = bench();
    b.set(EBX, 0x3333);
    b.flags(FLAG.CF);
    const starts = b.program(mov(EAX, 0x4444), jmpFar(TASK, 0), NOP);
    b.run();
    expect(b.cpu.i32[L.W_EIP]).toBe(TASK_CODE + 1);
    expect([b.get(EAX), b.get(EBX), b.get(EDI), b.get(ESP)]).toEqual([0x1111, 0, 0x2222, TASK_STACK]);
    expect([b.access(TSS_SELECTOR), b.access(TASK)]).toEqual([ACCESS.tss, ACCESS.busyTss]);
    expect(b.cpu.selector(TR)).toBe(TASK);
    expect(b.cpu.base(TR)).toBe(TASK_TSS);
    expect(b.cpu.i32[L.W_CR0] & CR0.TS).toBe(CR0.TS);
    expect(b.cpu.eflags()).toBe(FLAG.ONE);
    const old = (offset: number) => b.read(TSS + offset);
    expect([old(AT.eip), old(AT.eax), old(AT.ebx), old(AT.esp)]).toEqual([starts[2], 0x4444, 0x3333, STACKS[0]]);
    expect(old(AT.eflags)).toBe(FLAG.ONE | FLAG.CF);
    expect([AT.es, AT.cs, SS_AT, DS_AT].map(at => b.read(TSS + at, 2))).toEqual([0x10, 8, 0x10, 0x10]);
    expect(b.read(TASK_TSS, 2)).toBe(0);
  });

  it('CALL nests, and IRET returns: the back link, NT, both busy, then only the first', () => {
    const b = bench();
    b.bytes(TASK_CODE, [...HLT, ...IRET, ...HLT]);
    const starts = b.program(mov(EAX, 0x4444), callFar(TASK, 0), NOP);
    b.run();
    expect(b.cpu.eflags()).toBe(FLAG.ONE | NT);
    expect(b.read(TASK_TSS, 2)).toBe(TSS_SELECTOR);
    expect([b.access(TSS_SELECTOR), b.access(TASK)]).toEqual([ACCESS.busyTss, ACCESS.busyTss]);
    b.set(EDI, 0x5555);
    expect(b.run()).toMatchObject({ vector: null, eip: starts[3] + 1, eflags: FLAG.ONE });
    expect(b.get(EAX)).toBe(0x4444);
    expect([b.access(TSS_SELECTOR), b.access(TASK)]).toEqual([ACCESS.busyTss, ACCESS.tss]);
    // The called task has been saved behind its IRET, without NT.
    expect([b.read(TASK_TSS + AT.eip), b.read(TASK_TSS + AT.edi), b.read(TASK_TSS + AT.eflags)]).toEqual([
      TASK_CODE + 2,
      0x5555,
      FLAG.ONE,
    ]);
  });

  it('through a task gate the gate counts, not the privilege of the TSS', () => {
    const b = bench(3);
    b.descriptor(TASK + 8, gate(GATE.task, TASK, 0, 3));
    b.program(jmpFar((TASK + 8) | 3, 0));
    b.run();
    expect(b.cpu.selector(TR)).toBe(TASK);
    expect(b.cpu.cpl).toBe(0);
    const direct = bench(3);
    direct.program(jmpFar(TASK | 3, 0));
    expect(direct.run()).toMatchObject({ vector: VECTOR.GP, code: TASK });
  });

  it('to a task of ring 3, which comes back in ring 0 on the stack of its own TSS', () => {
    const b = new Bench(machine);
    addTask(b, 3);
    b.bytes(TASK_CODE, x('cc'));
    b.gate(VECTOR.BP, gate(GATE.interrupt, CODE_SELECTOR[0], b.handler(VECTOR.BP), 3));
    b.program(jmpFar(TASK, 0));
    expect(b.run()).toMatchObject({ vector: VECTOR.BP, cs: CODE_SELECTOR[3], esp: TASK_STACK, eip: TASK_CODE + 1 });
    expect(b.get(ESP)).toBe(0x7800 - 20);
  });

  it('an interrupt through a task gate, and an exception with its error code on the new stack', () => {
    const b = bench(3);
    b.gate(0x40, gate(GATE.task, TASK, 0, 3));
    const starts = b.program(int(0x40), NOP);
    b.run();
    expect(b.cpu.eflags()).toBe(FLAG.ONE | NT);
    expect(b.read(TSS + AT.eip)).toBe(starts[1]);
    expect(b.get(ESP)).toBe(TASK_STACK);

    const c = bench(3);
    c.gate(VECTOR.GP, gate(GATE.task, TASK, 0));
    const [start] = c.program(HLT);
    c.run();
    expect(c.get(ESP)).toBe(TASK_STACK - 4);
    expect(c.linear(TASK_STACK - 4)).toBe(0);
    expect(c.read(TSS + AT.eip)).toBe(start);
    // A fault saves RF set.
    expect(c.read(TSS + AT.eflags) & FLAG.RF).toBe(FLAG.RF);
    c.bytes(TASK_CODE + 1, [...x('83 c4 04'), ...IRET]);
    c.gate(VECTOR.GP, gate(GATE.interrupt, CODE_SELECTOR[0], c.handler(VECTOR.GP)));
    expect(c.run()).toMatchObject({ vector: VECTOR.GP, eip: start, cs: CODE_SELECTOR[3] });
  });

  it('an external interrupt wakes a halted task and goes through a task gate', () => {
    const b = bench();
    b.gate(0x40, gate(GATE.task, TASK, 0));
    b.flags(FLAG.IF);
    const starts = b.program(HLT, HLT);
    b.bytes(TASK_CODE, IRET);
    b.cpu.run(100, true);
    b.raise(0x40);
    expect(b.run().eip).toBe(starts[1] + 1);
  });

  it('#DF has a task of its own where ring 0 has lost its stack', () => {
    const b = bench();
    b.gate(VECTOR.DF, gate(GATE.task, TASK, 0));
    b.paging();
    b.page(STACKS[0] - 0x1000, 0);
    b.write(TASK_TSS + AT.cr3, 4, b.cpu.i32[L.W_CR3]);
    b.set(ESP, STACKS[0] - 0x800);
    const starts = b.program(x('cc'));
    b.run();
    expect(b.cpu.selector(TR)).toBe(TASK);
    expect(b.linear(b.get(ESP))).toBe(0);
    expect(b.read(TSS + AT.eip)).toBe(starts[0]);
    expect(b.read(TSS + AT.esp)).toBe(STACKS[0] - 0x800);
  });

  it('loads CR3 and the LDT; a 16-bit one leaves CR3 alone', () => {
    const b = bench().paging();
    const directory = 0x60000;
    for (let n = 0; n < 0x400; n += 4) b.write(directory + n, 4, b.read(b.cpu.i32[L.W_CR3] + n));
    b.write(TASK_TSS + AT.cr3, 4, directory);
    b.descriptor(FREE + 8, descriptor(LDT, 0x1f, ACCESS.ldt, 0));
    b.write(TASK_TSS + LDT_AT, 2, FREE + 8);
    b.descriptor(0x0c, flat(ACCESS.data));
    b.write(TASK_TSS + FS_AT, 2, 0x0c);
    b.program(jmpFar(TASK, 0));
    b.run();
    expect(b.cpu.i32[L.W_CR3]).toBe(directory);
    expect([b.cpu.selector(LDTR), b.cpu.base(LDTR)]).toEqual([FREE + 8, LDT]);
    expect(b.cpu.selector(FS)).toBe(0x0c);
  });

  it('without paging CR3 stays', () => {
    const b = bench();
    b.write(TASK_TSS + AT.cr3, 4, 0x60000);
    b.program(jmpFar(TASK, 0));
    b.run();
    expect(b.cpu.i32[L.W_CR3]).toBe(0);
  });

  it('a 16-bit task, and back to a 32-bit one', () => {
    const b = bench();
    b.descriptor(TASK, descriptor(TASK_TSS, 0x2b, ACCESS.tss16, 0));
    b.bytes(TASK_TSS, new Array(0x68).fill(0));
    const set = (offset: number, value: number) => b.write(TASK_TSS + offset, 2, value);
    b.descriptor(FREE + 8, descriptor(CODE, 0xffff, ACCESS.code, 0));
    set(0x0e, TASK_CODE - CODE);
    set(0x10, FLAG.ONE | FLAG.CF);
    set(0x12, 0x1234);
    set(0x1a, 0x5678);
    set(0x22, DATA_SELECTOR[0]);
    set(0x24, FREE + 8);
    set(0x26, DATA_SELECTOR[0]);
    set(0x28, DATA_SELECTOR[0]);
    b.bytes(TASK_CODE, [...HLT, ...IRET]);
    const starts = b.program(callFar(TASK, 0), NOP);
    b.run();
    expect(b.cpu.eflags()).toBe(FLAG.ONE | FLAG.CF | NT);
    expect([b.get(EAX) & 0xffff, b.get(ESP) & 0xffff]).toEqual([0x1234, 0x5678]);
    expect([FS, GS].map(index => b.cpu.selector(index))).toEqual([0, 0]);
    b.set(EDI, 0xabcdef01);
    expect(b.run()).toMatchObject({ eip: starts[2] + 1, eflags: FLAG.ONE });
    expect(b.read(TASK_TSS + 0x20, 2)).toBe(0xef01);
    expect(b.read(TASK_TSS + 0x22, 2)).toBe(DATA_SELECTOR[0]);
  });

  it('a virtual-8086 task', () => {
    const b = bench();
    b.write(TASK_TSS + AT.eflags, 4, FLAG.VM | FLAG.ONE);
    b.write(TASK_TSS + AT.cs, 4, CODE >> 4);
    b.write(TASK_TSS + AT.eip, 4, TASK_CODE - CODE);
    b.write(TASK_TSS + DS_AT, 4, 0x1234);
    b.program(jmpFar(TASK, 0));
    expect(b.run()).toMatchObject({ vector: VECTOR.GP, cs: CODE >> 4, eip: TASK_CODE - CODE });
    expect(b.linear(b.get(ESP) + 4 * 7)).toBe(0x1234);
  });

  it('the debug trap flag: #DB with BT before the first instruction', () => {
    for (const flags of [0, FLAG.IF]) {
      const b = bench();
      b.write(TASK_TSS + TRAP_AT, 2, 1);
      b.flags(flags);
      b.program(jmpFar(TASK, 0));
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: TASK_CODE });
      expect(b.cpu.i32[L.W_DR + 6] & 0xe00f).toBe(0x8000);
      expect(b.run()).toMatchObject({ vector: null, eip: TASK_CODE + 1 });
    }
    const c = bench();
    c.gate(0x40, gate(GATE.task, TASK, 0));
    c.write(TASK_TSS + TRAP_AT, 2, 1);
    c.flags(FLAG.IF);
    c.program(NOP, NOP);
    c.raise(0x40);
    expect(c.run()).toMatchObject({ vector: VECTOR.DB, eip: TASK_CODE });
  });

  it('clears the local enable bits of DR7', () => {
    const b = bench();
    b.program(mov(EAX, 0x700), x('0f 23 f8'), jmpFar(TASK, 0));
    b.run();
    expect(b.cpu.i32[L.W_DR + 7]).toBe(0x600);
  });

  describe('are refused with nothing changed', () => {
    const NOT_PRESENT = ACCESS.tss & ~PRESENT;
    it.each<[string, number, number, number]>([
      ['a task that is not present', NOT_PRESENT, VECTOR.NP, TASK],
      ['a busy task', ACCESS.busyTss, VECTOR.GP, TASK],
      ['an LDT', ACCESS.ldt, VECTOR.GP, TASK],
    ])('%s', (_, access, vector, code) => {
      for (const jump of [jmpFar, callFar]) {
        const b = bench();
        addTask(b, 0, access);
        const starts = b.program(NOP, jump(TASK, 0));
        const before = b.ram();
        expect(b.run()).toMatchObject({ vector, code, eip: starts[1], cs: CODE_SELECTOR[0] });
        // But for what the delivery has pushed.
        const after = b.ram();
        expect(after.subarray(0, 0x5000)).toEqual(before.subarray(0, 0x5000));
      }
    });

    it.each<[string, number, number, number]>([
      ['a gate to a task that is busy', TSS_SELECTOR, VECTOR.GP, TSS_SELECTOR],
      ['a gate to a task of the LDT', 0x0c, VECTOR.GP, 0x0c],
      ['a gate to nothing', 0, VECTOR.GP, 0],
      ['a gate to beyond the GDT', 0xfff8, VECTOR.GP, 0xfff8],
    ])('%s, with the EXT bit for what comes from outside', (_, selector, vector, code) => {
      const b = bench();
      b.gate(0x40, gate(GATE.task, selector, 0));
      const [start] = b.program(int(0x40));
      expect(b.run()).toMatchObject({ vector, code, eip: start });
      const c = bench();
      c.gate(0x40, gate(GATE.task, selector, 0));
      c.flags(FLAG.IF);
      const [nop] = c.program(NOP);
      c.raise(0x40);
      expect(c.run()).toMatchObject({ vector, code: code | 1, eip: nop });
    });

    it('a TSS that is too small, the old one or the new one', () => {
      const b = bench();
      b.descriptor(TASK, descriptor(TASK_TSS, 0x66, ACCESS.tss, 0));
      b.program(jmpFar(TASK, 0));
      expect(b.run()).toMatchObject({ vector: VECTOR.TS, code: TASK, eip: CODE });
      const c = bench();
      c.descriptor(TASK, descriptor(TASK_TSS, 0x2a, ACCESS.tss16, 0));
      c.program(jmpFar(TASK, 0));
      expect(c.run()).toMatchObject({ vector: VECTOR.TS, code: TASK, eip: CODE });
      const d = bench();
      d.cpu.setSegment(TR, TSS_SELECTOR, TSS, 0x30, 0x8b);
      d.program(jmpFar(TASK, 0));
      expect(d.run()).toMatchObject({ vector: VECTOR.TS, code: TSS_SELECTOR, eip: CODE });
    });

    it('a TSS on a page that is not there: #PF in the old task', () => {
      for (const [page, code] of [
        [TASK_TSS, 0],
        [TSS, 2],
      ] as const) {
        const b = bench();
        b.descriptor(TASK, descriptor(DATA + 0xfd0, 0x67, ACCESS.tss, 0));
        b.cpu.setSegment(TR, TSS_SELECTOR, DATA + 0x3fd0, 0x67, 0x8b);
        b.paging();
        b.page(page === TSS ? DATA + 0x4000 : DATA + 0x1000, 0);
        b.program(jmpFar(TASK, 0));
        expect(b.run()).toMatchObject({ vector: VECTOR.PF, code, eip: CODE });
        expect([b.access(TSS_SELECTOR), b.access(TASK)]).toEqual([ACCESS.busyTss, ACCESS.tss]);
      }
    });
  });

  describe('fail in the new task (table 7-1)', () => {
    const CODE3 = CODE_SELECTOR[3];
    const ABSENT_CODE = FREE + 0x10;
    const ABSENT_DATA = FREE + 0x18;
    const ABSENT_LDT = FREE + 0x20;
    it.each<[string, number, number, number, number]>([
      ['an LDT of the LDT', LDT_AT, 0x0c, VECTOR.TS, 0x0c],
      ['an LDT that is none', LDT_AT, DATA_SELECTOR[0], VECTOR.TS, DATA_SELECTOR[0]],
      ['an LDT that is not present', LDT_AT, ABSENT_LDT, VECTOR.TS, ABSENT_LDT],
      ['a null CS', AT.cs, 0, VECTOR.TS, 0],
      ['data as CS', AT.cs, DATA_SELECTOR[0], VECTOR.TS, DATA_SELECTOR[0]],
      ['a CS whose RPL is not its DPL', AT.cs, CODE3 & ~3, VECTOR.TS, CODE3 & ~3],
      ['a CS that is not present', AT.cs, ABSENT_CODE, VECTOR.NP, ABSENT_CODE],
      ['an ES beyond the GDT', AT.es, 0xfff8, VECTOR.TS, 0xfff8],
      ['a DS that cannot be read', DS_AT, FREE + 0x28, VECTOR.TS, FREE + 0x28],
      ['an FS that is a system descriptor', FS_AT, TSS_SELECTOR, VECTOR.TS, TSS_SELECTOR],
      ['a DS that is not present', DS_AT, ABSENT_DATA, VECTOR.NP, ABSENT_DATA],
      ['a DS of an inner ring', DS_AT, DATA_SELECTOR[0] | 3, VECTOR.TS, DATA_SELECTOR[0]],
    ])('%s', (_, at, selector, vector, code) => {
      const b = bench();
      b.descriptor(ABSENT_CODE, flat(ACCESS.code & ~PRESENT));
      b.descriptor(ABSENT_DATA, flat(ACCESS.data & ~PRESENT));
      b.descriptor(ABSENT_LDT, descriptor(LDT, 0x1f, ACCESS.ldt & ~PRESENT, 0));
      b.descriptor(FREE + 0x28, flat(ACCESS.executeOnly));
      b.write(TASK_TSS + at, 4, selector);
      // The handlers have a task of their own, so that no stack is needed.
      const HANDLER = FREE + 0x30;
      const HANDLER_TSS = 0x3900;
      b.descriptor(HANDLER, descriptor(HANDLER_TSS, 0x67, ACCESS.tss, 0));
      for (let n = 0; n < 0x68; n += 4) b.write(HANDLER_TSS + n, 4, b.read(TASK_TSS + n));
      b.write(HANDLER_TSS + AT.eip, 4, TASK_CODE);
      for (const place of [AT.es, SS_AT, DS_AT, FS_AT]) b.write(HANDLER_TSS + place, 4, DATA_SELECTOR[0]);
      b.write(HANDLER_TSS + AT.cs, 4, CODE_SELECTOR[0]);
      b.write(HANDLER_TSS + LDT_AT, 4, 0);
      b.gate(vector, gate(GATE.task, HANDLER, 0));
      b.write(TASK_TSS + AT.eip, 4, 0x12345);
      b.program(jmpFar(TASK, 0));
      b.run();
      expect(b.cpu.selector(TR)).toBe(HANDLER);
      expect(b.linear(b.get(ESP))).toBe(code);
      expect(b.read(HANDLER_TSS, 2)).toBe(TASK);
      // It happened at the first instruction of the new task, which was saved with the selector as it was.
      expect(b.read(TASK_TSS + AT.eip)).toBe(0x12345);
      if (at !== LDT_AT) expect(b.read(TASK_TSS + at, 2)).toBe(selector);
    });

    it.each<[string, number, number, number]>([
      ['a null SS', 0, VECTOR.TS, 0],
      ['an SS of another ring', DATA_SELECTOR[3], VECTOR.TS, DATA_SELECTOR[3] & ~3],
      ['an SS that is not present', FREE + 0x18, VECTOR.SS, FREE + 0x18],
    ])('%s', (_, selector, vector, code) => {
      const b = new Bench(machine);
      addTask(b, 3);
      b.descriptor(FREE + 0x18, flat((ACCESS.data & ~PRESENT) | dpl(3)));
      const ss = selector === 0 || selector === DATA_SELECTOR[3] ? selector : selector | 3;
      b.write(TASK_TSS + SS_AT, 4, selector === DATA_SELECTOR[3] ? DATA_SELECTOR[3] & ~3 : ss);
      b.program(jmpFar(TASK, 0));
      expect(b.run()).toMatchObject({ vector, code, eip: TASK_CODE, cs: CODE_SELECTOR[3] });
    });

    it('an EIP beyond the limit', () => {
      const b = bench();
      b.descriptor(FREE + 8, descriptor(0, 0xfff, ACCESS.code));
      b.write(TASK_TSS + AT.cs, 4, FREE + 8);
      b.program(jmpFar(TASK, 0));
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0, eip: TASK_CODE, cs: FREE + 8 });
    });

    it('on the way to the handler of #GP it is #DF', () => {
      const b = bench(3);
      b.gate(VECTOR.GP, gate(GATE.task, TASK, 0));
      b.write(TASK_TSS + DS_AT, 4, FREE + 0x20);
      b.program(HLT);
      expect(b.run()).toMatchObject({ vector: VECTOR.DF, code: 0, eip: TASK_CODE, cs: CODE_SELECTOR[0] });
    });
  });

  it('many in turn: two tasks that hand over to each other, each counting', () => {
    const b = bench();
    const count = (at: number) => [...load(at), 0x40, ...store(at)];
    b.bytes(TASK_CODE, [...count(DATA), ...jmpFar(TSS_SELECTOR, 0), 0xeb, 0x100 - 20]);
    b.program(
      storeValue(DATA, 0),
      mov(ES, 0),
      [...count(DATA + 4), ...jmpFar(TASK, 0)],
      [...load(DATA + 4), ...x('3d 64 00 00 00'), 0x75, 0x100 - 30],
    );
    b.run(10_000);
    expect([b.read(DATA), b.read(DATA + 4)]).toEqual([100, 100]);
    expect([CS, SS, DS].map(index => b.cpu.selector(index))).toEqual([8, 0x10, 0x10]);
  });
});
