import type { Instruction } from '../../../ia32/instruction.ts';
import { CR4 } from '../../../ia32/registers.ts';
import { INSTRUCTION_ERROR as ERROR } from '../../../ia32/vmx/exits.ts';
import { fieldArea } from '../../../ia32/vmx/fields.ts';
import { FEATURE_CONTROL } from '../../../ia32/vmx/msrs.ts';
import type { Executor } from '../executor.ts';
import * as L from '../layout.ts';
import * as M from '../msr-numbers.ts';
import { CR0_FIXED } from './capabilities.ts';
import { isEptPointer } from './check-controls.ts';
import { fail, failInvalid, failValid, hasVmcs, succeed } from './result.ts';
import { isField, LAUNCH_CLEAR, REVISION, readEncoding, setLaunchState, writeEncoding } from './vmcs.ts';

/**
 * VMX instructions in root operation (SDM volume 3, 30.3). #UD, the exit from a guest and the check of CPL come before: see the opcode table and
 * intercepts.ts.
 */

interface Pointer {
  readonly low: number;
  readonly high: number;
}

function readPointer(cpu: Executor, i: Instruction): Pointer {
  const { segment, mask } = i.memory;
  const at = cpu.offset(i);
  const low = cpu.load(segment, at, 4);
  return { low, high: cpu.load(segment, (at + 4) & mask, 4) };
}

/** Whether a region can lie there: 4 KB, within 32 bits. */
function isRegionAddress({ low, high }: Pointer): boolean {
  return (low & 0xfff) === 0 && high === 0;
}

function hasRevision(cpu: Executor, address: number): boolean {
  return cpu.physical.read(address >>> 0, 4) === REVISION;
}

export function vmxon(cpu: Executor, i: Instruction): void {
  const { i32 } = cpu;
  if (i32[L.W_VMX_OPERATION] === L.VMX_ROOT) {
    fail(cpu, ERROR.vmxonInRoot);
    return;
  }
  const enabled = FEATURE_CONTROL.lock | FEATURE_CONTROL.vmxOutsideSmx;
  const isReady =
    (i32[L.W_CR0] & CR0_FIXED) === CR0_FIXED &&
    (i32[L.W_CR4] & CR4.VMXE) !== 0 &&
    (i32[L.W_MSR + M.FEATURE_CONTROL] & enabled) === enabled &&
    // A closed A20 gate.
    cpu.physical.addressMask === -1;
  if (!isReady) cpu.generalProtection(0);
  const pointer = readPointer(cpu, i);
  if (!isRegionAddress(pointer) || !hasRevision(cpu, pointer.low)) {
    failInvalid(cpu);
    return;
  }
  i32[L.W_VMXON_POINTER] = pointer.low;
  i32[L.W_VMCS_POINTER] = L.NO_VMCS;
  i32[L.W_VMX_OPERATION] = L.VMX_ROOT;
  succeed(cpu);
}

export function vmxoff(cpu: Executor): void {
  cpu.i32[L.W_VMX_OPERATION] = L.VMX_OFF;
  cpu.i32[L.W_VMCS_POINTER] = L.NO_VMCS;
  succeed(cpu);
}

export function vmclear(cpu: Executor, i: Instruction): void {
  const { i32 } = cpu;
  const pointer = readPointer(cpu, i);
  if (!isRegionAddress(pointer)) fail(cpu, ERROR.vmclearInvalidAddress);
  else if (pointer.low === i32[L.W_VMXON_POINTER]) fail(cpu, ERROR.vmclearVmxonPointer);
  else {
    setLaunchState(cpu, pointer.low, LAUNCH_CLEAR);
    if (pointer.low === i32[L.W_VMCS_POINTER]) i32[L.W_VMCS_POINTER] = L.NO_VMCS;
    succeed(cpu);
  }
}

export function vmptrld(cpu: Executor, i: Instruction): void {
  const { i32 } = cpu;
  const pointer = readPointer(cpu, i);
  if (!isRegionAddress(pointer)) fail(cpu, ERROR.vmptrldInvalidAddress);
  else if (pointer.low === i32[L.W_VMXON_POINTER]) fail(cpu, ERROR.vmptrldVmxonPointer);
  else if (!hasRevision(cpu, pointer.low)) fail(cpu, ERROR.vmptrldRevision);
  else {
    i32[L.W_VMCS_POINTER] = pointer.low;
    succeed(cpu);
  }
}

export function vmptrst(cpu: Executor, i: Instruction): void {
  const { segment, mask } = i.memory;
  const at = cpu.offset(i);
  const pointer = cpu.i32[L.W_VMCS_POINTER];
  cpu.probeStore(segment, at, 8);
  cpu.store(segment, at, 4, pointer);
  cpu.store(segment, (at + 4) & mask, 4, pointer === L.NO_VMCS ? -1 : 0);
  succeed(cpu);
}

export function vmread(cpu: Executor, i: Instruction): void {
  const encoding = cpu.read(i, i.src);
  if (!hasVmcs(cpu)) failInvalid(cpu);
  else if (!isField(encoding)) failValid(cpu, ERROR.unsupportedField);
  else {
    cpu.write(i, i.dst, readEncoding(cpu, encoding));
    succeed(cpu);
  }
}

export function vmwrite(cpu: Executor, i: Instruction): void {
  const encoding = cpu.read(i, i.dst);
  if (!hasVmcs(cpu)) {
    failInvalid(cpu);
    return;
  }
  const value = cpu.read(i, i.src);
  if (!isField(encoding)) failValid(cpu, ERROR.unsupportedField);
  else if (fieldArea(encoding) === 'exit information') failValid(cpu, ERROR.vmwriteReadOnly);
  else {
    writeEncoding(cpu, encoding, value);
    succeed(cpu);
  }
}

/** In root operation it means nothing without a monitor of system management mode. */
export function vmcall(cpu: Executor): void {
  fail(cpu, ERROR.vmcallInRoot);
}

/** Words of the descriptor of INVEPT and INVVPID. */
function readDescriptor(cpu: Executor, i: Instruction): readonly number[] {
  const { segment, mask } = i.memory;
  const at = cpu.offset(i);
  return [0, 4, 8, 12].map(offset => cpu.load(segment, (at + offset) & mask, 4));
}

const INVEPT = { single: 1, all: 2 } as const;

/** All is dropped, as it may be, whichever context is named. */
export function invept(cpu: Executor, i: Instruction): void {
  const type = cpu.read(i, i.dst);
  const [low, high, reservedLow, reservedHigh] = readDescriptor(cpu, i);
  const isKnown = type === INVEPT.all || (type === INVEPT.single && isEptPointer(low, high));
  if (!isKnown || reservedLow !== 0 || reservedHigh !== 0) {
    fail(cpu, ERROR.invalidOperand);
    return;
  }
  cpu.flushSpaces();
  succeed(cpu);
}

/** Types: one address, one context, all contexts, one context but for global translations. */
const INVVPID_TYPES = 4;
const INVVPID_ALL = 2;

export function invvpid(cpu: Executor, i: Instruction): void {
  const type = cpu.read(i, i.dst);
  const [low, high, , linearHigh] = readDescriptor(cpu, i);
  const isAddress = type !== 0 || linearHigh === 0;
  const isKnown = type >>> 0 < INVVPID_TYPES && isAddress;
  const isVpid = (low & 0xffff0000) === 0 && high === 0 && (low !== 0 || type === INVVPID_ALL);
  if (!isKnown || !isVpid) {
    fail(cpu, ERROR.invalidOperand);
    return;
  }
  cpu.flushSpaces();
  succeed(cpu);
}
