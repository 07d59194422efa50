import { FLAG } from '../../ia32/flags.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import { EAX, ECX, EDI, EDX, ES, ESI } from '../../ia32/registers.ts';
import { type Compared, compare, elementSize, lods, movs, scan, setFlags, stos } from '../../ia32/semantics/string.ts';
import type { Executor } from './executor.ts';
import { checkPort, portSize } from './io.ts';
import * as L from './layout.ts';

/**
 * Repeated string instructions (SDM volume 1, 7.3.9), and those between ports and memory. A repeated one is cut into steps of at most STEP_BYTES, each
 * of which counts as one instruction and leaves EIP at the instruction until the count is used up, so interrupts get in between as on
 * hardware. With the trap flag, or a guest's monitor trap flag, a step is one iteration. Registers change after each iteration:
 * a fault restarts there.
 */
export const STEP_BYTES = 4096;

/** Runs below this many elements are done one by one, with all that each has to ask for; those below the other one, without. */
const BULK_MINIMUM = 2;
const BLOCK_MINIMUM = 16;

/** One iteration; returns false to end the repetition (SCAS and CMPS). */
type Iteration = (cpu: Executor, i: Instruction) => boolean;

/** Several iterations at once on plain memory, all of which go on; returns how many, 0 if it can't. `most` is at least BULK_MINIMUM. */
type Bulk = (cpu: Executor, i: Instruction, size: number, most: number) => number;

