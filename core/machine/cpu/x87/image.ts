import type { Instruction } from '../../../ia32/instruction.ts';
import { CR4 } from '../../../ia32/registers.ts';
import type { Executor } from '../executor.ts';
import * as L from '../layout.ts';
import { MXCSR_MASK, setMxcsr } from '../sse/state.ts';
import type { SystemFunction } from '../system.ts';
import { checkAlignment } from './operand.ts';
import * as S from './state.ts';

/** Images of the x87 state in memory (SDM volume 1, 8.1.10 and 10.5). */

/** Bytes of the images by operand size, and those of an FXSAVE area. */
const ENVIRONMENT_BYTES = { 2: 14, 4: 28 } as const;
const STATE_BYTES = { 2: 94, 4: 108 } as const;
const FXSAVE_BYTES = 512;
/** The area's part for the x87 and, behind it, that with the XMM registers; the rest is not touched. */
const FXSAVE_X87_BYTES = 160;
const FXSAVE_SSE_BYTES = 288;

/** An image on its way: it is read as a whole before anything changes, and written as a whole or not at all. */
const image = new DataView(new ArrayBuffer(FXSAVE_SSE_BYTES));

/** Reads `bytes` bytes of the memory operand in units of the operand size, which alignment is checked for. */
function read(cpu: Executor, i: Instruction, bytes: number, unit: 2 | 4): void {
  const { segment, mask } = i.memory;
  const offset = cpu.offset(i);
  for (let n = 0; n < bytes; n += unit) {
    const value = cpu.load(segment, (offset + n) & mask, unit);
    if (unit === 4) image.setInt32(n, value, true);
    else image.setInt16(n, value, true);
  }
}

/** Writes the units from `from` on. */
function write(cpu: Executor, i: Instruction, bytes: number, unit: 2 | 4, from = 0): void {
  const { segment, mask } = i.memory;
  const offset = cpu.offset(i);
  for (let n = from; n < bytes; n += unit) {
    const value = unit === 4 ? image.getInt32(n, true) : image.getUint16(n, true);
    cpu.store(segment, (offset + n) & mask, unit, value);
  }
}

/** Raises what a store of all the bytes would raise; with 16-bit addresses it goes on at 0. */
function probe(cpu: Executor, i: Instruction, bytes: number, unit: 2 | 4): void {
  const { segment, mask } = i.memory;
  const offset = cpu.offset(i);
  const below = mask === -1 ? bytes : Math.ceil((mask + 1 - offset) / unit) * unit;
  checkAlignment(cpu, cpu.linearForWrite(segment, offset, Math.min(bytes, below)), unit);
  cpu.probeStore(segment, offset, Math.min(bytes, below));
  if (below < bytes) cpu.probeStore(segment, (offset + below) & mask, bytes - below);
}

function putField(size: 2 | 4, index: number, value: number): void {
  if (size === 4) image.setInt32(4 * index, value, true);
  else image.setInt16(2 * index, value, true);
}

/** A field with 16 bits of its own, whose upper half is all ones in 32-bit images. */
function putWord(size: 2 | 4, index: number, value: number): void {
  putField(size, index, value | 0xffff0000);
}

function field(size: 2 | 4, index: number): number {
  return size === 4 ? image.getInt32(4 * index, true) : image.getUint16(2 * index, true);
}

