import type { X87Operation } from '../../../ia32/x87/operations.ts';
import type { SystemFunction } from '../system.ts';
import * as arithmetic from './arithmetic.ts';
import * as control from './control.ts';
import * as memory from './memory.ts';
import * as transcendental from './transcendental.ts';

/** Every x87 operation. Those with an integer or decimal operand differ from the others only in its format. */
export const X87: Readonly<Record<X87Operation, SystemFunction>> = {
  ...arithmetic,
  ...control,
  ...memory,
  ...transcendental,
  fiadd: arithmetic.fadd,
  fisub: arithmetic.fsub,
  fisubr: arithmetic.fsubr,
  fimul: arithmetic.fmul,
  fidiv: arithmetic.fdiv,
  fidivr: arithmetic.fdivr,
  ficom: arithmetic.fcom,
  ficomp: arithmetic.fcomp,
  fild: memory.fld,
  fbld: memory.fld,
  fist: memory.fst,
  fistp: memory.fstp,
  fbstp: memory.fstp,
};
