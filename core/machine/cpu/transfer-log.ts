import * as L from './layout.ts';
import type { Probe, Transfer } from './probe.ts';

/** Transfers that translated code makes without a call: it writes them down, and who looks is told of them later. */

/** By the number that stands for each. */
export const LOGGED = ['iret', 'sysenter', 'sysexit'] as const satisfies readonly Transfer[];

/** Tells of all that wait. `steps`: those of the processor at the end of the run, if it takes all that it was granted. */
export function tellLogged(i32: Int32Array, probe: Probe | null, steps: number): void {
  const end = (L.LOG >> 2) + L.LOG_WORDS * i32[L.W_LOGGED];
  i32[L.W_LOGGED] = 0;
  if (probe?.transferredBefore === undefined) return;
  for (let at = L.LOG >> 2; at < end; at += L.LOG_WORDS) {
    probe.transferredBefore(LOGGED[i32[at]], i32[at + 1], i32[at + 2], steps - i32[at + 3]);
  }
}
