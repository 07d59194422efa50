import type { OperationName } from '../../../ia32/operations.ts';
import type { PackedOperation, SseOperation } from '../../../ia32/sse/operations.ts';
import type { X87Operation } from '../../../ia32/x87/operations.ts';
import type { Code } from './code.ts';
import * as control from './control.ts';
import * as inline from './inline.ts';
import type { GuestInstruction } from './translator.ts';
import type { PairKind } from './unit.ts';

/** Adds what replaces an instruction. False, with nothing added, where only the monitor can do it. */
export type Emit = (code: Code, guest: GuestInstruction) => boolean;

/** How an instruction is translated; `emit` makes the code of the kinds 'inline' and 'control'. */
export interface Rule {
  readonly kind: PairKind;
  readonly emit: Emit | null;
}

const ident: Rule = { kind: 'ident', emit: null };
const callout: Rule = { kind: 'callout', emit: null };

function replace(emit: Emit): Rule {
  return { kind: 'inline', emit };
}

function transfer(emit: Emit): Rule {
  return { kind: 'control', emit };
}

/** The x87 instructions that show where the last one was: the machine's answer would be a place in the cache. */
const SHOWS_POINTERS: readonly OperationName[] = ['fnstenv', 'fnsave', 'fxsave'];

/** Operations on registers that ring 1 has as ring 0 has them. */
type Unprivileged = X87Operation | PackedOperation | SseOperation;

const RULES: Readonly<Record<Exclude<OperationName, Unprivileged>, Rule>> = {
  mov: ident,
  movzx: ident,
  movsx: ident,
  lea: ident,
  xchg: ident,
  bswap: ident,
  cmov: ident,
  setcc: ident,
  xlat: ident,
  cbw: ident,
  cwd: ident,
  add: ident,
  adc: ident,
  sub: ident,
  sbb: ident,
  cmp: ident,
  inc: ident,
  dec: ident,
  neg: ident,
  cmpxchg: ident,
  cmpxchg8b: ident,
  xadd: ident,
  mul: ident,
  imulWide: ident,
  imul: ident,
  aaa: ident,
  aas: ident,
  aam: ident,
  aad: ident,
  daa: ident,
  das: ident,
  and: ident,
  or: ident,
  xor: ident,
  not: ident,
  test: ident,
  rol: ident,
  ror: ident,
  rcl: ident,
  rcr: ident,
  shl: ident,
  shr: ident,
  sar: ident,
  shld: ident,
  shrd: ident,
  bt: ident,
  bts: ident,
  btr: ident,
  btc: ident,
  bsf: ident,
  bsr: ident,
  push: ident,
  pop: ident,
  pusha: ident,
  popa: ident,
  leave: ident,
  nop: ident,
  clc: ident,
  stc: ident,
  cmc: ident,
  cld: ident,
  std: ident,
  lahf: ident,
  sahf: ident,
  salc: ident,
  arpl: ident,
  bound: ident,
  div: ident,
  idiv: ident,
  enter: ident,
  movs: ident,
  stos: ident,
  lods: ident,
  scas: ident,
  cmps: ident,
  repMovs: ident,
  repStos: ident,
  repLods: ident,
  repScas: ident,
  repCmps: ident,

  jmp: transfer(control.jmp),
  jmpIndirect: transfer(control.jmpIndirect),
  jcc: transfer(control.jcc),
  call: transfer(control.call),
  callIndirect: transfer(control.callIndirect),
  ret: transfer(control.ret),
  loop: transfer(control.loop),
  loope: transfer(control.loop),
  loopne: transfer(control.loop),
  jcxz: transfer(control.loop),

  cli: replace(inline.cli),
  sti: replace(inline.sti),
  pushf: replace(inline.pushf),
  rdtsc: replace(inline.rdtsc),
  pushSegment: replace(inline.pushSegment),
  movFromSegment: replace(inline.movFromSegment),
  movToSegment: replace(inline.movToSegment),
  popSegment: replace(inline.popSegment),
  movFromControl: replace(inline.movFromControl),

  les: callout,
  lds: callout,
  lss: callout,
  lfs: callout,
  lgs: callout,
  jmpFar: callout,
  callFar: callout,
  retFar: callout,
  int: callout,
  int3: callout,
  into: callout,
  int1: callout,
  iret: callout,
  sysenter: callout,
  sysexit: callout,
  popf: callout,
  hlt: callout,
  in: callout,
  out: callout,
  ins: callout,
  outs: callout,
  lgdt: callout,
  lidt: callout,
  sgdt: callout,
  sidt: callout,
  lldt: callout,
  sldt: callout,
  ltr: callout,
  str: callout,
  lar: callout,
  lsl: callout,
  verr: callout,
  verw: callout,
  lmsw: callout,
  smsw: callout,
  clts: callout,
  movToControl: callout,
  movFromDebug: callout,
  movToDebug: callout,
  invlpg: callout,
  invd: callout,
  vmxon: callout,
  vmxoff: callout,
  vmclear: callout,
  vmptrld: callout,
  vmptrst: callout,
  vmread: callout,
  vmwrite: callout,
  vmlaunch: callout,
  vmresume: callout,
  vmcall: callout,
  invept: callout,
  invvpid: callout,
  wbinvd: callout,
  rdmsr: callout,
  wrmsr: callout,
  rdpmc: callout,
  cpuid: callout,
  ud: callout,
  tooLong: callout,
  unimplemented: callout,
};

function isUnprivileged(operation: OperationName): operation is Unprivileged {
  return !(operation in RULES);
}

export function ruleFor(operation: OperationName): Rule {
  if (!isUnprivileged(operation)) return RULES[operation];
  return SHOWS_POINTERS.includes(operation) ? callout : ident;
}
