import { describe, expect, it } from 'vitest';
import { CR4, EBP, ECX, ESI, ESP } from '../../ia32/registers.ts';
import * as L from '../cpu/layout.ts';
import { Processor } from '../cpu/processor.ts';
import { initialize, setControl } from '../cpu/x87/state.ts';
import { Bench, DATA, STACKS } from '../testing/bench.ts';
import { type Code, dword } from '../testing/code.ts';
import type { MachineUnderTest } from '../testing/machines.ts';
import { Translator } from './translator.ts';

/**
 * Random programs of what compilers use, in loops, executed and translated: registers, flags and memory must come out the same. What one run finds,
 * its seed finds again.
 */

const SEED = Number(process.env['SEED'] ?? 1);
const PROGRAMS = Number(process.env['PROGRAMS'] ?? 125);

const EXECUTOR: MachineUnderTest = { engine: 'executor', open: physical => new Processor(physical) };
const OTHERS = (['interpret', 'regions'] as const).map(
  (engine): MachineUnderTest => ({
    engine,
    open: physical => {
      const cpu = new Processor(physical);
      cpu.translator = new Translator(cpu, engine, { hot: 0, batch: 1, often: 2, mostWide: 3 });
      return cpu;
    },
  }),
);

/** xorshift, after Marsaglia. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b1) | 1;
  }

  next(below: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % below;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.next(list.length)];
  }
}

/** ModRM of a register and memory at EBP or ESI plus up to 7F, which point into data, or an absolute address there. */
function memory(random: Random, register: number): Code {
  const displacement = random.next(0x7c);
  switch (random.next(3)) {
    case 0:
      return [0x45 | (register << 3), displacement];
    case 1:
      return [0x46 | (register << 3), displacement];
    default:
      return [0x05 | (register << 3), ...dword(DATA + 0x800 + displacement)];
  }
}

/** Registers that a program may change as it likes: not ESP, EBP, ESI, nor the counter ECX. */
const FREE_REGISTERS = [0, 2, 3, 7] as const;
const ANY_REGISTERS = [0, 1, 2, 3, 5, 6, 7] as const;
/** AL, CL, DL, BL, AH, DH, BH may be read; those of ECX not written. */
const FREE_BYTES = [0, 2, 3, 4, 6, 7] as const;

function registers(random: Random, to: number): Code {
  return [0xc0 | (random.pick(ANY_REGISTERS) << 3) | to];
}

/** Where control words lie: by default, and others of all precisions and directions; the last ones unmask exceptions. */
const CONTROLS = DATA + 0xf00;
const CONTROL_WORDS = [0x37f, 0x27f, 0x07f, 0x77f, 0xb7f, 0xf7f, 0x37a, 0x367, 0x35f, 0x25d] as const;

/** ModRM with /digit of a register form, mostly of a register near the top. */
function st(random: Random, digit: number): number {
  return 0xc0 | (digit << 3) | random.next(random.next(4) === 0 ? 8 : 3);
}

/** One x87 instruction. */
function floating(random: Random): Code {
  const digit = random.next(8);
  const kinds: readonly (() => Code)[] = [
    // Arithmetic and comparisons with memory and registers; stores that pop are as many as loads.
    () => [random.pick([0xd8, 0xdc, 0xdc, 0xda, 0xde]), ...memory(random, digit)],
    () => [0xd8, st(random, digit)],
    () => [random.pick([0xdc, 0xde]), st(random, random.pick([0, 1, 4, 5, 6, 7]))],
    () => [random.pick([0xd9, 0xdd, 0xdd, 0xdb, 0xdf]), ...memory(random, 0)],
    () => [random.pick([0xd9, 0xdd, 0xdd, 0xdb, 0xdf]), ...memory(random, 0)],
    () => [random.pick([0xd9, 0xdd, 0xdb, 0xdf]), ...memory(random, 2)],
    () => [random.pick([0xd9, 0xdd, 0xdd, 0xdb, 0xdf]), ...memory(random, 3)],
    () => [random.pick([0xdb, 0xdd, 0xdf]), ...memory(random, 1)],
    () =>
      random.pick([
        [0xdb, ...memory(random, 5)],
        [0xdb, ...memory(random, 7)],
        [0xdf, ...memory(random, 5)],
        [0xdf, ...memory(random, 7)],
      ]),
    // From CS: the pointers show another selector.
    () => [0x2e, random.pick([0xdc, 0xdd]), ...memory(random, 0)],
    () => [0xd9, st(random, random.next(2))],
    () => [0xd9, st(random, 1)],
    () => [0xdd, st(random, random.pick([0, 2, 3, 3, 4, 5]))],
    () => [random.pick([0xda, 0xdb]), st(random, random.next(4))],
    () => [random.pick([0xdb, 0xdf]), st(random, random.pick([5, 6]))],
    () => random.pick([[0xde, 0xd9], [0xda, 0xe9], [0xd9, 0xe4], [0xd9, 0xe5], [0x9b], [0xd9, 0xd0]]),
    () => [0xd9, random.pick([0xe0, 0xe1, 0xfa, 0xfc, 0xf4, 0xf8, 0xfd, 0xf0, 0xf6, 0xf7])],
    () => [0xd9, 0xe8 | random.next(7)],
    () => [0xdf, 0xe0],
    () =>
      random.pick([
        [0xd9, ...memory(random, 7)],
        [0xdd, ...memory(random, 7)],
        [0xdb, 0xe2],
        [0xd9, 0xd0],
      ]),
    () => [0xd9, 0x2d, ...dword(CONTROLS + 2 * random.next(random.next(8) === 0 ? 10 : 6))],
  ];
  return random.pick(kinds)();
}

