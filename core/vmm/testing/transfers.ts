import type { Random } from '../../machine/testing/random.ts';
import { address, imm16, imm32, type Kind, movImmediate, push, store } from './encode.ts';
import { plain } from './plain.ts';
import { selectorOfUser } from './privilege.ts';
import {
  CODE,
  HALTING_GATE,
  KERNEL_CODE,
  KERNEL_CODE_16,
  KERNEL_STACK_TOP,
  LOCAL_KERNEL_CODE,
  LOCAL_USER_CODE,
  RETURNING_GATE,
  RING_1_CODE,
  RING_1_DATA,
  USER_CODE,
  USER_CODE_16,
  USER_DATA,
  USER_STACK_TOP,
} from './world.ts';

/** Transfers between segments, privilege levels, code sizes and modes, prepared so that they mostly succeed. */

function farPointer(selector: number, offset: number): number[] {
  return [...imm32(offset), ...imm16(selector)];
}

/** JMP and CALL through a far pointer in memory or in the instruction, mostly to what follows; CALL mostly with its RETF. */
function farDirect(random: Random, at: number, code: number): number[] {
  const selector = random.once(4) ? selectorOfUser(random) : code;
  if (random.once(2)) return [random.pick([0x9a, 0xea]), ...farPointer(selector, CODE + at + 7)];
  const pointer = address(random);
  const setup = [...store(pointer, CODE + at + 26), ...store(pointer + 4, selector)];
  return [...setup, 0xff, random.pick([0x1d, 0x2d]), ...imm32(pointer)];
}

/** RETF with the selector of this code. */
function farReturn(random: Random, at: number, code: number): number[] {
  if (random.once(2)) return [...push(code), ...push(CODE + at + 11), 0xcb];
  return [...push(0), ...push(code), ...push(CODE + at + 18), 0xca, 4, 0];
}

function callGate(random: Random): number[] {
  const gate = random.once(5) ? HALTING_GATE : RETURNING_GATE;
  return [...push(random.word()), ...push(random.word()), 0x9a, ...farPointer(gate | random.below(4), random.word())];
}

/** To 16-bit code and back. */
function shortCode(random: Random, at: number, code: number, code16: number): number[] {
  const inside: number[] = [];
  for (let n = random.below(4); n > 0; n--) {
    inside.push(
      ...random.pick<readonly number[]>([
        [0xb8, ...imm16(random.word())],
        [0x01, 0xd8],
        [0x50],
        [0x66, 0x5b],
        [0x89, 0x47, random.below(100)],
        [0xe8, 0, 0],
        [0x66, 0xb9, ...imm32(random.word())],
        [0x9c],
        [0xcd, 0x80],
      ]),
    );
  }
  const there = [0xea, ...farPointer(code16, at + 7)];
  return [...there, ...inside, 0x66, 0xea, ...farPointer(code, CODE + at + 7 + inside.length + 8)];
}

export const farOfKernel: Kind = (random, at) => {
  switch (random.below(4)) {
    case 0:
      return farDirect(random, at, random.pick([KERNEL_CODE, LOCAL_KERNEL_CODE]));
    case 1:
      return farReturn(random, at, KERNEL_CODE);
    case 2:
      return callGate(random);
    default:
      return shortCode(random, at, KERNEL_CODE, KERNEL_CODE_16);
  }
};

export const farOfUser: Kind = (random, at) => {
  switch (random.below(6)) {
    case 0:
      return farDirect(random, at, random.pick([USER_CODE, LOCAL_USER_CODE]));
    case 1:
      return farReturn(random, at, USER_CODE);
    case 2:
      return callGate(random);
    case 3:
      return shortCode(random, at, USER_CODE, USER_CODE_16);
    case 4:
      return random.once(4) ? [0x0f, random.pick([0x34, 0x35])] : [0xcd, 0x80];
    default:
      return [0xcd, 0x80];
  }
};

/** IF set, all else clear: what ring 3 gets. A monitor whose user code runs directly cannot show it that its interrupts are off. */
const USER_FLAGS = 0x202;
const SYSENTER_CS = 0x174;
const SYSENTER_EIP = 0x176;

