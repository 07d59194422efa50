import { FLAG } from '../../ia32/flags.ts';
import { CS, DS, ES, FS, GS, SS, TR } from '../../ia32/registers.ts';
import { VECTOR, VECTOR_NAMES } from '../../ia32/vectors.ts';
import { EVENT_TYPE, EXIT } from '../../ia32/vmx/exits.ts';
import { DR7 } from './debug-registers.ts';
import { descriptorLimit, isConforming, isNull } from './descriptor.ts';
import { noteDescriptor, USE } from './descriptor-memo.ts';
import type { Executor } from './executor.ts';
import { MachineStop } from './fault.ts';
import * as L from './layout.ts';
import {
  loadReal,
  markAccessed,
  requireDescriptor,
  StackWindow,
  setFromDescriptor,
  setStackPointer,
  stackDescriptor,
} from './segmentation.ts';
import { switchTask } from './task-switch.ts';
import { beginDelivery, exceptionExits, isFault } from './vmx/exceptions.ts';
import { leaveGuest } from './vmx/leave.ts';

/** What asks for a delivery. `software` (INT n, INT3, INTO) checks the gate's DPL; `external` sets EXT in error codes. */
export type EventSource = 'exception' | 'external' | 'software';

/**
 * Delivers an interrupt or exception through the IDT (SDM volume 3, 6.12): EIP must already be the return address. A fault
 * on the way is thrown with SS:ESP, CS:EIP and EFLAGS unchanged.
 */
export function deliver(cpu: Executor, vector: number, source: EventSource, code: number | null): void {
  if (cpu.protectedMode) deliverProtected(cpu, vector, source, code);
  else deliverReal(cpu, vector);
  cpu.i32[L.W_HALTED] = 0;
  cpu.i32[L.W_SHADOW] = 0;
  cpu.delivering = 0;
  cpu.unblocksNmi = false;
  // The handler of a debug exception may use the debug registers (17.2.4).
  if (vector === VECTOR.DB && source === 'exception') cpu.i32[L.W_DR + 7] &= ~DR7.generalDetect;
  cpu.pendBreakpoints();
  cpu.probe?.delivered(vector, source, code);
}

/** Real mode: the interrupt vector table at IDTR.base, four bytes a vector (SDM volume 3, 20.1.4). */
function deliverReal(cpu: Executor, vector: number): void {
  if (vector * 4 + 3 > cpu.i32[L.W_IDTR_LIMIT]) cpu.generalProtection(0);
  const entry = cpu.readSystem((cpu.i32[L.W_IDTR_BASE] + vector * 4) | 0, 4);
  const stack = StackWindow.current(cpu);
  stack.probe(3, 2);
  stack.push(2, cpu.eflags());
  stack.push(2, cpu.selector(CS));
  stack.push(2, cpu.i32[L.W_EIP]);
  setStackPointer(cpu, stack.pointer);
  loadReal(cpu, CS, entry >>> 16);
  cpu.i32[L.W_EIP] = entry & 0xffff;
  cpu.setEflags(cpu.eflags() & ~(FLAG.IF | FLAG.TF | FLAG.AC | FLAG.RF));
}

const TASK_GATE = 5;
/** Gate types (SDM volume 3, table 3-2): 16-bit interrupt and trap; 32-bit ones have bit 3 as well. The lowest bit makes it a trap's. */
const INTERRUPT_GATE = 6;
const GATE_KIND = 0b10110;

