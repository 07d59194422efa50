import { FLAG } from '../../ia32/flags.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import { EAX, ECX, EDI, EDX, ES, ESI } from '../../ia32/registers.ts';
import type { Executor } from './executor.ts';
import { checkPort, portSize } from './io.ts';
import * as L from './layout.ts';

/**
 * String instructions (SDM volume 1, 7.3.9). A repeated one is cut into steps of at most STEP_BYTES, each of which counts as
 * one instruction and leaves EIP at the instruction until the count is used up, so interrupts get in between as on
 * hardware. With the trap flag, or a guest's monitor trap flag, a step is one iteration. Registers change after each iteration:
 * a fault restarts there.
 */
export const STEP_BYTES = 4096;

/** Runs below this many elements are done one by one, with all that each has to ask for; those below the other one, without. */
const BULK_MINIMUM = 2;
const BLOCK_MINIMUM = 16;

/** One iteration; returns false to end the repetition (SCAS and CMPS). */
type Iteration = (cpu: Executor, i: Instruction, size: number) => boolean;

/** Several iterations at once on plain memory; returns how many, 0 if it can't. `most` is at least 1. */
type Bulk = (cpu: Executor, i: Instruction, size: number, most: number) => number;

/** Returns whether there was an iteration. */
function repeat(cpu: Executor, i: Instruction, iteration: Iteration, bulk: Bulk | null): boolean {
  const size = elementSize(i);
  if (i.repeat === 0) {
    iteration(cpu, i, size);
    return true;
  }
  let left = cpu.registerPart(ECX, i.addressSize) >>> 0;
  if (left === 0) return false;
  const isTraced = (cpu.i32[L.W_EFLAGS] & FLAG.TF) !== 0 || (cpu.i32[L.W_VMX_WATCH] & L.WATCH_TRAP) !== 0;
  let most = isTraced ? 1 : STEP_BYTES / size;
  while (most > 0) {
    let done = 1;
    let goOn = true;
    const moved =
      bulk !== null && most >= BULK_MINIMUM && left >= BULK_MINIMUM ? bulk(cpu, i, size, Math.min(most, left)) : 0;
    if (moved > 0) done = moved;
    else goOn = iteration(cpu, i, size);
    left -= done;
    most -= done;
    cpu.setRegisterPart(ECX, i.addressSize, left);
    if (left === 0 || !goOn) return true;
    if (cpu.debug.hits !== 0) break;
  }
  cpu.i32[L.W_EIP] -= i.length;
  // An instruction breakpoint here was met when it began (SDM volume 3, 17.3.1.1).
  cpu.i32[L.W_EFLAGS] |= FLAG.RF;
  cpu.attend();
  return true;
}

function elementSize(i: Instruction): number {
  return i.dst.size !== 0 ? i.dst.size : i.src.size;
}

function delta(cpu: Executor, size: number): number {
  return (cpu.i32[L.W_EFLAGS] & FLAG.DF) !== 0 ? -size : size;
}

function index(cpu: Executor, register: number, i: Instruction): number {
  return i.addressSize === 4 ? cpu.i32[register] : cpu.u16[register << 1];
}

function move(cpu: Executor, register: number, i: Instruction, by: number): void {
  cpu.setRegisterPart(register, i.addressSize, index(cpu, register, i) + by);
}

/** Elements from an offset to the end of its linear page; 0 unless accesses there are plain: flat segment, going up. */
function run(cpu: Executor, i: Instruction, segment: number, register: number, checked: number, size: number): number {
  const at = L.W_SEGMENTS + segment * L.SEGMENT_WORDS;
  const isPlain =
    i.addressSize === 4 && (cpu.i32[at + L.S_CHECKED] & checked) === 0 && (cpu.i32[L.W_EFLAGS] & FLAG.DF) === 0;
  return isPlain ? ((4096 - (cpu.i32[register] & 0xfff)) / size) | 0 : 0;
}

/** Element by element; places are byte offsets in the memory. */
function copyUpwards({ u8, view }: Executor, target: number, source: number, bytes: number, size: number): void {
  if (size === 4) for (let n = 0; n < bytes; n += 4) view.setInt32(target + n, view.getInt32(source + n, true), true);
  else if (size === 2)
    for (let n = 0; n < bytes; n += 2) view.setInt16(target + n, view.getInt16(source + n, true), true);
  else for (let n = 0; n < bytes; n++) u8[target + n] = u8[source + n];
}

const bulkMovs: Bulk = (cpu, i, size, most) => {
  const { i32 } = cpu;
  const count = Math.min(most, run(cpu, i, i.segment, ESI, 1, size), run(cpu, i, ES, EDI, 2, size));
  if (count < BULK_MINIMUM) return 0;
  const from = i32[i32[L.W_READ_TABLE] + (i32[ESI] >>> 12)];
  const to = i32[i32[L.W_WRITE_TABLE] + (i32[EDI] >>> 12)];
  if (from === L.INVALID || (to & L.PROTECTED) !== 0) return 0;
  const source = (i32[ESI] + from) >>> 0;
  const target = (i32[EDI] + to) >>> 0;
  const bytes = count * size;
  // A destination just above the source repeats the bytes between them: only one by one gives that.
  const isRepeating = target > source && target < source + bytes;
  if (count >= BLOCK_MINIMUM && !isRepeating) cpu.u8.copyWithin(target, source, source + bytes);
  else copyUpwards(cpu, target, source, bytes, size);
  i32[ESI] += bytes;
  i32[EDI] += bytes;
  return count;
};

