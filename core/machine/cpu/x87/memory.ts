import { loadConstant } from '../../../ia32/float/constants.ts';
import * as convert from '../../../ia32/float/convert.ts';
import { Float80, type FloatContext } from '../../../ia32/float/float80.ts';
import { setIndefinite } from '../../../ia32/float/unpack.ts';
import { type Instruction, KIND, type Operand } from '../../../ia32/instruction.ts';
import type { Executor } from '../executor.ts';
import type { SystemFunction } from '../system.ts';
import * as S from './state.ts';

/** Loads, stores and the moves between registers. */

const value = new Float80();
const decimal = new Uint8Array(10);

function word(cpu: Executor, i: Instruction, at: number, size: number): number {
  return cpu.load(i.memory.segment, (cpu.offset(i) + at) & i.memory.mask, size);
}

/** Reads a memory operand of the row's format; converts it as FLD and FILD do. */
export function loadOperand(
  cpu: Executor,
  i: Instruction,
  _operand: Operand,
  out: Float80,
  context: FloatContext,
): void {
  switch (i.row.format) {
    case 'f32':
      convert.fromFloat32(word(cpu, i, 0, 4), out, context);
      return;
    case 'f64': {
      const low = word(cpu, i, 0, 4);
      convert.fromFloat64(low, word(cpu, i, 4, 4), out, context);
      return;
    }
    case 'f80': {
      const low = word(cpu, i, 0, 4) >>> 0;
      const high = word(cpu, i, 4, 4) >>> 0;
      out.signExponent = word(cpu, i, 8, 2);
      out.low = low;
      out.high = high;
      return;
    }
    case 'i16':
      convert.fromInt32((word(cpu, i, 0, 2) << 16) >> 16, out);
      return;
    case 'i32':
      convert.fromInt32(word(cpu, i, 0, 4), out);
      return;
    case 'i64': {
      const low = word(cpu, i, 0, 4);
      convert.fromInt64(low, word(cpu, i, 4, 4), out);
      return;
    }
    case 'bcd':
      for (let n = 0; n < 10; n++) decimal[n] = word(cpu, i, n, 1);
      convert.fromDecimal(decimal, out);
      return;
    case null:
      throw new Error(`${i.row.mnemonic} has no memory format`);
  }
}

function push(cpu: Executor, x: Float80): void {
  if (!S.isEmpty(cpu, 7)) {
    if (!S.stackFault(cpu, true)) return;
    setIndefinite(x);
  }
  S.setTop(cpu, S.top(cpu) - 1);
  S.writeRegister(cpu, 0, x);
}

/** FLD from memory or ST(i), FILD, FBLD. */
export const fld: SystemFunction = (cpu, i) => {
  const context = S.contextOf(cpu);
  if (i.dst.kind === KIND.st) {
    if (S.isEmpty(cpu, i.dst.register)) {
      if (!S.stackFault(cpu, false)) return;
      setIndefinite(value);
      S.setTop(cpu, S.top(cpu) - 1);
      S.writeRegister(cpu, 0, value);
      return;
    }
    S.readRegister(cpu, i.dst.register, value);
  } else {
    loadOperand(cpu, i, i.dst, value, context);
  }
  S.setC1(cpu, false);
  if (S.isEmpty(cpu, 7)) S.raiseFlags(cpu, context.flags);
  // An unmasked invalid or denormal operand is not pushed.
  if (S.isEmpty(cpu, 7) && S.isUnmasked(cpu, context.flags)) return;
  push(cpu, value);
};

function constant(name: Parameters<typeof loadConstant>[0]): SystemFunction {
  return cpu => {
    loadConstant(name, value, S.contextOf(cpu));
    S.setC1(cpu, false);
    push(cpu, value);
  };
}

export const fld1 = constant('fld1');
export const fldl2t = constant('fldl2t');
export const fldl2e = constant('fldl2e');
export const fldpi = constant('fldpi');
export const fldlg2 = constant('fldlg2');
export const fldln2 = constant('fldln2');
export const fldz = constant('fldz');

/** Bytes of each memory format. */
const SIZES = { f32: 4, f64: 8, f80: 10, i16: 2, i32: 4, i64: 8, bcd: 10 } as const;

