import { I32, type Import } from './code.ts';
import { IMPORTS } from './runtime.ts';
import { SYSTEM_KERNEL, type SystemName } from './system/kernel.ts';
import { KERNEL, type KernelName } from './x87/kernel.ts';

/** Execution of an instruction, the last of the functions that translated code imports. */
const CARRY_OUT: Import = { name: 'execute', parameters: [I32, I32], results: [I32] };

/** What modules of translated code import, in this order. */
export const REGION_IMPORTS: readonly Import[] = [...IMPORTS, ...KERNEL, ...SYSTEM_KERNEL, CARRY_OUT];
export const EXECUTE_INDEX = REGION_IMPORTS.length - 1;

/** Of the interpreter (interpret/loop.ts): what follows a block. */
const RESOLVE: Import = { name: 'resolve', parameters: [I32], results: [I32] };
/** What modules of the interpreter's functions import. */
export const HANDLER_IMPORTS: readonly Import[] = [...REGION_IMPORTS, RESOLVE];

const INDEXES: ReadonlyMap<string, number> = new Map(HANDLER_IMPORTS.map(({ name }, n) => [name, n]));

/** Index of a kernel's function in translated code, or of the interpreter's in a function of its own. */
export function importIndex(name: KernelName | SystemName | 'resolve'): number {
  return INDEXES.get(name) ?? -1;
}
