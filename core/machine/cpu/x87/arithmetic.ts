import { add, div, mul, sqrt, sub } from '../../../ia32/float/arithmetic.ts';
import { compare, examine, type Order } from '../../../ia32/float/compare.ts';
import { extract, roundToInteger, scale } from '../../../ia32/float/convert.ts';
import { Float80, type FloatContext } from '../../../ia32/float/float80.ts';
import { remainder } from '../../../ia32/float/remainder.ts';
import { setIndefinite } from '../../../ia32/float/unpack.ts';
import { KIND } from '../../../ia32/instruction.ts';
import type { Executor } from '../executor.ts';
import type { SystemFunction } from '../system.ts';
import { loadOperand } from './memory.ts';
import * as S from './state.ts';

/** Arithmetic and comparisons on the register stack. A memory operand is read first: its fault must leave the x87 alone. */

const a = new Float80();
const b = new Float80();
const r = new Float80();

/** Precision, overflow and underflow come after the operation: their result is stored even when they are unmasked. */
const BEFORE = 0x07;

/** Ends an operation: flags, C1, and whether the destination may be written. */
export function conclude(cpu: Executor, context: FloatContext): boolean {
  S.setC1(cpu, context.roundedUp);
  S.raiseFlags(cpu, context.flags);
  return !S.isUnmasked(cpu, context.flags & BEFORE);
}

type Binary = (x: Float80, y: Float80, out: Float80, context: FloatContext) => void;

const reversed =
  (operation: Binary): Binary =>
  (x, y, out, context) =>
    operation(y, x, out, context);

function underflow(cpu: Executor, index: number): void {
  if (!S.stackFault(cpu, false)) return;
  setIndefinite(r);
  S.writeRegister(cpu, index, r);
}

