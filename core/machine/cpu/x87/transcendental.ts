import { loadConstant } from '../../../ia32/float/extended/constants.ts';
import { setIndefinite } from '../../../ia32/float/extended/operands.ts';
import { Float80, type FloatContext } from '../../../ia32/float/float80.ts';
import * as T from '../../../ia32/float/transcendental.ts';
import type { Executor } from '../executor.ts';
import type { SystemFunction } from '../system.ts';
import { conclude } from './arithmetic.ts';
import * as S from './state.ts';

/** Transcendental instructions on the register stack. */

const x = new Float80();
const y = new Float80();
const r = new Float80();
const q = new Float80();

function underflow(cpu: Executor, to: number): void {
  if (!S.stackFault(cpu, false)) return;
  setIndefinite(r);
  S.writeRegister(cpu, to, r);
}

function setC2(cpu: Executor, on: boolean): void {
  cpu.i32[S.W_STATUS] = on ? cpu.i32[S.W_STATUS] | S.SW.c2 : cpu.i32[S.W_STATUS] & ~S.SW.c2;
}

/** ST(1) := operation(ST(1), ST(0)), then a pop. */
function binary(operation: (a: Float80, b: Float80, out: Float80, context: FloatContext) => void): SystemFunction {
  return cpu => {
    if (S.isEmpty(cpu, 0) || S.isEmpty(cpu, 1)) {
      underflow(cpu, 1);
      if (!S.isUnmasked(cpu, 1)) S.pop(cpu);
      return;
    }
    const context = S.contextOf(cpu);
    operation(S.readRegister(cpu, 1, y), S.readRegister(cpu, 0, x), r, context);
    if (!conclude(cpu, context)) return;
    S.writeRegister(cpu, 1, r);
    S.pop(cpu);
  };
}

export const fyl2x = binary(T.logarithm);
export const fyl2xp1 = binary(T.logarithmPlus1);
export const fpatan = binary(T.arcTangent2);

export const f2xm1: SystemFunction = cpu => {
  if (S.isEmpty(cpu, 0)) {
    underflow(cpu, 0);
    return;
  }
  const context = S.contextOf(cpu);
  T.exponential(S.readRegister(cpu, 0, x), r, context);
  if (conclude(cpu, context)) S.writeRegister(cpu, 0, r);
};

/** An operation that C2 may refuse. */
function reduced(operation: (a: Float80, out: Float80, context: FloatContext) => boolean): SystemFunction {
  return cpu => {
    if (S.isEmpty(cpu, 0)) {
      underflow(cpu, 0);
      return;
    }
    const context = S.contextOf(cpu);
    const inRange = operation(S.readRegister(cpu, 0, x), r, context);
    setC2(cpu, !inRange);
    if (inRange && conclude(cpu, context)) S.writeRegister(cpu, 0, r);
  };
}

export const fsin = reduced((a, out, context) => T.trigonometric('sin', a, out, context));
export const fcos = reduced((a, out, context) => T.trigonometric('cos', a, out, context));

/** Two results: the first replaces ST(0), the second is pushed. */
function pair(
  operation: (a: Float80, first: Float80, second: Float80, context: FloatContext) => boolean,
): SystemFunction {
  return cpu => {
    if (S.isEmpty(cpu, 0) || !S.isEmpty(cpu, 7)) {
      if (!S.stackFault(cpu, !S.isEmpty(cpu, 0))) return;
      setIndefinite(r);
      S.writeRegister(cpu, 0, r);
      S.setTop(cpu, S.top(cpu) - 1);
      S.writeRegister(cpu, 0, r);
      return;
    }
    const context = S.contextOf(cpu);
    const inRange = operation(S.readRegister(cpu, 0, x), r, q, context);
    setC2(cpu, !inRange);
    if (!inRange || !conclude(cpu, context)) return;
    S.writeRegister(cpu, 0, r);
    S.setTop(cpu, S.top(cpu) - 1);
    S.writeRegister(cpu, 0, q);
  };
}

export const fsincos = pair((a, first, second, context) => {
  return T.trigonometric('sin', a, first, context) && T.trigonometric('cos', a, second, context);
});

/** The 1.0 that FPTAN pushes; a NaN operand is pushed twice. */
export const fptan = pair((a, first, second, context) => {
  const inRange = T.tangent(a, first, context);
  const isNotANumber = (first.signExponent & 0x7fff) === 0x7fff;
  if (isNotANumber) second.set(first);
  else loadConstant('one', second, context);
  return inRange;
});
