import type { Instruction } from '../../ia32/instruction.ts';
import type { SystemOperation } from '../../ia32/operations.ts';
import * as control from './control.ts';
import { cpuid } from './cpuid.ts';
import { div, idiv } from './divide.ts';
import type { Executor } from './executor.ts';
import * as far from './far.ts';
import { MachineStop } from './fault.ts';
import { sti } from './interrupt-flag.ts';
import { in_, out } from './io.ts';
import { rdmsr, wrmsr } from './msr.ts';
import * as segments from './segments.ts';
import { SSE } from './sse/index.ts';
import * as strings from './strings.ts';
import { vmlaunch, vmresume } from './vmx/enter.ts';
import * as vmx from './vmx/instructions.ts';
import { X87 } from './x87/index.ts';

/** A plain function that carries out an instruction. EIP already points behind it. */
export type SystemFunction = (cpu: Executor, i: Instruction) => void;

/** Every operation without generic semantics. The compiler checks that none is missing. */
export const SYSTEM: Readonly<Record<SystemOperation, SystemFunction>> = {
  ...control,
  ...segments,
  sti,
  jmpFar: far.jmpFar,
  callFar: far.callFar,
  retFar: far.retFar,
  int: far.int,
  int1: far.int1,
  int3: far.int3,
  into: far.into,
  iret: far.iret,
  sysenter: far.sysenter,
  sysexit: far.sysexit,
  repMovs: strings.repMovs,
  repStos: strings.repStos,
  repLods: strings.repLods,
  repScas: strings.repScas,
  repCmps: strings.repCmps,
  ins: strings.ins,
  outs: strings.outs,
  in: in_,
  out,
  rdmsr,
  wrmsr,
  cpuid,
  div,
  idiv,
  unimplemented: (_cpu, i) => {
    throw new MachineStop('unimplemented', `the instruction ${i.row.mnemonic}`);
  },
  ...vmx,
  vmlaunch,
  vmresume,
  ...X87,
  ...SSE,
};