function deliverProtected(cpu: Executor, vector: number, source: EventSource, errorCode: number | null): void {
  const { i32 } = cpu;
  const external = source === 'software' ? 0 : 1;
  const gateCode = vector * 8 + 2 + external;
  if (vector * 8 + 7 > i32[L.W_IDTR_LIMIT]) cpu.generalProtection(gateCode);
  const at = (i32[L.W_IDTR_BASE] + vector * 8) | 0;
  const low = cpu.readSystem(at, 4);
  const high = cpu.readSystem((at + 4) | 0, 4);
  const type = (high >>> 8) & 31;
  if (type !== TASK_GATE && (type & GATE_KIND) !== INTERRUPT_GATE) cpu.generalProtection(gateCode);
  if (source === 'software' && ((high >>> 13) & 3) < cpu.cpl) cpu.generalProtection(gateCode);
  if ((high & 0x8000) === 0) cpu.raiseFault(VECTOR.NP, gateCode);
  const selector = low >>> 16;
  // Faults push RF set, so that an instruction breakpoint does not hit again on the way back (SDM volume 3, 17.3.1.1).
  const oldFlags = cpu.eflags() | (source === 'exception' && isFault(vector) ? FLAG.RF : 0);
  if (type === TASK_GATE) {
    switchTask(cpu, { selector, by: 'gate', external, flags: oldFlags, code: errorCode, length: 0 });
    return;
  }
  const size = type >= 14 ? 4 : 2;
  const target = size === 4 ? (low & 0xffff) | (high & 0xffff0000) : low & 0xffff;
  if (isNull(selector)) cpu.generalProtection(external);
  const d = requireDescriptor(cpu, selector, VECTOR.GP, external);
  const selectorCode = (selector & 0xfffc) | external;
  if (!d.isCode || d.dpl > cpu.cpl) cpu.generalProtection(selectorCode);
  if (!d.present) cpu.raiseFault(VECTOR.NP, selectorCode);
  noteDescriptor(cpu, USE.gate, cpu.cpl, selector, d);

  const oldCs = cpu.selector(CS);
  const oldEip = i32[L.W_EIP];
  const fromVirtual = cpu.virtual8086;
  const inner = !isConforming(d) && d.dpl < cpu.cpl;
  if (fromVirtual && (!inner || d.dpl !== 0)) cpu.generalProtection(selectorCode);
  const newCpl = inner ? d.dpl : cpu.cpl;
  // Looked at after privilege and the room on the stack (SDM volume 2, INT n).
  const isBeyond = target >>> 0 > descriptorLimit(d) >>> 0;

  if (inner) {
    const { selector: newSs, pointer } = stackFromTss(cpu, newCpl, external);
    const ss = stackDescriptor(cpu, newSs, newCpl, VECTOR.TS, external);
    const stack = StackWindow.forDescriptor(cpu, ss, pointer, newCpl, (newSs & 0xfffc) | external);
    stack.probe((fromVirtual ? 9 : 5) + (errorCode === null ? 0 : 1), size);
    if (isBeyond) cpu.generalProtection(external);
    if (fromVirtual) for (const index of [GS, FS, DS, ES]) stack.push(size, cpu.selector(index));
    stack.push(size, cpu.selector(SS));
    stack.push(size, i32[4]);
    pushReturn(stack, size, oldFlags, oldCs, oldEip, errorCode);
    markAccessed(cpu, ss);
    markAccessed(cpu, d);
    if (fromVirtual) {
      i32[L.W_EFLAGS] &= ~FLAG.VM;
      for (const index of [GS, FS, DS, ES]) cpu.setSegment(index, 0, 0, 0, 0);
    }
    setFromDescriptor(cpu, SS, newSs, ss);
    setStackPointer(cpu, stack.pointer);
  } else {
    const stack = StackWindow.current(cpu, external);
    stack.probe(3 + (errorCode === null ? 0 : 1), size);
    if (isBeyond) cpu.generalProtection(external);
    pushReturn(stack, size, oldFlags, oldCs, oldEip, errorCode);
    markAccessed(cpu, d);
    setStackPointer(cpu, stack.pointer);
  }
  setFromDescriptor(cpu, CS, (selector & 0xfffc) | newCpl, d);
  cpu.setCpl(newCpl);
  i32[L.W_EIP] = target;
  const isInterruptGate = (type & 1) === 0;
  const cleared = FLAG.TF | FLAG.NT | FLAG.RF | FLAG.VM | (isInterruptGate ? FLAG.IF : 0);
  cpu.setEflags(oldFlags & ~cleared);
}

function pushReturn(
  stack: StackWindow,
  size: number,
  flags: number,
  cs: number,
  eip: number,
  code: number | null,
): void {
  stack.push(size, flags);
  stack.push(size, cs);
  stack.push(size, eip);
  if (code !== null) stack.push(size, code);
}

