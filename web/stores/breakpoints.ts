import { createStore } from 'zustand/vanilla';
import type { BreakOn, Breakpoint } from '../../core/protocol/breakpoints.ts';

interface Breakpoints {
  /** In the order in which they were set. */
  readonly list: readonly Breakpoint[];
}

/** What the machine is paused at. What changes it is in web/machine.ts, which tells the worker. */
export const breakpoints = createStore<Breakpoints>(() => ({ list: [] }));

let last = 0;

/** One of its own number: each counts its hits for itself. */
export function newBreakpoint(on: BreakOn, condition = '', ignore = 0): Breakpoint {
  last += 1;
  return { id: last, on, condition, enabled: true, ignore };
}

/** Whether two wait for the same thing. */
export function isSameEvent(a: BreakOn, b: BreakOn): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}

/** The list with a plain breakpoint before the instruction there; without any there, if there was one. */
export function toggled(list: readonly Breakpoint[], on: BreakOn): readonly Breakpoint[] {
  const others = list.filter(one => !isSameEvent(one.on, on));
  return others.length < list.length ? others : [...list, newBreakpoint(on)];
}

/** What the code shows beside an instruction. */
export type Dot = 'none' | 'plain' | 'conditional' | 'off';

export function dotOf(list: readonly Breakpoint[], address: number): Dot {
  const here = list.filter(({ on }) => on.kind === 'execute' && on.address === address);
  const on = here.filter(({ enabled }) => enabled);
  if (here.length === 0) return 'none';
  if (on.length === 0) return 'off';
  return on.every(({ condition, ignore }) => condition !== '' || ignore > 0) ? 'conditional' : 'plain';
}
