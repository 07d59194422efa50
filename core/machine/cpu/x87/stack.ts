import { setIndefinite } from '../../../ia32/float/extended/operands.ts';
import { Float80 } from '../../../ia32/float/float80.ts';
import { KIND } from '../../../ia32/instruction.ts';
import type { SystemFunction } from '../system.ts';
import * as S from './state.ts';

/** Moves between registers, TOP and the tags. */

const first = new Float80();
const second = new Float80();

export const fxch: SystemFunction = (cpu, i) => {
  const other = i.src.kind === KIND.st ? i.src.register : i.dst.register;
  if (S.isEmpty(cpu, 0) || S.isEmpty(cpu, other)) {
    if (!S.stackFault(cpu, false)) return;
    setIndefinite(first);
    if (S.isEmpty(cpu, 0)) S.writeRegister(cpu, 0, first);
    if (S.isEmpty(cpu, other)) S.writeRegister(cpu, other, first);
  } else {
    S.setC1(cpu, false);
  }
  S.readRegister(cpu, 0, first);
  S.readRegister(cpu, other, second);
  S.writeRegister(cpu, 0, second);
  S.writeRegister(cpu, other, first);
};

/** FCMOVcc: the condition number is that of Jcc. C1 stays but for a stack fault (SDM volume 2, FCMOVcc). */
export const fcmov: SystemFunction = (cpu, i) => {
  if (S.isEmpty(cpu, 0) || S.isEmpty(cpu, i.src.register)) S.underflow(cpu, 0);
  else if (cpu.condition(i.condition) !== 0) S.writeRegister(cpu, 0, S.readRegister(cpu, i.src.register, first));
};

export const fnop: SystemFunction = () => {};

/** C1 is cleared, which the manual leaves open (SDM volume 2, FFREE). */
export const ffree: SystemFunction = (cpu, i) => {
  S.setC1(cpu, false);
  S.setEmpty(cpu, i.dst.register, true);
};

/** FFREE and a pop: the manual does not list it. */
export const ffreep: SystemFunction = (cpu, i) => {
  ffree(cpu, i);
  S.pop(cpu);
};

export const fincstp: SystemFunction = cpu => {
  S.setC1(cpu, false);
  S.setTop(cpu, S.top(cpu) + 1);
};

export const fdecstp: SystemFunction = cpu => {
  S.setC1(cpu, false);
  S.setTop(cpu, S.top(cpu) - 1);
};