/** The seven fields of an environment (SDM volume 1, figures 8-9 to 8-12); real mode has the pointers as linear addresses. */
function putEnvironment(cpu: Executor, size: 2 | 4): void {
  const { i32 } = cpu;
  putWord(size, 0, i32[S.W_CONTROL]);
  putWord(size, 1, i32[S.W_STATUS]);
  putWord(size, 2, S.tagWord(cpu));
  if (cpu.usesDescriptors) {
    putField(size, 3, i32[S.W_INSTRUCTION]);
    putField(size, 4, (i32[S.W_INSTRUCTION_SELECTOR] & 0xffff) | (i32[S.W_OPCODE] << 16));
    putField(size, 5, i32[S.W_DATA]);
    putWord(size, 6, i32[S.W_DATA_SELECTOR]);
    return;
  }
  const instruction = (i32[S.W_INSTRUCTION_SELECTOR] << 4) + i32[S.W_INSTRUCTION];
  const data = (i32[S.W_DATA_SELECTOR] << 4) + i32[S.W_DATA];
  putWord(size, 3, instruction & 0xffff);
  putField(size, 4, ((instruction >>> 16) << 12) | i32[S.W_OPCODE]);
  putWord(size, 5, data & 0xffff);
  putField(size, 6, (data >>> 16) << 12);
}

function getEnvironment(cpu: Executor, size: 2 | 4): void {
  const { i32 } = cpu;
  S.setStatus(cpu, field(size, 1));
  S.setTagWord(cpu, field(size, 2));
  S.setControl(cpu, field(size, 0));
  const selector = field(size, 4);
  const dataSelector = field(size, 6);
  if (cpu.usesDescriptors) {
    i32[S.W_INSTRUCTION] = field(size, 3);
    i32[S.W_INSTRUCTION_SELECTOR] = selector & 0xffff;
    i32[S.W_OPCODE] = (selector >>> 16) & 0x7ff;
    i32[S.W_DATA] = field(size, 5);
    i32[S.W_DATA_SELECTOR] = dataSelector & 0xffff;
    return;
  }
  i32[S.W_INSTRUCTION] = (field(size, 3) & 0xffff) | ((selector & 0x0ffff000) << 4);
  i32[S.W_INSTRUCTION_SELECTOR] = 0;
  i32[S.W_OPCODE] = selector & 0x7ff;
  i32[S.W_DATA] = (field(size, 5) & 0xffff) | ((dataSelector & 0x0ffff000) << 4);
  i32[S.W_DATA_SELECTOR] = 0;
}

/** Puts ST(0) to ST(7) from `at` on, `stride` bytes apart. */
function putRegisters(cpu: Executor, at: number, stride: number): void {
  for (let n = 0; n < 8; n++) {
    const word = L.W_X87_REGISTERS + 4 * S.physical(cpu, n);
    image.setInt32(at + stride * n, cpu.i32[word], true);
    image.setInt32(at + stride * n + 4, cpu.i32[word + 1], true);
    image.setInt16(at + stride * n + 8, cpu.i32[word + 2], true);
  }
}

function getRegisters(cpu: Executor, at: number, stride: number): void {
  for (let n = 0; n < 8; n++) {
    const word = L.W_X87_REGISTERS + 4 * S.physical(cpu, n);
    cpu.i32[word] = image.getInt32(at + stride * n, true);
    cpu.i32[word + 1] = image.getInt32(at + stride * n + 4, true);
    cpu.i32[word + 2] = image.getUint16(at + stride * n + 8, true);
  }
}

/** FNSTENV masks all exceptions afterwards (SDM volume 2, FSTENV). */
export const fnstenv: SystemFunction = (cpu, i) => {
  const size = i.operandSize;
  probe(cpu, i, ENVIRONMENT_BYTES[size], size);
  putEnvironment(cpu, size);
  write(cpu, i, ENVIRONMENT_BYTES[size], size);
  cpu.i32[S.W_CONTROL] |= S.EXCEPTIONS;
  S.updateSummary(cpu);
};

export const fldenv: SystemFunction = (cpu, i) => {
  read(cpu, i, ENVIRONMENT_BYTES[i.operandSize], i.operandSize);
  getEnvironment(cpu, i.operandSize);
};

export const fnsave: SystemFunction = (cpu, i) => {
  const size = i.operandSize;
  probe(cpu, i, STATE_BYTES[size], size);
  putEnvironment(cpu, size);
  putRegisters(cpu, ENVIRONMENT_BYTES[size], 10);
  write(cpu, i, STATE_BYTES[size], size);
  S.initialize(cpu);
};

