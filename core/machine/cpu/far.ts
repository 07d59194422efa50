import { FLAG } from '../../ia32/flags.ts';
import { type Instruction, KIND } from '../../ia32/instruction.ts';
import { CS, DS, ECX, EDX, ES, ESP, FS, GS, SS, TR } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { PIN } from '../../ia32/vmx/controls.ts';
import { EVENT_TYPE } from '../../ia32/vmx/exits.ts';
import { type Descriptor, descriptorLimit, isConforming, isNull } from './descriptor.ts';
import { noteDescriptor, USE } from './descriptor-memo.ts';
import type { Executor } from './executor.ts';
import { popFlags } from './flags.ts';
import { deliver, stackFromTss } from './interrupts.ts';
import * as L from './layout.ts';
import { SYSENTER_CS, SYSENTER_EIP, SYSENTER_ESP } from './msr-numbers.ts';
import {
  dropInaccessibleSegments,
  loadReal,
  markAccessed,
  requireDescriptor,
  StackWindow,
  setFromDescriptor,
  setStackPointer,
  stackDescriptor,
} from './segmentation.ts';
import { switchTask } from './task-switch.ts';
import { checkVirtualFlags, hasVirtualFlags, loadVirtualFlags, redirectInterrupt } from './virtual-8086.ts';
import { beginDelivery, exitSoftwareException } from './vmx/exceptions.ts';

/** Far control transfers: JMP, CALL, RET, INT and IRET between segments and privilege levels (SDM volume 3, 5.8). */

/** Selector and offset of a far JMP or CALL: in the instruction or in memory. */
function farTarget(cpu: Executor, i: Instruction): { selector: number; offset: number } {
  if (i.dst.kind === KIND.farPointer) return { selector: i.dst.register, offset: i.dst.value };
  const { segment, mask } = i.memory;
  const at = cpu.offset(i);
  const offset = cpu.load(segment, at, i.operandSize);
  return { selector: cpu.load(segment, (at + i.operandSize) & mask, 2), offset };
}

function checkTarget(cpu: Executor, d: Descriptor, offset: number): void {
  if (offset >>> 0 > descriptorLimit(d) >>> 0) cpu.generalProtection(0);
}

/** The write of the accessed bit comes first: its page fault must find nothing changed. */
function enterCode(cpu: Executor, selector: number, d: Descriptor, cpl: number, offset: number): void {
  markAccessed(cpu, d);
  setFromDescriptor(cpu, CS, (selector & 0xfffc) | cpl, d);
  if (cpl !== cpu.cpl) {
    cpu.setCpl(cpl);
    cpu.updateAlignment();
  }
  cpu.i32[L.W_EIP] = offset;
}

/** Direct JMP or CALL to a code segment keeps CPL (SDM volume 3, 5.8.1). */
function checkDirect(cpu: Executor, selector: number, d: Descriptor): void {
  const code = selector & 0xfffc;
  if (isConforming(d)) {
    if (d.dpl > cpu.cpl) cpu.generalProtection(code);
  } else if ((selector & 3) > cpu.cpl || d.dpl !== cpu.cpl) {
    cpu.generalProtection(code);
  }
  if (!d.present) cpu.raiseFault(VECTOR.NP, code);
}

const TASK_GATE = 5;

interface CallGate {
  readonly selector: number;
  readonly offset: number;
  readonly size: 2 | 4;
  readonly parameters: number;
  readonly code: Descriptor;
}

