import type { Random } from './random.ts';
import { CODE, CODE_BYTES, DATA, DATA_BYTES, SELECTORS } from './world.ts';

/** Random pieces of machine code for the small world: plausible code, sensitive and privileged instructions, wild bytes. */

const TABLE_PAGES = [0x4000, 0x5000, 0x7000, 0x8000] as const;
const SEGMENT_PUSHES = [[0x06], [0x0e], [0x16], [0x1e], [0x0f, 0xa0], [0x0f, 0xa8]] as const;
const SEGMENT_POPS = [[0x07], [0x17], [0x1f], [0x0f, 0xa1], [0x0f, 0xa9]] as const;
/** Ports that may be written at any time: the POST code, and one that nobody claims and that reads the same always. */
const FLOATING_PORT = 0xe8;
const PORTS = [0x80, FLOATING_PORT] as const;
const MSRS = [0x174, 0x175, 0x176, 0x277, 0xc0000080, 0x1234] as const;
/** Bytes that a random stretch does without: ports of devices that live in time. */
const PORT_OPCODES = [0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef, 0x6c, 0x6d, 0x6e, 0x6f];

function imm32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}

function address(random: Random): number {
  return DATA + random.below(DATA_BYTES - 16);
}

/** ModRM and what follows for a memory operand, mostly in the data pages. */
function memory(random: Random, reg: number): number[] {
  if (random.once(2)) return [(reg << 3) | 5, ...imm32(address(random))];
  const rm = random.pick([0, 1, 2, 3, 6, 7]);
  return [0x40 | (reg << 3) | rm, random.below(128)];
}

function register(random: Random, reg: number): number[] {
  return [0xc0 | (reg << 3) | random.below(8)];
}

/** A ModRM operand that need not be memory; ESP is seldom written, so that the stack survives. */
function any(random: Random, reg: number): number[] {
  if (random.once(2)) return memory(random, reg);
  return [0xc0 | (reg << 3) | (random.once(20) ? 4 : random.pick([0, 1, 2, 3, 5, 6, 7]))];
}

function reg(random: Random): number {
  return random.once(30) ? 4 : random.pick([0, 1, 2, 3, 5, 6, 7]);
}

function movImmediate(register: number, value: number): number[] {
  return [0xb8 | register, ...imm32(value)];
}

