import { examine } from '../../../ia32/float/extended/compare.ts';
import { setIndefinite } from '../../../ia32/float/extended/operands.ts';
import { Float80 as Cell, type Float80, type FloatContext } from '../../../ia32/float/float80.ts';
import { type Instruction, KIND, type Operand } from '../../../ia32/instruction.ts';
import { CR0, CS } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import type { Executor } from '../executor.ts';
import * as L from '../layout.ts';

/** The x87's registers in the machine's memory, and the rules of its stack (SDM volume 1, chapter 8). */

/** Words of the x87 state. */
export const W_CONTROL = L.W_X87;
/** Status word with TOP in bits 13..11. */
export const W_STATUS = L.W_X87 + 1;
/** A bit for each physical register, set when it is empty. */
export const W_EMPTY = L.W_X87 + 2;
export const W_OPCODE = L.W_X87 + 3;
export const W_INSTRUCTION = L.W_X87 + 4;
export const W_INSTRUCTION_SELECTOR = L.W_X87 + 5;
export const W_DATA = L.W_X87 + 6;
export const W_DATA_SELECTOR = L.W_X87 + 7;

/** Status word bits. */
export const SW = {
  stackFault: 0x40,
  summary: 0x80,
  c0: 0x100,
  c1: 0x200,
  c2: 0x400,
  c3: 0x4000,
  busy: 0x8000,
} as const;
export const CONDITIONS = SW.c0 | SW.c1 | SW.c2 | SW.c3;
/** Exception flags of the status word; invalid includes stack faults. */
export const EXCEPTIONS = 0x3f;
const INVALID = 1;

/** State after FNINIT (SDM volume 2, FINIT). */
export function initialize(cpu: Executor): void {
  const { i32 } = cpu;
  i32[W_CONTROL] = 0x37f;
  i32[W_STATUS] = 0;
  i32[W_EMPTY] = 0xff;
  i32.fill(0, W_OPCODE, W_DATA_SELECTOR + 1);
}

/** State after RESET differs from FINIT: control word 0040, registers valid zeros; and MXCSR's (SDM volume 3, table 9-1). */
export function resetX87(cpu: Executor): void {
  const { i32 } = cpu;
  i32[W_CONTROL] = 0x40;
  i32[L.W_MXCSR] = 0x1f80;
  i32[W_STATUS] = 0;
  i32[W_EMPTY] = 0;
}

/** What an MMX instruction makes of the x87: TOP 0 and all registers valid (SDM volume 3, 12.2). */
export function enterMmx(cpu: Executor): void {
  setTop(cpu, 0);
  cpu.i32[W_EMPTY] = 0;
}

/** A write to an MMX register sets all bits of the x87 register's sign and exponent. */
export function writeMmx(cpu: Executor, written: Operand): void {
  if (written.kind === KIND.mm) cpu.i32[L.W_X87_REGISTERS + 4 * written.register + 2] = 0xffff;
}

/** #MF for an unmasked exception that is pending, if CR0.NE asks for it; without NE a PC would raise IRQ 13. */
export function checkPendingException(cpu: Executor): void {
  if ((cpu.i32[W_STATUS] & SW.summary) !== 0 && (cpu.i32[L.W_CR0] & CR0.NE) !== 0) cpu.raiseFault(VECTOR.MF, null);
}

export function top(cpu: Executor): number {
  return (cpu.i32[W_STATUS] >>> 11) & 7;
}

export function setTop(cpu: Executor, value: number): void {
  cpu.i32[W_STATUS] = (cpu.i32[W_STATUS] & ~0x3800) | ((value & 7) << 11);
}

/** Physical number of ST(index). */
export function physical(cpu: Executor, index: number): number {
  return (top(cpu) + index) & 7;
}

export function isEmpty(cpu: Executor, index: number): boolean {
  return ((cpu.i32[W_EMPTY] >>> physical(cpu, index)) & 1) !== 0;
}

export function setEmpty(cpu: Executor, index: number, empty: boolean): void {
  const bit = 1 << physical(cpu, index);
  cpu.i32[W_EMPTY] = empty ? cpu.i32[W_EMPTY] | bit : cpu.i32[W_EMPTY] & ~bit;
}

/** Reads ST(index) whatever its tag. */
export function readRegister(cpu: Executor, index: number, out: Float80): Float80 {
  const word = L.W_X87_REGISTERS + 4 * physical(cpu, index);
  out.low = cpu.i32[word] >>> 0;
  out.high = cpu.i32[word + 1] >>> 0;
  out.signExponent = cpu.i32[word + 2] & 0xffff;
  return out;
}

/** Writes ST(index) and marks it as full. */
export function writeRegister(cpu: Executor, index: number, value: Float80): void {
  const word = L.W_X87_REGISTERS + 4 * physical(cpu, index);
  cpu.i32[word] = value.low;
  cpu.i32[word + 1] = value.high;
  cpu.i32[word + 2] = value.signExponent;
  setEmpty(cpu, index, false);
}

/** Pushes where there is room. */
export function push(cpu: Executor, value: Float80): void {
  setTop(cpu, top(cpu) - 1);
  writeRegister(cpu, 0, value);
}

export function pop(cpu: Executor): void {
  setEmpty(cpu, 0, true);
  setTop(cpu, top(cpu) + 1);
}

/** Control word's rounding and precision as the context of the next operation. */
export function contextOf(cpu: Executor): FloatContext {
  const control = cpu.i32[W_CONTROL];
  context.rounding = ROUNDINGS[(control >>> 10) & 3];
  context.precision = ROUNDINGS[(control >>> 8) & 3];
  context.flags = 0;
  context.roundedUp = false;
  context.masks = control & EXCEPTIONS;
  return context;
}

