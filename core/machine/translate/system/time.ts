import { CR4 } from '../../../ia32/registers.ts';
import { PROCESSOR } from '../../../ia32/vmx/controls.ts';
import * as L from '../../cpu/layout.ts';
import { type FunctionBody, I32 } from '../code.ts';
import * as w from '../words.ts';
import { get, word } from '../words.ts';
import { put, READ_TIME, refuseIf, state } from './words.ts';

/** RDTSC, to SCRATCH: the steps that are left behind the instruction, as time is counted in steps. cpu/control.ts says what it means. */
export function timeStamp(): FunctionBody {
  return w.makeFunction([I32], [I32], () => [
    refuseIf(w.and(state(L.W_CR4), word(CR4.TSD))),
    refuseIf(w.and(state(L.W_VMX_PROCESSOR), word(PROCESSOR.rdtscExiting))),
    put(L.W_BUDGET, get(0)),
    w.call(READ_TIME),
    w.give(word(1)),
  ]);
}
