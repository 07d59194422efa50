import { FLAG } from '../../ia32/flags.ts';
import { CR0, CS, DS, ES, FS, GS, LDTR, SS, TR } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { DR6, DR7 } from './debug-registers.ts';
import { type Descriptor, descriptorBase, descriptorLimit, isConforming, isNull } from './descriptor.ts';
import type { Executor } from './executor.ts';
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
import { ATTRIBUTE } from './state.ts';
import { exitTaskSwitch, TASK_SWITCH } from './vmx/exceptions.ts';

/** Task switches by hardware (SDM volume 3, chapter 7). */

/** What asks for one. */
export interface TaskSwitch {
  /** Of the new task's TSS. */
  readonly selector: number;
  readonly by: keyof typeof TASK_SWITCH;
  /** EXT bit of error codes. */
  readonly external: number;
  /** EFLAGS of the old task, as it shall find them. */
  readonly flags: number;
  /** What an exception pushes on the new task's stack. */
  readonly code: number | null;
  /** Bytes of the instruction, for a VM exit. */
  readonly length: number;
}

/** Where a TSS has what a switch saves and loads (figures 7-2 and 7-10): byte offsets, each register `size` bytes wide. */
interface TssLayout {
  readonly size: 2 | 4;
  readonly cr3: number | null;
  readonly eip: number;
  readonly eflags: number;
  /** EAX to EDI, one behind the other. */
  readonly general: number;
  /** ES, CS, SS, DS and, with 32 bits, FS and GS, one behind the other. */
  readonly segments: number;
  readonly segmentCount: number;
  readonly ldt: number;
  /** The word whose lowest bit is the debug trap flag. */
  readonly trap: number | null;
  /** Lowest limit. */
  readonly limit: number;
}

const TSS_32: TssLayout = {
  size: 4,
  cr3: 0x1c,
  eip: 0x20,
  eflags: 0x24,
  general: 0x28,
  segments: 0x48,
  segmentCount: 6,
  ldt: 0x60,
  trap: 0x64,
  limit: 0x67,
};
const TSS_16: TssLayout = {
  size: 2,
  cr3: null,
  eip: 0x0e,
  eflags: 0x10,
  general: 0x12,
  segments: 0x22,
  segmentCount: 4,
  ldt: 0x2a,
  trap: null,
  limit: 0x2b,
};

/** Bit 3 of a TSS's type: 32 bits. */
function layoutOf(type: number): TssLayout {
  return (type & 8) !== 0 ? TSS_32 : TSS_16;
}

const AVAILABLE: readonly number[] = [1, 9];
const BUSY: readonly number[] = [3, 11];
/** The busy bit in the access byte of a descriptor. */
const BUSY_BIT = 2;

/** The TSS descriptor of the new task: from the GDT, and available, or busy for a return to it (7.3, steps 1 to 4). */
function taskDescriptor(cpu: Executor, { selector, by, external }: TaskSwitch): Descriptor {
  const isReturn = by === 'iret';
  const vector = isReturn ? VECTOR.TS : VECTOR.GP;
  const code = (selector & 0xfffc) | external;
  if ((selector & 4) !== 0) cpu.raiseFault(vector, code);
  const d = requireDescriptor(cpu, selector, vector, external);
  if (d.isSegment || !(isReturn ? BUSY : AVAILABLE).includes(d.type)) cpu.raiseFault(vector, code);
  if (!d.present) cpu.raiseFault(VECTOR.NP, code);
  if (descriptorLimit(d) >>> 0 < layoutOf(d.type).limit) cpu.raiseFault(VECTOR.TS, code);
  return d;
}

/** Raises what accesses to all of a stretch of memory would raise, with supervisor rights. */
function probe(cpu: Executor, linear: number, bytes: number, access: 'read' | 'write'): void {
  cpu.reach(linear, access, false);
  const last = (linear + bytes - 1) | 0;
  if (((linear ^ last) & ~0xfff) !== 0) cpu.reach(last, access, false);
}

function setBusy(cpu: Executor, address: number, busy: boolean): void {
  const access = cpu.readSystem(address + 5, 1);
  cpu.writeSystem(address + 5, 1, busy ? access | BUSY_BIT : access & ~BUSY_BIT);
}

