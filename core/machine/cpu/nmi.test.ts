import { describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { EAX, EBX, ECX, SS } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { Bench, CODE, CODE_SELECTOR } from '../testing/bench.ts';
import { HLT, IRET, mov, NOP, STI, toSegment, x } from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';
import { GATE, gate } from '../testing/tables.ts';
import * as L from './layout.ts';

const HANDLER = CODE + 0x100;
const INC_EAX = x('40');

describe.each(MACHINES)('NMI, $engine', machine => {
  /** A bench whose NMI handler has this code. */
  const withHandler = (...code: readonly (readonly number[])[]) => {
    const b = new Bench(machine);
    b.gate(VECTOR.NMI, gate(GATE.interrupt, CODE_SELECTOR[0], HANDLER));
    b.bytes(HANDLER, code.flat());
    return b;
  };

  it('is taken before the next instruction, whatever IF says', () => {
    const b = new Bench(machine);
    b.program(NOP);
    b.cpu.raiseNmi();
    expect(b.run()).toMatchObject({ vector: VECTOR.NMI, code: null, eip: CODE });
    expect(b.cpu.i32[L.W_NMI_BLOCKED]).toBe(1);
  });

  it('goes before an interrupt that waits as well', () => {
    const b = new Bench(machine);
    b.flags(FLAG.IF);
    b.raise(0x50);
    b.program(NOP);
    b.cpu.raiseNmi();
    expect(b.run()).toMatchObject({ vector: VECTOR.NMI, eip: CODE });
  });

  it('waits for IRET behind another, of which it is one, however many came (6.7.1)', () => {
    const b = withHandler(INC_EAX, IRET);
    b.program(NOP, NOP, NOP);
    b.set(EAX, 0);
    b.cpu.raiseNmi();
    b.step();
    expect(b.get(EAX)).toBe(1);
    b.cpu.raiseNmi();
    b.cpu.raiseNmi();
    b.step();
    // IRET has been executed, nothing else.
    expect(b.get(EAX)).toBe(1);
    expect(b.cpu.i32[L.W_EIP]).toBe(CODE);
    b.step();
    expect(b.get(EAX)).toBe(2);
    expect(b.run()).toMatchObject({ vector: null, eip: CODE + 4 });
    expect(b.get(EAX)).toBe(2);
  });

  it('comes right behind the IRET that it waits for, in code that has run before, with IF clear', () => {
    // The handler notes how far the program is.
    const b = withHandler(INC_EAX, NOP, x('89 d9'), IRET);
    const INC_EBX = x('43');
    b.program(INC_EBX, INC_EBX, INC_EBX);
    for (const isOften of [false, true]) {
      b.cpu.i32[L.W_EIP] = CODE;
      b.cpu.i32[L.W_HALTED] = 0;
      b.set(EAX, 0);
      b.set(EBX, 0);
      b.cpu.raiseNmi();
      b.step();
      if (isOften) b.cpu.raiseNmi();
      // Who has raised it asked for a look: that is over when IRET comes.
      b.step();
      b.run();
    }
    expect([b.get(EAX), b.get(EBX), b.get(ECX)]).toEqual([2, 3, 0]);
  });

  it('waits behind MOV to SS, and behind STI', () => {
    for (const shadow of [toSegment(SS), STI]) {
      const b = withHandler(HLT);
      const [, behind] = b.program(shadow, NOP, NOP);
      b.set(EAX, b.cpu.selector(SS));
      b.step();
      b.cpu.raiseNmi();
      b.step();
      expect(b.cpu.i32[L.W_EIP]).toBe(behind + 1);
      b.step();
      expect(b.cpu.i32[L.W_EIP]).toBe(HANDLER + 1);
    }
  });

  it('ends a halt with interrupts off', () => {
    const b = withHandler(INC_EAX, IRET);
    b.program(mov(EAX, 0), HLT, NOP);
    b.cpu.run(100, true);
    expect(b.cpu.halted).toBe(true);
    expect(b.cpu.wakes).toBe(false);
    b.cpu.raiseNmi();
    expect(b.cpu.wakes).toBe(true);
    b.cpu.run(100, true);
    expect(b.get(EAX)).toBe(1);
    expect(b.cpu.i32[L.W_EIP]).toBe(CODE + 8);
  });
});
