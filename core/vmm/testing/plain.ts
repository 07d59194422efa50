import type { Random } from '../../machine/testing/random.ts';
import { address, any, imm16, imm32, memory, movImmediate, reg, register } from './encode.ts';
import { CODE } from './world.ts';

/** Code that any program may have. */

export function plain(random: Random): number[] {
  switch (random.below(15)) {
    case 0:
      return [(random.below(8) << 3) | random.pick([1, 3]), ...any(random, reg(random))];
    case 1:
      return [(random.below(8) << 3) | random.pick([0, 2]), ...any(random, random.below(8))];
    case 2:
      return [0x81, ...any(random, random.below(8)), ...imm32(random.word())];
    case 3:
      return [random.pick([0x50, 0x58]) | reg(random)];
    case 4:
      return [random.pick([0xc1, 0xd3]), ...any(random, random.below(8))].concat(random.below(34));
    case 5:
      return [0x89, ...any(random, random.below(8))];
    case 6:
      return [0x8b, ...any(random, reg(random))];
    case 7:
      return movImmediate(reg(random), random.once(2) ? address(random) : random.word());
    case 8:
      return [0x70 | random.below(16), random.below(12)];
    case 9:
      return [0x0f, random.pick([0xaf, 0xb6, 0xbe, 0xa3, 0xab, 0xbc, 0x40, 0x90]), ...any(random, reg(random))];
    case 10:
      return [0xf7, ...any(random, random.pick([2, 3, 4, 5, 6, 7]))];
    case 11:
      return [0xe8, random.below(8), 0, 0, 0];
    case 12:
      return [0x8d, ...memory(random, reg(random))];
    case 13:
      return seldom(random);
    default:
      return random.pick([
        [0x60],
        [0x61],
        [0x9f],
        [0x9e],
        [0x98],
        [0x99],
        [0xc9],
        [0x40],
        [0x4e],
        [0xf8],
        [0xf9],
        [0xc3],
      ]);
  }
}

/** What compilers make less often: prefixes, decimal arithmetic, bit and double shifts, loops, indirect calls. */
function seldom(random: Random): number[] {
  switch (random.below(16)) {
    case 0:
      // 16-bit operands.
      return [0x66, (random.below(8) << 3) | random.pick([1, 3]), ...any(random, reg(random))];
    case 1:
      // A segment prefix.
      return [random.pick([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]), random.pick([0x8b, 0x89, 0x03]), ...memory(random, 0)];
    case 2:
      // LOCK.
      return [0xf0, random.pick([0x01, 0x29, 0x31]), ...memory(random, random.below(8))];
    case 3:
      return [random.pick([0xe0, 0xe1, 0xe2, 0xe3]), random.below(8)];
    case 4:
      return [0xc8, random.below(32), 0, random.below(3)];
    case 5:
      return [random.pick([0x27, 0x2f, 0x37, 0x3f, 0xd7, 0xd6])];
    case 6:
      return [random.pick([0xd4, 0xd5]), random.pick([10, 0, 16])];
    case 7:
      return [0x0f, random.pick([0xa4, 0xac]), ...any(random, reg(random)), random.below(40)];
    case 8:
      return [0x0f, random.pick([0xb0, 0xb1, 0xc0, 0xc1, 0xba]), ...any(random, 4 + random.below(4))].concat(
        random.below(32),
      );
    case 9:
      return [0x0f, 0xc8 | reg(random)];
    case 10:
      return [0x62, ...memory(random, reg(random))];
    case 11:
      // PUSH and POP of memory, INC and DEC.
      return random.once(2) ? [0xff, ...memory(random, random.pick([0, 1, 6]))] : [0x8f, ...memory(random, 0)];
    case 12: {
      // CALL and JMP through a register, to what follows.
      const to = random.pick([0, 1, 2, 3, 5, 6, 7]);
      return [0xe8, 0, 0, 0, 0, 0x58 | to, 0x83, 0xc0 | to, 6, 0xff, random.pick([0xd0, 0xe0]) | to];
    }
    case 13:
      // 16-bit addresses.
      return [0x67, random.pick([0x8b, 0x89]), 6, ...imm16(random.word())];
    case 14:
      return [random.pick([0xa0, 0xa1, 0xa2, 0xa3]), ...imm32(address(random))];
    default:
      return [random.pick([0x87, 0x86, 0x84, 0x85, 0x69, 0x0f]), ...register(random, reg(random))];
  }
}

export function strings(random: Random): number[] {
  const setup = [
    ...movImmediate(1, random.below(20)),
    ...movImmediate(6, address(random)),
    ...movImmediate(7, random.once(8) ? CODE + random.below(200) : address(random)),
  ];
  return [...setup, random.pick([0xf3, 0xf2, 0x90]), random.pick([0xa4, 0xa5, 0xaa, 0xab, 0xa6, 0xae, 0xad])];
}

export function x87(random: Random): number[] {
  return random.pick([
    [0xd9, 0xe8],
    [0xd9, 0xeb],
    [0xdb, 0xe3],
    [0xde, 0xc1],
    [0xd8, 0xc9],
    [0xdf, 0xe0],
    [0xd9, ...memory(random, 7)],
    [0xdd, ...memory(random, 3)],
    [0xdb, ...memory(random, 0)],
    [0xdd, ...memory(random, 6)],
  ]);
}

/** MMX, SSE and MXCSR; off their boundaries, and with reserved bits for MXCSR, they fault. */
export function sse(random: Random): number[] {
  return random.pick([
    [0x0f, 0x10, ...memory(random, random.below(8))], // movups xmm, m
    [0x0f, 0x11, ...memory(random, random.below(8))],
    [0x0f, 0x28, ...memory(random, random.below(8))], // movaps xmm, m
    [0x66, 0x0f, 0x6e, ...register(random, random.below(8))], // movd xmm, r
    [0x66, 0x0f, 0x7e, ...register(random, reg(random))],
    [0x66, 0x0f, 0xfe, ...register(random, random.below(8))], // paddd xmm, xmm
    [0x0f, 0x58, ...register(random, random.below(8))], // addps xmm, xmm
    [0xf2, 0x0f, 0x5e, ...register(random, random.below(8))], // divsd xmm, xmm
    [0xf2, 0x0f, 0x2a, ...register(random, random.below(8))], // cvtsi2sd xmm, r
    [0xf2, 0x0f, 0x2d, ...register(random, reg(random))], // cvtsd2si r, xmm
    [0x0f, 0x6f, ...memory(random, random.below(8))], // movq mm, m
    [0x0f, 0xfc, ...register(random, random.below(8))], // paddb mm, mm
    [0x0f, 0x77], // emms
    [0x0f, 0xae, ...memory(random, 0)], // fxsave
    [0x0f, 0xae, ...memory(random, 2)], // ldmxcsr
    [0x0f, 0xae, ...memory(random, 3)], // stmxcsr
  ]);
}

/** A write into the code that is about to run, or has run. */
export function selfModifying(random: Random, at: number): number[] {
  if (random.once(2)) return [0xc6, 0x05, ...imm32(CODE + random.below(160)), random.below(256)];
  // MOV BYTE [immediate of the next instruction], imm8; MOV or ADD AL, imm8
  return [0xc6, 0x05, ...imm32(CODE + at + 8), random.below(256), random.pick([0xb0, 0x04]), random.below(256)];
}