const SEGMENTS = [ES, CS, SS, DS, FS, GS] as const;

/** Saves the registers of the task that ends (7.3, step 8): neither CR3 nor LDTR, which a task does not change in its TSS. */
function saveTask(cpu: Executor, base: number, layout: TssLayout, flags: number): void {
  const { size } = layout;
  cpu.writeSystem((base + layout.eip) | 0, size, cpu.i32[L.W_EIP]);
  cpu.writeSystem((base + layout.eflags) | 0, size, flags);
  for (let n = 0; n < 8; n++) cpu.writeSystem((base + layout.general + n * size) | 0, size, cpu.i32[n]);
  for (let n = 0; n < layout.segmentCount; n++) {
    cpu.writeSystem((base + layout.segments + n * size) | 0, 2, cpu.selector(SEGMENTS[n]));
  }
}

interface Task {
  readonly cr3: number | null;
  readonly eip: number;
  readonly eflags: number;
  readonly general: readonly number[];
  /** Selectors of ES to GS. */
  readonly segments: readonly number[];
  readonly ldt: number;
  readonly traps: boolean;
}

function readTask(cpu: Executor, base: number, layout: TssLayout): Task {
  const { size, cr3, trap } = layout;
  const at = (offset: number, width: number) => cpu.readSystem((base + offset) | 0, width);
  return {
    cr3: cr3 === null ? null : at(cr3, 4),
    eip: at(layout.eip, size),
    eflags: at(layout.eflags, size),
    // The upper halves are undefined after a switch to a 16-bit task; processors set them.
    general: Array.from({ length: 8 }, (_, n) => {
      const value = at(layout.general + n * size, size);
      return size === 2 ? value | 0xffff0000 : value;
    }),
    segments: SEGMENTS.map((_, n) => (n < layout.segmentCount ? at(layout.segments + n * size, 2) : 0)),
    ldt: at(layout.ldt, 2),
    traps: trap !== null && (at(trap, 2) & 1) !== 0,
  };
}

/**
 * Switches to another task. EIP must be where the old one shall go on. What can fail before the switch is certain is thrown with nothing
 * changed; a fault from then on is the new task's, with its CS:EIP (table 7-1), and says so in Fault.inNewTask. A guest's switch is an exit.
 */
export function switchTask(cpu: Executor, request: TaskSwitch): void {
  const { i32 } = cpu;
  const { selector, by, external } = request;
  const d = taskDescriptor(cpu, request);
  exitTaskSwitch(cpu, selector, TASK_SWITCH[by], request.length);
  const isNested = by === 'call' || by === 'gate';
  const layout = layoutOf(d.type);
  const base = descriptorBase(d);
  const old = layoutOf(cpu.segment(TR, L.S_ATTRIBUTES));
  const oldBase = cpu.base(TR);
  const oldSelector = cpu.selector(TR);
  const oldDescriptor = (i32[L.W_GDTR_BASE] + (oldSelector & 0xfff8)) | 0;
  const savedBytes = old.segments + (old.segmentCount - 1) * old.size + 2;
  if (savedBytes - 1 > cpu.segment(TR, L.S_LIMIT) >>> 0) {
    cpu.raiseFault(VECTOR.TS, (oldSelector & 0xfffc) | external);
  }
  probe(cpu, oldBase, savedBytes, 'write');
  probe(cpu, base, layout.limit + 1, 'read');
  if (isNested) probe(cpu, base, 2, 'write');
  else probe(cpu, (oldDescriptor + 5) | 0, 1, 'write');
  probe(cpu, (d.address + 5) | 0, 1, 'write');

  // From here on nothing fails until the new task is loaded.
  if (!isNested) setBusy(cpu, oldDescriptor, false);
  saveTask(cpu, oldBase, old, by === 'iret' ? request.flags & ~FLAG.NT : request.flags);
  const task = readTask(cpu, base, layout);
  if (isNested) cpu.writeSystem(base, 2, oldSelector);
  if (by !== 'iret') setBusy(cpu, d.address, true);
  cpu.setSegment(TR, selector, base, descriptorLimit(d), d.attributes | BUSY_BIT);
  i32[L.W_CR0] |= CR0.TS;
  cpu.setDebugControl(i32[L.W_DR + 7] & ~DR7.local);
  loadRegisters(cpu, task, isNested ? FLAG.NT : 0);
  try {
    enterTask(cpu, task, request, layout.size);
  } catch (thrown) {
    cpu.fault.inNewTask = true;
    throw thrown;
  }
}

