import { CR0 } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import * as L from '../layout.ts';
import type { SystemFunction } from '../system.ts';
import * as S from './state.ts';

/** Control instructions that move no image of the state; none of them shows in its pointers (SDM volume 1, 8.1.8). */

export const fninit: SystemFunction = cpu => S.initialize(cpu);

/** Instructions of the 8087 and 80287 that do nothing since. */
export const fneni: SystemFunction = () => {};
export const fndisi: SystemFunction = () => {};
export const fsetpm: SystemFunction = () => {};

export const fnclex: SystemFunction = cpu => {
  cpu.i32[S.W_STATUS] &= ~(S.EXCEPTIONS | S.SW.stackFault | S.SW.summary | S.SW.busy);
};

export const fldcw: SystemFunction = (cpu, i) => S.setControl(cpu, cpu.read(i, i.dst));
export const fnstcw: SystemFunction = (cpu, i) => cpu.write(i, i.dst, cpu.i32[S.W_CONTROL]);
export const fnstsw: SystemFunction = (cpu, i) => cpu.write(i, i.dst, cpu.i32[S.W_STATUS]);

/** FWAIT: #NM if MP and TS, then pending exceptions. */
export const fwait: SystemFunction = cpu => {
  const both = CR0.MP | CR0.TS;
  if ((cpu.i32[L.W_CR0] & both) === both) cpu.raiseFault(VECTOR.NM, null);
  S.checkPendingException(cpu);
};
