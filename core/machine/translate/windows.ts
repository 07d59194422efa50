import { type Instruction, KIND, type Operand } from '../../ia32/instruction.ts';
import type { OperationName } from '../../ia32/operations.ts';
import { EBP, ESP } from '../../ia32/registers.ts';
import type { Value } from './values.ts';

/**
 * Accesses of a block that lie near each other, as those to a stack frame or a structure do: the first asks the TLB for the page of them all, so that
 * the others need not.
 */

/** Bytes from a value on whose page is known: linear addresses `root` + `low` up to, without it, `root` + `high`. */
export interface Window {
  readonly root: Value;
  readonly low: number;
  readonly high: number;
  /** For writes; else for reads. */
  readonly write: boolean;
  /** Where the first of them lies in the memory. */
  readonly host: Value;
}

/** How far before an access, and behind its end, others will go. */
export interface Reach {
  readonly before: number;
  readonly after: number;
}

export const NO_REACH: Reach = { before: 0, after: 0 };

/** What can be foreseen of an instruction's accesses: those of its operand, and those to the stack. It may be wrong, which costs only time. */
export interface Foreseen {
  readonly operand: Reach;
  readonly stack: Reach;
}

export const NOTHING_FORESEEN: Foreseen = { operand: NO_REACH, stack: NO_REACH };

/** Bytes of one window at most: a wide one would lie in two pages too often. */
const WIDEST = 256;

/** A register's value: something that is not known, plus an offset. */
interface Symbolic {
  readonly of: number;
  readonly offset: number;
}

interface Access {
  readonly instruction: number;
  readonly slot: keyof Foreseen;
  readonly of: number;
  readonly offset: number;
  readonly size: number;
  readonly write: boolean;
}

const READS_ONLY: ReadonlySet<OperationName> = new Set<OperationName>([
  'cmp',
  'test',
  'push',
  'jmpIndirect',
  'callIndirect',
]);
const NO_ACCESS: ReadonlySet<OperationName> = new Set<OperationName>(['lea', 'nop']);
/** They change no general register but their destination. */
const PLAIN: ReadonlySet<OperationName> = new Set<OperationName>([
  ...([
    'mov',
    'movzx',
    'movsx',
    'lea',
    'add',
    'sub',
    'adc',
    'sbb',
    'and',
    'or',
    'xor',
    'inc',
    'dec',
    'neg',
    'not',
  ] as const),
  ...([
    'shl',
    'shr',
    'sar',
    'rol',
    'ror',
    'shld',
    'shrd',
    'cmov',
    'setcc',
    'bsf',
    'bsr',
    'bt',
    'bts',
    'btr',
    'btc',
  ] as const),
  ...([
    'cmp',
    'test',
    'push',
    'pop',
    'jcc',
    'jmp',
    'jmpIndirect',
    'call',
    'callIndirect',
    'ret',
    'leave',
    'nop',
    'cli',
  ] as const),
  ...(['pushSegment', 'movFromSegment', 'cld', 'std', 'clc', 'stc', 'cmc'] as const),
]);

function isMemory({ kind }: Operand): boolean {
  return kind === KIND.m8 || kind === KIND.m16 || kind === KIND.m32;
}

/** Follows what the registers hold through a block. */
class Course {
  readonly accesses: Access[] = [];
  readonly #registers: Symbolic[] = [0, 1, 2, 3, 4, 5, 6, 7].map(of => ({ of, offset: 0 }));
  #unknown = 8;

  #forget(register: number): void {
    this.#registers[register] = { of: this.#unknown++, offset: 0 };
  }

  #move(register: number, by: number): void {
    const { of, offset } = this.#registers[register];
    this.#registers[register] = { of, offset: offset + by };
  }

  #access(instruction: number, slot: keyof Foreseen, at: Symbolic, size: number, write: boolean): void {
    this.accesses.push({ instruction, slot, of: at.of, offset: at.offset, size, write });
  }

  step(i: Instruction, n: number): void {
    const { operation } = i.row;
    const { base, index, displacement, mask } = i.memory;
    const operand = isMemory(i.dst) ? i.dst : isMemory(i.src) ? i.src : null;
    if (operand !== null && base < 8 && index >= 8 && mask === -1 && !NO_ACCESS.has(operation)) {
      const { of, offset } = this.#registers[base];
      const write = operand === i.dst && !READS_ONLY.has(operation);
      this.#access(n, 'operand', { of, offset: offset + displacement }, operand.size, write);
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
        this.#move(ESP, -size);
        this.#access(n, 'stack', this.#registers[ESP], size, true);
        return;
      case 'leave':
        this.#registers[ESP] = this.#registers[EBP];
        this.#pop(n, size);
        this.#forget(EBP);
        return;
      case 'pop':
      case 'ret':
        this.#pop(n, size);
    }
  }

  #pop(n: number, size: number): void {
    this.#access(n, 'stack', this.#registers[ESP], size, false);
    this.#move(ESP, size);
  }

  #result({ row, dst, src, memory }: Instruction): void {
    const { operation } = row;
    if (!PLAIN.has(operation)) {
      for (let register = 0; register < 8; register++) this.#forget(register);
      return;
    }
    const isRegister = dst.kind === KIND.r32 || dst.kind === KIND.r16 || dst.kind === KIND.r8;
    if (!isRegister || (READS_ONLY.has(operation) && operation !== 'test')) return;
    const { register } = dst;
    const isWhole = dst.kind === KIND.r32;
    if (isWhole && operation === 'mov' && src.kind === KIND.r32) {
      this.#registers[register] = this.#registers[src.register];
    } else if (isWhole && operation === 'lea' && memory.base < 8 && memory.index >= 8 && memory.mask === -1) {
      const { of, offset } = this.#registers[memory.base];
      this.#registers[register] = { of, offset: offset + memory.displacement };
    } else if (isWhole && (operation === 'add' || operation === 'sub') && src.kind === KIND.immediate) {
      this.#move(register, operation === 'add' ? src.value : -src.value);
    } else if (isWhole && (operation === 'inc' || operation === 'dec')) {
      this.#move(register, operation === 'inc' ? 1 : -1);
    } else if (operation !== 'cmp' && operation !== 'test') {
      this.#forget(dst.kind === KIND.r8 ? register & 3 : register);
    }
  }
}

/** What can be foreseen of each instruction of a block, whatever its segments are. */
export function foresee(instructions: readonly Instruction[]): readonly Foreseen[] {
  const course = new Course();
  instructions.forEach((instruction, n) => {
    course.step(instruction, n);
  });
  const foreseen = instructions.map(() => NOTHING_FORESEEN);
  const extents = new Map<number, { readonly low: number; readonly high: number }>();
  // From the last to the first: each asks for what comes behind it.
  for (const { instruction, slot, of, offset, size, write } of course.accesses.reverse()) {
    const key = 2 * of + (write ? 1 : 0);
    const known = extents.get(key) ?? { low: offset, high: offset + size };
    const all = { low: Math.min(known.low, offset), high: Math.max(known.high, offset + size) };
    const extent = all.high - all.low <= WIDEST ? all : { low: offset, high: offset + size };
    extents.set(key, extent);
    const reach = { before: offset - extent.low, after: extent.high - offset - size };
    foreseen[instruction] = { ...foreseen[instruction], [slot]: reach };
  }
  return foreseen;
}
