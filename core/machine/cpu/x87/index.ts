import type { X87Operation } from '../../../ia32/x87/operations.ts';
import type { SystemFunction } from '../system.ts';
import * as arithmetic from './arithmetic.ts';
import * as control from './control.ts';
import * as image from './image.ts';
import * as load from './load.ts';
import * as stack from './stack.ts';
import { point } from './state.ts';
import * as store from './store.ts';
import * as transcendental from './transcendental.ts';

/** An instruction that the state's pointers then show, unless it faulted. */
function shown(meaning: SystemFunction): SystemFunction {
  return (cpu, i) => {
    meaning(cpu, i);
    point(cpu, i);
  };
}

function allShown<K extends string>(meanings: Readonly<Record<K, SystemFunction>>): Record<K, SystemFunction> {
  const result: Record<K, SystemFunction> = { ...meanings };
  for (const name in result) result[name] = shown(result[name]);
  return result;
}

/** Every x87 operation. Those with an integer or decimal operand differ from the others only in its format. */
export const X87: Readonly<Record<X87Operation, SystemFunction>> = {
  ...control,
  ...image,
  ...allShown({
    ...arithmetic,
    ...load,
    ...store,
    ...stack,
    ...transcendental,
    fiadd: arithmetic.fadd,
    fisub: arithmetic.fsub,
    fisubr: arithmetic.fsubr,
    fimul: arithmetic.fmul,
    fidiv: arithmetic.fdiv,
    fidivr: arithmetic.fdivr,
    ficom: arithmetic.fcom,
    ficomp: arithmetic.fcomp,
    fild: load.fld,
    fbld: load.fld,
    fist: store.fst,
    fistp: store.fstp,
    fbstp: store.fstp,
  }),
};
