import type { Random } from '../../machine/testing/random.ts';
import { address, any, imm32, type Kind, memory, movImmediate, push, reg, register, store } from './encode.ts';
import { AVAILABLE_TASK, breakpointsOf, CODE, GDT, GDT_BYTES, LOCAL_TABLE, SELECTORS } from './world.ts';

/** Instructions that show or use the privilege level, and privileged ones. */

const SEGMENT_PUSHES = [[0x06], [0x0e], [0x16], [0x1e], [0x0f, 0xa0], [0x0f, 0xa8]] as const;
const SEGMENT_POPS = [[0x07], [0x17], [0x1f], [0x0f, 0xa1], [0x0f, 0xa9]] as const;
/** LES, LDS, LSS, LFS, LGS. */
const POINTER_LOADS = [[0xc4], [0xc5], [0x0f, 0xb2], [0x0f, 0xb4], [0x0f, 0xb5]] as const;
/** Ports that may be written at any time: the POST code, and one that nobody claims and that reads the same always. */
const FLOATING_PORT = 0xe8;
const PORTS = [0x80, FLOATING_PORT] as const;
const MSRS = [0x174, 0x175, 0x176, 0x277, 0xc0000080, 0x1234, 0x480] as const;
/** Selectors that no guest has: they are the monitor's. */
const FIRST_MONITOR_SELECTOR = 0xe000;
/** POPF of these bits: no TF, NT and RF. */
const FLAGS_OF_MOST = 0x43ed7 & ~0x4000;

/**
 * Cases of sensitiveOf() that ask for a descriptor table, a task or a descriptor as such. User code runs directly under every technique
 * that deprivileges, and there these show the monitor's: no such monitor can help it.
 */
const ASKING = [2, 3, 4, 5, 6];
const SENSITIVE_KINDS = 15;

/** Selectors that mean the same to code of ring 3 under any technique. */
export function selectorOfUser(random: Random): number {
  for (;;) {
    const selector = random.pick(SELECTORS);
    if (selector < FIRST_MONITOR_SELECTOR) return selector;
  }
}

export function sensitiveOfUser(random: Random): number[] {
  for (;;) {
    const kind = random.below(SENSITIVE_KINDS);
    if (!ASKING.includes(kind)) return sensitiveOf(random, kind, selectorOfUser(random));
  }
}

/** The seventeen, and others that say or use the privilege level. */
export function sensitive(random: Random): number[] {
  return sensitiveOf(random, random.below(SENSITIVE_KINDS), random.pick(SELECTORS));
}

function sensitiveOf(random: Random, kind: number, selector: number): number[] {
  switch (kind) {
    case 0:
      return [0x9c, 0x58 | reg(random)];
    case 1:
      return [...push(random.word() & FLAGS_OF_MOST), 0x9d];
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
      return [...push(selector), ...random.pick(SEGMENT_POPS)];
    case 9:
      return [0x8c, ...any(random, random.below(6))];
    case 10:
      return [...movImmediate(0, selector), 0x8e, 0xc0 | (random.pick([0, 2, 3, 4, 5]) << 3)];
    case 11:
      return [random.pick([0x9a, 0xea]), ...imm32(CODE + random.below(300)), selector & 0xff, selector >>> 8];
    case 12:
      return [0xcd, random.pick([0x30, 0x80, 0x03, 0x0d, 0x21, 0x82])];
    case 13: {
      const at = address(random);
      const load = random.pick(POINTER_LOADS);
      return [...store(at + 4, selector), ...load, (reg(random) << 3) | 5, ...imm32(at)];
    }
    default: {
      // A frame for IRET or RETF: to the code behind it, or anywhere.
      const kept = [...push(random.word() & FLAGS_OF_MOST), ...push(selector)];
      return [...kept, 0xe8, 0, 0, 0, 0, 0x83, 0x04, 0x24, 5, random.pick([0xcf, 0xcb])];
    }
  }
}

