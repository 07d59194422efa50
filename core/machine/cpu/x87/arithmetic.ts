import { add, sub } from '../../../ia32/float/extended/add.ts';
import { compare, compareUnordered, examine } from '../../../ia32/float/extended/compare.ts';
import { div } from '../../../ia32/float/extended/divide.ts';
import { roundToInteger } from '../../../ia32/float/extended/integer.ts';
import { mul } from '../../../ia32/float/extended/multiply.ts';
import { NO_QUOTIENT, remainder } from '../../../ia32/float/extended/remainder.ts';
import { extract, scale } from '../../../ia32/float/extended/scale.ts';
import { sqrt } from '../../../ia32/float/extended/squareRoot.ts';
import { RELATION, type Relation } from '../../../ia32/float/extended/status.ts';
import { Float80, type FloatContext } from '../../../ia32/float/float80.ts';
import { KIND } from '../../../ia32/instruction.ts';
import type { Executor } from '../executor.ts';
import type { SystemFunction } from '../system.ts';
import { loadOperand } from './source.ts';
import * as S from './state.ts';

/** Arithmetic and comparisons on the register stack. A memory operand is read first: its fault must leave the x87 alone. */

const a = new Float80();
const b = new Float80();
const r = new Float80();

type Binary = (x: Float80, y: Float80, out: Float80, context: FloatContext) => void;

const reversed =
  (operation: Binary): Binary =>
  (x, y, out, context) =>
    operation(y, x, out, context);

/** dst := dst op src, both registers or src in memory. */
function binary(operation: Binary, pops: boolean): SystemFunction {
  return (cpu, i) => {
    const context = S.contextOf(cpu);
    const inMemory = i.src.kind !== KIND.st;
    const to = i.dst.register;
    if (inMemory) loadOperand(cpu, i, b);
    if (S.isEmpty(cpu, to) || (!inMemory && S.isEmpty(cpu, i.src.register))) {
      if (S.underflow(cpu, to) && pops) S.pop(cpu);
      return;
    }
    S.readRegister(cpu, to, a);
    if (!inMemory) S.readRegister(cpu, i.src.register, b);
    operation(a, b, r, context);
    if (!S.conclude(cpu, context)) return;
    S.writeRegister(cpu, to, r);
    if (pops) S.pop(cpu);
  };
}

export const fadd = binary(add, false);
export const fsub = binary(sub, false);
export const fsubr = binary(reversed(sub), false);
export const fmul = binary(mul, false);
export const fdiv = binary(div, false);
export const fdivr = binary(reversed(div), false);
export const faddp = binary(add, true);
export const fsubp = binary(sub, true);
export const fsubrp = binary(reversed(sub), true);
export const fmulp = binary(mul, true);
export const fdivp = binary(div, true);
export const fdivrp = binary(reversed(div), true);

const RELATION_BITS = S.SW.c0 | S.SW.c2 | S.SW.c3;

/** C0, C2 and C3 as CF, PF and ZF (SDM volume 2, FCOMI): the same bits, eight places lower. */
function publish(cpu: Executor, relation: Relation, toFlags: boolean): void {
  if (toFlags) cpu.setStatusFlags(relation >>> 8);
  else cpu.i32[S.W_STATUS] = (cpu.i32[S.W_STATUS] & ~RELATION_BITS) | relation;
}

function comparison(quiet: boolean, pops: 0 | 1 | 2, toFlags: boolean): SystemFunction {
  const relate = quiet ? compareUnordered : compare;
  return (cpu, i) => {
    const context = S.contextOf(cpu);
    const inMemory = i.src.kind !== KIND.st && i.src.kind !== KIND.none;
    const other = i.src.kind === KIND.st ? i.src.register : 1;
    if (inMemory) loadOperand(cpu, i, b);
    S.setC1(cpu, false);
    if (S.isEmpty(cpu, 0) || (!inMemory && S.isEmpty(cpu, other))) {
      const masked = S.stackFault(cpu, false);
      publish(cpu, RELATION.unordered, toFlags);
      if (masked) for (let n = 0; n < pops; n++) S.pop(cpu);
      return;
    }
    S.readRegister(cpu, 0, a);
    if (!inMemory) S.readRegister(cpu, other, b);
    const relation = relate(a, b, context);
    S.raiseFlags(cpu, context.flags);
    publish(cpu, relation, toFlags);
    if (S.isStopped(cpu, context.flags)) return;
    for (let n = 0; n < pops; n++) S.pop(cpu);
  };
}

