import { DS, ES, FS, GS, SS } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import type { Access } from './access.ts';
import { type Descriptor, descriptorBase, descriptorLimit, isConforming, isNull } from './descriptor.ts';
import { noteDescriptor, USE } from './descriptor-memo.ts';
import * as L from './layout.ts';
import { ATTRIBUTE } from './state.ts';

/** Reads a descriptor, or null if the selector is null or beyond its table. May raise page faults. */
export function readDescriptor(cpu: Access, selector: number): Descriptor | null {
  if (isNull(selector)) return null;
  const { i32 } = cpu;
  const index = selector & 0xfff8;
  let base: number;
  if ((selector & 4) === 0) {
    if (index + 7 > i32[L.W_GDTR_LIMIT]) return null;
    base = i32[L.W_GDTR_BASE];
  } else {
    const at = L.W_SEGMENTS + 6 * L.SEGMENT_WORDS;
    if ((i32[at + L.S_ATTRIBUTES] & ATTRIBUTE.present) === 0) return null;
    if (index + 7 > i32[at + L.S_LIMIT] >>> 0) return null;
    base = i32[at + L.S_BASE];
  }
  const address = (base + index) | 0;
  const low = cpu.readSystem(address, 4);
  const high = cpu.readSystem((address + 4) | 0, 4);
  const attributes = (high >>> 8) & 0xf0ff;
  return {
    address,
    low,
    high,
    attributes,
    dpl: (high >>> 13) & 3,
    present: (high & 0x8000) !== 0,
    isSegment: (high & 0x1000) !== 0,
    isCode: (high & 0x1800) === 0x1800,
    type: (high >>> 8) & 15,
  };
}

/** Reads a descriptor, raising `vector` with the selector (and the external bit) if there is none. */
export function requireDescriptor(cpu: Access, selector: number, vector: number, external: number): Descriptor {
  return readDescriptor(cpu, selector) ?? cpu.raiseFault(vector, (selector & 0xfffc) | external);
}

/** Sets the accessed bit of a code or data descriptor in its table, if it is clear. */
export function markAccessed(cpu: Access, d: Descriptor): void {
  if ((d.attributes & ATTRIBUTE.accessed) === 0) cpu.writeSystem((d.address + 5) | 0, 1, ((d.high >>> 8) & 0xff) | 1);
}

/** Puts a checked descriptor into a segment register. */
export function setFromDescriptor(cpu: Access, index: number, selector: number, d: Descriptor): void {
  cpu.setSegment(index, selector, descriptorBase(d), descriptorLimit(d), d.attributes | ATTRIBUTE.accessed);
}

/** Loads a segment register as real and virtual-8086 mode do: the base is 16 times the selector. */
export function loadReal(cpu: Access, index: number, selector: number): void {
  if (cpu.virtual8086) {
    cpu.setSegment(index, selector, selector << 4, 0xffff, 0xf3);
    return;
  }
  // Real mode leaves limit and size alone, those of CS too (SDM volume 3, 9.9.2): 64 KB since reset unless a guest made them big.
  const kept = cpu.segment(index, L.S_ATTRIBUTES) & ~0xff;
  cpu.setSegment(index, selector, selector << 4, cpu.segment(index, L.S_LIMIT), kept | 0x93);
}

/** MOV and POP to DS, ES, FS, GS or SS, and LDS and its kin (SDM volume 2, MOV: the checks in their order). */
export function loadSegment(cpu: Access, index: number, selector: number): void {
  if (!cpu.usesDescriptors) {
    loadReal(cpu, index, selector);
    return;
  }
  if (index === SS) {
    loadStackSegment(cpu, selector);
    return;
  }
  if (isNull(selector)) {
    cpu.setSegment(index, selector, 0, 0, 0);
    return;
  }
  const code = selector & 0xfffc;
  const d = requireDescriptor(cpu, selector, VECTOR.GP, 0);
  const readable = d.isSegment && (!d.isCode || (d.attributes & ATTRIBUTE.readable) !== 0);
  if (!readable) cpu.generalProtection(code);
  if (!isConforming(d) && ((selector & 3) > d.dpl || cpu.cpl > d.dpl)) cpu.generalProtection(code);
  if (!d.present) cpu.raiseFault(VECTOR.NP, code);
  noteDescriptor(cpu, USE.data, cpu.cpl, selector, d);
  markAccessed(cpu, d);
  setFromDescriptor(cpu, index, selector, d);
}

function loadStackSegment(cpu: Access, selector: number): void {
  if (isNull(selector)) cpu.generalProtection(0);
  const d = stackDescriptor(cpu, selector, cpu.cpl, VECTOR.GP, 0);
  markAccessed(cpu, d);
  setFromDescriptor(cpu, SS, selector, d);
}

