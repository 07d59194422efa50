import { FLAG } from '../../ia32/flags.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import { DS, ES, ESP, FS, GS, LDTR, SS, TR } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { type Descriptor, descriptorBase, descriptorLimit, isConforming, isNull } from './descriptor.ts';
import type { Executor } from './executor.ts';
import * as L from './layout.ts';
import { loadSegment, readDescriptor, requireDescriptor } from './segmentation.ts';
import { ATTRIBUTE } from './state.ts';
import { hasVirtualFlags, virtualFlags } from './virtual-8086.ts';

/** Instructions that read, write and inspect segment registers and descriptors. */

/** A load of SS holds off interrupts for one instruction, so that ESP can follow (SDM volume 3, 6.8.3). */
function load(cpu: Executor, index: number, selector: number): void {
  loadSegment(cpu, index, selector);
  if (index === SS) cpu.i32[L.W_SHADOW] = L.SHADOW_STACK;
}

export function movToSegment(cpu: Executor, i: Instruction): void {
  load(cpu, i.dst.register, cpu.read(i, i.src) & 0xffff);
}

export function popSegment(cpu: Executor, i: Instruction): void {
  const before = cpu.stackPointer();
  // POP SS: the width of the stack that it pops from counts, not that of the new one.
  const mask = cpu.i32[L.W_STACK_MASK];
  const selector = cpu.load(SS, before, i.operandSize) & 0xffff;
  load(cpu, i.dst.register, selector);
  cpu.i32[ESP] = (cpu.i32[ESP] & ~mask) | ((before + i.operandSize) & mask);
}

/** LES, LDS, LSS, LFS, LGS: offset, then selector. */
function loadFarPointer(cpu: Executor, i: Instruction, index: number): void {
  const { segment, mask } = i.memory;
  const at = cpu.offset(i);
  const offset = cpu.load(segment, at, i.operandSize);
  const selector = cpu.load(segment, (at + i.operandSize) & mask, 2);
  loadSegment(cpu, index, selector);
  cpu.write(i, i.dst, offset);
}

export const les = (cpu: Executor, i: Instruction): void => loadFarPointer(cpu, i, ES);
export const lds = (cpu: Executor, i: Instruction): void => loadFarPointer(cpu, i, DS);
export const lss = (cpu: Executor, i: Instruction): void => loadFarPointer(cpu, i, SS);
export const lfs = (cpu: Executor, i: Instruction): void => loadFarPointer(cpu, i, FS);
export const lgs = (cpu: Executor, i: Instruction): void => loadFarPointer(cpu, i, GS);

// Descriptor tables

function loadTable(cpu: Executor, i: Instruction, word: number): void {
  const { segment, mask } = i.memory;
  const at = cpu.offset(i);
  const limit = cpu.load(segment, at, 2);
  const base = cpu.load(segment, (at + 2) & mask, 4);
  cpu.i32[word] = i.operandSize === 2 ? base & 0xffffff : base;
  cpu.i32[word + 1] = limit;
}

function storeTable(cpu: Executor, i: Instruction, word: number): void {
  const { segment, mask } = i.memory;
  const at = cpu.offset(i);
  cpu.probeStore(segment, at, 6);
  cpu.store(segment, at, 2, cpu.i32[word + 1]);
  cpu.store(segment, (at + 2) & mask, 4, cpu.i32[word]);
}

export const lgdt = (cpu: Executor, i: Instruction): void => loadTable(cpu, i, L.W_GDTR_BASE);
export const lidt = (cpu: Executor, i: Instruction): void => loadTable(cpu, i, L.W_IDTR_BASE);
export const sgdt = (cpu: Executor, i: Instruction): void => storeTable(cpu, i, L.W_GDTR_BASE);
export const sidt = (cpu: Executor, i: Instruction): void => storeTable(cpu, i, L.W_IDTR_BASE);

export function lldt(cpu: Executor, i: Instruction): void {
  const selector = cpu.read(i, i.dst) & 0xffff;
  if (isNull(selector)) {
    cpu.setSegment(LDTR, selector, 0, 0, 0);
    return;
  }
  const code = selector & 0xfffc;
  if ((selector & 4) !== 0) cpu.generalProtection(code);
  const d = requireDescriptor(cpu, selector, VECTOR.GP, 0);
  if (d.isSegment || d.type !== 2) cpu.generalProtection(code);
  if (!d.present) cpu.raiseFault(VECTOR.NP, code);
  cpu.setSegment(LDTR, selector, descriptorBase(d), descriptorLimit(d), d.attributes);
}

