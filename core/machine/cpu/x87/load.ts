import { loadConstant } from '../../../ia32/float/extended/constants.ts';
import { Float80 } from '../../../ia32/float/float80.ts';
import { KIND } from '../../../ia32/instruction.ts';
import type { Executor } from '../executor.ts';
import type { SystemFunction } from '../system.ts';
import { loadValue } from './source.ts';
import * as S from './state.ts';

/** Loads: FLD, FILD, FBLD and the constants. */

const value = new Float80();
const INVALID = 1;

/** FLD of a register: that it is empty counts before that there is no room. */
function fromRegister(cpu: Executor, index: number): void {
  if (S.isEmpty(cpu, index)) S.pushIndefinite(cpu, false);
  else if (!S.isEmpty(cpu, 7)) S.pushIndefinite(cpu, true);
  else {
    S.setC1(cpu, false);
    S.push(cpu, S.readRegister(cpu, index, value));
  }
}

/** FLD, FILD and FBLD. The memory operand comes first: its fault leaves the x87 alone. */
export const fld: SystemFunction = (cpu, i) => {
  if (i.dst.kind === KIND.st) {
    fromRegister(cpu, i.dst.register);
    return;
  }
  const context = S.contextOf(cpu);
  loadValue(cpu, i, value, context);
  if (!S.isEmpty(cpu, 7)) {
    S.pushIndefinite(cpu, true);
    return;
  }
  S.setC1(cpu, false);
  if (context.flags !== 0) {
    S.raiseFlags(cpu, context.flags);
    // An unmasked invalid operand is not pushed; a denormal is.
    if (S.isUnmasked(cpu, context.flags & INVALID)) return;
  }
  S.push(cpu, value);
};

function constant(name: Parameters<typeof loadConstant>[0]): SystemFunction {
  return cpu => {
    if (!S.isEmpty(cpu, 7)) {
      S.pushIndefinite(cpu, true);
      return;
    }
    loadConstant(name, value, S.contextOf(cpu));
    S.setC1(cpu, false);
    S.push(cpu, value);
  };
}

export const fld1 = constant('one');
export const fldl2t = constant('log2Of10');
export const fldl2e = constant('log2OfE');
export const fldpi = constant('pi');
export const fldlg2 = constant('log10Of2');
export const fldln2 = constant('lnOf2');
export const fldz = constant('zero');
