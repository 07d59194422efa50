import type { Float80, Word64 } from '../../../ia32/float/float80.ts';
import type { Instruction } from '../../../ia32/instruction.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import type { Executor } from '../executor.ts';
import * as L from '../layout.ts';

/**
 * Memory operands of 8 and 10 bytes. One of 8 is a single access; one of 10 is an access of 8 and one of 2, which wraps around by
 * itself where addresses have 16 bits. Nothing is written unless everything can be.
 */

/** #AC where alignment is checked (SDM volume 3, table 6-7); `size` is a power of two. */
export function checkAlignment(cpu: Executor, linear: number, size: number): void {
  if (cpu.i32[L.W_ALIGNMENT] !== 0 && (linear & (size - 1)) !== 0) cpu.raiseFault(VECTOR.AC, 0);
}

/** Reads the 8 bytes of the memory operand. */
export function loadEight(cpu: Executor, i: Instruction, out: Word64): void {
  const linear = cpu.linearForRead(i.memory.segment, cpu.offset(i), 8);
  const { i32 } = cpu;
  const entry = i32[i32[L.W_READ_TABLE] + (linear >>> 12)];
  if (((linear | entry) & 0xfff) <= 4088) {
    const at = (linear + entry) >>> 0;
    out.low = cpu.view.getUint32(at, true);
    out.high = cpu.view.getUint32(at + 4, true);
    return;
  }
  checkAlignment(cpu, linear, 8);
  const low = cpu.readLinear(linear, 4) >>> 0;
  out.high = cpu.readLinear((linear + 4) | 0, 4) >>> 0;
  out.low = low;
}

/** Writes the 8 bytes of the memory operand. */
export function storeEight(cpu: Executor, i: Instruction, from: Word64): void {
  const linear = cpu.linearForWrite(i.memory.segment, cpu.offset(i), 8);
  const { i32 } = cpu;
  const entry = i32[i32[L.W_WRITE_TABLE] + (linear >>> 12)];
  if (((linear | entry) & 0xfff) <= 4088) {
    const at = (linear + entry) >>> 0;
    cpu.view.setInt32(at, from.low, true);
    cpu.view.setInt32(at + 4, from.high, true);
    return;
  }
  probeEight(cpu, linear);
  writeEight(cpu, linear, from);
}

function probeEight(cpu: Executor, linear: number): void {
  checkAlignment(cpu, linear, 8);
  cpu.probeWriteLinear(linear, 8);
}

function writeEight(cpu: Executor, linear: number, from: Word64): void {
  cpu.writeLinear(linear, 4, from.low);
  cpu.writeLinear((linear + 4) | 0, 4, from.high);
}

/** Offset of the last two of ten bytes. */
function tailOffset(cpu: Executor, i: Instruction): number {
  return (cpu.offset(i) + 8) & i.memory.mask;
}

/** Reads the 10 bytes of an f80 or BCD. */
export function loadTen(cpu: Executor, i: Instruction, out: Float80): void {
  loadEight(cpu, i, out);
  out.signExponent = cpu.readLinear(cpu.linearForRead(i.memory.segment, tailOffset(cpu, i), 2), 2);
}

/** Writes the 10 bytes of an f80 or BCD. */
export function storeTen(cpu: Executor, i: Instruction, from: Float80): void {
  const { segment } = i.memory;
  const linear = cpu.linearForWrite(segment, cpu.offset(i), 8);
  const tail = cpu.linearForWrite(segment, tailOffset(cpu, i), 2);
  probeEight(cpu, linear);
  cpu.probeWriteLinear(tail, 2);
  writeEight(cpu, linear, from);
  cpu.writeLinear(tail, 2, from.signExponent);
}

/** Raises what a store of `size` bytes (2, 4, 8 or 10) would raise. */
export function probeStore(cpu: Executor, i: Instruction, size: number): void {
  const { segment } = i.memory;
  if (size < 8) {
    cpu.probeStore(segment, cpu.offset(i), size);
    return;
  }
  const linear = cpu.linearForWrite(segment, cpu.offset(i), 8);
  if (size === 8) probeEight(cpu, linear);
  else {
    const tail = cpu.linearForWrite(segment, tailOffset(cpu, i), 2);
    probeEight(cpu, linear);
    cpu.probeWriteLinear(tail, 2);
  }
}
