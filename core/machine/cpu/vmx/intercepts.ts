import { type Instruction, KIND } from '../../../ia32/instruction.ts';
import type { Intercept } from '../../../ia32/opcode.ts';
import type { OperationName, VmxOperation } from '../../../ia32/operations.ts';
import { CR4, ECX, EDI, EDX, ES, ESI } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import { PROCESSOR, SECONDARY } from '../../../ia32/vmx/controls.ts';
import { EXIT, type ExitReason } from '../../../ia32/vmx/exits.ts';
import { FIELD, type FieldEncoding } from '../../../ia32/vmx/fields.ts';
import type { Executor } from '../executor.ts';
import { checkPort } from '../io.ts';
import * as L from '../layout.ts';
import { CR3_TARGETS } from './capabilities.ts';
import { displacement, instructionInformation } from './information.ts';
import { readField } from './vmcs.ts';

/**
 * Instructions that exit from a guest (SDM volume 3, 25.1). An intercept looks whether the instruction exits, after the checks that come
 * before that, and throws the exit; otherwise the instruction goes on.
 */
type InterceptFunction = (cpu: Executor, i: Instruction) => void;

function exit(cpu: Executor, i: Instruction, reason: ExitReason, qualification = 0): never {
  throw cpu.vmExit.set(reason, qualification, i.length);
}

function exitWithOperand(cpu: Executor, i: Instruction, reason: ExitReason): never {
  cpu.vmExit.set(reason, displacement(i), i.length).instructionInformation = instructionInformation(i);
  throw cpu.vmExit;
}

function byProcessorControl(control: number, reason: ExitReason): InterceptFunction {
  return (cpu, i) => {
    if ((cpu.i32[L.W_VMX_PROCESSOR] & control) !== 0) exit(cpu, i, reason);
  };
}

// Control registers

/** Types of access in a qualification (SDM volume 3, table 27-3). */
const CR_MOV_TO = 0 << 4;
const CR_MOV_FROM = 1 << 4;
const CR_CLTS = 2 << 4;
const CR_LMSW = 3 << 4;
const CR_LMSW_MEMORY = 1 << 6;

/** Whether a write changes what the guest sees of bits that belong to the monitor. */
function changesOwned(cpu: Executor, mask: FieldEncoding, shadow: FieldEncoding, value: number): boolean {
  return ((value ^ readField(cpu, shadow)) & readField(cpu, mask)) !== 0;
}

const CR3_TARGET_FIELDS: readonly FieldEncoding[] = [
  FIELD.cr3Target0,
  FIELD.cr3Target1,
  FIELD.cr3Target2,
  FIELD.cr3Target3,
];

function isCr3Target(cpu: Executor, value: number): boolean {
  const count = Math.min(readField(cpu, FIELD.cr3TargetCount) >>> 0, CR3_TARGETS);
  return CR3_TARGET_FIELDS.slice(0, count).some(field => readField(cpu, field) === value);
}

function writeExits(cpu: Executor, number: number, value: number): boolean {
  switch (number) {
    case 0:
      return changesOwned(cpu, FIELD.cr0Mask, FIELD.cr0Shadow, value);
    case 3:
      return (cpu.i32[L.W_VMX_PROCESSOR] & PROCESSOR.cr3LoadExiting) !== 0 && !isCr3Target(cpu, value);
    case 4:
      return changesOwned(cpu, FIELD.cr4Mask, FIELD.cr4Shadow, value);
    default:
      return false;
  }
}

/** LMSW exits for bits 3:1 like MOV, for bit 0 only where it would set it; it never clears it (25.1.3). */
function lmsw(cpu: Executor, i: Instruction): void {
  const value = cpu.read(i, i.dst) & 0xffff;
  const mask = readField(cpu, FIELD.cr0Mask);
  const shadow = readField(cpu, FIELD.cr0Shadow);
  const sets = value & ~shadow & mask & 1;
  if (sets === 0 && ((value ^ shadow) & mask & 14) === 0) return;
  const isMemory = i.dst.kind !== KIND.r16;
  cpu.vmExit.set(EXIT.controlRegisterAccess, CR_LMSW | (isMemory ? CR_LMSW_MEMORY : 0) | (value << 16), i.length);
  if (isMemory) cpu.vmExit.guestLinear = (cpu.base(i.memory.segment) + cpu.offset(i)) | 0;
  throw cpu.vmExit;
}

