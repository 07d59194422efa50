import { decode } from '../../ia32/decoder.ts';
import { KIND } from '../../ia32/instruction.ts';
import type { OperationName } from '../../ia32/operations.ts';
import { CR0 } from '../../ia32/registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import { PAGE_FAULT } from '../../machine/mmu/walk.ts';
import { FRAME_SIZE } from '../memory/frames.ts';
import { HOLE_START, Refused } from './abi.ts';
import type { Domain } from './domain.ts';

/**
 * Writable page tables (VMASST_TYPE_writable_pagetables): the guest's kernel stores into an L1 table as if it could. The table is read-only,
 * so that the store faults; the monitor carries the instruction out, looks at the entry that comes of it, and lets it stand or not.
 */

export const WRITABLE_TABLES = 1 << 2;

const MEMORY_KINDS: readonly number[] = [KIND.m32, KIND.m16, KIND.m8, KIND.memory];

/** What a kernel changes an entry with: these touch the one operand in memory and nothing else. */
const STORES: readonly OperationName[] = ['mov', 'xchg', 'cmpxchg', 'cmpxchg8b', 'and', 'or'];
/** These as well, where the bit's number is a constant: a number in a register could lead to another word. */
const BIT_STORES: readonly OperationName[] = ['bts', 'btr'];

/** Words of the processor's state up to the segments: registers, EIP, flags. */
const STATE_WORDS = L.W_SEGMENTS;

/** Bytes that the instruction at EIP stores at exactly this linear address; 0 if it is none of the kinds that are carried out. */
function storeSize(domain: Domain, linear: number): number {
  const { access, vcpu } = domain;
  const start = vcpu.address;
  access.forget();
  try {
    const i = decode({ byte: index => access.read(start + index, 1) }, 0, vcpu.codeSize);
    const { operation } = i.row;
    const isKnown = STORES.includes(operation) || (BIT_STORES.includes(operation) && i.src.kind === KIND.immediate);
    if (!isKnown || !MEMORY_KINDS.includes(i.dst.kind) || i.repeat !== 0) return 0;
    const { segment, base, index, scale, displacement, mask } = i.memory;
    const { i32 } = vcpu;
    const offset = (i32[base] + (i32[index] << scale) + displacement) & mask;
    return (vcpu.base(segment) + offset) >>> 0 === linear ? i.dst.size : 0;
  } catch (thrown) {
    if (thrown instanceof Refused) return 0;
    throw thrown;
  }
}

/**
 * After a page fault. True if the store was carried out; false if the guest must see the fault. `emulate` carries out the instruction at EIP.
 */
export function writeTable(domain: Domain, linear: number, error: number, emulate: () => void): boolean {
  const { vcpu, tables } = domain;
  const address = linear >>> 0;
  const wanted = PAGE_FAULT.present | PAGE_FAULT.write;
  if ((domain.assists & WRITABLE_TABLES) === 0 || vcpu.cpl !== 1 || error !== wanted || address >= HOLE_START) {
    return false;
  }
  const target = vcpu.lookUp(linear | 0);
  const frame = target >>> 12;
  if (target < 0 || frame >= tables.frames.size || tables.frames.type(frame) !== 'l1') return false;
  // Within one entry: what lies beside it would not be looked at.
  const size = storeSize(domain, address);
  if (size === 0 || (target % 8) + size > 8) return false;

  const { memory } = domain.host;
  const entry = target - (target % 8);
  const before = [memory.read(entry, 4), memory.read(entry + 4, 4)] as const;
  const state = vcpu.i32.slice(0, STATE_WORDS);
  // With CR0.WP clear the store goes through. It is taken back at once, before anything could walk the table.
  vcpu.i32[L.W_CR0] &= ~CR0.WP;
  try {
    emulate();
  } finally {
    vcpu.i32[L.W_CR0] |= CR0.WP;
  }
  const after = [memory.read(entry, 4), memory.read(entry + 4, 4)] as const;
  memory.write(entry, 4, before[0]);
  memory.write(entry + 4, 4, before[1]);
  try {
    tables.update(frame, entry % FRAME_SIZE, after[0], after[1], false);
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    domain.lastRefusal = thrown.message;
    vcpu.i32.set(state);
    return false;
  }
  domain.counts.tableWrites++;
  domain.access.forget();
  return true;
}
