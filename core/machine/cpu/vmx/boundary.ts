import { FLAG } from '../../../ia32/flags.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import { EXIT_CONTROL, PIN } from '../../../ia32/vmx/controls.ts';
import { EVENT_TYPE, EXIT, INTERRUPTION } from '../../../ia32/vmx/exits.ts';
import { FIELD } from '../../../ia32/vmx/fields.ts';
import { BREAKPOINT_ENABLED, DR6 } from '../debug-registers.ts';
import type { Executor } from '../executor.ts';
import { deliverException } from '../interrupts.ts';
import * as L from '../layout.ts';
import { debugExits } from './exceptions.ts';
import { leaveGuest, timerSteps } from './leave.ts';
import { readField } from './vmcs.ts';

/** What a guest's processor looks at between two instructions. Called where W_VMX_WATCH is not 0, or an interrupt waits. */

/**
 * Carries out the first thing that is due, in the order of their priorities (SDM volume 3, 25.2, 25.5 and table 6-2): monitor trap flag,
 * debug trap, preemption timer, interrupt window. Returns whether there was one.
 */
export function atBoundary(cpu: Executor): boolean {
  const { i32 } = cpu;
  const watch = i32[L.W_VMX_WATCH];
  if ((watch & L.WATCH_TRAPPED) !== 0) {
    cpu.vmExit.set(EXIT.monitorTrapFlag);
    leaveGuest(cpu);
    return true;
  }
  if ((watch & L.WATCH_DEBUG) !== 0 && i32[L.W_SHADOW] !== L.SHADOW_STACK) {
    const conditions = i32[L.W_PENDING_DEBUG];
    i32[L.W_PENDING_DEBUG] = 0;
    i32[L.W_VMX_WATCH] &= ~L.WATCH_DEBUG;
    if (isDue(conditions)) {
      // A step of its own: where the delivery meets a breakpoint on the stack, the next one is due at once.
      i32[L.W_BUDGET]--;
      trapDebug(cpu, conditions & ~BREAKPOINT_ENABLED);
      return true;
    }
  }
  if ((watch & L.WATCH_TIMER) !== 0 && timerSteps(cpu) <= 0) {
    cpu.vmExit.set(EXIT.preemptionTimer);
    leaveGuest(cpu);
    return true;
  }
  const isOpen = (i32[L.W_EFLAGS] & FLAG.IF) !== 0 && i32[L.W_SHADOW] === 0 && i32[L.W_HALTED] !== L.SHUTDOWN;
  if ((watch & L.WATCH_WINDOW) !== 0 && isOpen) {
    cpu.vmExit.set(EXIT.interruptWindow);
    leaveGuest(cpu);
    return true;
  }
  return false;
}

/** Breakpoints that were met count only with the bit that says one is enabled (table 24-4). Guests switch no tasks. */
function isDue(conditions: number): boolean {
  return (conditions & (BREAKPOINT_ENABLED | DR6.singleStep | DR6.taskSwitch)) !== 0;
}

/** A debug exception: an exit with the conditions, or DR6 has them and the handler runs (SDM volume 3, 17.2.3). */
export function trapDebug(cpu: Executor, conditions: number): void {
  if (debugExits(cpu, conditions)) {
    leaveGuest(cpu);
    return;
  }
  cpu.i32[L.W_DR + 6] |= conditions;
  deliverException(cpu, VECTOR.DB, 'exception', null);
}

/** Whether an external interrupt leaves this guest instead of going through its IDT, whatever IF says. */
export function interruptExits(cpu: Executor): boolean {
  return (cpu.i32[L.W_VMX_PIN] & PIN.externalInterruptExiting) !== 0;
}

/** Whether an NMI leaves this guest instead of going through its IDT. */
export function nmiExits(cpu: Executor): boolean {
  return (cpu.i32[L.W_VMX_PIN] & PIN.nmiExiting) !== 0;
}

/** The exit for an NMI, which blocks further ones (SDM volume 3, 27.5.5). */
export function leaveByNmi(cpu: Executor): void {
  const exit = cpu.vmExit.set(EXIT.exceptionOrNmi);
  exit.interruption = INTERRUPTION.valid | (EVENT_TYPE.nmi << INTERRUPTION.typeShift) | VECTOR.NMI;
  leaveGuest(cpu);
  cpu.i32[L.W_NMI_BLOCKED] = 1;
}

/** The exit for an external interrupt; `acknowledge` takes it from the interrupt controller where the controls say so. */
export function leaveByInterrupt(cpu: Executor, acknowledge: () => number): void {
  const exit = cpu.vmExit.set(EXIT.externalInterrupt);
  if ((readField(cpu, FIELD.exitControls) & EXIT_CONTROL.acknowledgeInterrupt) !== 0) {
    exit.interruption = INTERRUPTION.valid | (EVENT_TYPE.externalInterrupt << INTERRUPTION.typeShift) | acknowledge();
  }
  leaveGuest(cpu);
}