/** Up to three instructions between registers. */
function side(random: Random): Code {
  const one = (): Code => {
    const to = random.pick(FREE_REGISTERS);
    const from = random.pick(ANY_REGISTERS);
    const byte = random.pick(FREE_BYTES);
    const arithmetic = random.pick([0, 1, 4, 5, 6, 7]) << 3;
    return random.pick<Code>([
      [0x89, 0xc0 | (from << 3) | to],
      [arithmetic | 1, 0xc0 | (from << 3) | to],
      [0x66, arithmetic | 1, 0xc0 | (from << 3) | to],
      [arithmetic, 0xc0 | (random.next(8) << 3) | byte],
      [0x83, 0xc0 | arithmetic | to, random.next(256)],
      [random.pick([0x40, 0x48]) | to],
      [0x0f, random.pick([0xb6, 0xb7, 0xbe, 0xbf]), 0xc0 | (to << 3) | random.next(8)],
      [0x8d, 0x44 | (to << 3), random.pick([0x88, 0x19, 0x52]), random.next(128)],
      [0xf7, 0xc0 | (random.pick([2, 3]) << 3) | to],
    ]);
  };
  return Array.from({ length: 1 + random.next(3) }, one).flat();
}

/** LEA EDI to data, maybe STD, a string instruction, maybe repeated up to 7 times, maybe CLD. */
function string(random: Random): Code {
  const pointer = random.pick([
    [0x7e, random.next(0x7c)],
    [0x7d, random.next(0x7c)],
  ]);
  const wide: Code = random.next(6) === 0 ? [0x66] : [];
  const operation = random.pick([0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf]);
  const one = [...wide, operation];
  // PUSH ECX; MOV ECX, n; REP or REPNE; POP ECX
  const repeated = [0x51, 0xb9, random.next(8), 0, 0, 0, random.pick([0xf3, 0xf2]), ...one, 0x59];
  const down: Code = random.next(3) === 0 ? [0xfd] : [];
  const up: Code = random.next(4) > 0 ? [0xfc] : [];
  return [0x8d, ...pointer, ...down, ...(random.next(3) === 0 ? repeated : one), ...up];
}

