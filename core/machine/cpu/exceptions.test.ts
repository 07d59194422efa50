import { describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { CR0, EAX, EBP, EBX, ECX, EDI, EDX, ES, ESI, ESP, SS } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import {
  Bench,
  CODE,
  CODE_SELECTOR,
  DATA,
  DATA_SELECTOR,
  FREE,
  IDT,
  NO_FLAGS,
  type Ring,
  STACKS,
  TSS,
} from '../testing/bench.ts';
import { type Code, dword, HLT, int, load, mov, push, store, toSegment, x } from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';
import { ACCESS, flat, GATE, gate, PRESENT } from '../testing/tables.ts';
import * as L from './layout.ts';

const UD2 = x('0f 0b');
/** Where a page can be missing: two pages of data, of which the second comes and goes. */
const PAGE = DATA + 0x1000;

describe.each(MACHINES)('exceptions, $engine', machine => {
  const bench = () => new Bench(machine);

  describe('are raised', () => {
    it.each<[string, Ring, readonly Code[], number, number | null]>([
      ['#DE by DIV', 3, [x('31 c9'), x('f7 f1')], VECTOR.DE, null],
      ['#DE by AAM 0', 3, [x('d4 00')], VECTOR.DE, null],
      ['#BR', 3, [mov(EAX, 5), [0x62, 0x05, ...dword(DATA)]], VECTOR.BR, null],
      ['#UD by UD2', 3, [UD2], VECTOR.UD, null],
      ['#UD by LOCK before a register', 3, [x('f0 01 c8')], VECTOR.UD, null],
      ['#UD by MOV to CS', 0, [x('8e c8')], VECTOR.UD, null],
      ['#UD by CR1', 0, [x('0f 20 c8')], VECTOR.UD, null],
      ['#GP by HLT', 3, [HLT], VECTOR.GP, 0],
      ['#GP by MOV CR0', 3, [x('0f 20 c0')], VECTOR.GP, 0],
      ['#GP by LGDT', 1, [[...x('0f 01 15'), ...dword(DATA)]], VECTOR.GP, 0],
      ['#GP by 16 bytes', 3, [x('66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90')], VECTOR.GP, 0],
      ['#UD comes before #GP: CR5 in ring 3', 3, [x('0f 20 e8')], VECTOR.UD, null],
    ])('%s: the return address is the instruction, and RF is pushed', (_, ring, code, vector, error) => {
      const b = bench().ring(ring);
      const starts = b.program(...code);
      const stop = b.run();
      expect(stop).toMatchObject({ vector, code: error, eip: starts[code.length - 1] });
      expect(stop.eflags & FLAG.RF).toBe(FLAG.RF);
    });

    it('#NM by x87 instructions under CR0.TS and CR0.EM, by FWAIT under MP and TS', () => {
      for (const [cr0, code, raised] of [
        [CR0.TS, x('d9 e8'), true],
        [CR0.EM, x('d9 e8'), true],
        [CR0.TS | CR0.MP, x('9b'), true],
        [CR0.TS, x('9b'), false],
        [CR0.EM | CR0.MP, x('9b'), false],
      ] as const) {
        const b = bench();
        b.cpu.i32[L.W_CR0] |= cr0;
        b.program(code);
        expect(b.run().vector, `CR0 ${cr0.toString(16)}`).toBe(raised ? VECTOR.NM : null);
      }
    });

    it('#AC in ring 3 with AM and AC only', () => {
      for (const [ring, am, ac] of [
        [3, true, true],
        [3, false, true],
        [3, true, false],
        [0, true, true],
      ] as const) {
        const b = bench().ring(ring);
        if (am) b.cpu.i32[L.W_CR0] |= CR0.AM;
        b.flags(ac ? FLAG.AC : 0);
        b.program(load(DATA + 1), UD2);
        const expected = ring === 3 && am && ac ? { vector: VECTOR.AC, code: 0, eip: CODE } : { vector: VECTOR.UD };
        expect(b.run()).toMatchObject(expected);
      }
    });

    it('CMPXCHG8B is aligned at 8 bytes (SDM volume 3, table 6-7)', () => {
      for (const [at, aligned] of [
        [DATA, true],
        [DATA + 4, false],
      ] as const) {
        const b = bench().ring(3);
        b.cpu.i32[L.W_CR0] |= CR0.AM;
        b.flags(FLAG.AC);
        b.set(EBX, at);
        b.program(x('0f c7 0b'), UD2);
        expect(b.run().vector).toBe(aligned ? VECTOR.UD : VECTOR.AC);
      }
    });

    it('debug registers with DR7.GD: #DB with DR6.BD, and GD is cleared for the handler', () => {
      const b = bench();
      b.program(mov(EAX, 0x2000), x('0f 23 f8'), x('0f 21 c3')); // mov dr7, eax; mov ebx, dr0
      expect(b.run()).toMatchObject({ vector: VECTOR.DB, eip: CODE + 8 });
      expect([b.cpu.i32[L.W_DR + 6] & 0x2000, b.cpu.i32[L.W_DR + 7] & 0x2000]).toEqual([0x2000, 0]);
    });

    it('DR4 is DR6 unless CR4.DE', () => {
      const b = bench();
      b.program(x('0f 21 e3')); // mov ebx, dr4
      b.run();
      expect(b.get(EBX)).toBe(0xffff0ff0);
      b.cpu.i32[L.W_CR4] = 8;
      b.program(x('0f 21 e3'));
      expect(b.run().vector).toBe(VECTOR.UD);
    });
  });

  describe('of an exception’s delivery', () => {
    /** A first exception whose gate fails in a certain way; what is delivered in the end. */
    const NOT_PRESENT = [CODE_SELECTOR[0] << 16, 0x0e00] as const;
    const firsts: readonly (readonly [string, number, Code])[] = [
      ['#DE', VECTOR.DE, x('31 c9 f7 f1')],
      ['#UD', VECTOR.UD, UD2],
      ['#GP', VECTOR.GP, int(0x30)],
      ['#PF', VECTOR.PF, load(0x40000000)],
      ['INT n', 0x40, int(0x40)],
    ];

    it.each(firsts)('%s, then #NP', (name, vector, code) => {
      const b = bench().paging();
      b.gate(0x30, [0, 0]);
      b.gate(vector, NOT_PRESENT);
      b.program(code);
      // Contributory after contributory or after #PF is a double fault (SDM volume 3, table 6-5).
      const isDouble = ['#DE', '#GP', '#PF'].includes(name);
      const external = name === 'INT n' ? 0 : 1;
      expect(b.run()).toMatchObject(
        isDouble ? { vector: VECTOR.DF, code: 0 } : { vector: VECTOR.NP, code: vector * 8 + 2 + external, eip: CODE },
      );
    });

    it.each(firsts)('%s, then #PF', (name, vector, code) => {
      const b = bench().paging();
      b.gate(0x30, [0, 0]);
      // The gate's selector is in a part of the LDT that is not mapped.
      b.cpu.setSegment(6, FREE, 0x50000000, 0xff, 0x82);
      b.gate(vector, gate(GATE.interrupt, 0x0c, CODE));
      b.program(code);
      expect(b.run()).toMatchObject(
        name === '#PF' ? { vector: VECTOR.DF, code: 0 } : { vector: VECTOR.PF, code: 0, eip: CODE + code.length - 2 },
      );
      expect(b.cpu.i32[L.W_CR2]).toBe(0x50000008);
    });

    it('a fault while delivering a double fault ends the machine', () => {
      const b = bench();
      b.gate(VECTOR.DE, NOT_PRESENT);
      b.gate(VECTOR.DF, NOT_PRESENT);
      b.program(x('31 c9 f7 f1'));
      expect(() => b.run()).toThrow(/#NP.*double fault/);
    });

    it('so does a stack that is not there', () => {
      const b = bench().paging();
      b.page(0x5000, 0);
      b.program(x('50')); // push eax
      expect(() => b.run()).toThrow('double fault');
    });

    it('a double fault goes to its own stack in ring 0 when ring 3 caused it', () => {
      const b = bench().ring(3);
      b.gate(VECTOR.GP, NOT_PRESENT);
      b.program(HLT);
      expect(b.run()).toMatchObject({ vector: VECTOR.DF, code: 0, ss: DATA_SELECTOR[3], esp: STACKS[3] });
    });
  });

  /**
   * Instructions that write in more than one place or go on after a fault. Each runs twice: with all pages there, and with
   * one missing, which the host maps in the handler before it returns. Both must end the same, and the fault must find
   * registers and memory as they were.
   */
  describe('can be restarted', () => {
    interface Restart {
      readonly name: string;
      readonly code: Code;
      /** The page that is missing. */
      readonly page: number;
      readonly set: readonly (readonly [register: number, value: number])[];
      /** Registers that say how far a repeated instruction came; memory up to there has changed, too. */
      readonly progress?: readonly number[];
      readonly ring?: Ring;
      readonly prepare?: (b: Bench) => void;
    }
    const stack = (top: number): readonly (readonly [number, number])[] => [[ESP, top]];
    const cases: readonly Restart[] = [
      { name: 'PUSH across', code: push(0x11223344), page: DATA, set: stack(PAGE + 2) },
      { name: 'PUSH across, upper page', code: push(0x11223344), page: PAGE, set: stack(PAGE + 2) },
      { name: 'PUSHA', code: x('60'), page: DATA, set: stack(PAGE + 14) },
      { name: 'PUSHA 16 bits', code: x('66 60'), page: DATA, set: stack(PAGE + 7) },
      { name: 'POPA', code: x('61'), page: PAGE, set: stack(PAGE - 18) },
      {
        name: 'ENTER',
        code: x('c8 00 08 00'),
        page: DATA,
        set: [
          [ESP, PAGE + 0x20],
          [EBP, PAGE + 0x80],
        ],
      },
      {
        name: 'ENTER with levels',
        code: x('c8 10 00 05'),
        page: DATA,
        set: [
          [ESP, PAGE + 10],
          [EBP, PAGE + 0x80],
        ],
      },
      {
        name: 'ENTER, frame pointers',
        code: x('c8 10 00 05'),
        page: PAGE,
        set: [
          [ESP, DATA + 0x800],
          [EBP, PAGE + 6],
        ],
      },
      {
        name: 'LEAVE',
        code: x('c9'),
        page: PAGE,
        set: [
          [ESP, DATA],
          [EBP, PAGE - 2],
        ],
      },
      { name: 'CALL', code: x('e8 00 00 00 00'), page: DATA, set: stack(PAGE + 1) },
      {
        name: 'CALL indirect',
        code: x('ff d0'),
        page: DATA,
        set: [
          [ESP, PAGE],
          [EAX, CODE + 2],
        ],
      },
      { name: 'CALL far', code: [0x9a, ...dword(CODE + 7), 0x1b, 0], page: DATA, set: stack(PAGE + 4) },
      { name: 'PUSHF', code: x('9c'), page: DATA, set: stack(PAGE + 3) },
      {
        name: 'POP memory',
        code: x('8f 00'),
        page: PAGE,
        set: [
          [ESP, DATA + 0x100],
          [EAX, PAGE - 1],
        ],
      },
      {
        name: 'POP memory, from the missing page',
        code: x('8f 00'),
        page: PAGE,
        set: [
          [ESP, PAGE],
          [EAX, DATA],
        ],
      },
      { name: 'POP memory at ESP', code: x('8f 04 24'), page: PAGE, set: stack(PAGE - 4) },
      {
        name: 'XCHG',
        code: x('87 08'),
        page: PAGE,
        set: [
          [EAX, PAGE - 3],
          [ECX, 0x55667788],
        ],
      },
      {
        name: 'XADD',
        code: x('0f c1 08'),
        page: PAGE,
        set: [
          [EAX, PAGE - 3],
          [ECX, 0x55667788],
        ],
      },
      {
        name: 'CMPXCHG',
        code: x('0f b1 0b'),
        page: PAGE,
        set: [
          [EBX, PAGE - 3],
          [EAX, 1],
          [ECX, 2],
        ],
      },
      {
        name: 'CMPXCHG8B',
        code: x('0f c7 0f'),
        page: PAGE,
        set: [
          [EDI, PAGE - 5],
          [EAX, 1],
          [EDX, 2],
        ],
      },
      {
        name: 'CMPXCHG8B, equal',
        code: x('0f c7 0f'),
        page: PAGE,
        set: [
          [EDI, PAGE - 4],
          [EBX, 3],
          [ECX, 4],
        ],
        prepare: b => {
          b.set(EAX, b.read(PAGE - 4));
          b.set(EDX, b.read(PAGE));
        },
      },
      {
        name: 'ADD to memory',
        code: x('01 08'),
        page: PAGE,
        set: [
          [EAX, PAGE - 1],
          [ECX, 0x01010101],
        ],
      },
      {
        name: 'BTS',
        code: x('0f ab 0b'),
        page: PAGE,
        set: [
          [EBX, DATA],
          [ECX, 0x1000 * 8 + 3],
        ],
      },
      {
        name: 'SHLD',
        code: x('0f a4 08 04'),
        page: PAGE,
        set: [
          [EAX, PAGE - 2],
          [ECX, 0x12345678],
        ],
      },
      { name: 'SGDT', code: x('0f 01 00'), page: PAGE, set: [[EAX, PAGE - 4]] },
      { name: 'LES', code: x('c4 08'), page: PAGE, set: [[EAX, PAGE - 4]], prepare: b => b.write(PAGE, 2, 0x23) },
      {
        name: 'BOUND',
        code: x('62 08'),
        page: PAGE,
        set: [
          [EAX, PAGE - 4],
          [ECX, 0x40000000],
        ],
        prepare: b => {
          b.write(PAGE - 4, 4, 0);
          b.write(PAGE, 4, 0x7fffffff);
        },
      },
      {
        name: 'MOVS',
        code: x('a5'),
        page: PAGE,
        set: [
          [ESI, DATA],
          [EDI, PAGE - 2],
        ],
      },
      {
        name: 'STOS',
        code: x('ab'),
        page: PAGE,
        set: [
          [EAX, 0x99887766],
          [EDI, PAGE - 1],
        ],
      },
      {
        name: 'REP MOVS',
        code: x('f3 a5'),
        page: PAGE,
        set: [
          [ECX, 20],
          [ESI, DATA],
          [EDI, PAGE - 42],
        ],
        progress: [ECX, ESI, EDI],
      },
      {
        name: 'REP MOVS from the missing page',
        code: x('f3 a4'),
        page: PAGE,
        set: [
          [ECX, 99],
          [ESI, PAGE - 42],
          [EDI, DATA],
        ],
        progress: [ECX, ESI, EDI],
      },
      {
        name: 'REP MOVS downwards',
        code: x('fd f3 a4 fc'),
        page: DATA,
        set: [
          [ECX, 99],
          [ESI, PAGE + 0x100],
          [EDI, PAGE + 42],
        ],
        progress: [ECX, ESI, EDI],
      },
      {
        name: 'REP STOS',
        code: x('f3 aa'),
        page: PAGE,
        set: [
          [ECX, 99],
          [EAX, 0x41],
          [EDI, PAGE - 42],
        ],
        progress: [ECX, EDI],
      },
      {
        name: 'REP LODS',
        code: x('f3 ac'),
        page: PAGE,
        set: [
          [ECX, 99],
          [ESI, PAGE - 42],
        ],
        progress: [ECX, ESI, EAX],
      },
      {
        name: 'REPE CMPS',
        code: x('f3 a6'),
        page: PAGE,
        set: [
          [ECX, 99],
          [ESI, PAGE - 42],
          [EDI, DATA + 0x400],
        ],
        progress: [ECX, ESI, EDI],
        prepare: b => {
          for (let n = 0; n < 99; n++) b.write(DATA + 0x400 + n, 1, b.read(PAGE - 42 + n, 1));
        },
      },
      {
        name: 'REPNE SCAS',
        code: x('f2 ae'),
        page: PAGE,
        set: [
          [ECX, 99],
          [EAX, 0x1ff],
          [EDI, PAGE - 42],
        ],
        progress: [ECX, EDI],
        prepare: b => {
          for (let n = -42; n < 90; n++) b.write(PAGE + n, 1, 7);
        },
      },
      {
        name: 'REP INS',
        code: x('f3 6c'),
        page: PAGE,
        set: [
          [ECX, 10],
          [EDX, 0x60],
          [EDI, PAGE - 4],
        ],
        progress: [ECX, EDI],
      },
      {
        name: 'REP OUTS',
        code: x('f3 6e'),
        page: PAGE,
        set: [
          [ECX, 10],
          [EDX, 0x60],
          [ESI, PAGE - 4],
        ],
        progress: [ECX, ESI],
      },
      {
        name: 'a fetch across pages',
        code: [],
        page: PAGE,
        set: [],
        prepare: b => {
          b.bytes(PAGE - 2, x('b9 01 02 03 04 f1'));
          b.cpu.i32[L.W_EIP] = PAGE - 2;
        },
      },
    ];

    /** The vector that ends a program here: INT1, which any ring may execute. */
    const END = x('f1');
    const MAPPED = 7;
    const registers = (b: Bench) => [...b.cpu.i32.subarray(0, 8)].map(value => value >>> 0);

    function prepared({ code, set, ring = 3, prepare }: Restart): Bench {
      const b = bench().paging().ring(ring);
      b.flags(FLAG.IOPL | FLAG.CF);
      for (let n = 0; n < 0x2000; n += 4) b.write(DATA + n, 4, Math.imul(n + 1, 0x9e3779b1));
      for (const register of [EAX, ECX, EDX, EBX, EBP, ESI, EDI]) b.set(register, 0x01010101 * (register + 1));
      for (const [register, value] of set) b.set(register, value);
      b.program(code, END);
      prepare?.(b);
      return b;
    }

    it.each(cases)('$name', test => {
      const whole = prepared(test);
      const stop = whole.run();
      expect(stop.vector).toBe(VECTOR.DB);
      const expected = {
        registers: registers(whole),
        data: whole.ram().slice(DATA, DATA + 0x2000),
        ports: whole.portLog,
      };

      const b = prepared(test);
      b.page(test.page, 0);
      const data = b.ram().slice(DATA, DATA + 0x2000);
      const before = registers(b);
      const flags = b.cpu.eflags();
      const first = b.run();
      expect(first).toMatchObject({
        vector: VECTOR.PF,
        eflags: flags | FLAG.RF | (test.name.includes('downwards') ? FLAG.DF : 0),
      });
      expect(b.cpu.i32[L.W_CR2] & ~0xfff).toBe(test.page);
      const now = registers(b);
      now[ESP] = first.esp;
      const progress = test.progress ?? [];
      for (const register of [EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI]) {
        if (!progress.includes(register)) expect(now[register], `register ${register}`).toBe(before[register]);
      }
      if (progress.length === 0) expect(b.ram().slice(DATA, DATA + 0x2000)).toEqual(data);

      b.page(test.page, test.page | MAPPED);
      const second = b.run();
      expect({ ...second, eflags: 0 }).toEqual({ ...stop, eflags: 0 });
      expect(second.eflags & ~FLAG.RF).toBe(stop.eflags & ~FLAG.RF);
      expect(registers(b)).toEqual(expected.registers);
      expect(b.ram().slice(DATA, DATA + 0x2000)).toEqual(expected.data);
      expect(b.portLog).toEqual(expected.ports);
    });

    it('INT n, whose handler’s stack is missing', () => {
      const b = bench().paging().ring(3);
      b.gate(0x40, gate(GATE.interrupt, CODE_SELECTOR[0], b.handler(0x40), 3));
      // #PF is handled in ring 1, on another stack.
      b.gate(VECTOR.PF, gate(GATE.interrupt, CODE_SELECTOR[1], CODE + 0x100));
      b.program(int(0x40));
      b.page(0x4000, 0);
      b.step();
      const frame = b.get(ESP);
      expect([0, 4, 8, 12, 16].map(n => b.linear(frame + n))).toEqual([
        2,
        CODE,
        CODE_SELECTOR[3],
        NO_FLAGS | FLAG.RF,
        STACKS[3],
      ]);
    });

    it('IRET, whose frame ends on a missing page', () => {
      const b = bench().paging();
      b.set(ESP, 0x5ff8);
      b.write(0x5ff8, 4, CODE);
      b.write(0x5ffc, 4, CODE_SELECTOR[3]);
      b.page(0x6000, 0);
      b.program(x('cf'));
      expect(b.run()).toMatchObject({
        vector: VECTOR.PF,
        code: 0,
        eip: CODE,
        cs: CODE_SELECTOR[0],
        eflags: NO_FLAGS | FLAG.RF,
      });
      expect(b.get(ESP)).toBe(0x5ff8 - 16);
    });

    it('a transfer whose accessed bit cannot be written', () => {
      for (const code of [
        [0xea, ...dword(CODE), FREE, 0],
        [0x9a, ...dword(CODE), FREE, 0],
      ]) {
        const b = bench().paging();
        b.descriptor(FREE, flat(ACCESS.code & ~1));
        b.page(0x1000, 0x1005);
        b.program(code);
        expect(b.run()).toMatchObject({ vector: VECTOR.PF, code: 3, eip: CODE, cs: CODE_SELECTOR[0] });
        expect(b.get(ESP)).toBe(STACKS[0] - 16);
        expect(b.access(FREE)).toBe(ACCESS.code & ~1);
      }
    });

    it('a load of a segment whose accessed bit cannot be written', () => {
      const b = bench().paging();
      b.descriptor(FREE, flat(ACCESS.data & ~1));
      b.page(0x1000, 0x1005);
      const [, eip] = b.program(mov(EAX, FREE), toSegment(ES));
      expect(b.run()).toMatchObject({ vector: VECTOR.PF, code: 3, eip });
      expect(b.cpu.selector(ES)).toBe(DATA_SELECTOR[0]);
    });

    it('SS that is not present leaves SS:ESP', () => {
      const b = bench();
      b.descriptor(FREE, flat(ACCESS.data & ~PRESENT));
      b.program(mov(EAX, FREE), toSegment(SS));
      expect(b.run()).toMatchObject({ vector: VECTOR.SS, code: FREE });
      expect([b.cpu.selector(SS), b.get(ESP)]).toEqual([DATA_SELECTOR[0], STACKS[0] - 16]);
    });
  });

  it('a store that faults leaves flags and registers of its instruction', () => {
    const b = bench().paging().ring(3);
    b.page(DATA, DATA | 5);
    b.set(EAX, 0xffffffff);
    b.flags(0);
    b.program([0x01, 0x05, ...dword(DATA)]); // add [DATA], eax
    expect(b.run()).toMatchObject({ vector: VECTOR.PF, code: 7, eflags: NO_FLAGS | FLAG.RF });
  });

  it('the IDT and the TSS may lie where ring 3 cannot look', () => {
    const b = bench().paging().ring(3);
    b.page(IDT & ~0xfff, (IDT & ~0xfff) | 3);
    b.page(TSS, TSS | 3);
    b.page(0x4000, 0x4003);
    b.program(UD2, store(DATA));
    expect(b.run()).toMatchObject({ vector: VECTOR.UD, eip: CODE, cs: CODE_SELECTOR[3] });
  });
});