function writeMsr(number: number, value: number): number[] {
  return [...movImmediate(1, number), ...movImmediate(0, value), ...movImmediate(2, 0), 0x0f, 0x30];
}

/** To ring 3 by IRET, RETF or SYSEXIT, some code there, and back by SYSENTER or for good. `user` makes the code of ring 3. */
export function excursion(random: Random, at: number, user: (at: number) => number[]): number[] {
  const stack = USER_STACK_TOP - 64 - 4 * random.below(16);
  const way = random.pick(['iret', 'retf', 'sysexit'] as const);
  const flags = [...push(USER_FLAGS), 0x9d];
  const frame = (to: number) => [...push(USER_DATA), ...push(stack), ...push(USER_CODE), ...push(to)];
  const out = (to: number): number[] => {
    switch (way) {
      case 'iret':
        return [...push(USER_DATA), ...push(stack), ...push(USER_FLAGS), ...push(USER_CODE), ...push(to), 0xcf];
      case 'retf':
        return [...flags, ...frame(to), 0xcb];
      case 'sysexit':
        return [...flags, ...movImmediate(1, stack), ...movImmediate(2, to), 0x0f, 0x35];
    }
  };
  // The last MSR's value is where SYSENTER leads: behind all this. Its length does not depend on it.
  const setup = (back: number) => [...writeMsr(SYSENTER_CS, KERNEL_CODE), ...writeMsr(SYSENTER_EIP, back)];
  const before = setup(0).length + out(0).length;
  const data = [...movImmediate(0, USER_DATA), 0x8e, 0xd8, 0x8e, 0xc0];
  const inside = [...data, ...user(at + before + data.length)];
  const end = random.pick<readonly number[]>([
    [0x0f, 0x34],
    [0x0f, 0x34],
    [0xcd, 0x30],
  ]);
  const back = CODE + at + before + inside.length + end.length;
  const there = out(CODE + at + before);
  // Back in ring 0 DS and ES are still those of ring 3, which will do.
  return [...setup(back), ...there, ...inside, ...end];
}

const VM_FLAG = 0x20000;
/** Segment whose offset 0 is CODE, and one for a stack. */
const V86_CODE = CODE >>> 4;
const V86_STACK = 0x1700;

/** To virtual-8086 mode, which only a fault, or an INT where IOPL is 3, leaves. */
export function virtual8086(random: Random, at: number): number[] {
  const iopl = random.once(2) ? 0x3000 : 0;
  const segments = [random.word(), random.word(), random.word(), random.word()].map(value => value & 0x1fff);
  const frame = [...segments, V86_STACK, 0x800, VM_FLAG | iopl | 0x202, V86_CODE];
  const before = (frame.length + 1) * 5 + 1;
  const enter = [...frame.flatMap(push), ...push(at + before), 0xcf];
  const inside: number[] = [];
  for (let n = random.below(6); n > 0; n--) {
    inside.push(
      ...random.pick<readonly number[]>([
        [0x9c],
        [0x9d],
        [0xfa],
        [0xfb],
        [0xb8, ...imm16(random.word())],
        [0x8e, 0xd8],
        [0x50],
        [0xa3, ...imm16(random.word() & 0xfff)],
        [0x1e],
        [0x66, 0x89, 0x47, 8],
        [0xcd, 0x80],
        [0x0f, 0x20, 0xc0],
        [0x9a, ...imm16(at + 0x40), ...imm16(V86_CODE)],
      ]),
    );
  }
  return [...enter, ...inside, random.pick([0xf4, 0xcc])];
}

/** To ring 1 for good: what it may not do ends the piece. */
export const toRing1: Kind = (_, at) => {
  const frame = [...push(RING_1_DATA), ...push(KERNEL_STACK_TOP - 0x400), ...push(USER_FLAGS), ...push(RING_1_CODE)];
  return [...frame, ...push(CODE + at + 26), 0xcf];
};

/** Far transfers to anything: gates, tasks, tables, data. */
export const farToAnything: Kind = random => {
  const selector = selectorOfUser(random);
  return [...plain(random), random.pick([0x9a, 0xea]), ...farPointer(selector, CODE + random.below(300))];
};
