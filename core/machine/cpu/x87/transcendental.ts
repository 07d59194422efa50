import { arctangent } from '../../../ia32/float/extended/arctangent.ts';
import { exponentialMinusOne } from '../../../ia32/float/extended/exponential.ts';
import { logarithm, logarithmPlusOne } from '../../../ia32/float/extended/logarithm.ts';
import { holdsNaN } from '../../../ia32/float/extended/operands.ts';
import { cos, setOne, sin, sinCos, tan } from '../../../ia32/float/extended/trigonometry.ts';
import { Float80, type FloatContext } from '../../../ia32/float/float80.ts';
import type { Executor } from '../executor.ts';
import type { SystemFunction } from '../system.ts';
import * as S from './state.ts';

/** Transcendental instructions on the register stack (SDM volume 1, 8.3.7 to 8.3.10). */

const x = new Float80();
const y = new Float80();
const r = new Float80();
const q = new Float80();

function setC2(cpu: Executor, on: boolean): void {
  cpu.i32[S.W_STATUS] = on ? cpu.i32[S.W_STATUS] | S.SW.c2 : cpu.i32[S.W_STATUS] & ~S.SW.c2;
}

/** ST(1) := operation of ST(1) and ST(0), then a pop. */
function binary(operation: (st1: Float80, st0: Float80, out: Float80, context: FloatContext) => void): SystemFunction {
  return cpu => {
    if (S.isEmpty(cpu, 0) || S.isEmpty(cpu, 1)) {
      if (S.underflow(cpu, 1)) S.pop(cpu);
      return;
    }
    const context = S.contextOf(cpu);
    operation(S.readRegister(cpu, 1, y), S.readRegister(cpu, 0, x), r, context);
    if (!S.conclude(cpu, context)) return;
    S.writeRegister(cpu, 1, r);
    S.pop(cpu);
  };
}

export const fyl2x = binary((st1, st0, out, context) => logarithm(st0, st1, out, context));
export const fyl2xp1 = binary((st1, st0, out, context) => logarithmPlusOne(st0, st1, out, context));
export const fpatan = binary(arctangent);

export const f2xm1: SystemFunction = cpu => {
  if (S.isEmpty(cpu, 0)) {
    S.underflow(cpu, 0);
    return;
  }
  const context = S.contextOf(cpu);
  exponentialMinusOne(S.readRegister(cpu, 0, x), r, context);
  if (S.conclude(cpu, context)) S.writeRegister(cpu, 0, r);
};

/** An operation that refuses large arguments: then C2 is set and nothing else happens (SDM volume 2, FSIN). */
function reduced(operation: (a: Float80, out: Float80, context: FloatContext) => boolean): SystemFunction {
  return cpu => {
    if (S.isEmpty(cpu, 0)) {
      setC2(cpu, false);
      S.underflow(cpu, 0);
      return;
    }
    const context = S.contextOf(cpu);
    const inRange = operation(S.readRegister(cpu, 0, x), r, context);
    setC2(cpu, !inRange);
    if (S.conclude(cpu, context) && inRange) S.writeRegister(cpu, 0, r);
  };
}

export const fsin = reduced(sin);
export const fcos = reduced(cos);

/** Two results: the first replaces ST(0), the second is pushed. */
function pair(
  operation: (a: Float80, first: Float80, second: Float80, context: FloatContext) => boolean,
): SystemFunction {
  return cpu => {
    if (S.isEmpty(cpu, 0) || !S.isEmpty(cpu, 7)) {
      setC2(cpu, false);
      S.pairFault(cpu);
      return;
    }
    const context = S.contextOf(cpu);
    const inRange = operation(S.readRegister(cpu, 0, x), r, q, context);
    setC2(cpu, !inRange);
    if (!S.conclude(cpu, context) || !inRange) return;
    S.writeRegister(cpu, 0, r);
    S.push(cpu, q);
  };
}

export const fsincos = pair(sinCos);

/** FPTAN pushes 1, or a NaN once more. */
export const fptan = pair((a, first, second, context) => {
  const inRange = tan(a, first, context);
  if (holdsNaN(first)) second.set(first);
  else setOne(second);
  return inRange;
});