/** Stack of a more privileged level from the task state segment (SDM volume 3, 7.2.1). */
export function stackFromTss(cpu: Executor, cpl: number, external: number): { selector: number; pointer: number } {
  const attributes = cpu.segment(TR, L.S_ATTRIBUTES);
  const base = cpu.base(TR);
  const limit = cpu.segment(TR, L.S_LIMIT) >>> 0;
  const code = (cpu.selector(TR) & 0xfffc) | external;
  const is32 = (attributes & 8) !== 0;
  const at = is32 ? 4 + 8 * cpl : 2 + 4 * cpl;
  if (at + (is32 ? 5 : 3) > limit) cpu.raiseFault(VECTOR.TS, code);
  if (is32) {
    return { pointer: cpu.readSystem((base + at) | 0, 4), selector: cpu.readSystem((base + at + 4) | 0, 2) };
  }
  return { pointer: cpu.readSystem((base + at) | 0, 2), selector: cpu.readSystem((base + at + 2) | 0, 2) };
}

const CONTRIBUTORY: readonly number[] = [VECTOR.DE, VECTOR.TS, VECTOR.NP, VECTOR.SS, VECTOR.GP];

/** Whether a second exception while delivering the first makes a double fault (SDM volume 3, table 6-5). */
function makesDoubleFault(first: number, second: number): boolean {
  if (first === VECTOR.PF) return second === VECTOR.PF || CONTRIBUTORY.includes(second);
  return CONTRIBUTORY.includes(first) && CONTRIBUTORY.includes(second);
}

/**
 * Delivers an exception; a fault on the way is delivered instead, or becomes a double fault, or ends the machine in a triple
 * fault (SDM volume 3, 6.15, #DF). `cpu.fault` says what happened. What exits from a guest leaves it in the monitor: every
 * exception is looked up in the exception bitmap before it becomes a double fault (25.2), and a triple fault always exits.
 */
export function deliverException(cpu: Executor, vector: number, source: EventSource, code: number | null): void {
  if (source === 'exception' && exceptionExits(cpu, vector, code)) {
    leaveGuest(cpu);
    return;
  }
  deliverUntilDone(cpu, { vector, source, code });
}

/** The fault in `cpu.fault`, which came up while an exception, or (null) another event, was delivered. */
export function deliverNested(cpu: Executor, first: number | null): void {
  deliverUntilDone(cpu, faultInDelivery(cpu, first));
}

interface Delivery {
  readonly vector: number;
  readonly source: EventSource;
  readonly code: number | null;
}

/** null: the guest has been left. */
function deliverUntilDone(cpu: Executor, start: Delivery | null): void {
  for (let next = start; next !== null; ) {
    const { vector, source, code }: Delivery = next;
    const isException = source === 'exception';
    if (isException && vector === VECTOR.PF) cpu.i32[L.W_CR2] = cpu.fault.address;
    const isNmi = source === 'external' && vector === VECTOR.NMI;
    const outside = isNmi ? EVENT_TYPE.nmi : EVENT_TYPE.externalInterrupt;
    const type = isException ? EVENT_TYPE.hardwareException : outside;
    beginDelivery(cpu, vector, type, code, 0);
    try {
      deliver(cpu, vector, source, code);
      return;
    } catch (thrown) {
      if (thrown === cpu.vmExit) {
        leaveGuest(cpu);
        return;
      }
      if (thrown !== cpu.fault) throw thrown;
      next = faultInDelivery(cpu, isException ? vector : null);
    }
  }
}

/** What has to be delivered after a fault on the way; null after it has left a guest. */
function faultInDelivery(cpu: Executor, first: number | null): Delivery | null {
  const { vector, code, address } = cpu.fault;
  if (exceptionExits(cpu, vector, code)) {
    leaveGuest(cpu);
    return null;
  }
  if (first === VECTOR.DF) {
    if (cpu.i32[L.W_VMX_OPERATION] !== L.VMX_NON_ROOT) {
      throw new MachineStop('tripleFault', `${VECTOR_NAMES[vector] ?? vector} while delivering a double fault`);
    }
    cpu.delivering = 0;
    cpu.vmExit.set(EXIT.tripleFault);
    leaveGuest(cpu);
    return null;
  }
  if (first === null || !makesDoubleFault(first, vector)) return { vector, source: 'exception', code };
  if (vector === VECTOR.PF) cpu.i32[L.W_CR2] = address;
  if (exceptionExits(cpu, VECTOR.DF, 0)) {
    // The exit is then not one during delivery (27.2.4).
    cpu.delivering = 0;
    leaveGuest(cpu);
    return null;
  }
  return { vector: VECTOR.DF, source: 'exception', code: 0 };
}