/** Converts ST(0) into stored (or decimal); flags go to the context. */
function convertForStore(i: Instruction, context: FloatContext): void {
  switch (i.row.format) {
    case 'f32':
      convert.toFloat32(value, context);
      return;
    case 'f64':
      convert.toFloat64(value, context);
      return;
    case 'i16':
      convert.toInteger(value, 16, context);
      return;
    case 'i32':
      convert.toInteger(value, 32, context);
      return;
    case 'i64':
      convert.toInteger(value, 64, context);
      return;
    case 'bcd':
      convert.toDecimal(value, decimal, context);
      return;
    case 'f80':
    case null:
  }
}

function writeMemory(cpu: Executor, i: Instruction): void {
  const { segment, mask } = i.memory;
  const at = cpu.offset(i);
  switch (i.row.format) {
    case 'f80':
      cpu.store(segment, at, 4, value.low);
      cpu.store(segment, (at + 4) & mask, 4, value.high);
      cpu.store(segment, (at + 8) & mask, 2, value.signExponent);
      return;
    case 'bcd':
      for (let n = 0; n < 10; n++) cpu.store(segment, (at + n) & mask, 1, decimal[n]);
      return;
    case 'i16':
      cpu.store(segment, at, 2, convert.stored.low);
      return;
    case 'f64':
    case 'i64':
      cpu.store(segment, at, 4, convert.stored.low);
      cpu.store(segment, (at + 4) & mask, 4, convert.stored.high);
      return;
    case 'f32':
    case 'i32':
      cpu.store(segment, at, 4, convert.stored.low);
      return;
    case null:
  }
}

/** Any unmasked exception but precision keeps a store from happening (SDM volume 1, 8.5). */
const STORE_BLOCKERS = 0x1f;

function store(pops: boolean): SystemFunction {
  return (cpu, i) => {
    if (i.dst.kind === KIND.st) {
      storeRegister(cpu, i.dst.register, pops);
      return;
    }
    const { format } = i.row;
    if (format !== null) cpu.probeStore(i.memory.segment, cpu.offset(i), SIZES[format]);
    const context = S.contextOf(cpu);
    if (S.isEmpty(cpu, 0)) {
      if (!S.stackFault(cpu, false)) return;
      setIndefinite(value);
      convertForStore(i, context);
    } else {
      S.readRegister(cpu, 0, value);
      convertForStore(i, context);
      S.setC1(cpu, context.roundedUp);
      S.raiseFlags(cpu, context.flags);
      if (S.isUnmasked(cpu, context.flags & STORE_BLOCKERS)) return;
    }
    writeMemory(cpu, i);
    if (pops) S.pop(cpu);
  };
}

function storeRegister(cpu: Executor, to: number, pops: boolean): void {
  if (S.isEmpty(cpu, 0)) {
    if (!S.stackFault(cpu, false)) return;
    setIndefinite(value);
  } else {
    S.readRegister(cpu, 0, value);
    S.setC1(cpu, false);
  }
  S.writeRegister(cpu, to, value);
  if (pops) S.pop(cpu);
}

export const fst = store(false);
export const fstp = store(true);

export const fxch: SystemFunction = (cpu, i) => {
  const other = i.src.kind === KIND.st ? i.src.register : i.dst.register;
  if (S.isEmpty(cpu, 0) || S.isEmpty(cpu, other)) {
    if (!S.stackFault(cpu, false)) return;
    setIndefinite(value);
    if (S.isEmpty(cpu, 0)) S.writeRegister(cpu, 0, value);
    if (S.isEmpty(cpu, other)) S.writeRegister(cpu, other, value);
  } else {
    S.setC1(cpu, false);
  }
  S.readRegister(cpu, 0, value);
  S.readRegister(cpu, other, second);
  S.writeRegister(cpu, 0, second);
  S.writeRegister(cpu, other, value);
};

const second = new Float80();

/** FCMOVcc: the condition number is that of Jcc. */
export const fcmov: SystemFunction = (cpu, i) => {
  if (S.isEmpty(cpu, 0) || S.isEmpty(cpu, i.src.register)) {
    if (!S.stackFault(cpu, false)) return;
    setIndefinite(value);
    S.writeRegister(cpu, 0, value);
    return;
  }
  S.setC1(cpu, false);
  if (cpu.condition(i.condition) !== 0) S.writeRegister(cpu, 0, S.readRegister(cpu, i.src.register, value));
};
