import { type Instruction, KIND, type Operand } from '../../ia32/instruction.ts';
import { EBP, ESP } from '../../ia32/registers.ts';
import { hasNoAccess, readsOnly, setBy } from './changes.ts';
import type { Graph } from './graph.ts';
import { packed } from './packed.ts';
import { FORGOTTEN, type Ways } from './ways.ts';
import { type Foreseen, NOTHING_FORESEEN } from './windows.ts';

/** Finds which accesses of a graph will lie near each other, before there is code for them. */

/** Bytes of one window at most: a wide one would lie in two pages too often. */
const WIDEST = 256;

interface Access {
  readonly instruction: number;
  readonly slot: keyof Foreseen;
  readonly of: number;
  readonly offset: number;
  readonly size: number;
  readonly write: boolean;
}

/** Bytes near what a register holds. */
export interface Near extends Range {
  readonly register: number;
  readonly write: boolean;
}

function isMemory({ kind }: Operand): boolean {
  return kind === KIND.m8 || kind === KIND.m16 || kind === KIND.m32;
}

/**
 * Follows what the registers hold through a block: something that is not known, by a number that it is given, plus an offset. Those below 8 are what they
 * held before it.
 */
class Course {
  readonly accesses: Access[] = [];
  readonly #of = [0, 1, 2, 3, 4, 5, 6, 7];
  readonly #offset = [0, 0, 0, 0, 0, 0, 0, 0];
  #unknown = 8;

  of(register: number): number {
    return this.#of[register];
  }

  offset(register: number): number {
    return this.#offset[register];
  }

  #set(register: number, of: number, offset: number): void {
    this.#of[register] = of;
    this.#offset[register] = offset;
  }

  #forget(register: number): void {
    this.#set(register, this.#unknown++, 0);
  }

  #copy(register: number, from: number, by: number): void {
    this.#set(register, this.#of[from], this.#offset[from] + by);
  }

  #access(instruction: number, slot: keyof Foreseen, register: number, by: number, size: number, write: boolean): void {
    this.accesses.push({
      instruction,
      slot,
      of: this.#of[register],
      offset: this.#offset[register] + by,
      size,
      write,
    });
  }

  step(i: Instruction, n: number): void {
    const { base, index, displacement, mask } = i.memory;
    const operand = isMemory(i.dst) ? i.dst : isMemory(i.src) ? i.src : null;
    if (operand !== null && base < 8 && index >= 8 && mask === -1 && !hasNoAccess(i)) {
      const write = operand === i.dst && !readsOnly(i);
      this.#access(n, 'operand', base, displacement, operand.size, write);
    }
    this.#stack(i, n);
    this.#result(i);
  }

  #stack(i: Instruction, n: number): void {
    const size = i.operandSize;
    switch (i.row.operation) {
      case 'push':
      case 'call':
      case 'callIndirect':
      case 'pushSegment':
        this.#copy(ESP, ESP, -size);
        this.#access(n, 'stack', ESP, 0, size, true);
        return;
      case 'leave':
        this.#copy(ESP, EBP, 0);
        this.#pop(n, size);
        this.#forget(EBP);
        return;
      case 'pop':
      case 'ret':
        this.#pop(n, size);
    }
  }

  #pop(n: number, size: number): void {
    this.#access(n, 'stack', ESP, 0, size, false);
    this.#copy(ESP, ESP, size);
  }

  #result(i: Instruction): void {
    const { row, dst, src, memory } = i;
    const { operation } = row;
    const { register } = dst;
    const isWhole = dst.kind === KIND.r32;
    if (isWhole && operation === 'mov' && src.kind === KIND.r32) {
      this.#copy(register, src.register, 0);
    } else if (isWhole && operation === 'lea' && memory.base < 8 && memory.index >= 8 && memory.mask === -1) {
      this.#copy(register, memory.base, memory.displacement);
    } else if (isWhole && (operation === 'add' || operation === 'sub') && src.kind === KIND.immediate) {
      this.#copy(register, register, operation === 'add' ? src.value : -src.value);
    } else if (isWhole && (operation === 'inc' || operation === 'dec')) {
      this.#copy(register, register, operation === 'inc' ? 1 : -1);
    } else {
      const set = setBy(i);
      for (let n = 0; n < 8; n++) if (((set >> n) & 1) !== 0) this.#forget(n);
    }
  }
}

