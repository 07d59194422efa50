import { TIMELINE_LANES, type TimelineLane } from '../../../core/protocol/stretches.ts';
import type { ModeName } from '../../modes.ts';

/** Whose lane it is: the colours of the page go by that. */
export type Owner = 'user' | 'kernel' | 'depriv' | 'monitor' | 'silicon';

interface Look {
  readonly owner: Owner;
  /** Drawn over the colour, so that nobody needs to tell colours apart. */
  readonly pattern: 'plain' | 'stripes' | 'dots' | 'hatch' | 'bars';
}

const USER: Look = { owner: 'user', pattern: 'plain' };
const KERNEL: Look = { owner: 'kernel', pattern: 'stripes' };
const DEPRIVILEGED: Look = { owner: 'depriv', pattern: 'stripes' };

export const LOOKS: Readonly<Record<TimelineLane, Look>> = {
  'ring 0': KERNEL,
  'ring 1': DEPRIVILEGED,
  'ring 2': DEPRIVILEGED,
  'ring 3': USER,
  'non-root ring 0': KERNEL,
  'non-root ring 1': DEPRIVILEGED,
  'non-root ring 2': DEPRIVILEGED,
  'non-root ring 3': USER,
  monitor: { owner: 'monitor', pattern: 'dots' },
  waiting: { owner: 'silicon', pattern: 'bars' },
};

/** The least privileged lane on top. */
const ORDER: readonly TimelineLane[] = [
  'ring 3',
  'non-root ring 3',
  'ring 2',
  'non-root ring 2',
  'ring 1',
  'non-root ring 1',
  'ring 0',
  'non-root ring 0',
  'monitor',
  'waiting',
];

const RINGS: readonly TimelineLane[] = ['ring 3', 'ring 1', 'monitor', 'waiting'];
const VMX: readonly TimelineLane[] = ['non-root ring 3', 'non-root ring 0', 'monitor', 'waiting'];

const OF_MODE: Readonly<Record<ModeName, readonly TimelineLane[]>> = {
  bare: ['ring 3', 'ring 0', 'waiting'],
  trap: RINGS,
  translate: RINGS,
  patch: RINGS,
  para: RINGS,
  nested: VMX,
  shadow: VMX,
};

/** The lanes of a mode, and those that something was in before, which has a bit in `used`. */
export function lanesOf(mode: ModeName, used: number): readonly TimelineLane[] {
  return ORDER.filter(lane => OF_MODE[mode].includes(lane) || (used >> TIMELINE_LANES.indexOf(lane)) & 1);
}
