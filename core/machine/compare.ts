import * as L from './cpu/layout.ts';
import type { Pc } from './pc.ts';

/** What of a processor no engine may change, as text; lazy flags count as what they mean. */
export function stateOf({ cpu }: Pc): string {
  const words = [...cpu.i32.subarray(0, L.W_EFLAGS), ...cpu.i32.subarray(L.W_CPL, L.STATE_BYTES >> 2)];
  return `count ${cpu.count} eflags ${cpu.eflags()} walks ${cpu.walks} words ${words.join(' ')}`;
}

/** The first byte of RAM that two machines do not have alike, to four; -1: there is none. */
export function firstDifference(one: Pc, other: Pc): number {
  const [a, b] = [one, other].map(
    ({ physical }) => new Int32Array(physical.memory.buffer, L.RAM, one.physical.size >> 2),
  );
  const at = a.findIndex((word, n) => word !== b[n]);
  return at < 0 ? -1 : 4 * at;
}