/** A system descriptor as the target of JMP or CALL: a call gate, or the selector of a task to switch to (SDM volume 3, 5.8.3). */
function readGate(cpu: Executor, selector: number, d: Descriptor, isJump: boolean): CallGate | number {
  const code = selector & 0xfffc;
  const isGate = d.type === 4 || d.type === 12;
  const isTask = d.type === TASK_GATE || d.type === 1 || d.type === 9;
  if (d.isSegment || (!isGate && !isTask)) cpu.generalProtection(code);
  if (d.dpl < cpu.cpl || d.dpl < (selector & 3)) cpu.generalProtection(code);
  if (!d.present) cpu.raiseFault(VECTOR.NP, code);
  const target = d.low >>> 16;
  if (isTask) return d.type === TASK_GATE ? target : selector;
  if (isNull(target)) cpu.generalProtection(0);
  const to = requireDescriptor(cpu, target, VECTOR.GP, 0);
  const targetCode = target & 0xfffc;
  if (!to.isCode || to.dpl > cpu.cpl) cpu.generalProtection(targetCode);
  if (isJump && !isConforming(to) && to.dpl !== cpu.cpl) cpu.generalProtection(targetCode);
  if (!to.present) cpu.raiseFault(VECTOR.NP, targetCode);
  const size = d.type === 12 ? 4 : 2;
  const offset = size === 4 ? (d.low & 0xffff) | (d.high & 0xffff0000) : d.low & 0xffff;
  return { selector: target, offset, size, parameters: d.high & 31, code: to };
}

/** To a task gate (type 5), which names the task, or to the task's own descriptor. */
function taskTransfer(cpu: Executor, i: Instruction, selector: number, by: 'jump' | 'call'): void {
  switchTask(cpu, { selector, by, external: 0, flags: cpu.eflags(), code: null, length: i.length });
  cpu.probe?.transferred('taskSwitch');
}

export function jmpFar(cpu: Executor, i: Instruction): void {
  const { selector, offset } = farTarget(cpu, i);
  if (!cpu.usesDescriptors) {
    if (offset >>> 0 > cpu.segment(CS, L.S_LIMIT) >>> 0) cpu.generalProtection(0);
    loadReal(cpu, CS, selector);
    cpu.i32[L.W_EIP] = offset;
    return;
  }
  if (isNull(selector)) cpu.generalProtection(0);
  const d = requireDescriptor(cpu, selector, VECTOR.GP, 0);
  if (d.isCode) {
    checkDirect(cpu, selector, d);
    checkTarget(cpu, d, offset);
    enterCode(cpu, selector, d, cpu.cpl, offset);
    return;
  }
  const gate = readGate(cpu, selector, d, true);
  if (typeof gate === 'number') {
    taskTransfer(cpu, i, gate, 'jump');
    return;
  }
  checkTarget(cpu, gate.code, gate.offset);
  enterCode(cpu, gate.selector, gate.code, cpu.cpl, gate.offset);
}

export function callFar(cpu: Executor, i: Instruction): void {
  const { selector, offset } = farTarget(cpu, i);
  const stack = StackWindow.current(cpu);
  const { i32 } = cpu;
  if (!cpu.usesDescriptors) {
    stack.probe(2, i.operandSize);
    if (offset >>> 0 > cpu.segment(CS, L.S_LIMIT) >>> 0) cpu.generalProtection(0);
    pushFar(stack, i.operandSize, cpu.selector(CS), i32[L.W_EIP]);
    setStackPointer(cpu, stack.pointer);
    loadReal(cpu, CS, selector);
    i32[L.W_EIP] = offset;
    return;
  }
  if (isNull(selector)) cpu.generalProtection(0);
  const d = requireDescriptor(cpu, selector, VECTOR.GP, 0);
  if (d.isCode) {
    checkDirect(cpu, selector, d);
    // The stack is looked at before the offset (SDM volume 2, CALL), here and below.
    stack.probe(2, i.operandSize);
    checkTarget(cpu, d, offset);
    pushFar(stack, i.operandSize, cpu.selector(CS), i32[L.W_EIP]);
    enterCode(cpu, selector, d, cpu.cpl, offset);
    setStackPointer(cpu, stack.pointer);
    return;
  }
  const gate = readGate(cpu, selector, d, false);
  if (typeof gate === 'number') {
    taskTransfer(cpu, i, gate, 'call');
    return;
  }
  if (isConforming(gate.code) || gate.code.dpl === cpu.cpl) {
    stack.probe(2, gate.size);
    checkTarget(cpu, gate.code, gate.offset);
    pushFar(stack, gate.size, cpu.selector(CS), i32[L.W_EIP]);
    enterCode(cpu, gate.selector, gate.code, cpu.cpl, gate.offset);
    setStackPointer(cpu, stack.pointer);
    return;
  }
  callInner(cpu, gate, stack);
}

