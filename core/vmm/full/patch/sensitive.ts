import { type Instruction, KIND } from '../../../ia32/instruction.ts';
import type { OperationName } from '../../../ia32/operations.ts';
import { EBP, ESP, SS } from '../../../ia32/registers.ts';

/** What the scanner does with an instruction of kernel code that is to run in ring 1. */
export type Role =
  /** Runs as it is: it means the same in ring 1, or traps by itself. */
  | 'plain'
  /** Means something else in ring 1 and does not trap: it needs a patch. */
  | 'sensitive'
  /** Loads DS, ES, FS or GS: sensitive only where the selector has RPL 1, which passes in ring 1, and in ring 0 does not. */
  | 'selector'
  /** Leads to where only its execution shows: RET. */
  | 'return'
  /** Near indirect JMP and CALL. */
  | 'indirect';

/**
 * Beyond the rows that are sensitive by the privilege level that they show or depend on. The breakpoint traps by itself, but so that it cannot be
 * told from a patch. CPUID shows the machine, an x87 environment its CS.
 */
const ALSO_SENSITIVE: ReadonlySet<OperationName> = new Set<OperationName>([
  'les',
  'lds',
  'lss',
  'lfs',
  'lgs',
  'int3',
  'int1',
  'cpuid',
  'fnstenv',
  'fnsave',
  'fxsave',
]);

/** Near direct transfers: their operand is relative. */
const DIRECT: ReadonlySet<OperationName> = new Set<OperationName>([
  'jmp',
  'jcc',
  'call',
  'loop',
  'loope',
  'loopne',
  'jcxz',
]);

/** Behind these comes no next instruction. */
const ENDS: ReadonlySet<OperationName> = new Set<OperationName>([
  'jmp',
  'jmpIndirect',
  'jmpFar',
  'ret',
  'retFar',
  'iret',
  'sysenter',
  'sysexit',
  'ud',
  'tooLong',
  'unimplemented',
]);

export function roleOf({ row, dst, operandSize }: Instruction): Role {
  const { operation } = row;
  switch (operation) {
    case 'movToSegment':
    case 'popSegment':
      return dst.register === SS ? 'sensitive' : 'selector';
    case 'ret':
      return 'return';
    case 'jmpIndirect':
    case 'callIndirect':
      return 'indirect';
    default:
      if (row.sensitive || ALSO_SENSITIVE.has(operation)) return 'sensitive';
      // With 16-bit operands EIP is cut: nobody writes that, so it need not be fast.
      return DIRECT.has(operation) && operandSize === 2 ? 'indirect' : 'plain';
  }
}

/** Linear addresses that the instruction at `at` is known to lead to, a call's return address and an interrupt's included. */
export function successors(instruction: Instruction, at: number): number[] {
  const { operation } = instruction.row;
  const next = (at + instruction.length) | 0;
  const found = ENDS.has(operation) ? [] : [next];
  if (DIRECT.has(operation) && instruction.operandSize === 4) found.push((next + instruction.dst.value) | 0);
  return found;
}

/** Whether ESP is loaded with something that is not this function's frame: behind it, RET may lead to a place that nobody called. */
export function switchesStack({ row, dst, src }: Instruction): boolean {
  switch (row.operation) {
    case 'mov':
    case 'pop':
    case 'xchg':
    case 'lss': {
      const fromFrame = src.kind === KIND.r32 && src.register === EBP;
      return (
        (dst.kind === KIND.r32 && dst.register === ESP && !fromFrame) ||
        (src.kind === KIND.r32 && src.register === ESP && row.operation === 'xchg')
      );
    }
    default:
      return false;
  }
}