export const ROUNDINGS = [0, 1, 2, 3] as const;
const context: FloatContext = { rounding: 0, precision: 3, flags: 0, roundedUp: false, masks: EXCEPTIONS };

/** Whether these exception flags have one that the control word does not mask. */
export function isUnmasked(cpu: Executor, flags: number): boolean {
  return (flags & ~cpu.i32[W_CONTROL] & EXCEPTIONS) !== 0;
}

/** Adds exception flags to the status word; an unmasked one sets summary and busy. */
export function raiseFlags(cpu: Executor, flags: number): void {
  cpu.i32[W_STATUS] |= flags;
  updateSummary(cpu);
}

/** ES and B follow the flags and masks. */
export function updateSummary(cpu: Executor): void {
  const pending = isUnmasked(cpu, cpu.i32[W_STATUS]);
  cpu.i32[W_STATUS] = (cpu.i32[W_STATUS] & ~(SW.summary | SW.busy)) | (pending ? SW.summary | SW.busy : 0);
}

export function setC1(cpu: Executor, on: boolean): void {
  cpu.i32[W_STATUS] = on ? cpu.i32[W_STATUS] | SW.c1 : cpu.i32[W_STATUS] & ~SW.c1;
}

/** Bit 6 of the control word always reads as 1; bits 15..13 and 7 as 0. */
export function setControl(cpu: Executor, word: number): void {
  cpu.i32[W_CONTROL] = (word & 0x1f3f) | 0x40;
  updateSummary(cpu);
}

export function setStatus(cpu: Executor, word: number): void {
  cpu.i32[W_STATUS] = word & 0x7f7f;
}

/** Stack underflow or overflow: invalid with SF, C1 tells which. Returns whether the response is masked. */
export function stackFault(cpu: Executor, overflow: boolean): boolean {
  setC1(cpu, overflow);
  raiseFlags(cpu, INVALID | SW.stackFault);
  return (cpu.i32[W_CONTROL] & INVALID) !== 0;
}

/** Opcode as it is kept: the low three bits of the first byte, then ModRM (SDM volume 1, 8.1.9). */
export function opcodeOf(i: Instruction): number {
  // The decoder gives FCMOVcc (DA, DB) its condition in place of the low opcode bits: the odd ones are those of DB.
  const low = i.row.operation === 'fcmov' ? 2 | (i.condition & 1) : i.condition & 7;
  return (low << 8) | i.modrm;
}

/** After an instruction that is not a control instruction: the pointers to it and its memory operand (SDM volume 1, 8.1.8). */
export function point(cpu: Executor, i: Instruction): void {
  const { i32 } = cpu;
  i32[W_INSTRUCTION] = i32[L.W_EIP] - i.length;
  i32[W_INSTRUCTION_SELECTOR] = i32[SELECTORS + CS * L.SEGMENT_WORDS];
  i32[W_OPCODE] = opcodeOf(i);
  if (i.modrm >= 0xc0) return;
  i32[W_DATA] = cpu.offset(i);
  i32[W_DATA_SELECTOR] = i32[SELECTORS + i.memory.segment * L.SEGMENT_WORDS];
}

const SELECTORS = L.W_SEGMENTS + L.S_SELECTOR;

const r = new Cell();

/** Precision, overflow and underflow come after the operation: their result is stored even when they are unmasked. */
const BEFORE = 0x07;

/** Whether one of these exception flags is unmasked and keeps the operation from happening. */
export function isStopped(cpu: Executor, flags: number): boolean {
  return isUnmasked(cpu, flags & BEFORE);
}

/** Ends an operation: flags, C1, and whether the destination may be written. */
export function conclude(cpu: Executor, context: FloatContext): boolean {
  setC1(cpu, context.roundedUp);
  raiseFlags(cpu, context.flags);
  return !isStopped(cpu, context.flags);
}

/** Stack underflow: masked, ST(index) becomes the real indefinite. Returns whether it is masked. */
export function underflow(cpu: Executor, index: number): boolean {
  if (!stackFault(cpu, false)) return false;
  setIndefinite(r);
  writeRegister(cpu, index, r);
  return true;
}

/** A push of an empty register, or one that finds no room: masked, the real indefinite is pushed. */
export function pushIndefinite(cpu: Executor, isOverflow: boolean): void {
  if (!stackFault(cpu, isOverflow)) return;
  setIndefinite(r);
  push(cpu, r);
}

/** An instruction with two results finds ST(0) empty or no room: masked, both become the real indefinite. */
export function pairFault(cpu: Executor): void {
  if (!stackFault(cpu, !isEmpty(cpu, 0))) return;
  setIndefinite(r);
  writeRegister(cpu, 0, r);
  push(cpu, r);
}

const cell = new Cell();

/** The 16-bit tag word: valid 0, zero 1, special 2, empty 3 (SDM volume 1, 8.1.7). */
export function tagWord(cpu: Executor): number {
  let word = 0;
  for (let number = 0; number < 8; number++) {
    const index = (number - top(cpu)) & 7;
    let tag = 3;
    if (!isEmpty(cpu, index)) {
      const kind = examine(readRegister(cpu, index, cell)) & (SW.c3 | SW.c2 | SW.c0);
      tag = kind === SW.c3 ? 1 : kind === SW.c2 ? 0 : 2;
    }
    word |= tag << (2 * number);
  }
  return word;
}

export function setTagWord(cpu: Executor, word: number): void {
  let empty = 0;
  for (let number = 0; number < 8; number++) if (((word >>> (2 * number)) & 3) === 3) empty |= 1 << number;
  cpu.i32[W_EMPTY] = empty;
}