function pushFar(stack: StackWindow, size: number, selector: number, offset: number): void {
  stack.probe(2, size);
  stack.push(size, selector);
  stack.push(size, offset);
}

/** A call gate to more privileged code switches stacks and copies the parameters (SDM volume 3, 5.8.5). */
function callInner(cpu: Executor, gate: CallGate, old: StackWindow): void {
  const cpl = gate.code.dpl;
  const { selector: newSs, pointer } = stackFromTss(cpu, cpl, 0);
  const ss = stackDescriptor(cpu, newSs, cpl, VECTOR.TS, 0);
  const stack = StackWindow.forDescriptor(cpu, ss, pointer, cpl, newSs & 0xfffc);
  const { size } = gate;
  stack.probe(4 + gate.parameters, size);
  checkTarget(cpu, gate.code, gate.offset);
  const parameters: number[] = [];
  for (let n = 0; n < gate.parameters; n++) parameters.unshift(old.pop(size));
  stack.push(size, cpu.selector(SS));
  stack.push(size, cpu.i32[ESP]);
  for (const value of parameters) stack.push(size, value);
  stack.push(size, cpu.selector(CS));
  stack.push(size, cpu.i32[L.W_EIP]);
  markAccessed(cpu, ss);
  markAccessed(cpu, gate.code);
  setFromDescriptor(cpu, SS, newSs, ss);
  setStackPointer(cpu, stack.pointer);
  enterCode(cpu, gate.selector, gate.code, cpl, gate.offset);
  cpu.probe?.transferred('callGate');
}

/** Code segment of a far return or IRET (SDM volume 2, RET: the checks in their order). */
function returnDescriptor(cpu: Executor, selector: number): Descriptor {
  if (isNull(selector)) cpu.generalProtection(0);
  const code = selector & 0xfffc;
  const rpl = selector & 3;
  const d = requireDescriptor(cpu, selector, VECTOR.GP, 0);
  if (!d.isCode || rpl < cpu.cpl) cpu.generalProtection(code);
  if (isConforming(d) ? d.dpl > rpl : d.dpl !== rpl) cpu.generalProtection(code);
  if (!d.present) cpu.raiseFault(VECTOR.NP, code);
  noteDescriptor(cpu, USE.return, cpu.cpl, selector, d);
  return d;
}

/** Stack of less privileged code that is returned to. */
interface OuterStack {
  readonly selector: number;
  readonly descriptor: Descriptor;
  readonly pointer: number;
}

/** Takes SS:ESP from the stack for a return to less privileged code, to an offset in `code`. */
function takeOuterStack(
  cpu: Executor,
  stack: StackWindow,
  size: number,
  code: Descriptor,
  offset: number,
  rpl: number,
): OuterStack {
  const pointer = stack.pop(size);
  const selector = stack.pop(size) & 0xffff;
  const descriptor = isNull(selector) ? cpu.generalProtection(0) : stackDescriptor(cpu, selector, rpl, VECTOR.GP, 0);
  // After the stack (SDM volume 2, RET).
  checkTarget(cpu, code, offset);
  markAccessed(cpu, descriptor);
  return { selector, descriptor, pointer };
}

/** The last of such a return, in the code that is returned to; `release` bytes of parameters go. */
function enterOuterStack(cpu: Executor, { selector, descriptor, pointer }: OuterStack, release: number): void {
  setFromDescriptor(cpu, SS, selector, descriptor);
  setStackPointer(cpu, (pointer + release) | 0);
  dropInaccessibleSegments(cpu);
}

