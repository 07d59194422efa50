/** What the list of a descriptor table says. */
import type { Registers } from '../../../core/protocol/messages.ts';
import type { DescriptorTable, DescriptorView } from '../../../core/protocol/questions.ts';
import { hex } from '../../format.ts';
import { vectorName } from '../happened/cause.ts';

/** Order of Registers.segments. */
const SEGMENTS = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDTR', 'TR'] as const;
const CS = 1;
const TABLE_INDICATOR = 4;

/** Segment registers whose selector names this entry: the processor has what stood there when they were loaded. */
export function usedBy(table: DescriptorTable, index: number, { segments }: Registers): readonly string[] {
  if (table === 'idt') return [];
  const indicator = table === 'ldt' ? TABLE_INDICATOR : 0;
  return SEGMENTS.filter((_, n) => {
    const selector = segments[n]?.selector ?? 0;
    // The null selector names no entry.
    return selector >>> 2 !== 0 && selector >>> 3 === index && (selector & TABLE_INDICATOR) === indicator;
  });
}

/** A selector's value for an entry, or a vector with its name. */
export function entryName(table: DescriptorTable, index: number): string {
  if (table !== 'idt') return hex(index * 8 + (table === 'ldt' ? TABLE_INDICATOR : 0), 4);
  return index < 20 ? `${hex(index, 2)} ${vectorName(index, null)}` : hex(index, 2);
}

/** Linear address that a gate leads to; null for a task gate, and where the base of its code segment is not known. */
export function gateAddress({ gate, description }: DescriptorView, { segments }: Registers): number | null {
  if (gate === null || description === 'task gate') return null;
  if (description === 'real-mode vector') return gate.selector * 16 + gate.offset;
  const code = segments[CS];
  // Kernels have one code segment for their gates, which is the present one, or as flat as it is.
  const isPresent = code !== undefined && code.selector >>> 2 === gate.selector >>> 2;
  return ((isPresent ? code.base : 0) + gate.offset) >>> 0;
}

/** The descriptor's eight bytes, high word first, as the manual draws them. */
export function rawBytes({ low, high }: DescriptorView): string {
  return `${hex(high)} ${hex(low)}`;
}
