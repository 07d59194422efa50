import type { Random } from '../../machine/testing/random.ts';
import { imm32, type Kind, movImmediate } from './encode.ts';
import { controls, directories, modes, ownPages, tables } from './paging.ts';
import { plain, selfModifying, sse, strings, x87 } from './plain.ts';
import { cpuid, descriptors, privileged, rareFlags, sensitive, sensitiveOfUser, singleStep, vmx } from './privilege.ts';
import { excursion, farOfKernel, farOfUser, farToAnything, toRing1, virtual8086 } from './transfers.ts';
import { CODE, CODE_BYTES, type Paging, SELECTORS } from './world.ts';

/** Random pieces of machine code for the small world: plausible code, sensitive and privileged instructions, wild bytes. */

/** Bytes that a random stretch does without: ports of devices that live in time. */
const PORT_OPCODES = [0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef, 0x6c, 0x6d, 0x6e, 0x6f];

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
  farOfUser,
  strings,
  x87,
  sse,
  selfModifying,
];
const SELDOM_USER: readonly Kind[] = [wild, singleStep, rareFlags, vmx, farToAnything];

/** Code of ring 3, of a few instructions. */
function user(random: Random, at: number): number[] {
  const bytes: number[] = [];
  for (let n = random.below(6); n > 0; n--) bytes.push(...random.pick(USER)(random, at + bytes.length));
  return bytes;
}

function kernelKinds(paging: Paging): readonly Kind[] {
  return [
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
    random => tables(random, paging),
    farOfKernel,
    controls,
    strings,
    x87,
    sse,
    selfModifying,
  ];
}

function seldomKernelKinds(paging: Paging, outer: Kind): readonly Kind[] {
  return [
    wild,
    wild,
    descriptors,
    descriptors,
    singleStep,
    singleStep,
    rareFlags,
    vmx,
    cpuid,
    virtual8086,
    toRing1,
    farToAnything,
    random => modes(random, paging),
    random => modes(random, paging),
    random => directories(random, paging),
    random => ownPages(random, paging),
    outer,
    outer,
  ];
}

/** Second opcode bytes of RDTSC, which tells the time, and RDPMC; of SLDT and the like, and of CPUID. */
const TIMES: readonly number[] = [0x31, 0x33];
const QUESTIONS: readonly number[] = [0x00, 0x01, 0x02, 0x03, 0xa2];

/**
 * Whether a piece can be compared: time differs between machine and virtual machine by design. Code of ring 3 runs directly, where
 * questions for the tables and the processor are answered with the machine's.
 */
function isComparable(bytes: readonly number[], hasUserCode: boolean): boolean {
  const left = hasUserCode ? [...TIMES, ...QUESTIONS] : TIMES;
  return !bytes.some((byte, n) => byte === 0x0f && left.includes(bytes[n + 1]));
}

/** What a piece ends with: CLI; HLT, or INT 30. */
const KERNEL_END = [0xfa, 0xf4, 0xeb, 0xfc];
const USER_END = [0xcd, 0x30, 0xeb, 0xfe];
const MOST_PARTS = 12;
/** One part in so many is of a seldom kind. */
const SELDOM = 6;

/** A piece of code of a few instructions, which ends by halting if nothing else ends it. */
export function createCode(random: Random, ring: 0 | 3, paging: Paging, isHostile: boolean): Uint8Array {
  for (;;) {
    const bytes: number[] = [];
    let hasUserCode = ring === 3;
    const outer: Kind = (_, at) => {
      hasUserCode = true;
      return excursion(random, at, from => user(random, from));
    };
    const kinds = ring === 0 ? kernelKinds(paging) : USER;
    const seldom = ring === 0 ? seldomKernelKinds(paging, outer) : SELDOM_USER;
    const count = 1 + random.below(MOST_PARTS);
    for (let n = 0; n < count; n++) {
      const kind =
        isHostile && random.once(3) ? hostile : random.once(SELDOM) ? random.pick(seldom) : random.pick(kinds);
      bytes.push(...kind(random, bytes.length));
    }
    bytes.push(...(ring === 0 ? KERNEL_END : USER_END));
    if (bytes.length < CODE_BYTES && (isHostile || isComparable(bytes, hasUserCode))) return Uint8Array.from(bytes);
  }
}