export function privileged(random: Random): number[] {
  switch (random.below(13)) {
    case 0:
    case 1:
      return [random.pick([0xfa, 0xfb])];
    case 2:
      return [0x0f, 0x20, 0xc0 | (random.pick([0, 2, 3, 4]) << 3) | reg(random)];
    case 3:
      return [0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8];
    case 4:
      return [0x0f, 0x01, ...memory(random, random.once(4) ? random.pick([2, 3]) : 7)];
    case 5:
      return random.pick([[0x0f, 0x06], [0x0f, 0x09], [0x0f, 0x08], [0xf4]]);
    case 6:
      return [...movImmediate(1, random.pick(MSRS)), 0x0f, random.once(3) ? 0x30 : 0x32];
    case 7:
      return random.once(2) ? [0xe6, random.pick(PORTS)] : [0xe4, FLOATING_PORT];
    case 8:
      return debugRegisters(random);
    case 9: {
      // LLDT, LTR.
      const isTask = random.once(2);
      const selector = random.once(2)
        ? random.pick(SELECTORS)
        : isTask
          ? AVAILABLE_TASK
          : random.pick([0, LOCAL_TABLE]);
      return [...movImmediate(0, selector), 0x0f, 0x00, isTask ? 0xd8 : 0xd0];
    }
    case 10:
      return [0x0f, 0x01, ...register(random, 6)];
    case 11:
      return stringIo(random);
    default:
      return [0x9d, 0xfb];
  }
}

/** DR7 gets breakpoints, and general detection (bit 13) now and then. */
function debugRegisters(random: Random): number[] {
  const number = random.pick([0, 1, 2, 3, 4, 6]);
  if (random.once(2)) return [0x0f, random.pick([0x21, 0x23]), 0xc0 | (number << 3) | reg(random)];
  if (random.once(3)) {
    const breakpoints = breakpointsOf(random);
    const load = (n: number, value: number) => [...movImmediate(0, value), 0x0f, 0x23, 0xc0 | (n << 3)];
    return [...load(random.below(4), breakpoints[0]), ...load(7, breakpoints[4])];
  }
  if (random.once(2)) return [...movImmediate(0, random.once(3) ? 0x2400 : 0x400), 0x0f, 0x23, 0xf8];
  return [0x0f, 0x21, 0xf8 | reg(random)];
}

/** INS and OUTS, repeated. */
function stringIo(random: Random): number[] {
  const at = [...movImmediate(6, address(random)), ...movImmediate(7, address(random))];
  const operation = random.pick([0x6c, 0x6d, 0x6e, 0x6f]);
  const isInput = operation < 0x6e;
  const setup = [...at, ...movImmediate(1, random.below(12)), ...movImmediate(2, isInput ? FLOATING_PORT : 0x80)];
  return [...setup, random.pick([0xf3, 0x90]), operation];
}

/** PUSHF, TF set, POPF: a trap follows behind each of the next instructions, up to the handler's end of it. */
export function singleStep(random: Random): number[] {
  const step = [0x9c, 0x81, 0x0c, 0x24, ...imm32(0x100), 0x9d];
  // What holds off the trap, or has one of its own.
  const behind = random.pick<readonly number[]>([
    [],
    [],
    [0x16, 0x17],
    [0xfb],
    [0xcd, 0x80],
    [0xcc],
    [0x8e, 0xd3],
    [0x9d],
  ]);
  return [...step, ...behind];
}

/** NT, RF, AC or VM by POPF. */
export function rareFlags(random: Random): number[] {
  return [...push((random.word() & FLAGS_OF_MOST) | random.pick([0x4000, 0x10000, 0x20000, 0x40000, 0x200000])), 0x9d];
}

/** VMX instructions, of which neither a bare machine without VMX nor a virtual machine has any: #UD. */
export const vmx: Kind = random =>
  random.pick([
    [0x0f, 0x01, 0xc1],
    [0x0f, 0x01, 0xc2],
    [0x0f, 0x01, 0xc3],
    [0x0f, 0x01, 0xc4],
    [0xf3, 0x0f, 0xc7, ...memory(random, 6)],
    [0x66, 0x0f, 0xc7, ...memory(random, 6)],
    [0x0f, 0xc7, ...memory(random, random.pick([6, 7]))],
    [0x0f, 0x78, ...any(random, random.below(8))],
    [0x0f, 0x79, ...any(random, random.below(8))],
    [0x66, 0x0f, 0x38, random.pick([0x80, 0x81]), ...memory(random, 1)],
  ]);

export function cpuid(random: Random): number[] {
  return [...movImmediate(0, random.pick([0, 1, 2, 0x80000000, 0x80000001, 0x80000003])), 0x0f, 0xa2];
}

/** A write into the descriptor table. */
export function descriptors(random: Random): number[] {
  return store(GDT + random.below(GDT_BYTES / 4) * 4, random.word());
}