/** What can be foreseen of a block. */
export interface Foresight {
  readonly foreseen: readonly Foreseen[];
  /** Of its accesses and those behind it, the ones near what registers hold before it. */
  readonly nearby: readonly Near[];
}

interface Range {
  readonly low: number;
  readonly high: number;
}

/** Two ranges as one, if they are near each other; else the first. */
function united(one: Range, other: Range | undefined): Range {
  if (other === undefined) return one;
  const [low, high] = [Math.min(one.low, other.low), Math.max(one.high, other.high)];
  return high - low <= WIDEST ? { low, high } : one;
}

function keyOf(of: number, write: boolean): number {
  return 2 * of + (write ? 1 : 0);
}

/** What can be foreseen of each instruction of a block, whatever its segments are, and of those `behind` it. */
export function foresee(instructions: readonly Instruction[], behind: readonly Near[]): Foresight {
  const course = new Course();
  for (let n = 0; n < instructions.length; n++) course.step(instructions[n], n);
  const foreseen = packed(instructions, () => NOTHING_FORESEEN);
  const ranges = new Map<number, Range>();
  const add = (of: number, write: boolean, range: Range): Range => {
    const key = keyOf(of, write);
    const sum = united(range, ranges.get(key));
    ranges.set(key, sum);
    return sum;
  };
  for (const { register, write, low, high } of behind) {
    const offset = course.offset(register);
    add(course.of(register), write, { low: low + offset, high: high + offset });
  }
  const written = new Set<number>();
  // From the last to the first: each asks for what comes behind it.
  for (let n = course.accesses.length - 1; n >= 0; n--) {
    const { instruction, slot, of, offset, size, write } = course.accesses[n];
    const end = offset + size;
    const own = add(of, write, { low: offset, high: end });
    // What may be written may be read.
    const other = ranges.get(keyOf(of, !write));
    const both = united(own, other);
    const isUnited = both !== own || (other !== undefined && other.low >= own.low && other.high <= own.high);
    const isWritten = write || (written.has(of) && isUnited);
    if (write) written.add(of);
    const { low, high } = isWritten ? both : own;
    const reach = { before: offset - low, after: high - end, write: isWritten };
    const { operand, stack } = foreseen[instruction];
    foreseen[instruction] = slot === 'operand' ? { operand: reach, stack } : { operand, stack: reach };
  }
  const nearby: Near[] = [];
  for (const [key, { low, high }] of ranges)
    if (key < 16) nearby.push({ register: key >> 1, write: (key & 1) !== 0, low, high });
  return { foreseen, nearby };
}

/** The same of each block of a graph, with those that it dominates `behind` it, as far as the registers stay as they are. */
export function foreseeAll({ blocks, dominators }: Graph, ways: Ways): readonly Foresight[] {
  const behind = packed(blocks, (): Near[] => []);
  const all: Foresight[] = [];
  for (let n = blocks.length - 1; n >= 0; n--) {
    const foresight = foresee(blocks[n].instructions, behind[n]);
    all.push(foresight);
    const before = dominators[n];
    if (n === 0 || foresight.nearby.length === 0 || blocks[before].instructions.length === 0) continue;
    const changed = ways.changedBefore(n);
    if (changed === FORGOTTEN) continue;
    for (const near of foresight.nearby) if (((changed >> near.register) & 1) === 0) behind[before].push(near);
  }
  return all.reverse();
}
