import { type Instruction, KIND, type Operand } from '../../ia32/instruction.ts';
import type { OperationName } from '../../ia32/operations.ts';
import { type Graph, type GraphBlock, meaningOf } from './graph.ts';
import { packed } from './packed.ts';

/**
 * If-conversion: where the sides of a branch are a few instructions that cannot fault, both are carried out, and the results of the right one are
 * selected. There is nothing to mispredict then for the processor that we run on (Allen et al., Conversion of Control Dependence to Data Dependence).
 */
export interface Hammock {
  /** Numbers of the blocks on either side; null: control goes straight to where both meet. */
  readonly taken: number | null;
  readonly fallen: number | null;
  /** Number of the block where they meet. */
  readonly join: number;
}

/** Instructions of one side at most. */
const MOST = 4;

/** They change general registers at most. */
const MOVES: ReadonlySet<OperationName> = new Set<OperationName>(['mov', 'movzx', 'movsx', 'not']);
/** They set all status flags, or all but the carry. */
const SETS_FLAGS: ReadonlySet<OperationName> = new Set<OperationName>([
  ...(['add', 'sub', 'and', 'or', 'xor', 'neg', 'cmp', 'test'] as const),
  ...(['inc', 'dec'] as const),
]);

function isRegisterOrImmediate({ kind }: Operand): boolean {
  return kind === KIND.none || kind === KIND.r32 || kind === KIND.r16 || kind === KIND.r8 || kind === KIND.immediate;
}

function setsFlags({ row }: Instruction): boolean {
  return SETS_FLAGS.has(row.operation);
}

/** Whether it cannot fault, and changes nothing but general registers and flags. */
function isHarmless(i: Instruction): boolean {
  const { operation } = i.row;
  if (meaningOf(i.row) === null) return false;
  if (operation === 'lea' || operation === 'nop') return true;
  if (operation === 'jmp') return i.dst.kind === KIND.relative;
  return (MOVES.has(operation) || setsFlags(i)) && isRegisterOrImmediate(i.dst) && isRegisterOrImmediate(i.src);
}

/** The hammocks of a graph, by the numbers of the blocks that end with their branches. */
export function hammocksOf({ blocks, entries, irreducible }: Graph): ReadonlyMap<number, Hammock> {
  const hammocks = new Map<number, Hammock>();
  const predecessors = packed(blocks, () => 0);
  for (const { successors } of blocks) for (const to of successors) predecessors[to]++;
  /** Where control goes from a block that can be a side; null if it cannot. */
  const behind = (n: number): number | null => {
    const { instructions, successors } = blocks[n];
    const [to] = successors;
    const isSide = predecessors[n] === 1 && !entries.includes(n) && successors.length === 1 && to > n;
    return isSide && instructions.length <= MOST && instructions.every(isHarmless) ? to : null;
  };
  const isCut = (from: number, to: number) => irreducible.has(`${from} ${to}`);
  blocks.forEach(({ instructions, successors }, n) => {
    if (instructions.at(-1)?.row.operation !== 'jcc' || successors.length !== 2) return;
    const [taken, fallen] = successors;
    if (taken <= n || fallen <= n || isCut(n, taken) || isCut(n, fallen)) return;
    const [behindTaken, behindFallen] = [behind(taken), behind(fallen)];
    const hammock: Hammock | null =
      behindFallen === taken
        ? { taken: null, fallen, join: taken }
        : behindTaken === fallen
          ? { taken, fallen: null, join: fallen }
          : behindTaken !== null && behindTaken === behindFallen
            ? { taken, fallen, join: behindTaken }
            : null;
    if (hammock !== null && isWorthIt(blocks, hammock)) hammocks.set(n, hammock);
  });
  return hammocks;
}

/** Of flags that come from both sides all six are computed where somebody asks for them: soon others must take their place. */
function isWorthIt(blocks: readonly GraphBlock[], { taken, fallen, join }: Hammock): boolean {
  const sides = [taken, fallen].flatMap(n => (n === null ? [] : blocks[n].instructions));
  return !sides.some(setsFlags) || blocks[join].instructions.some(setsFlags);
}
