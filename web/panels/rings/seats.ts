import type { Seat } from '../../../core/protocol/monitor.ts';
import type { ModeName } from '../../modes.ts';

/** Who sits in a ring of the machine. */
export type Who = 'processes' | 'kernel' | 'monitor' | 'empty';
export type RingNumber = 0 | 1 | 2 | 3;

/** Rings that belong together; under VMX there are two sets of them (SDM volume 3, 23.3). */
export interface RingSet {
  readonly operation: 'only' | 'root' | 'nonRoot';
  /** By ring number. */
  readonly who: readonly [Who, Who, Who, Who];
}

/** A ring of a set. */
export interface Place {
  readonly operation: RingSet['operation'];
  readonly ring: RingNumber;
}

const DEPRIVILEGED: readonly RingSet[] = [{ operation: 'only', who: ['monitor', 'kernel', 'empty', 'processes'] }];
const VMX: readonly RingSet[] = [
  { operation: 'nonRoot', who: ['kernel', 'empty', 'empty', 'processes'] },
  { operation: 'root', who: ['monitor', 'empty', 'empty', 'empty'] },
];

/** Who sits where in a mode. */
export const RING_SETS: Readonly<Record<ModeName, readonly RingSet[]>> = {
  bare: [{ operation: 'only', who: ['kernel', 'empty', 'empty', 'processes'] }],
  trap: DEPRIVILEGED,
  translate: DEPRIVILEGED,
  patch: DEPRIVILEGED,
  para: DEPRIVILEGED,
  nested: VMX,
  shadow: VMX,
};

/** Where the processor is. */
export function placeOf(mode: ModeName, { ring, nonRoot, inMonitor }: Seat): Place {
  const hasVmx = mode === 'nested' || mode === 'shadow';
  if (!hasVmx) return { operation: 'only', ring: inMonitor ? 0 : ring };
  return nonRoot && !inMonitor ? { operation: 'nonRoot', ring } : { operation: 'root', ring: 0 };
}

/** Where the guest runs that believes to be in a ring: its processes, or its kernel. */
export function guestPlace(mode: ModeName, isUser: boolean): Place {
  const set = RING_SETS[mode][0];
  const ring = set.who.indexOf(isUser ? 'processes' : 'kernel');
  return { operation: set.operation, ring: ring === 3 ? 3 : ring === 1 ? 1 : 0 };
}

/** The ring of the machine in which the guest is that believes to be in `cpl`: a kernel may be without its ring 0. */
export function runsIn(mode: ModeName, cpl: RingNumber): RingNumber {
  return cpl === 0 ? guestPlace(mode, false).ring : cpl;
}

/** Where the monitor is; bare there is none. */
export function monitorPlace(mode: ModeName): Place | null {
  if (mode === 'bare') return null;
  return { operation: mode === 'nested' || mode === 'shadow' ? 'root' : 'only', ring: 0 };
}

export function whoIsAt(mode: ModeName, { operation, ring }: Place): Who {
  return RING_SETS[mode].find(set => set.operation === operation)?.who[ring] ?? 'empty';
}

export function isSame(a: Place, b: Place): boolean {
  return a.operation === b.operation && a.ring === b.ring;
}

/** How the processor last came from one ring to another. */
export interface Transition {
  readonly from: Place;
  readonly to: Place;
  readonly cause: string;
  /** It has gone back since. */
  readonly back: boolean;
}
