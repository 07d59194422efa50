import { ask } from '../../machine.ts';
import { reached } from './entry.ts';

/** Where kernels for IA-32 have physical memory in a row: as it is, and in the upper half or quarter, as Linux does. */
const OFFSETS = [0, 0x80000000, 0xc0000000] as const;

/** A linear address that leads to a physical one now, or null if none is known. */
export async function linearOf(physical: number): Promise<number | null> {
  for (const offset of OFFSETS) {
    const address = (physical + offset) >>> 0;
    const answer = await ask({ kind: 'walk', address });
    if (answer.kind === 'walk' && reached(answer.address) === physical) return address;
  }
  return null;
}
