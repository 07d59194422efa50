/** Entries of the guest's page tables as numbers. */
import type { AddressView, EntryBits, TableLevel, TableView } from '../../../core/protocol/monitor.ts';

/** Bits of the low half of an entry (SDM volume 3, 4.3 and 4.4). */
export function entryBits(low: number, level: TableLevel): EntryBits {
  const has = (bit: number): boolean => ((low >>> bit) & 1) !== 0;
  return {
    present: has(0),
    readable: true,
    writable: has(1),
    user: has(2),
    executable: true,
    accessed: has(5),
    dirty: has(6),
    large: level === 'page directory' && has(7),
    global: has(8),
  };
}

/** The address that the low half of an entry names. */
export function frameOf(low: number): number {
  return (low & 0xfffff000) >>> 0;
}

/** Physical address of an entry of a guest's table; null for PDPTE registers, and for tables that the guest does not have. */
export function entryAddress({ name, address, entries }: TableView, index: number): number | null {
  if (address === null || name.tables === 'nested' || name.tables === 'shadow') return null;
  // Under PAE tables have 512 entries of eight bytes, and the topmost has 4; else 1024 of four bytes.
  return address + index * (entries === 1024 ? 4 : 8);
}

/** Where a linear address leads by the guest's tables: what the guest takes for physical. */
export function reached({ walks, paged, linear }: AddressView): number | null {
  const [walk] = walks;
  if (walk !== undefined && walk.references.length > 0) return walk.physical;
  return paged ? null : linear;
}