function controlRegister(cpu: Executor, i: Instruction): void {
  switch (i.row.operation) {
    case 'movToControl': {
      const number = i.dst.register;
      const qualification = number | CR_MOV_TO | (i.src.register << 8);
      if (writeExits(cpu, number, cpu.register(i.src.register)))
        exit(cpu, i, EXIT.controlRegisterAccess, qualification);
      return;
    }
    case 'movFromControl': {
      const exits = i.src.register === 3 && (cpu.i32[L.W_VMX_PROCESSOR] & PROCESSOR.cr3StoreExiting) !== 0;
      if (exits) exit(cpu, i, EXIT.controlRegisterAccess, 3 | CR_MOV_FROM | (i.dst.register << 8));
      return;
    }
    case 'clts': {
      const owned = readField(cpu, FIELD.cr0Mask) & readField(cpu, FIELD.cr0Shadow);
      // CR0.TS
      if ((owned & 8) !== 0) exit(cpu, i, EXIT.controlRegisterAccess, CR_CLTS);
      return;
    }
    default:
      lmsw(cpu, i);
  }
}

/** Before the checks of CPL and of CR4.DE (25.1.3). */
function debugRegister(cpu: Executor, i: Instruction): void {
  if ((cpu.i32[L.W_VMX_PROCESSOR] & PROCESSOR.movDebugExiting) === 0) return;
  const isStore = i.row.operation === 'movFromDebug';
  const [debug, general] = isStore ? [i.src, i.dst] : [i.dst, i.src];
  exit(cpu, i, EXIT.movDebug, debug.register | ((isStore ? 1 : 0) << 4) | (general.register << 8));
}

// Ports

/** Bits of the qualification (SDM volume 3, table 27-5). */
const IO_IN = 1 << 3;
const IO_STRING = 1 << 4;
const IO_REPEATED = 1 << 5;
const IO_IMMEDIATE = 1 << 6;

/** Whether a bit is set for one of an access's ports: bitmap A has those below 8000 (SDM volume 3, 24.6.4). */
function inBitmaps(cpu: Executor, port: number, size: number): boolean {
  for (let n = port; n < port + size; n++) {
    if (n > 0xffff) return true;
    const bitmap = readField(cpu, n < 0x8000 ? FIELD.ioBitmapA : FIELD.ioBitmapB) >>> 0;
    if (((cpu.physical.read(bitmap + ((n & 0x7fff) >> 3), 1) >> (n & 7)) & 1) !== 0) return true;
  }
  return false;
}

function portExits(cpu: Executor, port: number, size: number): boolean {
  const controls = cpu.i32[L.W_VMX_PROCESSOR];
  if ((controls & PROCESSOR.ioBitmaps) !== 0) return inBitmaps(cpu, port, size);
  return (controls & PROCESSOR.unconditionalIoExiting) !== 0;
}

/** The checks of the I/O permission map come first; a repeated instruction with count 0 accesses no port. */
function io(cpu: Executor, i: Instruction): void {
  const { operation } = i.row;
  const isIn = operation === 'in' || operation === 'ins';
  const isString = operation === 'ins' || operation === 'outs';
  const portOperand = isIn ? i.src : i.dst;
  const size = isString ? i.dst.size || i.src.size : (isIn ? i.dst : i.src).size;
  const isImmediate = !isString && portOperand.kind === KIND.immediate;
  const port = isImmediate ? portOperand.value & 0xff : cpu.registerPart(EDX, 2);
  if (isString && i.repeat !== 0 && cpu.registerPart(ECX, i.addressSize) === 0) return;
  checkPort(cpu, port, size);
  if (!portExits(cpu, port, size)) return;
  const flags =
    (isIn ? IO_IN : 0) |
    (isString ? IO_STRING : 0) |
    (isString && i.repeat !== 0 ? IO_REPEATED : 0) |
    (isImmediate ? IO_IMMEDIATE : 0);
  const vmExit = cpu.vmExit.set(EXIT.ioInstruction, (size - 1) | flags | (port << 16), i.length);
  if (isString) {
    const [segment, register] = isIn ? [ES, EDI] : [i.segment, ESI];
    const offset = i.addressSize === 4 ? cpu.i32[register] : cpu.u16[register << 1];
    vmExit.guestLinear = (cpu.base(segment) + offset) | 0;
    vmExit.instructionInformation = instructionInformation(i);
  }
  throw vmExit;
}

// Model-specific registers

/** Byte offsets of the bitmaps for registers 0 to 1FFF; those for C0000000 to C0001FFF follow 1 KB later (24.6.9). */
const READ_BITMAP = 0;
const WRITE_BITMAP = 2048;

function msrExits(cpu: Executor, number: number, bitmap: number): boolean {
  if ((cpu.i32[L.W_VMX_PROCESSOR] & PROCESSOR.msrBitmaps) === 0) return true;
  const isHigh = number >>> 13 === 0xc0000000 >>> 13;
  if (!isHigh && number > 0x1fff) return true;
  const at = (readField(cpu, FIELD.msrBitmaps) >>> 0) + bitmap + (isHigh ? 1024 : 0) + ((number & 0x1fff) >> 3);
  return ((cpu.physical.read(at, 1) >> (number & 7)) & 1) !== 0;
}

