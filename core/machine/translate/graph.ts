import type { Instruction } from '../../ia32/instruction.ts';
import type { OpcodeRow } from '../../ia32/opcode.ts';
import type { OperationName, SemanticsName } from '../../ia32/operations.ts';
import { SEMANTICS } from '../../ia32/semantics/index.ts';
import { packed } from './packed.ts';

/** Code as a graph of blocks: what can be reached from an address by jumps whose targets are in the code. */

/** Places that a return is compared with. */
const MOST_RETURNS = 8;
/** Start of the block that chooses between entries: no offset. */
const NOWHERE = 2 ** 32;

/**
 * What belongs together: a procedure without those that it calls, which may be entered behind its calls as well, so that no code has to be in two
 * graphs; what follows in the midst of one, up to a call; or all that control goes through from the first block on, the called procedures too.
 */
export type Extent = 'procedure' | 'rest' | 'calls';

/** Instructions of one graph at most. With what it calls a loop may be larger: each way from region to region costs as much as dozens of them. */
const MOST_INSTRUCTIONS: Readonly<Record<Extent, number>> = { procedure: 1000, rest: 1000, calls: 1500 };

/** Straight-line code. Addresses are offsets in CS. */
export interface GraphBlock {
  readonly start: number;
  readonly instructions: readonly Instruction[];
  /** Behind the last instruction. */
  readonly end: number;
  /** Blocks that may follow: by number, in this order: those of a jump or a fall, then those that a return may go to. */
  readonly successors: readonly number[];
}

export interface Graph {
  /**
   * The first is where the code is entered; where that is at several places, it has no instructions and all of them as successors. In reverse
   * postorder, so that every forward edge goes to a higher number.
   */
  readonly blocks: readonly GraphBlock[];
  /** Numbers of the blocks where control comes in. */
  readonly entries: readonly number[];
  /** Immediate dominator of each block; that of the first is 0. */
  readonly dominators: readonly number[];
  /** Whether a jump leads to code that was left out: it was not worth it then, or there was too much. */
  readonly isOpen: boolean;
  /** Edges from a higher number to one that does not dominate it are left out: from, to. */
  readonly irreducible: ReadonlySet<string>;
}

const CALLS: ReadonlySet<OperationName> = new Set<OperationName>(['call', 'callIndirect']);
/** Goes somewhere that only the run time knows. */
const INDIRECT: ReadonlySet<OperationName> = new Set<OperationName>(['ret', 'jmpIndirect', 'callIndirect']);
const CONDITIONAL: ReadonlySet<OperationName> = new Set<OperationName>(['jcc', 'loop', 'loope', 'loopne', 'jcxz']);
/** Where the code goes on behind them, and whether its translation still holds, only the executor knows: it carries them out as the last thing. */
const LAST: ReadonlySet<OperationName> = new Set<OperationName>([
  'int',
  'iret',
  'sysenter',
  'sysexit',
  'movToControl',
  'invlpg',
]);
/** Blocks end with them. */
const ENDS: ReadonlySet<OperationName> = new Set<OperationName>(['jmp', 'call', ...INDIRECT, ...CONDITIONAL, ...LAST]);

function isSemantics(operation: OperationName): operation is SemanticsName {
  return operation in SEMANTICS;
}

type Meaning = (typeof SEMANTICS)[SemanticsName];
const MEANINGS = new Map<OpcodeRow, Meaning | null>();

/** Whether an instruction of this row can be translated: it has a meaning in the common words, and no checks before it. */
export function meaningOf(row: OpcodeRow): Meaning | null {
  const known = MEANINGS.get(row);
  if (known !== undefined) return known;
  const isPlain = row.checks.length === 0 && row.intercept === null;
  const meaning = isPlain && isSemantics(row.operation) ? SEMANTICS[row.operation] : null;
  MEANINGS.set(row, meaning);
  return meaning;
}

