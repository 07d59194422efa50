import * as H from '../host/layout.ts';
import { FLAT, Refused } from './abi.ts';

const PRESENT = 0x8000;
const SEGMENT = 0x1000;
const CODE = 0x800;
const EXPAND_DOWN = 0x400;
const CONFORMING = 0x400;
const WRITABLE = 0x200;
const GRANULAR = 0x800000;
const DPL = 0x6000;
const SYSTEM_TYPE = 0xf00;
const CALL_GATE = 0xc00;

/** Low and high word of a descriptor. */
export type Descriptor = readonly [low: number, high: number];

/** A segment register's hidden part, as a load makes it. */
export interface SegmentCache {
  readonly base: number;
  /** Effective limit in bytes, inclusive, signed. */
  readonly limit: number;
  readonly attributes: number;
}

export function cacheOf(low: number, high: number): SegmentCache {
  const raw = (low & 0xffff) | (high & 0xf0000);
  return {
    base: (low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000),
    limit: (high & GRANULAR) !== 0 ? (raw << 12) | 0xfff : raw,
    attributes: (high >>> 8) & 0xf0ff,
  };
}

/** Whether code may be entered through this selector: the guest's own, or one of the flat ones. */
export function isGuestCode(selector: number): boolean {
  const index = selector & 0xfffc;
  if (index === 0) return false;
  return (
    (selector & 4) !== 0 ||
    index < H.FIRST_RESERVED_SELECTOR ||
    index === (FLAT.ring1Code & 0xfffc) ||
    index === (FLAT.ring3Code & 0xfffc)
  );
}

/** A selector for the kernel: whatever privilege it asks for, it gets no more than ring 1. */
export function kernelSelector(selector: number): number {
  return (selector & 3) === 0 ? (selector & 0xffff) | 1 : selector & 0xffff;
}

/**
 * The descriptor as a guest may have it in its own table, which the machine uses as it is: ring 0 becomes ring 1, a segment of pages ends
 * below the monitor. Throws Refused for what cannot be mended: system segments but call gates, and segments that reach into the
 * monitor.
 */
export function checkDescriptor(low: number, high: number): Descriptor {
  // What is not present faults when it is used.
  if ((high & PRESENT) === 0) return [low, high];
  const mended = (high & DPL) === 0 ? high | (1 << 13) : high;
  if ((mended & SEGMENT) === 0) return checkGate(low, mended);
  const base = ((low >>> 16) | ((mended & 0xff) << 16) | (mended & 0xff000000)) >>> 0;
  if (base >= H.MONITOR_BASE - 0x1000) throw new Refused('EINVAL', 'a segment must not begin in the monitor');
  // A segment that expands downwards would wrap around through the monitor.
  if ((mended & (CODE | EXPAND_DOWN)) === EXPAND_DOWN)
    throw new Refused('EINVAL', 'a segment must not expand downwards');
  const isGranular = (mended & GRANULAR) !== 0;
  const raw = (low & 0xffff) | (mended & 0xf0000);
  const size = isGranular ? (raw + 1) * 0x1000 : raw + 1;
  if (base + size <= H.MONITOR_BASE) return [low, mended];
  if (!isGranular) throw new Refused('EINVAL', 'a segment must end below the monitor');
  const units = Math.floor((H.MONITOR_BASE - base) / 0x1000) - 1;
  return [(low & 0xffff0000) | (units & 0xffff), (mended & ~0xf0000) | (units & 0xf0000)];
}

/** Call gates may lead to the guest's own code. */
function checkGate(low: number, high: number): Descriptor {
  if ((high & SYSTEM_TYPE) !== CALL_GATE) throw new Refused('EINVAL', 'the only system descriptors are call gates');
  const selector = kernelSelector(low >>> 16);
  if (!isGuestCode(selector)) throw new Refused('EINVAL', 'a call gate must lead to code of the guest');
  if ((high & 0xe0) !== 0) throw new Refused('EINVAL', 'reserved bits of a call gate must be 0');
  return [(low & 0xffff) | (selector << 16), high];
}

/** Whether IRET to an outer ring can load CS with this, at the selector's own privilege level. */
export function isLoadableCode(selector: number, [, high]: Descriptor): boolean {
  const rpl = selector & 3;
  const dpl = (high >>> 13) & 3;
  if ((high & (PRESENT | SEGMENT | CODE)) !== (PRESENT | SEGMENT | CODE)) return false;
  return rpl !== 0 && ((high & CONFORMING) !== 0 ? dpl <= rpl : dpl === rpl);
}

export function isLoadableStack(selector: number, ring: number, [, high]: Descriptor): boolean {
  if ((high & (PRESENT | SEGMENT | CODE | WRITABLE)) !== (PRESENT | SEGMENT | WRITABLE)) return false;
  return (selector & 3) === ring && ((high >>> 13) & 3) === ring;
}

/** Whether the monitor's stub can load a data segment register with this before it returns; a ring that may not have it finds 0. */
export function isLoadableData(selector: number, [, high]: Descriptor): boolean {
  if ((selector & 0xfffc) === 0) return true;
  if ((high & (PRESENT | SEGMENT)) !== (PRESENT | SEGMENT)) return false;
  const isCode = (high & CODE) !== 0;
  if (isCode && (high & WRITABLE) === 0) return false;
  return (isCode && (high & CONFORMING) !== 0) || (selector & 3) <= ((high >>> 13) & 3);
}