export const frstor: SystemFunction = (cpu, i) => {
  const size = i.operandSize;
  read(cpu, i, STATE_BYTES[size], size);
  getEnvironment(cpu, size);
  getRegisters(cpu, ENVIRONMENT_BYTES[size], 10);
};

/** FXSAVE areas lie on a 16-byte boundary, else #GP(0). */
function checkBoundary(cpu: Executor, i: Instruction): void {
  if (((cpu.base(i.memory.segment) + cpu.offset(i)) & 15) !== 0) cpu.generalProtection(0);
}

/** Where MXCSR and its mask lie (SDM volume 2, table 3-43). Like the XMM registers they are a part of the image only with CR4.OSFXSR. */
const MXCSR = 24;
const REGISTERS = 32;

function hasSse(cpu: Executor): boolean {
  return (cpu.i32[L.W_CR4] & CR4.OSFXSR) !== 0;
}

export const fxsave: SystemFunction = (cpu, i) => {
  const { i32 } = cpu;
  checkBoundary(cpu, i);
  probe(cpu, i, FXSAVE_BYTES, 4);
  image.setInt16(0, i32[S.W_CONTROL], true);
  image.setInt16(2, i32[S.W_STATUS], true);
  image.setInt16(4, ~i32[S.W_EMPTY] & 0xff, true);
  image.setInt16(6, i32[S.W_OPCODE], true);
  image.setInt32(8, i32[S.W_INSTRUCTION], true);
  image.setInt32(12, i32[S.W_INSTRUCTION_SELECTOR] & 0xffff, true);
  image.setInt32(16, i32[S.W_DATA], true);
  image.setInt32(20, i32[S.W_DATA_SELECTOR] & 0xffff, true);
  for (let at = REGISTERS; at < FXSAVE_X87_BYTES; at += 16) {
    image.setInt32(at + 8, 0, true);
    image.setInt32(at + 12, 0, true);
  }
  putRegisters(cpu, REGISTERS, 16);
  if (!hasSse(cpu)) {
    write(cpu, i, MXCSR, 4);
    write(cpu, i, FXSAVE_X87_BYTES, 4, REGISTERS);
    return;
  }
  image.setInt32(MXCSR, i32[L.W_MXCSR], true);
  image.setInt32(MXCSR + 4, MXCSR_MASK, true);
  for (let n = 0; n < XMM_WORDS; n++) image.setInt32(FXSAVE_X87_BYTES + 4 * n, i32[L.W_XMM + n], true);
  write(cpu, i, FXSAVE_SSE_BYTES, 4);
};

const XMM_WORDS = 32;

export const fxrstor: SystemFunction = (cpu, i) => {
  const { i32 } = cpu;
  const { segment, mask } = i.memory;
  checkBoundary(cpu, i);
  read(cpu, i, FXSAVE_SSE_BYTES, 4);
  cpu.load(segment, (cpu.offset(i) + FXSAVE_BYTES - 4) & mask, 4);
  if (hasSse(cpu)) {
    setMxcsr(cpu, image.getInt32(MXCSR, true));
    for (let n = 0; n < XMM_WORDS; n++) i32[L.W_XMM + n] = image.getInt32(FXSAVE_X87_BYTES + 4 * n, true);
  }
  S.setStatus(cpu, image.getUint16(2, true));
  i32[S.W_EMPTY] = ~image.getUint8(4) & 0xff;
  i32[S.W_OPCODE] = image.getUint16(6, true) & 0x7ff;
  i32[S.W_INSTRUCTION] = image.getInt32(8, true);
  i32[S.W_INSTRUCTION_SELECTOR] = image.getUint16(12, true);
  i32[S.W_DATA] = image.getInt32(16, true);
  i32[S.W_DATA_SELECTOR] = image.getUint16(20, true);
  getRegisters(cpu, REGISTERS, 16);
  S.setControl(cpu, image.getUint16(0, true));
};