/** dst := dst op src, both registers or src in memory. */
function binary(operation: Binary, pops: boolean): SystemFunction {
  return (cpu, i) => {
    const context = S.contextOf(cpu);
    const inMemory = i.src.kind !== KIND.st;
    const to = i.dst.register;
    if (inMemory) loadOperand(cpu, i, i.src, b, context);
    if (S.isEmpty(cpu, to) || (!inMemory && S.isEmpty(cpu, i.src.register))) {
      underflow(cpu, to);
      if (pops && !S.isUnmasked(cpu, 1)) S.pop(cpu);
      return;
    }
    S.readRegister(cpu, to, a);
    if (!inMemory) S.readRegister(cpu, i.src.register, b);
    operation(a, b, r, context);
    if (!conclude(cpu, context)) return;
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

/** C3, C2 and C0 of a comparison (SDM volume 2, FCOM), and ZF, PF and CF of FCOMI. */
const CODES: Readonly<Record<Order, { readonly status: number; readonly flags: number }>> = {
  greater: { status: 0, flags: 0 },
  less: { status: S.SW.c0, flags: 0x01 },
  equal: { status: S.SW.c3, flags: 0x40 },
  unordered: { status: S.SW.c3 | S.SW.c2 | S.SW.c0, flags: 0x45 },
};

function comparison(quiet: boolean, pops: 0 | 1 | 2, toFlags: boolean): SystemFunction {
  const publish = (cpu: Executor, order: Order) => {
    if (toFlags) cpu.setStatusFlags(CODES[order].flags);
    else cpu.i32[S.W_STATUS] = (cpu.i32[S.W_STATUS] & ~(S.SW.c0 | S.SW.c2 | S.SW.c3)) | CODES[order].status;
  };
  return (cpu, i) => {
    const context = S.contextOf(cpu);
    const inMemory = i.src.kind !== KIND.st && i.src.kind !== KIND.none;
    const other = i.src.kind === KIND.st ? i.src.register : 1;
    if (inMemory) loadOperand(cpu, i, i.src, b, context);
    S.setC1(cpu, false);
    if (S.isEmpty(cpu, 0) || (!inMemory && S.isEmpty(cpu, other))) {
      const masked = S.stackFault(cpu, false);
      publish(cpu, 'unordered');
      if (masked) for (let n = 0; n < pops; n++) S.pop(cpu);
      return;
    }
    S.readRegister(cpu, 0, a);
    if (!inMemory) S.readRegister(cpu, other, b);
    const order = compare(a, b, quiet, context);
    S.raiseFlags(cpu, context.flags);
    publish(cpu, order);
    if (S.isUnmasked(cpu, context.flags & BEFORE)) return;
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
  let order: Order = 'unordered';
  if (S.isEmpty(cpu, 0)) S.stackFault(cpu, false);
  else {
    order = compare(S.readRegister(cpu, 0, a), ZERO, false, context);
    S.raiseFlags(cpu, context.flags);
  }
  cpu.i32[S.W_STATUS] = (cpu.i32[S.W_STATUS] & ~(S.SW.c0 | S.SW.c2 | S.SW.c3)) | CODES[order].status;
};

/** FXAM: kind in C3, C2, C0, sign in C1, also of an empty register. */
export const fxam: SystemFunction = cpu => {
  S.readRegister(cpu, 0, a);
  const kind = S.isEmpty(cpu, 0) ? S.SW.c3 | S.SW.c0 : examine(a);
  const sign = a.signExponent >>> 15 !== 0 ? S.SW.c1 : 0;
  cpu.i32[S.W_STATUS] = (cpu.i32[S.W_STATUS] & ~S.CONDITIONS) | kind | sign;
};

/** ST(0) := operation(ST(0)). */
function unary(operation: (x: Float80, out: Float80, context: FloatContext) => void): SystemFunction {
  return cpu => {
    if (S.isEmpty(cpu, 0)) {
      underflow(cpu, 0);
      return;
    }
    const context = S.contextOf(cpu);
    operation(S.readRegister(cpu, 0, a), r, context);
    if (conclude(cpu, context)) S.writeRegister(cpu, 0, r);
  };
}

export const fsqrt = unary(sqrt);
export const frndint = unary(roundToInteger);

function sign(change: (signExponent: number) => number): SystemFunction {
  return cpu => {
    if (S.isEmpty(cpu, 0)) {
      underflow(cpu, 0);
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
    underflow(cpu, 0);
    return;
  }
  const context = S.contextOf(cpu);
  scale(S.readRegister(cpu, 0, a), S.readRegister(cpu, 1, b), r, context);
  if (conclude(cpu, context)) S.writeRegister(cpu, 0, r);
};

export const fxtract: SystemFunction = cpu => {
  if (S.isEmpty(cpu, 0)) {
    underflow(cpu, 0);
    return;
  }
  if (!S.isEmpty(cpu, 7)) {
    if (!S.stackFault(cpu, true)) return;
    setIndefinite(r);
    S.writeRegister(cpu, 0, r);
    pushValue(cpu, r);
    return;
  }
  const context = S.contextOf(cpu);
  extract(S.readRegister(cpu, 0, a), r, b, context);
  if (!conclude(cpu, context)) return;
  S.writeRegister(cpu, 0, r);
  pushValue(cpu, b);
};

function pushValue(cpu: Executor, value: Float80): void {
  S.setTop(cpu, S.top(cpu) - 1);
  S.writeRegister(cpu, 0, value);
}

/** C0, C3 and C1 are the quotient's bits 2, 1 and 0; C2 says that the reduction goes on. */
function partialRemainder(nearest: boolean): SystemFunction {
  return cpu => {
    if (S.isEmpty(cpu, 0) || S.isEmpty(cpu, 1)) {
      underflow(cpu, 0);
      return;
    }
    const context = S.contextOf(cpu);
    const quotient = remainder(S.readRegister(cpu, 0, a), S.readRegister(cpu, 1, b), nearest, r, context);
    if (!conclude(cpu, context)) return;
    S.writeRegister(cpu, 0, r);
    let bits = S.SW.c2 as number;
    if (quotient !== null) {
      bits = (quotient & 4 ? S.SW.c0 : 0) | (quotient & 2 ? S.SW.c3 : 0) | (quotient & 1 ? S.SW.c1 : 0);
    }
    cpu.i32[S.W_STATUS] = (cpu.i32[S.W_STATUS] & ~S.CONDITIONS) | bits;
  };
}

export const fprem = partialRemainder(false);
export const fprem1 = partialRemainder(true);
