import { FLAG } from '../../ia32/flags.ts';
import { CR0, CS, GS, SS } from '../../ia32/registers.ts';
import type { PhysicalMemory } from '../physical.ts';
import * as L from './layout.ts';

/** Attribute bits of a segment (descriptor bits 8..23, shifted down). */
export const ATTRIBUTE = {
  accessed: 1,
  /** Data: writable. Code: readable. */
  writable: 2,
  readable: 2,
  /** Data: expand-down. Code: conforming. */
  expandDown: 4,
  conforming: 4,
  code: 8,
  /** Code or data, not a system descriptor. */
  segment: 16,
  present: 128,
  /** D/B: 32-bit code, 32-bit stack pointer, 4 GB upper bound. */
  big: 1 << 14,
  granular: 1 << 15,
} as const;

/** The processor's registers, in the machine's memory, and the few values that follow from them. */
export class State {
  readonly physical: PhysicalMemory;
  readonly i32: Int32Array;
  readonly u16: Uint16Array;
  readonly u8: Uint8Array;
  readonly view: DataView;

  constructor(physical: PhysicalMemory) {
    this.physical = physical;
    this.i32 = new Int32Array(physical.memory.buffer);
    this.u16 = new Uint16Array(physical.memory.buffer);
    this.u8 = physical.bytes;
    this.view = physical.view;
  }

  get cpl(): number {
    return this.i32[L.W_CPL];
  }

  /** Changes the privilege level and with it the TLB tables that accesses use. */
  setCpl(cpl: number): void {
    const { i32 } = this;
    i32[L.W_CPL] = cpl;
    const user = cpl === 3 ? L.USER_TABLES : 0;
    i32[L.W_READ_TABLE] = L.W_TLB + user;
    i32[L.W_WRITE_TABLE] = L.W_TLB_WRITE + user;
    i32[L.W_EXECUTE_TABLE] = L.W_TLB_EXECUTE + user;
    this.#premise(L.PREMISE.user, cpl === 3);
  }

  #premise(bit: number, holds: boolean): void {
    const { i32 } = this;
    i32[L.W_PREMISES] = holds ? i32[L.W_PREMISES] | bit : i32[L.W_PREMISES] & ~bit;
  }

  get protectedMode(): boolean {
    return (this.i32[L.W_CR0] & CR0.PE) !== 0;
  }

  get virtual8086(): boolean {
    return (this.i32[L.W_EFLAGS] & FLAG.VM) !== 0;
  }

  /** Protected mode and not virtual-8086 mode: selectors mean descriptors. */
  get usesDescriptors(): boolean {
    return this.protectedMode && !this.virtual8086;
  }

  get iopl(): number {
    return (this.i32[L.W_EFLAGS] >> 12) & 3;
  }

  /** 2 or 4: default operand and address size of code. */
  get codeSize(): 2 | 4 {
    return (this.segment(CS, L.S_ATTRIBUTES) & ATTRIBUTE.big) !== 0 ? 4 : 2;
  }

  /** A word of a segment register, S_SELECTOR to S_CHECKED. */
  segment(index: number, word: number): number {
    return this.i32[L.W_SEGMENTS + index * L.SEGMENT_WORDS + word];
  }

  selector(index: number): number {
    return this.segment(index, L.S_SELECTOR);
  }

  base(index: number): number {
    return this.segment(index, L.S_BASE);
  }

  /** Sets a segment register with its hidden part, and what follows from it. Makes no checks. */
  setSegment(index: number, selector: number, base: number, limit: number, attributes: number): void {
    const { i32 } = this;
    const at = L.W_SEGMENTS + index * L.SEGMENT_WORDS;
    i32[at + L.S_SELECTOR] = selector;
    // Kernels load what is there already: nothing else follows from it than before.
    const isSame = i32[at + L.S_BASE] === base && i32[at + L.S_LIMIT] === (limit | 0);
    if (isSame && i32[at + L.S_ATTRIBUTES] === attributes) return;
    i32[at + L.S_BASE] = base;
    i32[at + L.S_LIMIT] = limit;
    i32[at + L.S_ATTRIBUTES] = attributes;
    this.deriveSegment(index);
  }

  /** What follows from a segment register's hidden part, which has changed. */
  protected deriveSegment(index: number): void {
    const { i32 } = this;
    const at = L.W_SEGMENTS + index * L.SEGMENT_WORDS;
    const base = i32[at + L.S_BASE];
    const limit = i32[at + L.S_LIMIT];
    const attributes = i32[at + L.S_ATTRIBUTES];
    const checked = checkedOf(base, limit, attributes);
    i32[at + L.S_CHECKED] = checked;
    i32[at + L.S_PLAIN] = isPlain(attributes) ? 0 : 1;
    if (index > GS) return;
    const isBig = (attributes & ATTRIBUTE.big) !== 0;
    if (index === SS) {
      i32[L.W_STACK_MASK] = isBig ? -1 : 0xffff;
      this.#premise(L.PREMISE.stack32, isBig);
    } else if (index === CS) {
      i32[L.W_CODE_LIMIT] = limit;
      this.#premise(L.PREMISE.code32, isBig);
      this.#premise(L.PREMISE.flatCode, base === 0 && limit === -1);
    }
    const shift = L.PREMISE_SEGMENTS + 2 * index;
    i32[L.W_PREMISES] = (i32[L.W_PREMISES] & ~(3 << shift)) | (SEGMENT_KINDS[checked] << shift);
  }
}

/** S_CHECKED of a segment; base and limit signed. */
export function checkedOf(base: number, limit: number, attributes: number): number {
  const flat = base === 0 && limit === -1 && (attributes & ATTRIBUTE.present) !== 0;
  const isCode = (attributes & ATTRIBUTE.code) !== 0;
  if (flat && isCode && (attributes & ATTRIBUTE.readable) !== 0) return 2;
  if (flat && !isCode && (attributes & ATTRIBUTE.expandDown) === 0) {
    return (attributes & ATTRIBUTE.writable) !== 0 ? 0 : 2;
  }
  return 3;
}

/** Data that grows upwards and can be written. */
export function isPlain(attributes: number): boolean {
  const plain = ATTRIBUTE.present | ATTRIBUTE.segment | ATTRIBUTE.writable;
  return (attributes & (plain | ATTRIBUTE.code | ATTRIBUTE.expandDown)) === plain;
}

/** SEGMENT_ by S_CHECKED. */
const SEGMENT_KINDS = [L.SEGMENT_FLAT, L.SEGMENT_CHECKED, L.SEGMENT_FLAT_READ_ONLY, L.SEGMENT_CHECKED] as const;
