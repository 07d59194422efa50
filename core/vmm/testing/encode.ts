import type { Random } from '../../machine/testing/random.ts';
import { DATA, DATA_BYTES } from './world.ts';

/** Parts of machine code with random operands. */

/** A piece of code that begins at `at`, an offset in CODE. */
export type Kind = (random: Random, at: number) => number[];

export function imm16(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff];
}

export function imm32(value: number): number[] {
  return [...imm16(value), ...imm16(value >>> 16)];
}

/** A linear address in the data pages. */
export function address(random: Random): number {
  return DATA + random.below(DATA_BYTES - 16);
}

/** ModRM and what follows for a memory operand, mostly in the data pages. */
export function memory(random: Random, reg: number): number[] {
  if (random.once(2)) return [(reg << 3) | 5, ...imm32(address(random))];
  const rm = random.pick([0, 1, 2, 3, 6, 7]);
  return [0x40 | (reg << 3) | rm, random.below(128)];
}

export function register(random: Random, reg: number): number[] {
  return [0xc0 | (reg << 3) | random.below(8)];
}

/** A ModRM operand that need not be memory; ESP is seldom written, so that the stack survives. */
export function any(random: Random, reg: number): number[] {
  if (random.once(2)) return memory(random, reg);
  return [0xc0 | (reg << 3) | (random.once(20) ? 4 : random.pick([0, 1, 2, 3, 5, 6, 7]))];
}

/** A general register, seldom ESP. */
export function reg(random: Random): number {
  return random.once(30) ? 4 : random.pick([0, 1, 2, 3, 5, 6, 7]);
}

/** MOV r32, imm32. */
export function movImmediate(register: number, value: number): number[] {
  return [0xb8 | register, ...imm32(value)];
}

/** MOV DWORD [address], imm32. */
export function store(address: number, value: number): number[] {
  return [0xc7, 0x05, ...imm32(address), ...imm32(value)];
}

/** PUSH imm32. */
export function push(value: number): number[] {
  return [0x68, ...imm32(value)];
}
