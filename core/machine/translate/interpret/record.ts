import { type Instruction, KIND } from '../../../ia32/instruction.ts';
import type { Executor } from '../../cpu/executor.ts';
import { opcodeOf } from '../../cpu/x87/state.ts';

/**
 * How decoded code lies in the memory for the interpreter: a block has a header, then a record for each instruction, one after the other, and one that
 * leads on from its end. All are of the same length; offsets are in bytes.
 */
export const RECORD_BYTES = 32;

/** A block's header: its instructions, how often it may still be entered before the translator is told, and where it begins, an offset in CS. */
export const H_COUNT = 0;
export const H_COUNTER = 4;
export const H_EIP = 8;
/** Base and limit of CS that its offsets are for. */
export const H_BASE = 12;
export const H_LIMIT = 16;
/** Its number. */
export const H_NUMBER = 20;
/** Entry of the execute table, and premises, that it is for; instead of these NOT_NEXT where something else is to be found. */
export const H_ENTRY = 24;
export const H_PREMISES = 28;
export const NOT_NEXT = -1;

/** Index of the function that does it in the table of functions, and offset in CS of the next instruction. */
export const R_HANDLER = 0;
export const R_NEXT = 4;
/** A byte each: where the register of the first and of the second operand lies, and base and index of the address. */
export const R_DST = 8;
export const R_SRC = 9;
export const R_BASE = 10;
export const R_INDEX = 11;
export const R_DISPLACEMENT = 12;
/** The immediate of whichever operand is one, and the shift of the index. */
export const R_IMMEDIATE = 16;
export const R_SCALE = 20;
/** What the x87 shows of the instruction: its opcode, and above it its offset in CS. */
export const R_POINTER = 24;

/**
 * In a record from which control goes to offsets in CS that are known: the target, and two links, to there and to the next instruction. A link is W_LINK_KEY
 * as it was when the block there was found, and minus its address: as long as that word is the same, the block is still what lies there;
 * else its header tells.
 */
export const R_TARGET = 8;
export const R_LINK = 12;
export const R_NEXT_LINK = 20;
/** Behind the key. */
export const LINK_BLOCK = 4;

/** What a function gives back: the next record, minus the block that comes next, or one of these. */
/** It has changed nothing: the executor carries the instruction out. */
export const REFUSED = 0;
/** Whatever lies at EIP comes next. */
export const GOES_ELSEWHERE = -0x80000000;

/** Where a register or its part lies, in bytes. */
export function placeOf(register: number, size: number): number {
  return size === 1 ? ((register & 3) << 2) | (register >> 2) : register << 2;
}

/** A link that leads nowhere yet. */
const NO_LINK = -1;

/** Whether the x87 may show it. */
function isShown({ row }: Instruction): boolean {
  return row.checks.includes('fpu');
}

/** Writes the record of an instruction, with `next` behind it, at a byte offset in the memory, whose words were 0. */
export function writeRecord({ i32, u8 }: Executor, at: number, i: Instruction, next: number, handler: number): void {
  const word = at >> 2;
  i32[word + (R_HANDLER >> 2)] = handler;
  i32[word + (R_NEXT >> 2)] = next;
  const { dst, src, third, memory } = i;
  if (dst.kind === KIND.relative) {
    const target = (next + dst.value) | 0;
    i32[word + (R_TARGET >> 2)] = i.operandSize === 2 ? target & 0xffff : target;
    i32[word + (R_LINK >> 2)] = NO_LINK;
    i32[word + (R_NEXT_LINK >> 2)] = NO_LINK;
    return;
  }
  u8[at + R_DST] = placeOf(dst.register, dst.kind === KIND.r8 ? 1 : 4);
  u8[at + R_SRC] = placeOf(src.register, src.kind === KIND.r8 ? 1 : 4);
  u8[at + R_BASE] = placeOf(memory.base, 4);
  u8[at + R_INDEX] = placeOf(memory.index, 4);
  i32[word + (R_DISPLACEMENT >> 2)] = memory.displacement;
  const immediate = [dst, src, third].find(({ kind }) => kind === KIND.immediate);
  i32[word + (R_IMMEDIATE >> 2)] = immediate?.value ?? 0;
  i32[word + (R_SCALE >> 2)] = memory.scale;
  if (isShown(i)) i32.set([opcodeOf(i), (next - i.length) | 0], word + (R_POINTER >> 2));
}

/** Writes the last record of a block, which ends before `next`. */
export function writeEnd({ i32 }: Executor, at: number, next: number, handler: number): void {
  i32[(at + R_HANDLER) >> 2] = handler;
  i32[(at + R_NEXT) >> 2] = next;
  i32[(at + R_NEXT_LINK) >> 2] = NO_LINK;
}