function plain(random: Random): number[] {
  switch (random.below(14)) {
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

function strings(random: Random): number[] {
  const setup = [
    ...movImmediate(1, random.below(20)),
    ...movImmediate(6, address(random)),
    ...movImmediate(7, random.once(8) ? CODE + random.below(200) : address(random)),
  ];
  return [...setup, random.pick([0xf3, 0xf2, 0x90]), random.pick([0xa4, 0xa5, 0xaa, 0xab, 0xa6, 0xae, 0xad])];
}

function x87(random: Random): number[] {
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

/** Selectors that no guest has: they are the monitor's. */
const FIRST_MONITOR_SELECTOR = 0xe000;
/**
 * Cases of sensitive() that ask for a descriptor table, a task or a descriptor as such. User code runs directly under every technique
 * that deprivileges, and there these show the monitor's: no such monitor can help it.
 */
const ASKING = [2, 3, 4, 5, 6];

function sensitiveOfUser(random: Random): number[] {
  for (;;) {
    const kind = random.below(14);
    const selector = random.pick(SELECTORS);
    if (!ASKING.includes(kind) && selector < FIRST_MONITOR_SELECTOR) return sensitiveOf(random, kind, selector);
  }
}

/** The seventeen, and others that say or use the privilege level. */
function sensitive(random: Random): number[] {
  return sensitiveOf(random, random.below(14), random.pick(SELECTORS));
}

function sensitiveOf(random: Random, kind: number, selector: number): number[] {
  switch (kind) {
    case 0:
      return [0x9c, 0x58 | reg(random)];
    case 1:
      return [0x68, ...imm32(random.word() & 0x3ed7), 0x9d];
    case 2:
      return [0x0f, 0x01, ...memory(random, random.pick([0, 1]))];
    case 3:
      return [0x0f, 0x00, ...any(random, random.pick([0, 1]))];
    case 4:
      return [0x0f, 0x01, ...any(random, 4)];
    case 5:
      return [...movImmediate(0, selector), 0x0f, random.pick([0x02, 0x03]), 0xc0 | (random.below(4) << 3)];
    case 6:
      return [...movImmediate(0, selector), 0x0f, 0x00, 0xc0 | (random.pick([4, 5]) << 3)];
    case 7:
      return [...random.pick(SEGMENT_PUSHES)];
    case 8:
      return [0x68, ...imm32(selector), ...random.pick(SEGMENT_POPS)];
    case 9:
      return [0x8c, ...any(random, random.below(6))];
    case 10:
      return [...movImmediate(0, selector), 0x8e, 0xc0 | (random.pick([0, 2, 3, 4, 5]) << 3)];
    case 11:
      return [random.pick([0x9a, 0xea]), ...imm32(CODE + random.below(300)), selector & 0xff, selector >>> 8];
    case 12:
      return [0xcd, random.pick([0x30, 0x80, 0x03, 0x0d, 0x21, 0x82])];
    default: {
      // A frame for IRET or RETF: to the code behind it, or anywhere.
      const to = selector;
      const kept = [0x68, ...imm32(random.word() & 0x3ed7), 0x68, ...imm32(to)];
      return [...kept, 0xe8, 0, 0, 0, 0, 0x83, 0x04, 0x24, 5, random.pick([0xcf, 0xcb])];
    }
  }
}

function privileged(random: Random): number[] {
  switch (random.below(14)) {
    case 0:
    case 1:
      return [random.pick([0xfa, 0xfb])];
    case 2:
      return [0x0f, 0x20, 0xc0 | (random.pick([0, 2, 3, 4]) << 3) | reg(random)];
    case 3:
      // MOV CR0, keeping protection and paging mostly.
      return [0x0f, 0x20, 0xc0, 0x35, ...imm32(random.pick([8, 2, 4, 0x10000, 0x20, 0x40000])), 0x0f, 0x22, 0xc0];
    case 4:
      return [0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8];
    case 5:
      return [0x0f, 0x20, 0xe0, 0x35, ...imm32(random.pick([4, 8, 0x80, 0x10, 0x200])), 0x0f, 0x22, 0xe0];
    case 6:
      return [0x0f, 0x01, ...memory(random, random.once(4) ? random.pick([2, 3]) : 7)];
    case 7:
      return random.pick([[0x0f, 0x06], [0x0f, 0x09], [0x0f, 0x08], [0xf4]]);
    case 8:
      return [...movImmediate(1, random.pick(MSRS)), 0x0f, random.once(3) ? 0x30 : 0x32];
    case 9:
      return random.once(2) ? [0xe6, random.pick(PORTS)] : [0xe4, FLOATING_PORT];
    case 10:
      return [0x0f, random.pick([0x21, 0x23]), 0xc0 | (random.pick([0, 1, 2, 3, 6]) << 3) | reg(random)];
    case 11:
      return [...movImmediate(0, random.pick(SELECTORS)), 0x0f, 0x00, random.pick([0xd0, 0xd8])];
    case 12:
      return [0x0f, 0x01, ...register(random, 6)];
    default:
      return [0x9d, 0xfb];
  }
}

/** Changes of page tables, with and without telling the processor. */
function tables(random: Random): number[] {
  const page = random.pick(TABLE_PAGES);
  const index = random.below(0x20) * 4;
  const value = random.once(3) ? random.word() : (random.below(0x18) << 12) | (random.word() & 0x67) | 1;
  const flush = random.once(3) ? [] : [0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8];
  return [0xc7, 0x05, ...imm32(page + index), ...imm32(value), ...flush];
}

/** A write into the code that is about to run, or has run. */
function selfModifying(random: Random): number[] {
  return [0xc6, 0x05, ...imm32(CODE + random.below(160)), random.below(256)];
}

function descriptors(random: Random): number[] {
  return [0xc7, 0x05, ...imm32(0x1000 + random.below(0x1c) * 4), ...imm32(random.word())];
}

function wild(random: Random): number[] {
  return Array.from({ length: 1 + random.below(8) }, () => {
    const byte = random.below(256);
    return PORT_OPCODES.includes(byte) ? 0x90 : byte;
  });
}

/** Addresses that a hostile guest would like to reach: the monitor's region, its tables, its code. */
const TARGETS = [
  0xffc00000, 0xffc22000, 0xffc24000, 0xffd00000, 0xffa00000, 0xffbfffff, 0xf5800000, 0xfffffff0,
] as const;

function hostile(random: Random): number[] {
  const target = random.pick(TARGETS) + random.below(64);
  switch (random.below(7)) {
    case 0:
      return [0xc7, 0x05, ...imm32(target), ...imm32(random.word())];
    case 1:
      return [0xa1, ...imm32(target)];
    case 2:
      return [0xe9, ...imm32(target - CODE - random.below(200))];
    case 3:
      return [...movImmediate(4, target), random.pick([0x50, 0x58, 0xc3, 0xcf, 0x60])];
    case 4:
      return [
        ...movImmediate(7, target),
        ...movImmediate(1, random.below(4000)),
        0xf3,
        random.pick([0xaa, 0xa4, 0xab]),
      ];
    case 5:
      return [0xea, ...imm32(target), ...imm32(random.pick(SELECTORS)).slice(0, 2)];
    default:
      return [0x0f, random.pick([0x01, 0xc7, 0x78, 0x79]), random.below(256), ...imm32(target)];
  }
}

type Kind = (random: Random) => number[];
const KERNEL: readonly Kind[] = [
  plain,
  plain,
  plain,
  plain,
  plain,
  sensitive,
  sensitive,
  sensitive,
  privileged,
  privileged,
  tables,
  strings,
  x87,
  selfModifying,
];
const USER: readonly Kind[] = [
  plain,
  plain,
  plain,
  plain,
  plain,
  plain,
  sensitiveOfUser,
  sensitiveOfUser,
  privileged,
  strings,
  x87,
  selfModifying,
];

/** The time-stamp counter and CPUID differ between machine and virtual machine by design. */
function isTimeless(bytes: readonly number[], ring: 0 | 3): boolean {
  const left = ring === 3 ? [...OWN, ...QUESTIONS] : OWN;
  return !bytes.some((byte, n) => byte === 0x0f && left.includes(bytes[n + 1]));
}

/** Second opcode bytes of RDTSC, CPUID, RDPMC and the VMX group; of SLDT and the like. */
const OWN: readonly number[] = [0x31, 0xa2, 0x33, 0x78, 0x79, 0xc7];
const QUESTIONS: readonly number[] = [0x00, 0x01, 0x02, 0x03];

/** A piece of code of a few instructions, which ends by halting if nothing else ends it. */
export function createCode(random: Random, ring: 0 | 3, isHostile: boolean): Uint8Array {
  for (;;) {
    const bytes: number[] = [];
    const count = 1 + random.below(12);
    for (let n = 0; n < count; n++) {
      const kind =
        isHostile && random.once(3) ? hostile : random.once(25) ? wild : random.pick(ring === 0 ? KERNEL : USER);
      bytes.push(...kind(random));
      if (ring === 0 && random.once(40)) bytes.push(...descriptors(random));
    }
    bytes.push(...(ring === 0 ? [0xfa, 0xf4, 0xeb, 0xfc] : [0xcd, 0x30, 0xeb, 0xfe]));
    if (bytes.length < CODE_BYTES && (isHostile || isTimeless(bytes, ring))) return Uint8Array.from(bytes);
  }
}
