import { describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { CR4, EAX, EBX, ECX, EDI, EDX, ESI, ESP } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { Bench, CODE, CODE_SELECTOR, DATA, DATA_SELECTOR, STACKS, TSS_STACKS } from '../testing/bench.ts';
import {
  type Code,
  dword,
  HLT,
  IRET,
  int,
  load,
  mov,
  NOP,
  push,
  store,
  storeValue,
  toSegment,
  x,
} from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';
import { GATE, gate } from '../testing/tables.ts';
import * as L from './layout.ts';

const EXECUTE = 0;
const WRITE = 1;
const PORT = 2;
const ACCESS = 3;

describe.each(MACHINES)('breakpoints by address, $engine', machine => {
  const bench = () => new Bench(machine);

  /** Enables breakpoint n, as MOV to DR7 does. */
  function enable(b: Bench, n: number, address: number, type: number, bytes: 1 | 2 | 4 = 1, isGlobal = false): void {
    const { cpu } = b;
    cpu.i32[L.W_DR + n] = address;
    const fields = (type | ((bytes - 1) << 2)) << (16 + 4 * n);
    cpu.setDebugControl(cpu.i32[L.W_DR + 7] | fields | ((isGlobal ? 2 : 1) << (2 * n)));
  }
  /** What DR6 says, and forgets. */
  function status(b: Bench): number {
    const happened = b.cpu.i32[L.W_DR + 6] & 0xe00f;
    b.cpu.i32[L.W_DR + 6] &= ~0xe00f;
    return happened;
  }
  /** Sets RF in the flags that the debug handler returns to. */
  const resume = (b: Bench) => b.write(b.get(ESP) + 8, 4, b.read(b.get(ESP) + 8) | FLAG.RF);

  describe('on execution', () => {
    it('are faults: before the instruction, RF not set; with RF the instruction runs', () => {
      const b = bench();
      const starts = b.program(NOP, mov(EAX, 1), mov(EAX, 2), NOP);
      enable(b, 1, starts[2], EXECUTE);
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: starts[2], eflags: FLAG.ONE });
      expect([b.get(EAX), status(b)]).toEqual([1, 2]);
      resume(b);
      expect(b.run()).toMatchObject({ vector: null, eip: starts[4] + 1, eflags: FLAG.ONE });
      expect([b.get(EAX), status(b)]).toEqual([2, 0]);
    });

    it('come again where the handler does not set RF, a step each time', () => {
      const b = bench();
      b.bytes(b.handler(VECTOR.DB), [...x('43'), ...IRET]); // inc ebx
      const starts = b.program(NOP, NOP);
      enable(b, 0, starts[1], EXECUTE);
      expect(b.cpu.run(31, true)).toBe(31);
      // NOP, then three steps each time: the fault, INC, IRET.
      expect(b.get(EBX)).toBe(10);
    });

    it('need an enable bit, local or global, and the first byte of an instruction', () => {
      for (const [control, expected] of [
        [0, null],
        [1, VECTOR.DB],
        [2, VECTOR.DB],
        [0x300, null],
      ] as const) {
        const b = bench();
        const starts = b.program(NOP, mov(EAX, 1), NOP);
        b.cpu.i32[L.W_DR] = starts[1];
        b.cpu.setDebugControl(0x400 | control);
        expect(b.run().vector).toBe(expected);
      }
      const b = bench();
      const starts = b.program(NOP, mov(EAX, 1), NOP);
      enable(b, 0, starts[1] + 1, EXECUTE);
      expect(b.run().vector).toBe(null);
    });

    it('count from the next instruction on when MOV DR7 enables them, in the same block', () => {
      const b = bench();
      const at = CODE + 5 + 3 + 5 + 3 + 1;
      b.program(mov(EAX, at), x('0f 23 d0'), mov(EAX, 0x410), x('0f 23 f8'), NOP, NOP);
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: at });
      expect(status(b)).toBe(4);
    });

    it('do not come behind a load of SS, but do behind STI', () => {
      const b = bench();
      const starts = b.program(mov(EAX, DATA_SELECTOR[0]), toSegment(2), NOP, NOP);
      enable(b, 0, starts[2], EXECUTE);
      expect(b.run().vector).toBe(null);
      const c = bench();
      const [, behind] = c.program(x('fb'), NOP);
      enable(c, 0, behind, EXECUTE);
      expect(c.run()).toMatchObject({ vector: VECTOR.DB, eip: behind });
    });

    it('come before the faults of their instruction, its fetch among them', () => {
      const b = bench().paging();
      b.page(CODE + 0x1000, 0);
      b.program([0xe9, ...dword(0x1000 - 5)]);
      enable(b, 0, CODE + 0x1000, EXECUTE);
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: CODE + 0x1000 });
      resume(b);
      expect(b.run()).toMatchObject({ vector: VECTOR.PF, eip: CODE + 0x1000 });
    });

    it('come behind an interrupt that waits', () => {
      const b = bench();
      b.bytes(b.handler(0x40), [...x('43'), ...IRET]);
      b.flags(FLAG.IF);
      const [start] = b.program(NOP);
      enable(b, 0, start, EXECUTE);
      b.raise(0x40);
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: start });
      expect(b.get(EBX)).toBe(1);
    });

    it('come once for a repeated string instruction that an interrupt divides: RF is pushed', () => {
      const b = bench();
      b.flags(FLAG.IF);
      const starts = b.program(mov(ECX, 0x1400), mov(EDI, DATA), x('f3 ab'), NOP);
      enable(b, 0, starts[2], EXECUTE);
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: starts[2] });
      resume(b);
      // HLT's end, IRET, and a first part.
      b.cpu.i32[L.W_HALTED] = 0;
      b.cpu.run(2, true);
      expect(b.get(ECX)).toBe(0x1000);
      b.raise(0x40);
      expect(b.run()).toMatchObject({ vector: 0x40, eip: starts[2], eflags: FLAG.ONE | FLAG.IF | FLAG.RF });
      expect(b.run()).toMatchObject({ vector: null });
      expect(b.get(ECX)).toBe(0);
    });
  });

  describe('on data', () => {
    it.each<[string, number, 1 | 2 | 4, number, Code, boolean]>([
      ['a write of all of it', WRITE, 4, DATA, store(DATA), true],
      ['a write of a part', WRITE, 4, DATA, [0xc6, 0x05, ...dword(DATA + 3), 1], true],
      ['a write just behind', WRITE, 4, DATA, [0xc6, 0x05, ...dword(DATA + 4), 1], false],
      ['a write that begins before it', WRITE, 1, DATA + 3, store(DATA), true],
      ['a write over the end of a page', WRITE, 2, DATA + 0x1000, store(DATA + 0xffe), true],
      [
        'an address that is not aligned counts as if it were',
        WRITE,
        4,
        DATA + 2,
        [0xc6, 0x05, ...dword(DATA), 1],
        true,
      ],
      ['a read where writes are asked for', WRITE, 4, DATA, load(DATA), false],
      ['a read where all accesses are', ACCESS, 4, DATA, load(DATA), true],
      ['a read-modify-write', WRITE, 4, DATA, [0xff, 0x05, ...dword(DATA)], true],
      ['a push', WRITE, 4, STACKS[0] - 4, push(1), true],
      ['an execution where all accesses are asked for', ACCESS, 4, CODE, NOP, false],
    ])('%s', (_, type, bytes, address, code, expected) => {
      const b = bench();
      const starts = b.program(code, NOP);
      enable(b, 3, address, type, bytes, true);
      const stop = b.run();
      expect(stop).toMatchObject(expected ? { vector: VECTOR.DB, eip: starts[1] } : { vector: null });
      expect(status(b)).toBe(expected ? 8 : 0);
    });

    it('are traps: behind the instruction, which is done, and RF is not set', () => {
      const b = bench();
      const starts = b.program(NOP, storeValue(DATA, 7), storeValue(DATA, 8), NOP);
      enable(b, 0, DATA, WRITE, 4);
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: starts[2], eflags: FLAG.ONE });
      expect(b.read(DATA)).toBe(7);
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: starts[3] });
      expect(b.read(DATA)).toBe(8);
    });

    it('join the single step, and each other', () => {
      const b = bench();
      b.flags(FLAG.TF);
      const starts = b.program(storeValue(DATA, 7), NOP);
      enable(b, 0, DATA, WRITE, 4);
      enable(b, 1, DATA, ACCESS, 1);
      enable(b, 2, DATA + 4, WRITE, 4);
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: starts[1] });
      expect(status(b)).toBe(0x4003);
    });

    it('of a load of SS wait for the instruction behind it', () => {
      const b = bench();
      b.write(DATA, 4, DATA_SELECTOR[0]);
      const starts = b.program([...x('8e 15'), ...dword(DATA)], NOP, NOP); // mov ss, [DATA]
      enable(b, 0, DATA, ACCESS, 4);
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: starts[2] });
    });

    it('of an instruction that faults are forgotten', () => {
      const b = bench().paging();
      b.page(DATA + 0x1000, 0);
      const starts = b.program(mov(ESI, DATA), mov(EDI, DATA + 0x1000), x('a5'));
      enable(b, 0, DATA, ACCESS, 4);
      expect(b.run()).toMatchObject({ vector: VECTOR.PF, eip: starts[2] });
      expect(status(b)).toBe(0);
    });

    it('end a repeated string instruction behind the iteration, RF set; it goes on from there', () => {
      const b = bench();
      for (let n = 0; n < 32; n++) b.write(DATA + 4 * n, 4, n + 1);
      const code = [mov(ECX, 32), mov(ESI, DATA), mov(EDI, DATA + 0x1000), x('f3 a5'), NOP];
      const starts = b.program(...code);
      enable(b, 0, DATA + 0x1000 + 40, WRITE, 4);
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: starts[3], eflags: FLAG.ONE | FLAG.RF });
      expect([b.get(ECX), b.get(EDI)]).toEqual([21, DATA + 0x1000 + 44]);
      expect(b.run()).toMatchObject({ vector: null });
      expect(b.read(DATA + 0x1000 + 4 * 31)).toBe(32);
      // The last iteration is the end of the instruction.
      const last = bench();
      const places = last.program(...code);
      enable(last, 0, DATA + 0x1000 + 4 * 31, WRITE, 4);
      expect(last.run()).toMatchObject({ vector: VECTOR.DB, eip: places[4], eflags: FLAG.ONE });
    });

    it('on the stack of a handler come before its first instruction', () => {
      const b = bench().ring(3);
      b.gate(0x40, gate(GATE.interrupt, CODE_SELECTOR[0], b.handler(0x40), 3));
      b.program(int(0x40));
      enable(b, 0, TSS_STACKS[0] - 8, WRITE, 4);
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: b.handler(0x40), cs: CODE_SELECTOR[0] });
    });

    it('are found by x87 instructions and by CMPXCHG8B', () => {
      for (const code of [x('dd 1d'), x('db 3d'), x('0f c7 0d')]) {
        const b = bench();
        const starts = b.program(x('db e3 d9 e8'), [...code, ...dword(DATA)], NOP);
        enable(b, 0, DATA + 4, WRITE, 4);
        expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: starts[2] });
      }
    });

    it('and a debugger who watches the same page do not know of each other', () => {
      const b = bench();
      const hits: number[] = [];
      b.cpu.setWatches([{ address: DATA + 8, length: 4, read: false, write: true, execute: false }], hit => {
        hits.push(hit.linear);
      });
      const starts = b.program(storeValue(DATA + 8, 1), storeValue(DATA, 1), NOP);
      enable(b, 0, DATA, WRITE, 4);
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: starts[2] });
      b.cpu.setDebugControl(0x400);
      b.program(storeValue(DATA + 8, 1), storeValue(DATA, 1));
      expect(b.run().vector).toBe(null);
      expect(hits).toEqual([DATA + 8, DATA + 8]);
    });
  });

  describe('on ports', () => {
    it('need CR4.DE, and trap behind the access', () => {
      for (const de of [false, true]) {
        const b = bench();
        if (de) b.cpu.i32[L.W_CR4] |= CR4.DE;
        const starts = b.program(x('e4 60'), NOP);
        enable(b, 2, 0x60, PORT, 2);
        expect(b.run()).toMatchObject(de ? { vector: VECTOR.DB, eip: starts[1] } : { vector: null });
        expect(b.get(EAX)).toBe(0x78);
        expect(status(b)).toBe(de ? 4 : 0);
      }
    });

    it('of any width, and of string instructions', () => {
      for (const [code, expected] of [
        [x('ed'), true],
        [x('ee'), false],
        [x('6f'), true],
        [x('f3 6e'), false],
      ] as const) {
        const b = bench();
        b.cpu.i32[L.W_CR4] |= CR4.DE;
        b.set(ECX, 2);
        b.program(mov(EDX, 0x60), mov(ESI, DATA), code, NOP);
        enable(b, 0, 0x63, PORT, 1);
        expect(b.run().vector).toBe(expected ? VECTOR.DB : null);
      }
    });

    it('count as soon as CR4.DE is set', () => {
      const b = bench();
      enable(b, 0, 0x60, PORT, 1);
      const starts = b.program(x('e4 60'), mov(EAX, CR4.DE), x('0f 22 e0'), x('e4 60'), NOP);
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: starts[4] });
    });
  });

  it('DR7.GD is cleared on the way into the handler, whatever the cause', () => {
    const b = bench();
    b.program(storeValue(DATA, 7), NOP);
    enable(b, 0, DATA, WRITE, 4);
    b.cpu.setDebugControl(b.cpu.i32[L.W_DR + 7] | 0x2000);
    expect(b.run().vector).toBe(VECTOR.DB);
    expect(b.cpu.i32[L.W_DR + 7] & 0x2000).toBe(0);
  });

  it('are there again when the registers were restored', () => {
    const b = bench();
    const starts = b.program(storeValue(DATA, 7), NOP);
    enable(b, 0, DATA, WRITE, 4);
    const state = b.cpu.u8.slice(0, L.STATE_BYTES);
    b.cpu.reset();
    b.cpu.u8.set(state);
    b.cpu.rederive();
    expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: starts[1] });
  });

  it('a RESET clears them', () => {
    const b = bench();
    enable(b, 0, 0xfffffff0 | 0, EXECUTE);
    b.cpu.reset();
    b.cpu.physical.write(0, 4, 0);
    expect([0, 1, 2, 3, 6, 7].map(n => b.cpu.i32[L.W_DR + n] >>> 0)).toEqual([0, 0, 0, 0, 0xffff0ff0, 0x400]);
  });

  it('a run takes the same course in slices of any size, and with a breakpoint of the debugger on the page', () => {
    /** Handlers count in EBX and note DR6 behind each other; the program writes, reads, repeats and interrupts itself. */
    const course = (slice: number, breakpoint: boolean) => {
      const b = bench();
      const clear = [...mov(EAX, 0), ...x('0f 23 f0')];
      const note = [...x('0f 21 f0'), ...x('89 04 9d'), ...dword(DATA + 0x800), ...x('43')]; // mov [DATA + 0x800 + 4 * ebx], eax
      // RF of the frame: OR dword [esp + 12], 0x10000, above the saved EAX.
      b.bytes(b.handler(VECTOR.DB), [0xe9, ...dword(0x30000 - (b.handler(VECTOR.DB) + 5))]);
      b.bytes(0x30000, [...x('50'), ...note, ...clear, ...x('81 4c 24 0c 00 00 01 00'), ...x('58'), ...IRET]);
      b.bytes(b.handler(0x40), IRET);
      const starts = b.program(
        storeValue(DATA, 1),
        [...mov(ECX, 20), ...mov(EDI, DATA - 40), ...x('f3 ab')],
        int(0x40),
        mov(ESP, STACKS[0] - 60),
        x('16'),
        x('17'),
        mov(ESP, STACKS[0]),
        load(DATA + 4),
        NOP,
      );
      enable(b, 0, DATA, WRITE, 4);
      enable(b, 1, starts[8], EXECUTE);
      enable(b, 2, STACKS[0] - 64, ACCESS, 4);
      if (breakpoint) b.cpu.setBreakpoints([CODE + 0x800]);
      const before = b.cpu.count;
      const seen: string[] = [];
      for (let n = 0; n < 1000 && !b.cpu.halted; n++) {
        b.cpu.run(slice, true);
        if (slice === 1) seen.push(`${b.cpu.i32[L.W_EIP].toString(16)} ${b.get(EBX)} ${b.cpu.i32[L.W_PENDING_DEBUG]}`);
      }
      return {
        seen,
        count: b.cpu.count - before,
        registers: [EAX, EBX, ECX, EDI, ESP].map(n => b.get(n)),
        notes: Array.from({ length: 8 }, (_, n) => b.read(DATA + 0x800 + 4 * n)),
      };
    };
    const expected = course(1, false);
    expect(expected.registers[1]).toBe(5);
    expect(course(1, true)).toEqual(expected);
    for (const slice of [2, 3, 7, 1000]) {
      for (const breakpoint of [false, true]) {
        expect(course(slice, breakpoint)).toEqual({ ...expected, seen: [] });
      }
    }
  });

  it('on the stack of their own handler they come again and again, but time passes', () => {
    const b = bench();
    b.program(push(1));
    enable(b, 0, STACKS[0] - 12, WRITE, 4);
    b.flags(0);
    enable(b, 1, STACKS[0] - 4, WRITE, 4);
    expect(b.cpu.run(100, true)).toBeLessThanOrEqual(100);
  });

  it('HLT that is traced wakes for its trap', () => {
    const b = bench();
    b.flags(FLAG.TF);
    const starts = b.program(HLT, NOP);
    expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: starts[1] });
  });
});
