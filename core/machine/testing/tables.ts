/** Entries of the processor's tables, as the manual draws them (SDM volume 3, 3.4.5, 5.8.3, 6.11). */

/** Low and high doubleword. */
export type Entry = readonly [number, number];

/** Access bytes: P, DPL 0, S and type with the accessed bit set. Or in `dpl(n)` for other levels. */
export const ACCESS = {
  code: 0x9b,
  executeOnly: 0x99,
  conforming: 0x9f,
  data: 0x93,
  readOnly: 0x91,
  expandDown: 0x97,
  ldt: 0x82,
  tss: 0x89,
  busyTss: 0x8b,
  tss16: 0x81,
} as const;

export const PRESENT = 0x80;

export function dpl(level: number): number {
  return level << 5;
}

/** Size flags of a descriptor: G and D/B. */
export const BIG = 4;
export const PAGES = 8;

/** A segment, LDT or TSS descriptor; `limit` as in the descriptor: bytes, or pages with PAGES. */
export function descriptor(base: number, limit: number, access: number, flags: number = BIG): Entry {
  const high = (base & 0xff000000) | (flags << 20) | (limit & 0xf0000) | (access << 8) | ((base >>> 16) & 0xff);
  return [((base << 16) | (limit & 0xffff)) >>> 0, high >>> 0];
}

/** A descriptor of all 4 GB. */
export function flat(access: number): Entry {
  return descriptor(0, 0xfffff, access, BIG | PAGES);
}

export const GATE = { task: 5, call16: 4, interrupt16: 6, trap16: 7, call: 12, interrupt: 14, trap: 15 } as const;

/** A gate of the IDT, or a call gate with `parameters`. */
export function gate(type: number, selector: number, offset: number, level = 0, parameters = 0): Entry {
  const high = (offset & 0xffff0000) | (PRESENT << 8) | (level << 13) | (type << 8) | parameters;
  return [((selector << 16) | (offset & 0xffff)) >>> 0, high >>> 0];
}