/** One instruction, or two that balance the stack. */
function instruction(random: Random): Code {
  const to = random.pick(FREE_REGISTERS);
  const byte = random.pick(FREE_BYTES);
  const from = random.pick(ANY_REGISTERS);
  const arithmetic = random.next(8) << 3;
  const wide: Code = random.next(6) === 0 ? [0x66] : [];
  const condition = random.next(16);
  const kinds: readonly (() => Code)[] = [
    () => [0x89, ...registers(random, to)],
    () => [0x89, ...registers(random, to)],
    () => [...wide, arithmetic | 1, ...registers(random, to)],
    () => [...wide, arithmetic | 3, ...memory(random, to)],
    () => [...wide, arithmetic | 1, ...memory(random, from)],
    () => [arithmetic | 0, 0xc0 | (random.next(8) << 3) | byte],
    () => [arithmetic | 0, ...memory(random, random.next(8))],
    () => [0x83, 0xc0 | arithmetic | to, random.next(256)],
    () => [0x83, ...memory(random, arithmetic >> 3), random.next(256)],
    () => [0x8b, ...memory(random, to)],
    () => [0x89, ...memory(random, from)],
    () => [...wide, 0x40 | to],
    () => [...wide, 0x48 | to],
    () => [0xff, ...memory(random, random.next(2))],
    () => [0xc1, 0xc0 | (random.pick([0, 1, 2, 3, 4, 5, 7]) << 3) | to, random.next(34)],
    () => [0xd3, 0xc0 | (random.pick([0, 1, 2, 3, 4, 5, 7]) << 3) | to],
    () => [0xd3, ...memory(random, random.pick([0, 1, 4, 5, 7]))],
    () => [0x0f, random.pick([0xa4, 0xac]), ...registers(random, to), random.next(34)],
    () => [0x87, 0xc0 | (random.pick(FREE_REGISTERS) << 3) | to],
    () => [0x87, ...memory(random, to)],
    () => [0x50 | from, 0x58 | to],
    () => [0x9c, 0x58 | to],
    () => [0x9c, 0x9d],
    // OR EBX, 1; then CDQ, IDIV EBX; XOR EDX, EDX, DIV EBX; or EDX as half of EBX, DIV EBX; or a quarter, IDIV EBX.
    () => [
      0x83,
      0xcb,
      1,
      ...random.pick([
        [0x99, 0xf7, 0xfb],
        [0x31, 0xd2, 0xf7, 0xf3],
        [0x89, 0xda, 0xd1, 0xea, 0xf7, 0xf3],
      ]),
    ],
    () => [0x83, 0xcb, 1, 0x89, 0xda, 0xd1, 0xfa, 0xd1, 0xfa, 0xf7, 0xfb],
    () => [0x8d, ...memory(random, to)],
    () => [0x8d, 0x44 | (to << 3), random.pick([0x88, 0x19, 0x52]), random.next(128)],
    () => [0x0f, 0x90 | condition, 0xc0 | byte],
    () => [0x0f, 0x40 | condition, 0xc0 | (to << 3) | from],
    () => [0x0f, random.pick([0xb6, 0xb7, 0xbe, 0xbf]), 0xc0 | (to << 3) | random.next(8)],
    () => [0x0f, random.pick([0xb6, 0xb7, 0xbe, 0xbf]), ...memory(random, to)],
    () => [0x0f, 0xaf, 0xc0 | (to << 3) | from],
    () => [0xf7, 0xc0 | (random.pick([2, 3]) << 3) | to],
    () => [0x0f, random.pick([0xa3, 0xab, 0xb3, 0xbb]), 0xc0 | (from << 3) | to],
    () => [0x0f, random.pick([0xbc, 0xbd]), 0xc0 | (to << 3) | from],
    () => [0x0f, 0xc8 | to],
    () => [random.pick([0xf8, 0xf9, 0xf5, 0x98, 0x99, 0x9f, 0x9e])],
    () => [0x0f, random.pick([0xb1, 0xc1]), ...memory(random, from === ECX ? to : random.pick(FREE_REGISTERS))],
    // Not in the common words: the executor's, in the midst. FILD, FIST; FLD1, FADDP; FNSTSW AX; FCOMI; MOVD to and from XMM0; ADDPS.
    () => [0xdb, ...memory(random, random.pick([0, 2]))],
    () => [0xdb, ...memory(random, random.pick([0, 2]))],
    () => [0xd9, 0xe8, 0xde, 0xc1],
    () => [0xdf, 0xe0],
    () => [0xdb, 0xf1],
    () => [0x66, 0x0f, 0x6e, 0xc0 | from],
    () => [0x66, 0x0f, 0x7e, 0xc0 | to],
    () => [0x0f, 0x58, 0xc0],
    // The pointers move by a few bytes, and what lies at ESP or just below.
    () => [0x83, random.pick([0xc5, 0xc6, 0xed, 0xee]), random.next(16)],
    () => [0x8d, random.pick([0x6d, 0x76]), random.next(16)],
    () => random.pick([[0x46], [0x4e], [0x45], [0x4d]]),
    () => [0x8b, 0x44 | (to << 3), 0x24, 4 * random.next(6)],
    () => [0x89, 0x44 | (from << 3), 0x24, 256 - 4 - 4 * random.next(6)],
    () => [arithmetic | 1, 0x44 | (from << 3), 0x24, 256 - 4 - random.next(20)],
    () => string(random),
    () => string(random),
    // A jump over an instruction.
    () => {
      const over = random.pick([
        [0x89, 0xc0 | (from << 3) | to],
        [0x8b, ...memory(random, to)],
        [0x89, ...memory(random, from)],
      ]);
      return [0x70 | condition, over.length, ...over];
    },
    // Short sides of a branch, one or both: jcc over the one, which ends with a jump over the other.
    () => {
      const other = random.next(2) === 0 ? [] : side(random);
      const one = [...side(random), ...(other.length === 0 ? [] : [0xeb, other.length])];
      return [0x70 | condition, one.length, ...one, ...other];
    },
  ];
  return random.pick(kinds)();
}

