import { type Instruction, KIND } from '../../ia32/instruction.ts';
import type { OpcodeRow } from '../../ia32/opcode.ts';
import { type Handler, handlerOf } from '../cpu/handlers.ts';
import * as L from '../cpu/layout.ts';
import type { Processor } from '../cpu/processor.ts';
import type { CallOut } from './frame.ts';
import { isLast } from './graph.ts';
import { EXECUTE_INDEX } from './imports.ts';
import { EXECUTE, GO_ON } from './locals.ts';

/** An instruction that the executor does in the middle of translated code. */
interface Executed {
  readonly instruction: Instruction;
  readonly handler: Handler;
  /** The code is left behind it. */
  readonly isLast: boolean;
}

/** What the executor does in the midst of translated code. */
export class CallOuts {
  readonly #cpu: Processor;
  readonly #handlers = new Map<OpcodeRow, Handler>();
  /** By number. */
  readonly #executed: (Executed | null)[] = [];
  readonly #free: number[] = [];
  /** Where the instruction that is executed begins, an offset in CS. */
  start = 0;

  constructor(cpu: Processor) {
    this.#cpu = cpu;
  }

  /** The way to have an instruction executed in the midst of a region. */
  callOut(instruction: Instruction): CallOut {
    const { row } = instruction;
    const handler = this.#handlers.get(row) ?? handlerOf(row);
    this.#handlers.set(row, handler);
    const number = this.#free.pop() ?? this.#executed.length;
    this.#executed[number] = { instruction, handler, isLast: isLast(row) };
    return { index: EXECUTE_INDEX, number, isQuiet: isQuiet(instruction) };
  }

  /** What these numbers say is not asked for any more. */
  forget(numbers: readonly number[]): void {
    for (const number of numbers) {
      this.#executed[number] = null;
      this.#free.push(number);
    }
  }

  /** Carries out the instruction of a number. Returns GO_ON if the region can go on, as carryOut(), else EXECUTE. */
  execute(number: number, rest: number): number {
    const executed = this.#executed[number];
    if (executed === null) throw new Error('A region was dropped that still runs.');
    const { instruction, handler, isLast } = executed;
    return this.carryOut(instruction, handler, isLast, rest) ? GO_ON : EXECUTE;
  }

  /**
   * Carries out an instruction in the midst of translated code, at EIP. Returns whether the code can go on behind it and pay for `rest` further
   * instructions, or for its last one whether nothing has to be looked at before what follows.
   */
  carryOut(instruction: Instruction, handler: Handler, isLast: boolean, rest: number): boolean {
    const cpu = this.#cpu;
    const { i32 } = cpu;
    const { linkKey } = cpu;
    const premises = i32[L.W_PREMISES];
    this.start = i32[L.W_EIP];
    const next = (this.start + instruction.length) | 0;
    i32[L.W_EIP] = next;
    i32[L.W_BUDGET]--;
    handler(cpu, instruction);
    // A device that was accessed may have an interrupt.
    if (i32[L.W_ATTEND] !== 0 || cpu.looksUp) return false;
    if (isLast) return true;
    const goesOn = i32[L.W_EIP] === next && i32[L.W_BUDGET] >= rest && i32[L.W_PREMISES] === premises;
    return goesOn && (!instruction.row.endsBlock || cpu.linkKey === linkKey);
  }
}

const GENERAL: ReadonlySet<number> = new Set([KIND.r32, KIND.r16, KIND.r8]);

/** Whether an instruction is one of the x87, MMX or SSE that does not write general registers and flags. */
export function isQuiet({ row, dst }: Instruction): boolean {
  const isFloat = row.checks.some(
    check => check === 'fpu' || check === 'fpuNoWait' || check === 'sse' || check === 'mmx',
  );
  return isFloat && !GENERAL.has(dst.kind) && !row.operation.includes('comi');
}