/** The registers that need no check; segment registers have their selectors, but no segments yet. */
function loadRegisters(cpu: Executor, task: Task, flags: number): void {
  const { i32 } = cpu;
  i32[L.W_EIP] = task.eip;
  i32.set(task.general, L.W_GENERAL);
  const isVirtual = (task.eflags & FLAG.VM) !== 0;
  SEGMENTS.forEach((index, n) => {
    cpu.setSegment(index, task.segments[n], 0, 0, 0);
  });
  cpu.setSegment(LDTR, task.ldt, 0, 0, 0);
  cpu.setCpl(isVirtual ? 3 : task.segments[CS] & 3);
  cpu.setEflags(task.eflags | flags);
}

/** What can fail: the new address space, its segments (table 7-1), the error code on its stack. */
function enterTask(cpu: Executor, task: Task, { external, code }: TaskSwitch, size: 2 | 4): void {
  const { i32 } = cpu;
  if (task.cr3 !== null && i32[L.W_CR0] < 0 && task.cr3 !== i32[L.W_CR3]) {
    if (cpu.paePaging) cpu.loadPdptes(task.cr3);
    i32[L.W_CR3] = task.cr3;
    cpu.flushLocal();
  }
  loadLdt(cpu, task.ldt, external);
  if (cpu.virtual8086) {
    for (const [n, index] of SEGMENTS.entries()) loadReal(cpu, index, task.segments[n]);
  } else loadSegments(cpu, task.segments, external);
  if (code !== null) {
    const stack = StackWindow.current(cpu, external);
    stack.probe(1, size);
    stack.push(size, code);
    setStackPointer(cpu, stack.pointer);
  }
  if (task.eip >>> 0 > i32[L.W_CODE_LIMIT] >>> 0) cpu.generalProtection(external);
  if (task.traps) cpu.pendDebug(DR6.taskSwitch);
}

function loadLdt(cpu: Executor, selector: number, external: number): void {
  if (isNull(selector)) return;
  const code = (selector & 0xfffc) | external;
  if ((selector & 4) !== 0) cpu.raiseFault(VECTOR.TS, code);
  const d = requireDescriptor(cpu, selector, VECTOR.TS, external);
  if (d.isSegment || d.type !== 2 || !d.present) cpu.raiseFault(VECTOR.TS, code);
  cpu.setSegment(LDTR, selector, descriptorBase(d), descriptorLimit(d), d.attributes);
}

function loadSegments(cpu: Executor, selectors: readonly number[], external: number): void {
  const cs = selectors[CS];
  const rpl = cs & 3;
  const code = (cs & 0xfffc) | external;
  const d = requireDescriptor(cpu, cs, VECTOR.TS, external);
  if (!d.isCode || (isConforming(d) ? d.dpl > rpl : d.dpl !== rpl)) cpu.raiseFault(VECTOR.TS, code);
  if (!d.present) cpu.raiseFault(VECTOR.NP, code);
  markAccessed(cpu, d);
  setFromDescriptor(cpu, CS, cs, d);
  const ss = stackDescriptor(cpu, selectors[SS], rpl, VECTOR.TS, external);
  markAccessed(cpu, ss);
  setFromDescriptor(cpu, SS, selectors[SS], ss);
  for (const index of [DS, ES, FS, GS]) loadData(cpu, index, selectors[index], external);
}

function loadData(cpu: Executor, index: number, selector: number, external: number): void {
  if (isNull(selector)) return;
  const code = (selector & 0xfffc) | external;
  const d = requireDescriptor(cpu, selector, VECTOR.TS, external);
  const isReadable = d.isSegment && (!d.isCode || (d.attributes & ATTRIBUTE.readable) !== 0);
  const isReachable = isConforming(d) || (d.dpl >= cpu.cpl && d.dpl >= (selector & 3));
  if (!isReadable || !isReachable) cpu.raiseFault(VECTOR.TS, code);
  if (!d.present) cpu.raiseFault(VECTOR.NP, code);
  markAccessed(cpu, d);
  setFromDescriptor(cpu, index, selector, d);
}
