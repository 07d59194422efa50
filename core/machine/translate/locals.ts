import { CS } from '../../ia32/registers.ts';
import * as L from '../cpu/layout.ts';
import { type Code, OP } from './code.ts';
import { FLAG_LOCAL } from './flags.ts';

/** Locals of the function around translated code, and what it gives back. */

/**
 * What a region gives back: 0 to go on with whatever is translated at EIP, or GO_ON_AT with the first place where that is found (code-table.ts), which
 * so is known sooner than if the driver had to ask what EIP is; 1 where an instruction has to be executed first; from SITES on: the number of a site, plus
 * SITES, where one has to be executed. ENTERED_OFTEN is the driver's: a region would have run that has been entered often; BLOCK_OFTEN the interpreter's:
 * one of its blocks; FAULTED as well: the instruction that is next has raised the processor's fault.
 */
export const GO_ON = 0;
export const GO_ON_AT = 1 << 31;
export const EXECUTE = 1;
export const ENTERED_OFTEN = 2;
export const BLOCK_OFTEN = 3;
export const FAULTED = 4;
export const SITES = 5;

export const BUDGET = 14;
export const EIP = 15;
export const STATUS = 16;
/** Linear address of an access that the TLB may not have. */
export const ADDRESS = 17;
export const FIRST_TEMPORARY = 18;
/** What each of the locals with a use of its own has in it. */
export const LOCAL_NAMES: readonly string[] = [
  ...['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'],
  ...['eflags', 'kind', 'size', 'a', 'b', 'r'],
  ...['budget', 'eip', 'status', 'address'],
];

export const REGISTERS = [0, 1, 2, 3, 4, 5, 6, 7] as const;
export const W_CODE_BASE = L.W_SEGMENTS + CS * L.SEGMENT_WORDS + L.S_BASE;
/** Locals that a function has in them, and the words of the state that they are. */
const WORDS: readonly (readonly [local: number, word: number])[] = [
  ...REGISTERS.map(n => [n, L.W_GENERAL + n] as const),
  [FLAG_LOCAL.eflags, L.W_EFLAGS],
  [FLAG_LOCAL.kind, L.W_FLAGS_KIND],
  [FLAG_LOCAL.size, L.W_FLAGS_SIZE],
  [FLAG_LOCAL.a, L.W_FLAGS_A],
  [FLAG_LOCAL.b, L.W_FLAGS_B],
  [FLAG_LOCAL.r, L.W_FLAGS_R],
  [BUDGET, L.W_BUDGET],
];

/** Loads general registers, flags and budget into their locals, or stores them: of the registers those that `has` knows. */
export function transfer(code: Code, piece: 'load' | 'store', has: (register: number) => boolean): void {
  for (const [local, word] of WORDS) {
    if (local < REGISTERS.length && !has(local)) continue;
    code.constant(0);
    if (piece === 'store') {
      code.get(local);
      code.memory(OP.store32, word << 2);
    } else {
      code.memory(OP.load32, word << 2);
      code.set(local);
    }
  }
}
