import type { Instruction } from '../../ia32/instruction.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import type { Executor } from './executor.ts';
import * as L from './layout.ts';

/** Memory operands of vector instructions, 4, 8 or 16 bytes: nothing is written unless everything can be. */

/** #GP(0) for operands that must lie on a 16-byte boundary, else #AC, where alignment is checked (SDM volume 2, 2.4). */
function offBoundary(cpu: Executor, aligned: boolean): never {
  return aligned ? cpu.generalProtection(0) : cpu.raiseFault(VECTOR.AC, 0);
}

/** Reads the memory operand; returns where it lies now. */
export function fetchVector(cpu: Executor, i: Instruction, aligned: boolean, size: number): number {
  const { i32, view } = cpu;
  const linear = cpu.linearForRead(i.memory.segment, cpu.offset(i), size);
  const boundary = aligned ? 15 : i32[L.W_ALIGNMENT] !== 0 ? size - 1 : 0;
  const entry = i32[i32[L.W_READ_TABLE] + (linear >>> 12)];
  const to = L.FETCHED >> 2;
  if (((linear | entry) & 0xfff) <= 4096 - size && (linear & boundary) === 0) {
    const from = (linear + entry) >>> 0;
    for (let n = 0; n < size; n += 4) i32[to + (n >> 2)] = view.getInt32(from + n, true);
  } else {
    if ((linear & boundary) !== 0) offBoundary(cpu, aligned);
    cpu.probeReadLinear(linear, size);
    for (let n = 0; n < size; n += 4) i32[to + (n >> 2)] = cpu.readLinear((linear + n) | 0, 4);
  }
  return L.FETCHED;
}

/** Writes the bytes at a place to the memory operand. */
export function storeVector(cpu: Executor, i: Instruction, aligned: boolean, place: number, size: number): void {
  const { i32, view } = cpu;
  const linear = cpu.linearForWrite(i.memory.segment, cpu.offset(i), size);
  const boundary = aligned ? 15 : i32[L.W_ALIGNMENT] !== 0 ? size - 1 : 0;
  const entry = i32[i32[L.W_WRITE_TABLE] + (linear >>> 12)];
  const from = place >> 2;
  if (((linear | entry) & 0xfff) <= 4096 - size && (linear & boundary) === 0) {
    const to = (linear + entry) >>> 0;
    for (let n = 0; n < size; n += 4) view.setInt32(to + n, i32[from + (n >> 2)], true);
  } else {
    if ((linear & boundary) !== 0) offBoundary(cpu, aligned);
    cpu.probeWriteLinear(linear, size);
    for (let n = 0; n < size; n += 4) cpu.writeLinear((linear + n) | 0, 4, i32[from + (n >> 2)]);
  }
}
