import { ATTRIBUTE } from './state.ts';

/** A segment descriptor as it lies in the GDT or LDT (SDM volume 3, 3.4.5). */
export interface Descriptor {
  /** Linear address of its eight bytes. */
  readonly address: number;
  readonly low: number;
  readonly high: number;
  /** Bits 8..23 of the high word, shifted down: see ATTRIBUTE. */
  readonly attributes: number;
  readonly dpl: number;
  readonly present: boolean;
  /** Code or data, as against a system descriptor. */
  readonly isSegment: boolean;
  readonly isCode: boolean;
  /** Type field, 0 to 15. */
  readonly type: number;
}

export function isNull(selector: number): boolean {
  return (selector & 0xfffc) === 0;
}

/** Base of a code, data, LDT or TSS descriptor. */
export function descriptorBase(d: Descriptor): number {
  return ((d.low >>> 16) & 0xffff) | ((d.high & 0xff) << 16) | (d.high & 0xff000000) | 0;
}

/** Effective limit in bytes, inclusive, signed. */
export function descriptorLimit(d: Descriptor): number {
  const limit = (d.low & 0xffff) | (d.high & 0xf0000);
  return (d.attributes & ATTRIBUTE.granular) !== 0 ? (limit << 12) | 0xfff : limit;
}

/** Whether a code segment is conforming: callable from less privileged code without a change of CPL. */
export function isConforming(d: Descriptor): boolean {
  return d.isCode && (d.attributes & ATTRIBUTE.conforming) !== 0;
}