/** Of all, or mostly of the x87's. */
type Mixture = 'any' | 'x87';
const MIXTURES: readonly Mixture[] = ['any', 'x87'];

/** A loop of up to 12 instructions, maybe around one of up to 6; of the x87's twice as many. */
function program(random: Random, mixture: Mixture): Code {
  const isFloating = () => mixture === 'x87' && random.next(6) > 0;
  const one = () => (isFloating() ? [...floating(random), ...floating(random)] : instruction(random));
  const some = (most: number) => Array.from({ length: 1 + random.next(most) }, one).flat();
  const [before, inner, after] = [some(6), random.next(2) === 0 ? some(6) : [], some(6)];
  // push ecx; mov ecx, 3; inner; dec ecx; jnz; pop ecx
  const nested = inner.length === 0 ? [] : [0x51, 0xb9, 3, 0, 0, 0, ...inner, 0x49, 0x75, 256 - 3 - inner.length, 0x59];
  const body = [...before, ...nested, ...after, 0x49];
  return [...body, 0x0f, 0x85, ...dword(-(body.length + 6))];
}

/** From DATA on: pages of data and stack. */
const MEMORY_BYTES = 0x4000;

function outcome(machine: MachineUnderTest, code: Code, random: Random) {
  const b = new Bench(machine);
  for (let n = 0; n < MEMORY_BYTES; n += 4) b.bytes(DATA + n, dword(random.next(2 ** 32)));
  for (let register = 0; register < 8; register++) {
    if (register !== ESP) b.set(register, random.next(2 ** 32) | 0);
  }
  // Doubles of like magnitudes, so that their sums are more than one of them.
  for (let n = 4; n < 0x800; n += 8) b.bytes(DATA + n + 3, [random.pick([0x3f, 0xbf, 0x40])]);
  b.bytes(
    CONTROLS,
    CONTROL_WORDS.flatMap(word => [word & 0xff, word >> 8]),
  );
  // Mostly away from the ends of pages.
  b.set(EBP, DATA + 0x200);
  b.set(ESI, DATA + (random.next(3) === 0 ? 0x1000 - random.next(0x80) : 0x600));
  b.set(ECX, 9);
  // Neighbours do not lie side by side in memory.
  b.paging(CR4.OSFXSR);
  for (const [n, page] of [DATA, DATA + 0x1000, STACKS[0] - 0x1000, STACKS[0]].entries()) {
    b.page(page, (DATA + 0x1000 * ((3 * n) % 4)) | 7);
  }
  // Code is translated for the exceptions that are unmasked when it begins.
  initialize(b.cpu);
  setControl(b.cpu, random.next(2) === 0 ? 0x37f : random.pick(CONTROL_WORDS));
  b.program(code);
  const { vector } = b.run();
  const state = [...b.cpu.i32.subarray(0, 8)].map(word => (word >>> 0).toString(16)).join(' ');
  const data = b.cpu.i32.slice((L.RAM + DATA) >> 2, (L.RAM + DATA + MEMORY_BYTES) >> 2);
  const sum = data.reduce((all, word) => (Math.imul(all, 31) + word) | 0, 0);
  const x87 = [...b.cpu.i32.subarray(L.W_X87, L.W_X87_REGISTERS + 32)].map(word => (word >>> 0).toString(16)).join(' ');
  return { vector, state, x87, eflags: b.cpu.eflags(), sum, translated: b.cpu.translator?.translated ?? 0 };
}

describe.each(OTHERS)('random programs, $engine', machine => {
  it.each(MIXTURES)(`of %s instructions come out translated as executed, from seed ${SEED}`, mixture => {
    let translated = 0;
    for (let seed = SEED; seed < SEED + PROGRAMS; seed++) {
      const code = program(new Random(seed), mixture);
      const { translated: _, ...executed } = outcome(EXECUTOR, code, new Random(seed + 1));
      const { translated: made, ...other } = outcome(machine, code, new Random(seed + 1));
      translated = made;
      const hex = Buffer.from(code).toString('hex');
      expect({ seed, hex, ...other }).toEqual({ seed, hex, ...executed });
    }
    if (machine.engine === 'regions') expect(translated).toBeGreaterThan(PROGRAMS);
  });
});
