import { type Instruction, KIND } from '../../ia32/instruction.ts';
import type { Check, Intercept, OpcodeRow, OperandCode } from '../../ia32/opcode.ts';
import type { OperationName, SemanticsName } from '../../ia32/operations.ts';
import { CR0, CR4 } from '../../ia32/registers.ts';
import { SEMANTICS } from '../../ia32/semantics/index.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import type { Executor } from './executor.ts';
import * as L from './layout.ts';
import { SYSTEM } from './system.ts';
import { interceptOf } from './vmx/intercepts.ts';
import { checkPendingException, enterMmx, writeMmx } from './x87/state.ts';

/** What the run loop calls for an instruction: its checks, then its meaning. */
export type Handler = (cpu: Executor, i: Instruction) => void;

/** The checks of the opcode table (SDM volume 3, table 6-2 gives their order, which is the order in the row). */
const CHECKS: Readonly<Record<Check, (cpu: Executor) => void>> = {
  protected: cpu => {
    if (!cpu.usesDescriptors) cpu.raiseFault(VECTOR.UD, null);
  },
  fpu: cpu => {
    if ((cpu.i32[L.W_CR0] & (CR0.EM | CR0.TS)) !== 0) cpu.raiseFault(VECTOR.NM, null);
    checkPendingException(cpu);
  },
  fpuNoWait: cpu => {
    if ((cpu.i32[L.W_CR0] & (CR0.EM | CR0.TS)) !== 0) cpu.raiseFault(VECTOR.NM, null);
  },
  sse: cpu => {
    if ((cpu.i32[L.W_CR4] & CR4.OSFXSR) === 0) cpu.raiseFault(VECTOR.UD, null);
    checkExtension(cpu);
  },
  mmx: cpu => {
    checkExtension(cpu);
    checkPendingException(cpu);
  },
  fxsr: checkExtension,
  cpl0: cpu => {
    if (cpu.protectedMode && cpu.cpl !== 0) cpu.generalProtection(0);
  },
  iopl86: cpu => {
    if (cpu.virtual8086 && cpu.iopl !== 3 && (cpu.i32[L.W_CR4] & CR4.VME) === 0) cpu.generalProtection(0);
  },
};

/** Where x87 instructions raise #NM for emulation, its extensions raise #UD (SDM volume 3, 2.5, CR0.EM). */
function checkExtension(cpu: Executor): void {
  if ((cpu.i32[L.W_CR0] & CR0.EM) !== 0) cpu.raiseFault(VECTOR.UD, null);
  if ((cpu.i32[L.W_CR0] & CR0.TS) !== 0) cpu.raiseFault(VECTOR.NM, null);
}

function isSemantics(operation: OperationName): operation is SemanticsName {
  return operation in SEMANTICS;
}

const MMX_OPERANDS: ReadonlySet<OperandCode> = new Set(['Pq', 'Nq', 'Qq', 'Qd']);

/** An instruction with MMX registers, not just memory in their place, leaves the x87 with them, unless it faulted. */
function onMmx(meaning: Handler): Handler {
  return (cpu, i) => {
    // MASKMOVQ writes no register; processors have left the x87 before it faults.
    const isStore = i.row.operation === 'maskmov';
    if (isStore) enterMmx(cpu);
    meaning(cpu, i);
    if (isStore || (i.dst.kind !== KIND.mm && i.src.kind !== KIND.mm)) return;
    enterMmx(cpu);
    writeMmx(cpu, i.dst);
  };
}

export function handlerOf(row: OpcodeRow): Handler {
  const plain: Handler = isSemantics(row.operation) ? SEMANTICS[row.operation] : SYSTEM[row.operation];
  const meaning = row.operands.some(code => MMX_OPERANDS.has(code)) ? onMmx(plain) : plain;
  const checks: Handler[] = row.checks.map(check => CHECKS[check]);
  if (row.intercept !== null) checks.splice(interceptPlace(row, row.intercept), 0, interceptOf(row.intercept));
  if (checks.length === 0) return meaning;
  return (cpu, i) => {
    for (const check of checks) check(cpu, i);
    meaning(cpu, i);
  };
}

/** Number of checks that come before a VM exit: all, but MOV DR and VMX instructions exit at any privilege level (SDM volume 3, 25.1). */
function interceptPlace(row: OpcodeRow, intercept: Intercept): number {
  if (intercept === 'dr') return 0;
  return intercept === 'vmx' ? row.checks.filter(check => check === 'protected').length : row.checks.length;
}