export function retFar(cpu: Executor, i: Instruction): void {
  const size = i.operandSize;
  const release = i.dst.value;
  const stack = StackWindow.current(cpu);
  const offset = stack.pop(size);
  const selector = stack.pop(size) & 0xffff;
  if (!cpu.usesDescriptors) {
    if (offset >>> 0 > cpu.segment(CS, L.S_LIMIT) >>> 0) cpu.generalProtection(0);
    stack.skip(release);
    setStackPointer(cpu, stack.pointer);
    loadReal(cpu, CS, selector);
    cpu.i32[L.W_EIP] = offset;
    return;
  }
  const d = returnDescriptor(cpu, selector);
  const rpl = selector & 3;
  stack.skip(release);
  if (rpl === cpu.cpl) {
    checkTarget(cpu, d, offset);
    enterCode(cpu, selector, d, rpl, offset);
    setStackPointer(cpu, stack.pointer);
    return;
  }
  const outer = takeOuterStack(cpu, stack, size, d, offset, rpl);
  enterCode(cpu, selector, d, rpl, offset);
  enterOuterStack(cpu, outer, release);
  cpu.probe?.transferred('retFar');
}

/** A return ends the blocking of further NMIs (SDM volume 3, 6.7.1), also one that faults; not in a guest whose NMIs exit (25.3). */
export function iret(cpu: Executor, i: Instruction): void {
  if ((cpu.i32[L.W_VMX_PIN] & PIN.nmiExiting) === 0) {
    cpu.unblocksNmi = cpu.i32[L.W_NMI_BLOCKED] !== 0;
    cpu.i32[L.W_NMI_BLOCKED] = 0;
  }
  interruptReturn(cpu, i);
  cpu.unblocksNmi = false;
  cpu.probe?.transferred('iret');
}

function interruptReturn(cpu: Executor, i: Instruction): void {
  const size = i.operandSize;
  const stack = StackWindow.current(cpu);
  if (cpu.usesDescriptors && (cpu.i32[L.W_EFLAGS] & FLAG.NT) !== 0) {
    const link = cpu.readSystem(cpu.base(TR), 2);
    switchTask(cpu, { selector: link, by: 'iret', external: 0, flags: cpu.eflags(), code: null, length: i.length });
    return;
  }
  // Below IOPL 3 an IRETD is refused before it reads the stack (SDM volume 2, IRET; volume 3, 20.3.3).
  if (size === 4 && hasVirtualFlags(cpu)) cpu.generalProtection(0);
  const offset = stack.pop(size);
  const selector = stack.pop(size) & 0xffff;
  const flags = stack.pop(size);
  if (!cpu.usesDescriptors) {
    const isVirtual = hasVirtualFlags(cpu);
    if (isVirtual) checkVirtualFlags(cpu, flags);
    if (offset >>> 0 > cpu.segment(CS, L.S_LIMIT) >>> 0) cpu.generalProtection(0);
    setStackPointer(cpu, stack.pointer);
    loadReal(cpu, CS, selector);
    cpu.i32[L.W_EIP] = offset;
    if (isVirtual) loadVirtualFlags(cpu, flags);
    else popFlags(cpu, flags, size, FLAG.RF);
    return;
  }
  if (size === 4 && (flags & FLAG.VM) !== 0 && cpu.cpl === 0) {
    returnVirtual(cpu, stack, selector, offset, flags);
    return;
  }
  const d = returnDescriptor(cpu, selector);
  const rpl = selector & 3;
  // The flags are written with the privilege of the code that returns (SDM volume 2, IRET).
  const extra = FLAG.RF | (cpu.cpl === 0 ? FLAG.VIF | FLAG.VIP : 0);
  if (rpl === cpu.cpl) {
    checkTarget(cpu, d, offset);
    enterCode(cpu, selector, d, rpl, offset);
    setStackPointer(cpu, stack.pointer);
    popFlags(cpu, flags, size, extra);
    return;
  }
  const outer = takeOuterStack(cpu, stack, size, d, offset, rpl);
  markAccessed(cpu, d);
  popFlags(cpu, flags, size, extra);
  enterCode(cpu, selector, d, rpl, offset);
  enterOuterStack(cpu, outer, 0);
}