/** They end a block of the executor, as something may have to be looked at behind them; mostly it has not, and control goes on. */
const LOOKS_UP: ReadonlySet<OperationName> = new Set<OperationName>([
  'sti',
  'popf',
  'in',
  'out',
  'rdtsc',
  'rdmsr',
  'wrmsr',
  'clts',
]);

/** Whether an instruction of this row can be in translated code: by its meaning, or carried out by the executor where it stands. */
function isPossible(row: OpcodeRow): boolean {
  return meaningOf(row) !== null || !row.endsBlock || LOOKS_UP.has(row.operation) || isLast(row);
}

/** Whether what comes behind one of this row is the run loop's to find out. */
export function isUncertain(row: OpcodeRow): boolean {
  return !isPossible(row);
}

/** Whether code is left behind an instruction of this row, which the executor carries out. */
export function isLast(row: OpcodeRow): boolean {
  return LAST.has(row.operation);
}

/** Whether control goes elsewhere than to the instruction behind one of this row, or may. */
export function isJump(row: OpcodeRow): boolean {
  return ENDS.has(row.operation);
}

function relativeTarget(i: Instruction, end: number): number {
  const target = (end + i.dst.value) | 0;
  return i.operandSize === 2 ? target & 0xffff : target;
}

/** Where control may go from an instruction, as far as the code says. */
function targetsOf(i: Instruction, end: number): readonly number[] {
  const { operation } = i.row;
  if (operation === 'jmp' || operation === 'call') return [relativeTarget(i, end)];
  if (CONDITIONAL.has(operation)) return [relativeTarget(i, end), end];
  return INDIRECT.has(operation) || LAST.has(operation) ? [] : [end];
}

/**
 * The code from an offset in CS on, in at most so many blocks. `decode` gives the instruction at an offset, or null where none can be had; `isHot` says
 * whether code that starts there is worth it; `within`: where a procedure is entered as well if that can be. Null: not even the first can be
 * translated, or `within` is not in it.
 */
export function explore(
  start: number,
  decode: (offset: number) => Instruction | null,
  isHot: (offset: number) => boolean,
  mostBlocks: number,
  extent: Extent,
  within: number | null = null,
): Graph | null {
  const found = new Map<number, Instruction>();
  const leaders = new Set([start]);
  const returns: number[] = [];
  const hasCallees = extent === 'calls';
  const mostInstructions = MOST_INSTRUCTIONS[extent];
  let isOpen = false;
  const waiting = [start];
  for (let from = waiting.shift(); from !== undefined && found.size < mostInstructions; from = waiting.shift()) {
    for (let at = from; !found.has(at) && found.size < mostInstructions; ) {
      const i = decode(at);
      if (i === null || !isPossible(i.row)) break;
      found.set(at, i);
      const end = (at + i.length) | 0;
      if (ENDS.has(i.row.operation)) {
        const isCall = CALLS.has(i.row.operation);
        const targets = isCall && !hasCallees ? [] : [...targetsOf(i, end)];
        if (isCall && extent !== 'rest' && (!hasCallees || returns.length < MOST_RETURNS)) {
          returns.push(end);
          targets.push(end);
        }
        for (const target of targets) {
          if (leaders.has(target)) continue;
          if (leaders.size >= mostBlocks || !isHot(target)) {
            isOpen = true;
            continue;
          }
          waiting.push(target);
          leaders.add(target);
        }
        break;
      }
      at = end;
    }
  }
  if (!found.has(start)) return null;
  if (hasCallees) return order([start], found, leaders, returns, isOpen);
  const entries = [...new Set([start, ...returns.filter(at => leaders.has(at) && found.has(at))])];
  if (within === null || entries.includes(within)) return order(entries, found, leaders, [], isOpen);
  if (!found.has(within)) return null;
  const graph = order([...entries, within], found, new Set([...leaders, within]), [], isOpen);
  // Who comes into the midst of a loop would cut it: then the next call comes in.
  return graph.irreducible.size === 0 ? graph : order(entries, found, leaders, [], isOpen);
}