export function ltr(cpu: Executor, i: Instruction): void {
  const selector = cpu.read(i, i.dst) & 0xffff;
  const code = selector & 0xfffc;
  if (isNull(selector)) cpu.generalProtection(0);
  if ((selector & 4) !== 0) cpu.generalProtection(code);
  const d = requireDescriptor(cpu, selector, VECTOR.GP, 0);
  const isAvailableTss = !d.isSegment && (d.type === 1 || d.type === 9);
  if (!isAvailableTss) cpu.generalProtection(code);
  if (!d.present) cpu.raiseFault(VECTOR.NP, code);
  cpu.writeSystem((d.address + 5) | 0, 1, ((d.high >>> 8) & 0xff) | 2);
  cpu.setSegment(TR, selector, descriptorBase(d), descriptorLimit(d), d.attributes | 2);
}

export const sldt = (cpu: Executor, i: Instruction): void => cpu.write(i, i.dst, cpu.selector(LDTR));
export const str = (cpu: Executor, i: Instruction): void => cpu.write(i, i.dst, cpu.selector(TR));

// Inspection: ZF tells whether the selector may be used; no fault for a bad one.

/** System descriptor types that LAR and LSL accept (SDM volume 2, LAR and LSL). */
const LAR_SYSTEM: readonly number[] = [1, 2, 3, 4, 5, 9, 11, 12];
const LSL_SYSTEM: readonly number[] = [1, 2, 3, 9, 11];

function visible(cpu: Executor, selector: number, system: readonly number[]): Descriptor | null {
  const d = readDescriptor(cpu, selector);
  if (d === null) return null;
  if (!d.isSegment && !system.includes(d.type)) return null;
  if (isConforming(d)) return d;
  return d.dpl >= cpu.cpl && d.dpl >= (selector & 3) ? d : null;
}

export function lar(cpu: Executor, i: Instruction): void {
  const d = visible(cpu, cpu.read(i, i.src) & 0xffff, LAR_SYSTEM);
  if (d !== null) cpu.write(i, i.dst, d.high & (i.operandSize === 2 ? 0xff00 : 0xf0ff00));
  cpu.setZero(d === null ? 0 : 1);
}

export function lsl(cpu: Executor, i: Instruction): void {
  const d = visible(cpu, cpu.read(i, i.src) & 0xffff, LSL_SYSTEM);
  if (d !== null) cpu.write(i, i.dst, descriptorLimit(d));
  cpu.setZero(d === null ? 0 : 1);
}

export function verr(cpu: Executor, i: Instruction): void {
  const d = visible(cpu, cpu.read(i, i.dst) & 0xffff, []);
  const readable = d !== null && (!d.isCode || (d.attributes & ATTRIBUTE.readable) !== 0);
  cpu.setZero(readable ? 1 : 0);
}

export function verw(cpu: Executor, i: Instruction): void {
  const d = visible(cpu, cpu.read(i, i.dst) & 0xffff, []);
  const writable = d !== null && !d.isCode && (d.attributes & ATTRIBUTE.writable) !== 0;
  cpu.setZero(writable ? 1 : 0);
}

export function arpl(cpu: Executor, i: Instruction): void {
  // Without a change there is no write, so a read-only destination does not fault; silicon agrees.
  const destination = cpu.read(i, i.dst) & 0xffff;
  const rpl = cpu.read(i, i.src) & 3;
  const raise = (destination & 3) < rpl;
  if (raise) cpu.write(i, i.dst, (destination & ~3) | rpl);
  cpu.setZero(raise ? 1 : 0);
}

// Stack frames and flags

/** PUSHF: VM and RF read as 0 (SDM volume 2, PUSHF). */
export function pushf(cpu: Executor, i: Instruction): void {
  const size = i.operandSize;
  cpu.push(size, hasVirtualFlags(cpu) ? virtualFlags(cpu, size) : cpu.eflags() & ~(FLAG.VM | FLAG.RF));
}

/** ENTER with nesting levels (SDM volume 2, ENTER). All is checked before the first store. */
export function enter(cpu: Executor, i: Instruction): void {
  const size = i.operandSize;
  const frame = i.dst.value & 0xffff;
  const level = i.src.value & 31;
  const start = cpu.stackPointer();
  const pushes = level === 0 ? 1 : level + 1;
  const link = (n: number): number => cpu.load(SS, cpu.wrapStack(cpu.register(5) - n * size), size);
  for (let n = 1; n <= pushes; n++) {
    if (n > 1 && n < pushes) link(n - 1);
    cpu.probeStore(SS, cpu.wrapStack(start - n * size), size);
  }
  const top = cpu.wrapStack(start - pushes * size - frame);
  cpu.probeStore(SS, top, size);
  let pointer = start;
  const put = (value: number) => {
    pointer = cpu.wrapStack(pointer - size);
    cpu.store(SS, pointer, size, value);
  };
  put(cpu.registerPart(5, size));
  // The frame is at ESP whole, also on a 16-bit stack.
  const mask = cpu.i32[L.W_STACK_MASK];
  const base = (cpu.i32[ESP] & ~mask) | pointer;
  // One by one: a link may lie where another has just been pushed.
  for (let n = 1; n < level; n++) put(link(n));
  if (level > 0) put(base);
  cpu.setRegisterPart(5, size, base);
  cpu.setStackPointer(top);
}
