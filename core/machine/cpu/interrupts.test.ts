import { describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { EAX, ECX, EDI, ESI, ESP } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { Bench, CODE, CODE_SELECTOR, DATA, DATA_SELECTOR, NO_FLAGS, STACKS } from '../testing/bench.ts';
import { CLI, type Code, HLT, IRET, int, mov, NOP, push, STI, x } from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';
import { GATE, gate } from '../testing/tables.ts';
import * as L from './layout.ts';

const IRQ = 0x50;
const DR6_BS = 1 << 14;
const POPF = x('9d');
const MOV_SS = x('8e d0'); // mov ss, eax
const POP_SS = x('17');
const REP_MOVSB = x('f3 a4');
const UD2 = x('0f 0b');

describe.each(MACHINES)('interrupts, $engine', machine => {
  const bench = () => new Bench(machine);

  describe('are taken', () => {
    it('before the next instruction when IF is set', () => {
      const b = bench();
      b.flags(FLAG.IF);
      b.raise(IRQ);
      b.program(NOP);
      expect(b.run()).toMatchObject({ vector: IRQ, eip: CODE, eflags: NO_FLAGS | FLAG.IF });
    });

    it('not while IF is clear', () => {
      const b = bench();
      b.raise(IRQ);
      b.program(NOP, NOP);
      expect(b.run()).toMatchObject({ vector: null, eip: CODE + 3 });
    });

    it('when POPF or IRET sets IF', () => {
      const b = bench();
      b.raise(IRQ);
      b.program(push(FLAG.IF), POPF, NOP);
      expect(b.run()).toMatchObject({ vector: IRQ, eip: CODE + 6 });

      const c = bench();
      c.raise(IRQ);
      c.bytes(CODE + 0x100, NOP);
      c.program(push(FLAG.IF), push(CODE_SELECTOR[0]), push(CODE + 0x100), IRET);
      expect(c.run()).toMatchObject({ vector: IRQ, eip: CODE + 0x100 });
    });

    it('one after the other when more are waiting, with an instruction between them', () => {
      const b = bench();
      b.gate(IRQ, gate(GATE.trap, CODE_SELECTOR[0], CODE + 0x100));
      b.bytes(CODE + 0x100, [...NOP, ...NOP, ...HLT]);
      b.flags(FLAG.IF);
      b.raise(IRQ, IRQ + 1);
      b.program(NOP);
      expect(b.run()).toMatchObject({ vector: IRQ + 1, eip: CODE + 0x101 });
    });

    it('out of HLT, which is the return address’s predecessor', () => {
      const b = bench();
      b.gate(IRQ, gate(GATE.interrupt, CODE_SELECTOR[0], CODE + 0x100));
      b.bytes(CODE + 0x100, [...x('41'), ...IRET]); // inc ecx
      b.flags(FLAG.IF);
      b.program(HLT, x('40')); // inc eax
      b.step(1);
      expect(b.cpu.halted).toBe(true);
      b.raise(IRQ);
      b.step(4);
      expect(b.cpu.i32[L.W_EIP]).toBe(CODE + 3);
      expect([b.get(EAX), b.get(ECX)]).toEqual([1, 1]);
    });

    it('a step of none is taken by HLT: it waits', () => {
      const b = bench();
      b.flags(FLAG.IF);
      b.program(HLT, NOP);
      b.step(100);
      expect([b.cpu.halted, b.cpu.count]).toEqual([true, 1]);
    });
  });

  describe('are held off for one instruction', () => {
    it.each<[string, readonly Code[], number | null]>([
      ['after STI', [STI, NOP, NOP], CODE + 2],
      ['after STI before CLI', [STI, CLI, NOP], null],
      ['after MOV SS', [STI, MOV_SS, x('89 c4'), NOP], CODE + 5],
      ['after POP SS', [push(DATA_SELECTOR[0]), STI, POP_SS, NOP, NOP], CODE + 8],
      ['not after a second STI', [STI, STI, NOP], CODE + 2],
      ['not after MOV DS', [STI, x('8e d8'), NOP, NOP], CODE + 3],
    ])('%s', (_, code, eip) => {
      const b = bench();
      b.set(EAX, DATA_SELECTOR[0]);
      b.raise(IRQ);
      b.program(...code);
      const stop = b.run();
      if (eip === null) expect(stop.vector).toBeNull();
      else expect(stop).toMatchObject({ vector: IRQ, eip });
    });

    it('MOV SS with IF set already', () => {
      const b = bench();
      b.set(EAX, DATA_SELECTOR[0]);
      b.flags(FLAG.IF);
      b.program(NOP, MOV_SS, NOP, NOP);
      b.step();
      b.raise(IRQ);
      // The interrupt came in time for the instruction before MOV SS: only a shadow that is there counts.
      expect(b.run()).toMatchObject({ vector: IRQ, eip: CODE + 1 });

      const c = bench();
      c.set(EAX, DATA_SELECTOR[0]);
      c.flags(FLAG.IF);
      c.program(NOP, MOV_SS, NOP, NOP);
      c.step(2);
      c.raise(IRQ);
      expect(c.run()).toMatchObject({ vector: IRQ, eip: CODE + 4 });
    });

    it('STI and HLT: the interrupt comes after the HLT', () => {
      const b = bench();
      b.raise(IRQ);
      b.program(STI, HLT, NOP);
      expect(b.run()).toMatchObject({ vector: IRQ, eip: CODE + 2 });
    });

    it('an exception ends the shadow: its handler can be interrupted at once', () => {
      const b = bench();
      b.gate(VECTOR.UD, gate(GATE.trap, CODE_SELECTOR[0], CODE + 0x100));
      b.bytes(CODE + 0x100, NOP);
      b.raise(IRQ);
      b.program(STI, UD2);
      expect(b.run()).toMatchObject({ vector: IRQ, eip: CODE + 0x100 });
    });

    it('an exception of the fetch does, too', () => {
      const b = bench().paging();
      b.page(CODE + 0x1000, 0);
      b.gate(VECTOR.PF, gate(GATE.trap, CODE_SELECTOR[0], CODE + 0x100));
      b.bytes(CODE + 0x100, NOP);
      b.raise(IRQ);
      b.bytes(CODE + 0xfff, STI);
      b.cpu.i32[L.W_EIP] = CODE + 0xfff;
      expect(b.run()).toMatchObject({ vector: IRQ, eip: CODE + 0x100 });
    });

    it('STI with IF set already casts no shadow', () => {
      const b = bench();
      b.flags(FLAG.IF);
      b.program(STI, NOP);
      b.step();
      b.raise(IRQ);
      expect(b.run()).toMatchObject({ vector: IRQ, eip: CODE + 1 });
    });
  });

  describe('CLI and STI', () => {
    it.each([
      [0, 0, true],
      [1, 0, false],
      [1, 1, true],
      [3, 2, false],
      [3, 3, true],
    ] as const)('in ring %i with IOPL %i', (ring, iopl, allowed) => {
      for (const code of [CLI, STI]) {
        const b = bench().ring(ring);
        b.flags((iopl << 12) | (code === CLI ? FLAG.IF : 0));
        b.program(code, UD2);
        const stop = b.run();
        if (!allowed) expect(stop).toMatchObject({ vector: VECTOR.GP, code: 0, eip: CODE });
        else expect(stop).toMatchObject({ vector: VECTOR.UD, eip: CODE + 1 });
        expect(stop.eflags & FLAG.IF).toBe((code === STI) === allowed ? FLAG.IF : 0);
      }
    });
  });

  describe('the trap flag', () => {
    /** Runs up to the HLT with a #DB handler that returns, and tells the return addresses that it saw. */
    function traced(b: Bench): number[] {
      const seen: number[] = [];
      const handler = CODE + 0x800;
      b.gate(VECTOR.DB, gate(GATE.interrupt, CODE_SELECTOR[0], handler));
      b.bytes(handler, IRET);
      while (b.read(b.cpu.i32[L.W_EIP], 1) !== HLT[0]) {
        b.step();
        if (b.cpu.i32[L.W_EIP] === handler) seen.push(b.linear(b.get(ESP)));
      }
      return seen;
    }

    it('traps after each instruction, with DR6.BS', () => {
      const b = bench();
      b.flags(FLAG.TF);
      b.program(NOP, x('40'));
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: CODE + 1, eflags: NO_FLAGS | FLAG.TF });
      expect(b.cpu.i32[L.W_DR + 6] & DR6_BS).toBe(DR6_BS);
    });

    it('goes on when the handler returns', () => {
      const b = bench();
      b.flags(FLAG.TF);
      b.program(NOP, x('40'), mov(ECX, 1), x('eb 00')); // jmp $+2
      expect(traced(b)).toEqual([CODE + 1, CODE + 2, CODE + 7, CODE + 9]);
    });

    it('set by POPF traps after the next instruction, cleared by POPF once more', () => {
      const b = bench();
      b.program(push(0), push(FLAG.TF), POPF, NOP, POPF, NOP, NOP);
      expect(traced(b)).toEqual([CODE + 12, CODE + 13]);
    });

    it('set by IRET traps after the first instruction that it returns to', () => {
      const b = bench();
      b.program(push(FLAG.TF), push(CODE_SELECTOR[0]), push(CODE + 16), IRET, NOP, NOP);
      expect(traced(b)).toEqual([CODE + 17, CODE + 18]);
    });

    it('stops at every iteration of a repeated instruction', () => {
      const b = bench();
      b.set(ECX, 3);
      b.set(ESI, DATA);
      b.set(EDI, DATA + 0x100);
      b.flags(FLAG.TF);
      b.program(REP_MOVSB, NOP);
      expect(traced(b)).toEqual([CODE, CODE, CODE + 2, CODE + 3]);
    });

    it('INT n clears it: neither the handler nor its entry is traced, the instruction after the return is', () => {
      const b = bench();
      b.bytes(b.handler(0x40), [...NOP, ...IRET]);
      b.flags(FLAG.TF);
      b.program(NOP, int(0x40), NOP);
      expect(traced(b)).toEqual([CODE + 1, CODE + 4]);
    });

    it('is not looked at after MOV SS and POP SS', () => {
      const b = bench();
      b.set(EAX, DATA_SELECTOR[0]);
      b.flags(FLAG.TF);
      b.program(NOP, MOV_SS, NOP, NOP);
      expect(traced(b)).toEqual([CODE + 1, CODE + 4, CODE + 5]);
    });

    it('is looked at after STI', () => {
      const b = bench();
      b.flags(FLAG.TF);
      b.program(STI, NOP);
      expect(traced(b)).toEqual([CODE + 1, CODE + 2]);
    });

    it('an instruction that faults is not traced, its handler is not either', () => {
      const b = bench();
      b.flags(FLAG.TF);
      b.program(UD2);
      expect(b.run()).toMatchObject({ vector: VECTOR.UD, eip: CODE, eflags: NO_FLAGS | FLAG.TF | FLAG.RF });
    });

    it('comes before an interrupt that waits', () => {
      const b = bench();
      b.flags(FLAG.TF | FLAG.IF);
      b.program(NOP, NOP);
      b.cpu.ports = { read: () => 0, write: () => b.raise(IRQ) };
      b.program(x('e6 80'), NOP); // out 80, al
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: CODE + 2 });
    });
  });

  describe('of a repeated instruction', () => {
    const COUNT = 0x5000;
    function copying(b: Bench): Bench {
      for (let n = 0; n < COUNT; n += 4) b.write(DATA + n, 4, Math.imul(n + 1, 0x9e3779b1));
      b.set(ECX, COUNT);
      b.set(ESI, DATA);
      b.set(EDI, DATA + 0x8000);
      b.flags(FLAG.IF);
      b.program(REP_MOVSB);
      return b;
    }
    const copied = (b: Bench) => b.ram().slice(DATA + 0x8000, DATA + 0x8000 + COUNT);

    it('leave EIP at it, and registers that say what is left', () => {
      const b = copying(bench());
      b.step();
      b.raise(IRQ);
      expect(b.run()).toMatchObject({ vector: IRQ, eip: CODE });
      const done = COUNT - b.get(ECX);
      expect(done).toBeGreaterThan(0);
      expect(done).toBeLessThan(COUNT);
      expect([b.get(ESI), b.get(EDI)]).toEqual([DATA + done, DATA + 0x8000 + done]);
      expect(copied(b).slice(0, done)).toEqual(b.ram().slice(DATA, DATA + done));
      expect(
        copied(b)
          .slice(done)
          .every(byte => byte === 0),
      ).toBe(true);
    });

    it('do not change what comes out', () => {
      const whole = copying(bench());
      whole.run();
      const expected = copied(whole);
      const steps = whole.cpu.count;
      const b = copying(bench());
      b.bytes(b.handler(IRQ), IRET);
      for (let n = 1; n < steps - 1; n++) {
        b.step();
        b.raise(IRQ);
      }
      b.run();
      expect(copied(b)).toEqual(expected);
      expect([b.get(ECX), b.get(ESI), b.get(EDI), b.get(ESP)]).toEqual([
        0,
        DATA + COUNT,
        DATA + 0x8000 + COUNT,
        STACKS[0],
      ]);
    });

    it('with a count of 0 there is one step, and nothing moves', () => {
      const b = bench();
      b.set(ESI, 0x40000000);
      b.program(REP_MOVSB);
      b.step();
      expect([b.get(ESI), b.cpu.i32[L.W_EIP], b.cpu.count]).toEqual([0x40000000, CODE + 2, 1]);
    });
  });
});
