import { createStore } from 'zustand/vanilla';
import type { DescriptorTable } from '../../core/protocol/questions.ts';

export const UNIT_GROUPS = ['sse', 'x87', 'debug'] as const;
export type UnitGroup = (typeof UNIT_GROUPS)[number];

export const LANES = ['single', 'double', 'integer'] as const;
export type Lane = (typeof LANES)[number];

/** Which of the processor's tables are shown: nothing is asked for that is not. */
interface System {
  readonly descriptors: boolean;
  readonly table: DescriptorTable;
  readonly whose: 'guest' | 'machine';
  /** Entry that shall be in view; `serial` tells two requests for the same one apart. */
  readonly target: { readonly index: number; readonly serial: number } | null;
  readonly vmcs: boolean;
  /** Groups of registers that are open. */
  readonly units: readonly UnitGroup[];
  /** How XMM registers are read. */
  readonly lane: Lane;
}

export const system = createStore<System>(() => ({
  descriptors: false,
  table: 'gdt',
  whose: 'guest',
  target: null,
  vmcs: false,
  units: [],
  lane: 'single',
}));

/** Shows an entry of a descriptor table. */
export function showDescriptor(table: DescriptorTable, index: number, whose: System['whose']): void {
  system.setState(({ target }) => ({
    descriptors: true,
    table,
    whose,
    target: { index, serial: (target?.serial ?? 0) + 1 },
  }));
}