export const fcom = comparison(false, 0, false);
export const fcomp = comparison(false, 1, false);
export const fcompp = comparison(false, 2, false);
export const fucom = comparison(true, 0, false);
export const fucomp = comparison(true, 1, false);
export const fucompp = comparison(true, 2, false);
export const fcomi = comparison(false, 0, true);
export const fcomip = comparison(false, 1, true);
export const fucomi = comparison(true, 0, true);
export const fucomip = comparison(true, 1, true);

const ZERO = new Float80();

/** FTST compares with +0. */
export const ftst: SystemFunction = cpu => {
  const context = S.contextOf(cpu);
  S.setC1(cpu, false);
  let relation: Relation = RELATION.unordered;
  if (S.isEmpty(cpu, 0)) S.stackFault(cpu, false);
  else {
    relation = compare(S.readRegister(cpu, 0, a), ZERO, context);
    S.raiseFlags(cpu, context.flags);
  }
  publish(cpu, relation, false);
};

/** FXAM: kind in C3, C2, C0, sign in C1, also of an empty register. */
export const fxam: SystemFunction = cpu => {
  const kind = examine(S.readRegister(cpu, 0, a));
  const shown = S.isEmpty(cpu, 0) ? S.SW.c3 | S.SW.c0 | (kind & S.SW.c1) : kind;
  cpu.i32[S.W_STATUS] = (cpu.i32[S.W_STATUS] & ~S.CONDITIONS) | shown;
};

/** ST(0) := operation(ST(0)). */
function unary(operation: (x: Float80, out: Float80, context: FloatContext) => void): SystemFunction {
  return cpu => {
    if (S.isEmpty(cpu, 0)) {
      S.underflow(cpu, 0);
      return;
    }
    const context = S.contextOf(cpu);
    operation(S.readRegister(cpu, 0, a), r, context);
    if (S.conclude(cpu, context)) S.writeRegister(cpu, 0, r);
  };
}

export const fsqrt = unary(sqrt);
export const frndint = unary(roundToInteger);

function sign(change: (signExponent: number) => number): SystemFunction {
  return cpu => {
    if (S.isEmpty(cpu, 0)) {
      S.underflow(cpu, 0);
      return;
    }
    S.readRegister(cpu, 0, a);
    a.signExponent = change(a.signExponent);
    S.setC1(cpu, false);
    S.writeRegister(cpu, 0, a);
  };
}

export const fchs = sign(value => value ^ 0x8000);
export const fabs = sign(value => value & 0x7fff);

export const fscale: SystemFunction = cpu => {
  if (S.isEmpty(cpu, 0) || S.isEmpty(cpu, 1)) {
    S.underflow(cpu, 0);
    return;
  }
  const context = S.contextOf(cpu);
  scale(S.readRegister(cpu, 0, a), S.readRegister(cpu, 1, b), r, context);
  if (S.conclude(cpu, context)) S.writeRegister(cpu, 0, r);
};

export const fxtract: SystemFunction = cpu => {
  if (S.isEmpty(cpu, 0) || !S.isEmpty(cpu, 7)) {
    S.pairFault(cpu);
    return;
  }
  const context = S.contextOf(cpu);
  extract(S.readRegister(cpu, 0, a), b, r, context);
  if (!S.conclude(cpu, context)) return;
  S.writeRegister(cpu, 0, r);
  S.push(cpu, b);
};

/** The condition codes tell the quotient's low bits, or that the reduction goes on. */
function partialRemainder(nearest: boolean): SystemFunction {
  return cpu => {
    if (S.isEmpty(cpu, 0) || S.isEmpty(cpu, 1)) {
      cpu.i32[S.W_STATUS] &= ~S.SW.c2;
      S.underflow(cpu, 0);
      return;
    }
    const context = S.contextOf(cpu);
    const bits = remainder(S.readRegister(cpu, 0, a), S.readRegister(cpu, 1, b), nearest, r, context);
    const { i32 } = cpu;
    if (bits === NO_QUOTIENT) i32[S.W_STATUS] &= ~(S.SW.c1 | S.SW.c2);
    else i32[S.W_STATUS] = (i32[S.W_STATUS] & ~S.CONDITIONS) | bits;
    S.raiseFlags(cpu, context.flags);
    if (!S.isStopped(cpu, context.flags)) S.writeRegister(cpu, 0, r);
  };
}

export const fprem = partialRemainder(false);
export const fprem1 = partialRemainder(true);
