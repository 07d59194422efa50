import * as L from '../../machine/cpu/layout.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import { ATTRIBUTE } from '../../machine/cpu/state.ts';
import type { Registers, SegmentView } from '../../protocol/messages.ts';

/** System descriptor types (SDM volume 3, table 3-2). */
const SYSTEM_TYPES = [
  'reserved',
  'TSS 16 available',
  'LDT',
  'TSS 16 busy',
  'call gate 16',
  'task gate',
  'interrupt gate 16',
  'trap gate 16',
  'reserved',
  'TSS 32 available',
  'reserved',
  'TSS 32 busy',
  'call gate 32',
  'reserved',
  'interrupt gate 32',
  'trap gate 32',
] as const;

/** A segment's hidden part in the manual's words (SDM volume 3, table 3-1). */
export function segmentDescription(attributes: number): string {
  if ((attributes & ATTRIBUTE.present) === 0) return 'null';
  if ((attributes & ATTRIBUTE.segment) === 0) return SYSTEM_TYPES[attributes & 15];
  const size = (attributes & ATTRIBUTE.big) !== 0 ? 32 : 16;
  if ((attributes & ATTRIBUTE.code) !== 0) {
    const rights = (attributes & ATTRIBUTE.readable) !== 0 ? 'execute/read' : 'execute';
    return `code ${size} ${rights}${(attributes & ATTRIBUTE.conforming) !== 0 ? ' conforming' : ''}`;
  }
  const rights = (attributes & ATTRIBUTE.writable) !== 0 ? 'read/write' : 'read';
  return `data ${rights}${(attributes & ATTRIBUTE.expandDown) !== 0 ? ' expand-down' : ''}`;
}

function segmentView(cpu: Processor, index: number): SegmentView {
  return {
    selector: cpu.selector(index) & 0xffff,
    base: cpu.base(index) >>> 0,
    limit: cpu.segment(index, L.S_LIMIT) >>> 0,
    description: segmentDescription(cpu.segment(index, L.S_ATTRIBUTES)),
  };
}

/** A privilege level. */
export function privilege(cpl: number): Registers['cpl'] {
  return cpl === 0 || cpl === 1 || cpl === 2 ? cpl : 3;
}

/** All registers that the page shows, unsigned. */
export function registerView(cpu: Processor): Registers {
  const { i32 } = cpu;
  return {
    general: Uint32Array.from({ length: 8 }, (_, n) => i32[n]),
    eip: i32[L.W_EIP] >>> 0,
    eflags: cpu.eflags() >>> 0,
    cr0: i32[L.W_CR0] >>> 0,
    cr2: i32[L.W_CR2] >>> 0,
    cr3: i32[L.W_CR3] >>> 0,
    cr4: i32[L.W_CR4] >>> 0,
    cpl: privilege(cpu.cpl),
    segments: Array.from({ length: 8 }, (_, n) => segmentView(cpu, n)),
    gdtr: { base: i32[L.W_GDTR_BASE] >>> 0, limit: i32[L.W_GDTR_LIMIT] },
    idtr: { base: i32[L.W_IDTR_BASE] >>> 0, limit: i32[L.W_IDTR_LIMIT] },
  };
}
