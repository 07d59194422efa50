import { type Descriptor, descriptorBase, descriptorLimit } from './descriptor.ts';
import * as L from './layout.ts';
import { ATTRIBUTE, checkedOf, isPlain, type State } from './state.ts';

/**
 * What a descriptor is loaded for: a data segment register; the stack of a privilege level; code that IRET returns to; code that a gate leads to. Each
 * use has checks of its own, whose answer follows from selector, CPL and the descriptor's bytes alone.
 */
export const USE = { data: 0, stack: 1, return: 2, gate: 3 } as const;
export type Use = (typeof USE)[keyof typeof USE];

/** CPL and use, above the selector. */
export const KEY_CPL = 16;
export const KEY_USE = 18;
/** Multiplicative hashing: the golden ratio's digits, of which the upper ones are taken. */
export const MEMO_MIX = 0x9e3779b1 | 0;
export const MEMO_SHIFT = 32 - Math.log2(L.MEMO_SLOTS);

/**
 * Notes that the descriptor of a selector has passed its checks, and what the segment register gets: as long as its bytes are these, translated code need
 * not ask again (translate/system). Only of the GDT, and where the accessed bit is set already.
 */
export function noteDescriptor(cpu: State, use: Use, cpl: number, selector: number, d: Descriptor): void {
  if ((d.attributes & ATTRIBUTE.accessed) === 0 || (selector & 4) !== 0) return;
  const { i32 } = cpu;
  const key = (use << KEY_USE) | (cpl << KEY_CPL) | selector;
  const at = (L.MEMO >> 2) + ((Math.imul(key, MEMO_MIX) >>> MEMO_SHIFT) << 3);
  const base = descriptorBase(d);
  const limit = descriptorLimit(d);
  i32[at + L.M_KEY] = key;
  i32[at + L.M_LOW] = d.low;
  i32[at + L.M_LOW + 1] = d.high;
  i32[at + L.M_HIDDEN] = base;
  i32[at + L.M_HIDDEN + 1] = limit;
  i32[at + L.M_HIDDEN + 2] = d.attributes;
  i32[at + L.M_HIDDEN + 3] = checkedOf(base, limit, d.attributes);
  i32[at + L.M_HIDDEN + 4] = isPlain(d.attributes) ? 0 : 1;
}
