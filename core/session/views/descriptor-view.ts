import { LDTR } from '../../ia32/registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import { ATTRIBUTE } from '../../machine/cpu/state.ts';
import type { Answer, DescriptorTable, DescriptorView } from '../../protocol/questions.ts';
import { cacheOf } from '../../vmm/para/descriptors.ts';
import { privilege, segmentDescription } from './register-view.ts';

/** Descriptor tables as a processor would read them, through its page tables; nothing is marked as accessed. */

const DESCRIPTOR_BYTES = 8;
/** Vectors of an IDT; what its limit says beyond is never used. */
const VECTORS = 256;
/** Entries of the real-mode interrupt vector table (SDM volume 3, 20.1.4). */
const REAL_MODE_BYTES = 4;
const TASK_GATE = 5;
/** Gates with an offset: call, interrupt and trap gates of 16 and 32 bits (SDM volume 3, table 3-2). */
const GATES: readonly number[] = [4, 6, 7, 12, 14, 15];

type Descriptors = Extract<Answer, { kind: 'descriptors' }>;

/** The entries that are present or not empty; those in memory that is not mapped are left out. */
export function descriptorsOf(cpu: Processor, table: DescriptorTable): Descriptors {
  const { base, limit } = tableOf(cpu, table);
  if (table === 'idt' && !cpu.protectedMode) return { kind: 'descriptors', base, limit, entries: vectorTable(cpu) };
  const most = table === 'idt' ? VECTORS : 8192;
  const count = Math.min(most, Math.floor((limit + 1) / DESCRIPTOR_BYTES));
  const entries: DescriptorView[] = [];
  const read = reader(cpu);
  for (let index = 0; index < count; index++) {
    const low = read((base + DESCRIPTOR_BYTES * index) | 0);
    const high = read((base + DESCRIPTOR_BYTES * index + 4) | 0);
    if (low === null || high === null || (low | high) === 0) continue;
    entries.push(descriptorView(table, index, low, high));
  }
  return { kind: 'descriptors', base, limit, entries };
}

function tableOf(cpu: Processor, table: DescriptorTable): { readonly base: number; readonly limit: number } {
  const { i32 } = cpu;
  switch (table) {
    case 'gdt':
      return { base: i32[L.W_GDTR_BASE] >>> 0, limit: i32[L.W_GDTR_LIMIT] };
    case 'idt':
      return { base: i32[L.W_IDTR_BASE] >>> 0, limit: i32[L.W_IDTR_LIMIT] };
    case 'ldt': {
      const isLoaded = (cpu.segment(LDTR, L.S_ATTRIBUTES) & ATTRIBUTE.present) !== 0;
      // Without one no selector leads anywhere.
      return isLoaded
        ? { base: cpu.base(LDTR) >>> 0, limit: cpu.segment(LDTR, L.S_LIMIT) >>> 0 }
        : { base: 0, limit: -1 };
    }
  }
}

/** Reads words of linear memory, null where none is; a page is looked up once. */
function reader(cpu: Processor): (linear: number) => number | null {
  let page = -1;
  let frame = -1;
  const byte = (linear: number): number => {
    if (linear >>> 12 !== page) {
      page = linear >>> 12;
      frame = cpu.lookUp(linear & ~0xfff);
    }
    return frame < 0 ? -1 : cpu.physical.peekByte(frame + (linear & 0xfff));
  };
  return linear => {
    let word = 0;
    for (let n = 0; n < 4; n++) {
      const value = byte((linear + n) | 0);
      if (value < 0) return null;
      word |= value << (8 * n);
    }
    return word;
  };
}

function descriptorView(table: DescriptorTable, index: number, low: number, high: number): DescriptorView {
  const { base, limit, attributes } = cacheOf(low, high);
  const isPresent = (attributes & ATTRIBUTE.present) !== 0;
  // In the manual's words whether it is present or not.
  const description = segmentDescription(attributes | ATTRIBUTE.present);
  const type = (attributes & ATTRIBUTE.segment) === 0 ? attributes & 15 : -1;
  const isGate = type === TASK_GATE || GATES.includes(type);
  const selector = index * DESCRIPTOR_BYTES + (table === 'ldt' ? 4 : 0);
  return {
    index,
    low: low >>> 0,
    high: high >>> 0,
    segment: isGate ? null : { selector, base: base >>> 0, limit: limit >>> 0, description },
    gate: isGate ? { selector: low >>> 16, offset: offsetOf(type, low, high) } : null,
    dpl: privilege((attributes >>> 5) & 3),
    present: isPresent,
    description,
  };
}

function offsetOf(type: number, low: number, high: number): number {
  if (type === TASK_GATE) return 0;
  return type < 8 ? low & 0xffff : ((low & 0xffff) | (high & 0xffff0000)) >>> 0;
}

/** Far pointers by vector, as real mode has them in place of an IDT. */
function vectorTable(cpu: Processor): DescriptorView[] {
  const base = cpu.i32[L.W_IDTR_BASE];
  const count = Math.min(VECTORS, Math.floor((cpu.i32[L.W_IDTR_LIMIT] + 1) / REAL_MODE_BYTES));
  const read = reader(cpu);
  const entries: DescriptorView[] = [];
  for (let index = 0; index < count; index++) {
    const low = read((base + REAL_MODE_BYTES * index) | 0);
    if (low === null || low === 0) continue;
    entries.push({
      index,
      low: low >>> 0,
      high: 0,
      segment: null,
      gate: { selector: low >>> 16, offset: low & 0xffff },
      dpl: 0,
      present: true,
      description: 'real-mode vector',
    });
  }
  return entries;
}
