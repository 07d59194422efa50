import * as L from '../../cpu/layout.ts';
import type { Processor } from '../../cpu/processor.ts';
import { LOGGED } from '../../cpu/transfer-log.ts';
import { guestTimeStamp } from '../../cpu/vmx/time.ts';
import { type FunctionBody, I32, type Import, makeModule } from '../code.ts';
import { compareBoth, copy, fill, loadSegment, scanAll } from './data.ts';
import { timeStamp } from './time.ts';
import { interrupt, interruptReturn, sysenter, sysexit } from './transfers.ts';
import { FIRST_TRANSFER, find } from './words.ts';

/**
 * Short ways of system instructions, in WebAssembly, for translated code: the common case of what the executor has done before with the same
 * descriptors, where nothing can fault. Each returns 1 if it has done all, else 0, and nothing has changed: then the executor does it, which alone says
 * what the instruction means. kernel.test.ts compares.
 */

/** By name, in the order in which translated code imports them. */
const FUNCTIONS = {
  loadSegment: loadSegment(),
  interrupt: interrupt(),
  interruptReturn: interruptReturn(),
  sysenter: sysenter(),
  sysexit: sysexit(),
  copy: copy(),
  fill: fill(),
  scanAll: scanAll(),
  compareBoth: compareBoth(),
  timeStamp: timeStamp(),
} as const satisfies Readonly<Record<string, FunctionBody>>;

export type SystemName = keyof typeof FUNCTIONS;
const NAMES = Object.keys(FUNCTIONS);

/** What a module of translated code imports, in this order. */
export const SYSTEM_KERNEL: readonly Import[] = Object.entries(FUNCTIONS).map(([name, { parameters, results }]) => ({
  name,
  parameters,
  results,
}));

/** In the order of words.ts. */
const IMPORTS: readonly Import[] = [
  { name: 'statusFlags', parameters: [I32, I32, I32, I32, I32, I32], results: [I32] },
  { name: 'tell', parameters: [I32], results: [] },
  { name: 'readTime', parameters: [], results: [] },
];
const COMMON: readonly FunctionBody[] = [find()];
let compiled: WebAssembly.Module | null = null;

function tell({ probe }: Processor, what: number): undefined {
  if (what >= FIRST_TRANSFER) probe?.transferred(LOGGED[what - FIRST_TRANSFER]);
  else probe?.delivered(what, 'software', null);
}

/** The time-stamp counter to SCRATCH, 64 bits. */
function readTime(cpu: Processor): undefined {
  const [low, high] = guestTimeStamp(cpu);
  const { i32 } = cpu;
  i32[L.SCRATCH >> 2] = low;
  i32[(L.SCRATCH >> 2) + 1] = high;
}

/** The kernel of a processor, by name. `statusFlags`: the runtime's (runtime.ts). */
export function makeSystemKernel(
  cpu: Processor,
  statusFlags: WebAssembly.Imported,
): Readonly<Record<string, WebAssembly.Imported>> {
  compiled ??= new WebAssembly.Module(makeModule([...COMMON, ...Object.values(FUNCTIONS)], IMPORTS));
  const env = {
    memory: cpu.physical.memory,
    statusFlags,
    tell: (what: number) => tell(cpu, what),
    readTime: () => readTime(cpu),
  };
  const { exports } = new WebAssembly.Instance(compiled, { env });
  return Object.fromEntries(NAMES.map((name, n) => [name, exports[String(COMMON.length + n)]]));
}