/** IRET to virtual-8086 mode (SDM volume 3, 20.2.5). */
function returnVirtual(cpu: Executor, stack: StackWindow, selector: number, offset: number, flags: number): void {
  const values = [0, 0, 0, 0, 0, 0].map(() => stack.pop(4));
  cpu.setEflags(flags);
  cpu.setCpl(3);
  loadReal(cpu, CS, selector);
  cpu.i32[L.W_EIP] = offset & 0xffff;
  for (const [n, index] of [SS, ES, DS, FS, GS].entries()) loadReal(cpu, index, values[n + 1] & 0xffff);
  cpu.i32[ESP] = values[0];
  cpu.updateAlignment();
}

/**
 * INT n, INT3, INTO: the return address is the next instruction. A fault on the way is thrown, so that the run loop delivers
 * it with this instruction as its return address.
 */
function softwareInterrupt(cpu: Executor, i: Instruction, vector: number, type: number): void {
  beginDelivery(cpu, vector, type, null, i.length);
  deliver(cpu, vector, 'software', null);
}

/** In virtual-8086 mode INT n needs IOPL 3 or a handler there, which CR4.VME allows; INT3 and INTO do not. */
export function int(cpu: Executor, i: Instruction): void {
  if (redirectInterrupt(cpu, i.dst.value & 0xff)) return;
  if (hasVirtualFlags(cpu)) cpu.generalProtection(0);
  softwareInterrupt(cpu, i, i.dst.value & 0xff, EVENT_TYPE.softwareInterrupt);
}

export function int3(cpu: Executor, i: Instruction): void {
  softwareException(cpu, i, VECTOR.BP);
}

export function into(cpu: Executor, i: Instruction): void {
  if ((cpu.statusFlags() & FLAG.OF) !== 0) softwareException(cpu, i, VECTOR.OF);
}

function softwareException(cpu: Executor, i: Instruction, vector: number): void {
  exitSoftwareException(cpu, vector, EVENT_TYPE.softwareException, i.length);
  softwareInterrupt(cpu, i, vector, EVENT_TYPE.softwareException);
}

/** INT1 (ICEBP) raises #DB without the gate's privilege check. */
export function int1(cpu: Executor, i: Instruction): void {
  const type = EVENT_TYPE.privilegedSoftwareException;
  exitSoftwareException(cpu, VECTOR.DB, type, i.length);
  beginDelivery(cpu, VECTOR.DB, type, null, i.length);
  deliver(cpu, VECTOR.DB, 'exception', null);
}

/** SYSENTER: flat ring 0 from the MSRs, whatever the tables say (SDM volume 2, SYSENTER). */
export function sysenter(cpu: Executor): void {
  const { i32 } = cpu;
  const selector = i32[L.W_MSR + SYSENTER_CS] & 0xfffc;
  if (!cpu.protectedMode || selector === 0) cpu.generalProtection(0);
  cpu.setEflags(cpu.eflags() & ~(FLAG.VM | FLAG.IF | FLAG.RF));
  cpu.setSegment(CS, selector, 0, -1, 0xc09b);
  cpu.setSegment(SS, selector + 8, 0, -1, 0xc093);
  cpu.setCpl(0);
  cpu.updateAlignment();
  i32[ESP] = i32[L.W_MSR + SYSENTER_ESP];
  i32[L.W_EIP] = i32[L.W_MSR + SYSENTER_EIP];
  cpu.probe?.transferred('sysenter');
}

/** SYSEXIT: flat ring 3, EIP from EDX and ESP from ECX. */
export function sysexit(cpu: Executor): void {
  const { i32 } = cpu;
  const selector = i32[L.W_MSR + SYSENTER_CS] & 0xfffc;
  if (!cpu.protectedMode || cpu.cpl !== 0 || selector === 0) cpu.generalProtection(0);
  cpu.setSegment(CS, (selector + 16) | 3, 0, -1, 0xc0fb);
  cpu.setSegment(SS, (selector + 24) | 3, 0, -1, 0xc0f3);
  cpu.setCpl(3);
  cpu.updateAlignment();
  i32[ESP] = i32[ECX];
  i32[L.W_EIP] = i32[EDX];
  cpu.probe?.transferred('sysexit');
}
