import { type Instruction, KIND, type Operand } from '../../ia32/instruction.ts';
import type { OperationName } from '../../ia32/operations.ts';
import { EAX, EBP, ECX, EDX, ESP } from '../../ia32/registers.ts';

/** Which general registers an instruction may change: a bit each. What is not known here counts as a change of all. */

/** Bits of ROLES: it does not write its first operand; it has no access to its operand; it changes no general register but its destination and ESP. */
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
assign(PLAIN, ['imul', 'bswap', 'cli', 'pushSegment', 'movFromSegment', 'cld', 'std', 'clc', 'stc', 'cmc', 'jcxz']);

const ALL_REGISTERS = 0xff;
const WIDE = (1 << EAX) | (1 << EDX);
/** What those change that are not plain. */
const IMPLIED = new Map<OperationName, number>([
  ['mul', WIDE],
  ['imulWide', WIDE],
  ['div', WIDE],
  ['idiv', WIDE],
  ['cwd', 1 << EDX],
  ['cbw', 1 << EAX],
  ['loop', 1 << ECX],
]);
/** Those that move ESP, and what they change by that. */
const STACK = new Map<OperationName, number>([
  ...(['push', 'pop', 'call', 'callIndirect', 'ret', 'pushSegment'] as const).map(name => [name, 1 << ESP] as const),
  ['leave', (1 << ESP) | (1 << EBP)],
]);

function roleOf({ row }: Instruction): number {
  return ROLES.get(row.operation) ?? 0;
}

/** Whether it only reads its first operand. */
export function readsOnly(i: Instruction): boolean {
  return (roleOf(i) & READS_ONLY) !== 0;
}

/** Whether its operand is not in memory, though it is written so. */
export function hasNoAccess(i: Instruction): boolean {
  return (roleOf(i) & NO_ACCESS) !== 0;
}

/** The register that an operand is, or is a part of, as a bit; 0 if it is none. */
function bitOf({ kind, register }: Operand): number {
  if (kind === KIND.r8) return 1 << (register & 3);
  return kind === KIND.r32 || kind === KIND.r16 ? 1 << register : 0;
}

/** What an instruction sets, beside what it does by moving ESP. */
export function setBy(i: Instruction): number {
  const { operation } = i.row;
  if (operation === 'xchg') return bitOf(i.dst) | bitOf(i.src);
  const role = roleOf(i);
  if ((role & PLAIN) === 0) return IMPLIED.get(operation) ?? ALL_REGISTERS;
  return (role & READS_ONLY) !== 0 ? 0 : bitOf(i.dst);
}

/** All that an instruction changes. */
export function changedBy(i: Instruction): number {
  return setBy(i) | (STACK.get(i.row.operation) ?? 0);
}
