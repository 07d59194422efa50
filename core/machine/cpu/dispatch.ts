import type { Instruction } from '../../ia32/instruction.ts';
import type { SemanticsName } from '../../ia32/operations.ts';
import { SEMANTICS } from '../../ia32/semantics/index.ts';
import type { Handler } from './handlers.ts';
import type { Executor } from './executor.ts';

const { add, sub, cmp, and, or, xor, test, mov, movzx, lea, push, pop, jcc, jmp, call, ret, inc, dec, shl, shr } = SEMANTICS;

/**
 * The operations that make up most of what programs execute. A call through a table costs the JavaScript engine several times a
 * direct call, so the run loop calls these by name; their meaning is that of the table all the same.
 */
const FREQUENT: readonly SemanticsName[] = [
  'mov', 'add', 'cmp', 'jcc', 'push', 'pop', 'test', 'lea', 'sub', 'and', 'or', 'xor', 'movzx', 'jmp', 'call', 'ret', 'inc',
  'dec', 'shl', 'shr',
];

/** The number by which dispatch() knows a frequent operation; 0 for all others. */
export function dispatchCode(operation: string): number {
  return FREQUENT.findIndex(name => name === operation) + 1;
}

/** Runs an instruction: by its code if it is frequent, else through its handler. */
export function dispatch(cpu: Executor, code: number, handler: Handler, i: Instruction): void {
  switch (code) {
    case 1:
      mov(cpu, i);
      return;
    case 2:
      add(cpu, i);
      return;
    case 3:
      cmp(cpu, i);
      return;
    case 4:
      jcc(cpu, i);
      return;
    case 5:
      push(cpu, i);
      return;
    case 6:
      pop(cpu, i);
      return;
    case 7:
      test(cpu, i);
      return;
    case 8:
      lea(cpu, i);
      return;
    case 9:
      sub(cpu, i);
      return;
    case 10:
      and(cpu, i);
      return;
    case 11:
      or(cpu, i);
      return;
    case 12:
      xor(cpu, i);
      return;
    case 13:
      movzx(cpu, i);
      return;
    case 14:
      jmp(cpu, i);
      return;
    case 15:
      call(cpu, i);
      return;
    case 16:
      ret(cpu, i);
      return;
    case 17:
      inc(cpu, i);
      return;
    case 18:
      dec(cpu, i);
      return;
    case 19:
      shl(cpu, i);
      return;
    case 20:
      shr(cpu, i);
      return;
    default:
      handler(cpu, i);
  }
}