/** Checks a stack selector for a privilege level; raises `vector`, or #SS if it is not present. */
export function stackDescriptor(
  cpu: Access,
  selector: number,
  cpl: number,
  vector: number,
  external: number,
): Descriptor {
  const code = (selector & 0xfffc) | external;
  if (isNull(selector)) cpu.raiseFault(vector, external);
  const d = requireDescriptor(cpu, selector, vector, external);
  const writable = d.isSegment && !d.isCode && (d.attributes & ATTRIBUTE.writable) !== 0;
  if (!writable || (selector & 3) !== cpl || d.dpl !== cpl) cpu.raiseFault(vector, code);
  if (!d.present) cpu.raiseFault(VECTOR.SS, code);
  noteDescriptor(cpu, USE.stack, cpl, selector, d);
  return d;
}

const DATA_SEGMENTS = [ES, DS, FS, GS] as const;

/**
 * After a return to less privileged code, data segments that it may not use become null (SDM volume 3, 5.8.6).
 */
export function dropInaccessibleSegments(cpu: Access): void {
  for (const index of DATA_SEGMENTS) {
    const attributes = cpu.segment(index, L.S_ATTRIBUTES);
    const dpl = (attributes >>> 5) & 3;
    const conforming =
      (attributes & (ATTRIBUTE.code | ATTRIBUTE.conforming)) === (ATTRIBUTE.code | ATTRIBUTE.conforming);
    if (!conforming && dpl < cpu.cpl) cpu.setSegment(index, 0, 0, 0, 0);
  }
}

/** A stack that a transfer pushes to or pops from before it becomes SS:ESP: nothing changes until the transfer is certain. */
export class StackWindow {
  readonly #cpu: Access;
  readonly #base: number;
  readonly #limit: number;
  readonly #expandDown: boolean;
  readonly #mask: number;
  readonly #user: boolean;
  readonly #code: number;
  /** Offset of the top, cut to the stack's width. */
  pointer: number;

  /** `code` is the error code of the #SS that a push beyond the limit raises. */
  constructor(
    cpu: Access,
    base: number,
    limit: number,
    attributes: number,
    pointer: number,
    cpl: number,
    code: number,
  ) {
    this.#cpu = cpu;
    this.#base = base;
    this.#limit = limit >>> 0;
    this.#expandDown = (attributes & ATTRIBUTE.expandDown) !== 0;
    this.#mask = (attributes & ATTRIBUTE.big) !== 0 ? -1 : 0xffff;
    this.#user = cpl === 3;
    this.#code = code;
    this.pointer = pointer & this.#mask;
  }

  static current(cpu: Access, code = 0): StackWindow {
    const limit = cpu.segment(SS, L.S_LIMIT);
    const attributes = cpu.segment(SS, L.S_ATTRIBUTES);
    return new StackWindow(cpu, cpu.base(SS), limit, attributes, cpu.i32[4], cpu.cpl, code);
  }

  static forDescriptor(cpu: Access, d: Descriptor, pointer: number, cpl: number, code: number): StackWindow {
    return new StackWindow(cpu, descriptorBase(d), descriptorLimit(d), d.attributes, pointer, cpl, code);
  }

  #linear(offset: number, size: number): number {
    const first = offset >>> 0;
    const last = first + size - 1;
    const upper = this.#mask === -1 ? 0xffffffff : 0xffff;
    const bad = this.#expandDown ? first <= this.#limit || last > upper : last > this.#limit;
    if (bad) this.#cpu.raiseFault(VECTOR.SS, this.#code);
    return (this.#base + offset) | 0;
  }

  /** Raises what pushing `count` values of `size` bytes would raise. */
  probe(count: number, size: number): void {
    for (let n = 1; n <= count; n++) {
      const linear = this.#linear((this.pointer - n * size) & this.#mask, size);
      this.#cpu.reach(linear, 'write', this.#user);
      if (((linear ^ (linear + size - 1)) & ~0xfff) !== 0)
        this.#cpu.reach((linear + size - 1) & ~0xfff, 'write', this.#user);
    }
  }

  push(size: number, value: number): void {
    const offset = (this.pointer - size) & this.#mask;
    this.#cpu.writeAs(this.#linear(offset, size), size, value, this.#user);
    this.pointer = offset;
  }

  pop(size: number): number {
    const linear = this.#linear(this.pointer, size);
    const value = this.#cpu.readAs(linear, size, this.#user);
    this.pointer = (this.pointer + size) & this.#mask;
    return value;
  }

  skip(bytes: number): void {
    this.pointer = (this.pointer + bytes) & this.#mask;
  }
}

/** Sets ESP, or SP alone if the stack segment is 16 bits wide. */
export function setStackPointer(cpu: Access, pointer: number): void {
  if (cpu.i32[L.W_STACK_MASK] === -1) cpu.i32[4] = pointer;
  else cpu.u16[8] = pointer;
}
