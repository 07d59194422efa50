import { type Instruction, KIND, type Operand } from '../../ia32/instruction.ts';
import type { OperationName } from '../../ia32/operations.ts';
import { EBP, ESP } from '../../ia32/registers.ts';
import { packed } from './packed.ts';
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

interface Access {
  readonly instruction: number;
  readonly slot: keyof Foreseen;
  readonly of: number;
  readonly offset: number;
  readonly size: number;
  readonly write: boolean;
}

/** Bits of ROLES: it does not write its first operand; it has no access to its operand; it changes no general register but its destination. */
const READS_ONLY = 1;
const NO_ACCESS = 2;
const PLAIN = 4;
const ROLES = new Map<OperationName, number>();
function assign(role: number, operations: readonly OperationName[]): void {
  for (const operation of operations) ROLES.set(operation, (ROLES.get(operation) ?? 0) | role);
}
assign(READS_ONLY, ['cmp', 'test', 'push', 'jmpIndirect', 'callIndirect']);
assign(NO_ACCESS, ['lea', 'nop']);
assign(PLAIN, [
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
]);
assign(PLAIN, [
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
]);
assign(PLAIN, [
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
]);
assign(PLAIN, ['cli', 'pushSegment', 'movFromSegment', 'cld', 'std', 'clc', 'stc', 'cmc']);

function isMemory({ kind }: Operand): boolean {
  return kind === KIND.m8 || kind === KIND.m16 || kind === KIND.m32;
}

/** Follows what the registers hold through a block: something that is not known, by a number that it is given, plus an offset. */
class Course {
  readonly accesses: Access[] = [];
  readonly #of = [0, 1, 2, 3, 4, 5, 6, 7];
  readonly #offset = [0, 0, 0, 0, 0, 0, 0, 0];
  #unknown = 8;

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
    const role = ROLES.get(i.row.operation) ?? 0;
    const { base, index, displacement, mask } = i.memory;
    const operand = isMemory(i.dst) ? i.dst : isMemory(i.src) ? i.src : null;
    if (operand !== null && base < 8 && index >= 8 && mask === -1 && (role & NO_ACCESS) === 0) {
      const write = operand === i.dst && (role & READS_ONLY) === 0;
      this.#access(n, 'operand', base, displacement, operand.size, write);
    }
    this.#stack(i, n);
    this.#result(i, role);
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

  #result({ row, dst, src, memory }: Instruction, role: number): void {
    const { operation } = row;
    if ((role & PLAIN) === 0) {
      for (let register = 0; register < 8; register++) this.#forget(register);
      return;
    }
    const isRegister = dst.kind === KIND.r32 || dst.kind === KIND.r16 || dst.kind === KIND.r8;
    if (!isRegister || ((role & READS_ONLY) !== 0 && operation !== 'test')) return;
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
    } else if (operation !== 'cmp' && operation !== 'test') {
      this.#forget(dst.kind === KIND.r8 ? register & 3 : register);
    }
  }
}

/** What can be foreseen of each instruction of a block, whatever its segments are. */
export function foresee(instructions: readonly Instruction[]): readonly Foreseen[] {
  const course = new Course();
  for (let n = 0; n < instructions.length; n++) course.step(instructions[n], n);
  const foreseen = packed(instructions, () => NOTHING_FORESEEN);
  const extents = new Map<number, { low: number; high: number }>();
  // From the last to the first: each asks for what comes behind it.
  for (let n = course.accesses.length - 1; n >= 0; n--) {
    const { instruction, slot, of, offset, size, write } = course.accesses[n];
    const key = 2 * of + (write ? 1 : 0);
    const end = offset + size;
    const extent = extents.get(key);
    if (extent === undefined) {
      extents.set(key, { low: offset, high: end });
      continue;
    }
    const isNear = Math.max(extent.high, end) - Math.min(extent.low, offset) <= WIDEST;
    extent.low = isNear ? Math.min(extent.low, offset) : offset;
    extent.high = isNear ? Math.max(extent.high, end) : end;
    const reach = { before: offset - extent.low, after: extent.high - end };
    const { operand, stack } = foreseen[instruction];
    foreseen[instruction] = slot === 'operand' ? { operand: reach, stack } : { operand, stack: reach };
  }
  return foreseen;
}