function msr(cpu: Executor, i: Instruction): void {
  const isWrite = i.row.operation === 'wrmsr';
  const number = cpu.register(ECX) >>> 0;
  if (msrExits(cpu, number, isWrite ? WRITE_BITMAP : READ_BITMAP)) exit(cpu, i, isWrite ? EXIT.wrmsr : EXIT.rdmsr);
}

// Descriptor tables

const OF_GDTR_IDTR: readonly OperationName[] = ['sgdt', 'sidt', 'lgdt', 'lidt'];

function descriptorTable(cpu: Executor, i: Instruction): void {
  if ((cpu.i32[L.W_VMX_SECONDARY] & SECONDARY.descriptorTableExiting) === 0) return;
  exitWithOperand(cpu, i, OF_GDTR_IDTR.includes(i.row.operation) ? EXIT.gdtrIdtrAccess : EXIT.ldtrTrAccess);
}

// VMX instructions

const VMX_REASONS: Readonly<Record<VmxOperation, ExitReason>> = {
  vmxon: EXIT.vmxon,
  vmxoff: EXIT.vmxoff,
  vmclear: EXIT.vmclear,
  vmptrld: EXIT.vmptrld,
  vmptrst: EXIT.vmptrst,
  vmread: EXIT.vmread,
  vmwrite: EXIT.vmwrite,
  vmlaunch: EXIT.vmlaunch,
  vmresume: EXIT.vmresume,
  vmcall: EXIT.vmcall,
  invept: EXIT.invept,
  invvpid: EXIT.invvpid,
};

function isVmx(operation: OperationName): operation is VmxOperation {
  return operation in VMX_REASONS;
}

/** Outside of VMX operation they do not exist, but for VMXON once CR4.VMXE is set (30.3). */
function vmx(cpu: Executor, i: Instruction): void {
  const { operation } = i.row;
  const state = cpu.i32[L.W_VMX_OPERATION];
  if (state === L.VMX_NON_ROOT && isVmx(operation)) exitWithOperand(cpu, i, VMX_REASONS[operation]);
  const exists = operation === 'vmxon' ? (cpu.i32[L.W_CR4] & CR4.VMXE) !== 0 : state === L.VMX_ROOT;
  if (!exists || cpu.virtual8086) cpu.raiseFault(VECTOR.UD, null);
}

const invlpg = (cpu: Executor, i: Instruction): void => {
  if ((cpu.i32[L.W_VMX_PROCESSOR] & PROCESSOR.invlpgExiting) === 0) return;
  exit(cpu, i, EXIT.invlpg, (cpu.base(i.memory.segment) + cpu.offset(i)) | 0);
};

const rdtsc = byProcessorControl(PROCESSOR.rdtscExiting, EXIT.rdtsc);
const rdpmc = byProcessorControl(PROCESSOR.rdpmcExiting, EXIT.rdpmc);

/** By the row's intercept. They are called in non-root operation only, but for that of the VMX instructions. */
const INTERCEPTS: Readonly<Record<Intercept, InterceptFunction>> = {
  always: (cpu, i) => exit(cpu, i, i.row.operation === 'cpuid' ? EXIT.cpuid : EXIT.invd),
  hlt: byProcessorControl(PROCESSOR.hltExiting, EXIT.hlt),
  invlpg,
  rdpmc: (cpu, i) => {
    if ((cpu.i32[L.W_CR4] & CR4.PCE) === 0 && cpu.cpl !== 0) cpu.generalProtection(0);
    rdpmc(cpu, i);
  },
  rdtsc: (cpu, i) => {
    if ((cpu.i32[L.W_CR4] & CR4.TSD) !== 0 && cpu.cpl !== 0) cpu.generalProtection(0);
    rdtsc(cpu, i);
  },
  cr: controlRegister,
  dr: debugRegister,
  io,
  msr,
  descriptor: descriptorTable,
  pause: byProcessorControl(PROCESSOR.pauseExiting, EXIT.pause),
  wbinvd: (cpu, i) => {
    if ((cpu.i32[L.W_VMX_SECONDARY] & SECONDARY.wbinvdExiting) !== 0) exit(cpu, i, EXIT.wbinvd);
  },
  vmx,
};

/** The intercept of a row as a check for its handler. */
export function interceptOf(intercept: Intercept): InterceptFunction {
  if (intercept === 'vmx') return vmx;
  const check = INTERCEPTS[intercept];
  return (cpu, i) => {
    if (cpu.i32[L.W_VMX_OPERATION] === L.VMX_NON_ROOT) check(cpu, i);
  };
}
