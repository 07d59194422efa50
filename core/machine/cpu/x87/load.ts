import { loadConstant } from '../../../ia32/float/extended/constants.ts';
import { Float80 } from '../../../ia32/float/float80.ts';
import { KIND } from '../../../ia32/instruction.ts';
import type { SystemFunction } from '../system.ts';
import { loadValue } from './source.ts';
import * as S from './state.ts';

/** Loads: FLD, FILD, FBLD and the constants. */

const value = new Float80();
const INVALID = 1;

/** FLD from memory or ST(i), FILD, FBLD. */
export const fld: SystemFunction = (cpu, i) => {
  const context = S.contextOf(cpu);
  const fromMemory = i.dst.kind !== KIND.st;
  // The memory operand comes first: its fault leaves the x87 alone.
  if (fromMemory) loadValue(cpu, i, value, context);
  if (!S.isEmpty(cpu, 7)) {
    S.overflow(cpu);
    return;
  }
  if (!fromMemory) {
    if (S.isEmpty(cpu, i.dst.register)) {
      S.pushIndefinite(cpu, false);
      return;
    }
    S.readRegister(cpu, i.dst.register, value);
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
      S.overflow(cpu);
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