const bulkStos: Bulk = (cpu, i, size, most) => {
  const { i32 } = cpu;
  const count = Math.min(most, run(cpu, i, ES, EDI, 2, size));
  if (count < BULK_MINIMUM) return 0;
  const to = i32[i32[L.W_WRITE_TABLE] + (i32[EDI] >>> 12)];
  if ((to & L.PROTECTED) !== 0) return 0;
  const target = (i32[EDI] + to) >>> 0;
  if (size === 1) cpu.u8.fill(cpu.u8[EAX], target, target + count);
  else if (size === 4 && (target & 3) === 0) i32.fill(i32[EAX], target >>> 2, (target >>> 2) + count);
  else return 0;
  i32[EDI] += count * size;
  return count;
};

const movsOnce: Iteration = (c, ins, size) => {
  const value = c.load(ins.segment, index(c, ESI, ins), size);
  c.store(ES, index(c, EDI, ins), size, value);
  const by = delta(c, size);
  move(c, ESI, ins, by);
  move(c, EDI, ins, by);
  return true;
};

export function movs(cpu: Executor, i: Instruction): void {
  repeat(cpu, i, movsOnce, bulkMovs);
}

const stosOnce: Iteration = (c, ins, size) => {
  c.store(ES, index(c, EDI, ins), size, c.registerPart(EAX, size));
  move(c, EDI, ins, delta(c, size));
  return true;
};

export function stos(cpu: Executor, i: Instruction): void {
  repeat(cpu, i, stosOnce, bulkStos);
}

const lodsOnce: Iteration = (c, ins, size) => {
  c.setRegisterPart(EAX, size, c.load(ins.segment, index(c, ESI, ins), size));
  move(c, ESI, ins, delta(c, size));
  return true;
};

export function lods(cpu: Executor, i: Instruction): void {
  repeat(cpu, i, lodsOnce, null);
}

/**
 * What SCAS and CMPS compared last. The flags are set after the last iteration, so that one that faults leaves them as they were
 * before the instruction (SDM volume 2, REP).
 */
let comparedA = 0;
let comparedB = 0;

/** Carries out a repeated comparison. */
function compare(cpu: Executor, i: Instruction, iteration: Iteration): void {
  if (!repeat(cpu, i, iteration, null)) return;
  const size = elementSize(i);
  cpu.flagsSub(size, comparedA, comparedB, cpu.zeroExtend(cpu.sub(comparedA, comparedB), size));
}

/** Whether REPE or REPNE goes on after a comparison. */
function goesOn(i: Instruction, equal: boolean): boolean {
  return i.repeat === 0xf3 ? equal : !equal;
}

const scasOnce: Iteration = (c, ins, size) => {
  const b = c.load(ES, index(c, EDI, ins), size);
  const a = c.registerPart(EAX, size);
  comparedA = a;
  comparedB = b;
  move(c, EDI, ins, delta(c, size));
  return goesOn(ins, a === b);
};

export function scas(cpu: Executor, i: Instruction): void {
  compare(cpu, i, scasOnce);
}

const cmpsOnce: Iteration = (c, ins, size) => {
  // In this order: it shows where neither is mapped.
  const b = c.load(ES, index(c, EDI, ins), size);
  const a = c.load(ins.segment, index(c, ESI, ins), size);
  comparedA = a;
  comparedB = b;
  const by = delta(c, size);
  move(c, ESI, ins, by);
  move(c, EDI, ins, by);
  return goesOn(ins, a === b);
};

export function cmps(cpu: Executor, i: Instruction): void {
  compare(cpu, i, cmpsOnce);
}

const insOnce: Iteration = (c, instruction, size) => {
  const port = c.registerPart(EDX, 2);
  const at = index(c, EDI, instruction);
  c.probeStore(ES, at, size);
  c.store(ES, at, size, c.ports.read(port, portSize(size)));
  c.debug.noticePort(port, size);
  move(c, EDI, instruction, delta(c, size));
  return true;
};

/** The permission is asked for even if the count is 0 (SDM volume 2, INS and OUTS: before REP has a say; silicon does so). */
function checkPermission(cpu: Executor, i: Instruction): void {
  checkPort(cpu, cpu.registerPart(EDX, 2), elementSize(i));
}

export function ins(cpu: Executor, i: Instruction): void {
  checkPermission(cpu, i);
  repeat(cpu, i, insOnce, null);
  cpu.attend();
}

const outsOnce: Iteration = (c, instruction, size) => {
  const port = c.registerPart(EDX, 2);
  c.ports.write(port, c.load(instruction.segment, index(c, ESI, instruction), size) >>> 0, portSize(size));
  c.debug.noticePort(port, size);
  move(c, ESI, instruction, delta(c, size));
  return true;
};

export function outs(cpu: Executor, i: Instruction): void {
  checkPermission(cpu, i);
  repeat(cpu, i, outsOnce, null);
  cpu.attend();
}