/** A block before it has a number. */
interface Piece {
  readonly instructions: readonly Instruction[];
  readonly end: number;
  readonly next: readonly number[];
}

function order(
  entries: readonly number[],
  found: ReadonlyMap<number, Instruction>,
  leaders: ReadonlySet<number>,
  returns: readonly number[],
  isOpen: boolean,
): Graph {
  const pieces = new Map<number, Piece>();
  const root = entries.length === 1 ? entries[0] : NOWHERE;
  const pieceAt = (from: number): Piece => {
    if (from === NOWHERE) return { instructions: [], end: from, next: entries };
    const instructions: Instruction[] = [];
    let at = from;
    for (let i = found.get(at); i !== undefined; i = found.get(at)) {
      instructions.push(i);
      at = (at + i.length) | 0;
      if (ENDS.has(i.row.operation)) {
        const targets = i.row.operation === 'ret' ? returns : targetsOf(i, at);
        const next = targets.filter(
          (target, n) => leaders.has(target) && found.has(target) && targets.indexOf(target) === n,
        );
        return { instructions, end: at, next };
      }
      if (leaders.has(at)) break;
    }
    return { instructions, end: at, next: found.has(at) && leaders.has(at) ? [at] : [] };
  };
  // Depth first, without recursion: postorder.
  const postorder: number[] = [];
  const stack: { readonly at: number; readonly piece: Piece; n: number }[] = [];
  const enter = (at: number) => {
    const piece = pieceAt(at);
    pieces.set(at, piece);
    stack.push({ at, piece, n: 0 });
  };
  enter(root);
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.piece.next[top.n++];
    if (next === undefined) {
      postorder.push(top.at);
      stack.pop();
    } else if (!pieces.has(next)) enter(next);
  }
  const starts = postorder.reverse();
  const numbers = new Map(packed(starts, (at, n) => [at, n]));
  const blocks = packed(starts, (at): GraphBlock => {
    const { instructions = [], end = at, next = [] } = pieces.get(at) ?? {};
    return { start: at, instructions, end, successors: packed(next, target => numbers.get(target) ?? 0) };
  });
  const dominators = dominatorsOf(blocks);
  const irreducible = new Set<string>();
  blocks.forEach(({ successors }, from) => {
    for (const to of successors) {
      if (to <= from && !dominates(dominators, to, from)) irreducible.add(`${from} ${to}`);
    }
  });
  return { blocks, entries: packed(entries, at => numbers.get(at) ?? 0), dominators, isOpen, irreducible };
}

/** Of each block those that control may come from, by number. */
export function predecessorsOf(blocks: readonly GraphBlock[]): readonly (readonly number[])[] {
  const predecessors = packed(blocks, (): number[] => []);
  blocks.forEach(({ successors }, from) => {
    for (const to of successors) predecessors[to].push(from);
  });
  return predecessors;
}

/** Cooper, Harvey and Kennedy, A Simple, Fast Dominance Algorithm. */
function dominatorsOf(blocks: readonly GraphBlock[]): readonly number[] {
  const predecessors = predecessorsOf(blocks);
  const dominators = packed(blocks, () => -1);
  dominators[0] = 0;
  const meet = (a: number, b: number): number => {
    let x = a;
    let y = b;
    while (x !== y) {
      while (x > y) x = dominators[x];
      while (y > x) y = dominators[y];
    }
    return x;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (let n = 1; n < blocks.length; n++) {
      let nearest = -1;
      for (const p of predecessors[n]) {
        if (dominators[p] !== -1) nearest = nearest === -1 ? p : meet(nearest, p);
      }
      if (dominators[n] !== nearest) {
        dominators[n] = nearest;
        changed = true;
      }
    }
  }
  return dominators;
}

function dominates(dominators: readonly number[], a: number, b: number): boolean {
  let n = b;
  while (n > a) n = dominators[n];
  return n === a;
}