/** Returns whether there was an iteration. */
function repeat(cpu: Executor, i: Instruction, iteration: Iteration, bulk: Bulk | null): boolean {
  const size = elementSize(i);
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
    else goOn = iteration(cpu, i);
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

/**
 * Elements from an offset to the end of its linear page, or to its beginning where DF is set; 0 unless accesses there are plain, in a flat segment.
 * `checked`: the bit of S_CHECKED for the kind of access.
 */
function run(cpu: Executor, i: Instruction, segment: number, register: number, checked: number, size: number): number {
  const at = L.W_SEGMENTS + segment * L.SEGMENT_WORDS;
  if (i.addressSize !== 4 || (cpu.i32[at + L.S_CHECKED] & checked) !== 0) return 0;
  const inPage = cpu.i32[register] & 0xfff;
  const above = ((4096 - inPage) / size) | 0;
  if (above === 0 || cpu.stringStep(size) > 0) return above;
  return ((inPage / size) | 0) + 1;
}

/** Where a linear address lies in the memory, by a table of the TLB; -1 where an access has to ask for more. */
function place(cpu: Executor, linear: number, table: number, notPlain: number): number {
  const entry = cpu.i32[table + (linear >>> 12)];
  return (entry & notPlain) !== 0 ? -1 : (linear + entry) >>> 0;
}

function readable(cpu: Executor, register: number): number {
  return place(cpu, cpu.i32[register], cpu.i32[L.W_READ_TABLE], L.INVALID);
}

function writable(cpu: Executor, register: number): number {
  return place(cpu, cpu.i32[register], cpu.i32[L.W_WRITE_TABLE], L.PROTECTED);
}

/** As Access.load() gives it; places are byte offsets in the memory. */
function elementAt({ u8, view }: Executor, at: number, size: number): number {
  return size === 1 ? u8[at] : size === 2 ? view.getUint16(at, true) : view.getInt32(at, true);
}

/** One by one. */
function copyElements(cpu: Executor, target: number, source: number, count: number, size: number): void {
  const { u8, view } = cpu;
  const step = cpu.stringStep(size);
  for (let n = 0; n < count; n++) {
    const value = elementAt(cpu, source + n * step, size);
    if (size === 4) view.setInt32(target + n * step, value, true);
    else if (size === 2) view.setInt16(target + n * step, value, true);
    else u8[target + n * step] = value;
  }
}

const bulkMovs: Bulk = (cpu, i, size, most) => {
  const { i32 } = cpu;
  const count = Math.min(most, run(cpu, i, i.segment, ESI, 1, size), run(cpu, i, ES, EDI, 2, size));
  if (count < BULK_MINIMUM) return 0;
  const source = readable(cpu, ESI);
  const target = writable(cpu, EDI);
  if (source < 0 || target < 0) return 0;
  const bytes = count * size;
  const step = cpu.stringStep(size);
  // A destination just ahead of the source repeats the bytes between them: only one by one gives that.
  const ahead = step > 0 ? target - source : source - target;
  const isRepeating = ahead > 0 && ahead < bytes;
  if (count < BLOCK_MINIMUM || isRepeating) copyElements(cpu, target, source, count, size);
  else {
    const below = step > 0 ? 0 : bytes - size;
    cpu.u8.copyWithin(target - below, source - below, source - below + bytes);
  }
  i32[ESI] += count * step;
  i32[EDI] += count * step;
  return count;
};

const bulkStos: Bulk = (cpu, i, size, most) => {
  const { i32 } = cpu;
  const count = Math.min(most, run(cpu, i, ES, EDI, 2, size));
  const target = writable(cpu, EDI);
  if (count < BULK_MINIMUM || target < 0 || cpu.stringStep(size) < 0) return 0;
  if (size === 1) cpu.u8.fill(cpu.u8[EAX], target, target + count);
  else if (size === 4 && (target & 3) === 0) i32.fill(i32[EAX], target >>> 2, (target >>> 2) + count);
  else return 0;
  i32[EDI] += count * size;
  return count;
};

const movsOnce: Iteration = (cpu, i) => {
  movs(cpu, i);
  return true;
};

export function repMovs(cpu: Executor, i: Instruction): void {
  repeat(cpu, i, movsOnce, bulkMovs);
}

const stosOnce: Iteration = (cpu, i) => {
  stos(cpu, i);
  return true;
};

export function repStos(cpu: Executor, i: Instruction): void {
  repeat(cpu, i, stosOnce, bulkStos);
}

const lodsOnce: Iteration = (cpu, i) => {
  lods(cpu, i);
  return true;
};

export function repLods(cpu: Executor, i: Instruction): void {
  repeat(cpu, i, lodsOnce, null);
}

/**
 * What SCAS and CMPS compared last. The flags are set after the last iteration, so that one that faults leaves them as they were
 * before the instruction (SDM volume 2, REP).
 */
let compared: Compared<number> = { a: 0, b: 0 };

function repeatComparison(cpu: Executor, i: Instruction, iteration: Iteration, bulk: Bulk): void {
  if (repeat(cpu, i, iteration, bulk)) setFlags(cpu, i, compared);
}

/** Whether REPE or REPNE goes on after a comparison. */
function goesOn(i: Instruction, equal: boolean): boolean {
  return i.repeat === 0xf3 ? equal : !equal;
}

const scasOnce: Iteration = (cpu, i) => {
  compared = scan(cpu, i);
  return goesOn(i, compared.a === compared.b);
};

/** Up to the last, which is the iteration's, as is one behind which it does not go on. */
const bulkScas: Bulk = (cpu, i, size, most) => {
  const count = Math.min(most - 1, run(cpu, i, ES, EDI, 1, size));
  const at = readable(cpu, EDI);
  if (count <= 0 || at < 0) return 0;
  const step = cpu.stringStep(size);
  const a = cpu.registerPart(EAX, size);
  let n = 0;
  while (n < count && goesOn(i, elementAt(cpu, at + n * step, size) === a)) n++;
  cpu.i32[EDI] += n * step;
  return n;
};

export function repScas(cpu: Executor, i: Instruction): void {
  repeatComparison(cpu, i, scasOnce, bulkScas);
}

const cmpsOnce: Iteration = (cpu, i) => {
  compared = compare(cpu, i);
  return goesOn(i, compared.a === compared.b);
};

/** As bulkScas(). */
const bulkCmps: Bulk = (cpu, i, size, most) => {
  const count = Math.min(most - 1, run(cpu, i, i.segment, ESI, 1, size), run(cpu, i, ES, EDI, 1, size));
  const source = readable(cpu, ESI);
  const target = readable(cpu, EDI);
  if (count <= 0 || source < 0 || target < 0) return 0;
  const step = cpu.stringStep(size);
  let n = 0;
  while (n < count) {
    const a = elementAt(cpu, source + n * step, size);
    if (!goesOn(i, a === elementAt(cpu, target + n * step, size))) break;
    n++;
  }
  cpu.i32[ESI] += n * step;
  cpu.i32[EDI] += n * step;
  return n;
};

export function repCmps(cpu: Executor, i: Instruction): void {
  repeatComparison(cpu, i, cmpsOnce, bulkCmps);
}

/** One register behind an element that was moved. */
function pass(cpu: Executor, i: Instruction, register: number, size: number): void {
  cpu.setRegisterPart(register, i.addressSize, cpu.registerPart(register, i.addressSize) + cpu.stringStep(size));
}

const insOnce: Iteration = (cpu, i) => {
  const size = elementSize(i);
  const port = cpu.registerPart(EDX, 2);
  const at = cpu.registerPart(EDI, i.addressSize);
  cpu.probeStore(ES, at, size);
  cpu.store(ES, at, size, cpu.ports.read(port, portSize(size)));
  cpu.debug.noticePort(port, size);
  pass(cpu, i, EDI, size);
  return true;
};

/** The permission is asked for even if the count is 0 (SDM volume 2, INS and OUTS: before REP has a say; silicon does so). */
function transfer(cpu: Executor, i: Instruction, iteration: Iteration): void {
  checkPort(cpu, cpu.registerPart(EDX, 2), elementSize(i));
  if (i.repeat === 0) iteration(cpu, i);
  else repeat(cpu, i, iteration, null);
  cpu.attend();
}

export function ins(cpu: Executor, i: Instruction): void {
  transfer(cpu, i, insOnce);
}

const outsOnce: Iteration = (cpu, i) => {
  const size = elementSize(i);
  const port = cpu.registerPart(EDX, 2);
  const value = cpu.load(i.segment, cpu.registerPart(ESI, i.addressSize), size) >>> 0;
  cpu.ports.write(port, value, portSize(size));
  cpu.debug.noticePort(port, size);
  pass(cpu, i, ESI, size);
  return true;
};

export function outs(cpu: Executor, i: Instruction): void {
  transfer(cpu, i, outsOnce);
}
