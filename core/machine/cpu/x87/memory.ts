import { loadConstant } from '../../../ia32/float/extended/constants.ts';
import { fromDecimal, toDecimal } from '../../../ia32/float/extended/decimal.ts';
import { fromInt32, fromInt64, toInt32, toInt64 } from '../../../ia32/float/extended/integer.ts';
import * as memory from '../../../ia32/float/extended/memory.ts';
import { setIndefinite } from '../../../ia32/float/extended/operands.ts';
import { Float80, type FloatContext, Word64 } from '../../../ia32/float/float80.ts';
import { type Instruction, KIND } from '../../../ia32/instruction.ts';
import type { Executor } from '../executor.ts';
import type { SystemFunction } from '../system.ts';
import * as S from './state.ts';

/** Loads, stores and the moves between registers. */

const value = new Float80();
/** What goes to memory: ten bytes of an f80 or a BCD, or 64 bits. */
const image = new Float80();
const quadword = new Word64();

function word(cpu: Executor, i: Instruction, at: number, size: number): number {
  return cpu.load(i.memory.segment, (cpu.offset(i) + at) & i.memory.mask, size);
}

/** Ten bytes from memory. */
function loadTen(cpu: Executor, i: Instruction, out: Float80): void {
  const low = word(cpu, i, 0, 4) >>> 0;
  const high = word(cpu, i, 4, 4) >>> 0;
  out.signExponent = word(cpu, i, 8, 2);
  out.low = low;
  out.high = high;
}

/** Reads an integer or BCD, which is always exact; returns whether the format is one. */
function loadExact(cpu: Executor, i: Instruction, out: Float80): boolean {
  switch (i.row.format) {
    case 'i16':
      fromInt32((word(cpu, i, 0, 2) << 16) >> 16, out);
      return true;
    case 'i32':
      fromInt32(word(cpu, i, 0, 4), out);
      return true;
    case 'i64': {
      const low = word(cpu, i, 0, 4);
      fromInt64(word(cpu, i, 4, 4), low, out);
      return true;
    }
    case 'bcd':
      loadTen(cpu, i, image);
      fromDecimal(image, out);
      return true;
    case 'f80':
      loadTen(cpu, i, out);
      return true;
    case 'f32':
    case 'f64':
    case null:
      return false;
  }
}

/** The memory operand of an arithmetic instruction: its exceptions are raised by the operation. */
export function loadOperand(cpu: Executor, i: Instruction, out: Float80): void {
  if (loadExact(cpu, i, out)) return;
  const low = word(cpu, i, 0, 4);
  if (i.row.format === 'f32') memory.expandFloat32(low, out);
  else memory.expandFloat64(word(cpu, i, 4, 4), low, out);
}

/** The operand of FLD, FILD and FBLD, with the exceptions of a load. */
function loadValue(cpu: Executor, i: Instruction, out: Float80, context: FloatContext): void {
  if (loadExact(cpu, i, out)) return;
  const low = word(cpu, i, 0, 4);
  if (i.row.format === 'f32') memory.fromFloat32(low, out, context);
  else memory.fromFloat64(word(cpu, i, 4, 4), low, out, context);
}

function push(cpu: Executor, x: Float80): void {
  if (!S.isEmpty(cpu, 7)) {
    if (!S.stackFault(cpu, true)) return;
    setIndefinite(x);
  }
  S.setTop(cpu, S.top(cpu) - 1);
  S.writeRegister(cpu, 0, x);
}

const INVALID = 1;

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
    loadValue(cpu, i, value, context);
  }
  S.setC1(cpu, false);
  if (S.isEmpty(cpu, 7)) S.raiseFlags(cpu, context.flags);
  // An unmasked invalid operand is not pushed; a denormal is.
  if (S.isEmpty(cpu, 7) && S.isUnmasked(cpu, context.flags & INVALID)) return;
  push(cpu, value);
};

function constant(name: Parameters<typeof loadConstant>[0]): SystemFunction {
  return cpu => {
    loadConstant(name, value, S.contextOf(cpu));
    S.setC1(cpu, false);
    push(cpu, value);
  };
}

export const fld1 = constant('one');
export const fldl2t = constant('log2Of10');
export const fldl2e = constant('log2OfE');
export const fldpi = constant('pi');
export const fldlg2 = constant('log10Of2');
export const fldln2 = constant('lnOf2');
export const fldz = constant('zero');

/** Bytes of each memory format. */
const SIZES = { f32: 4, f64: 8, f80: 10, i16: 2, i32: 4, i64: 8, bcd: 10 } as const;

/** Converts ST(0) into what is to be stored; flags go to the context. */
function convertForStore(i: Instruction, context: FloatContext): void {
  switch (i.row.format) {
    case 'f32':
      quadword.low = memory.toFloat32(value, context);
      return;
    case 'f64':
      memory.toFloat64(value, quadword, context);
      return;
    case 'i16':
      quadword.low = toInt32(value, 16, context);
      return;
    case 'i32':
      quadword.low = toInt32(value, 32, context);
      return;
    case 'i64':
      toInt64(value, quadword, context);
      return;
    case 'bcd':
      toDecimal(value, image, context);
      return;
    case 'f80':
      image.set(value);
      return;
    case null:
  }
}

function writeMemory(cpu: Executor, i: Instruction): void {
  const { segment, mask } = i.memory;
  const at = cpu.offset(i);
  switch (i.row.format) {
    case 'f80':
    case 'bcd':
      cpu.store(segment, at, 4, image.low);
      cpu.store(segment, (at + 4) & mask, 4, image.high);
      cpu.store(segment, (at + 8) & mask, 2, image.signExponent);
      return;
    case 'i16':
      cpu.store(segment, at, 2, quadword.low);
      return;
    case 'f64':
    case 'i64':
      cpu.store(segment, at, 4, quadword.low);
      cpu.store(segment, (at + 4) & mask, 4, quadword.high);
      return;
    case 'f32':
    case 'i32':
      cpu.store(segment, at, 4, quadword.low);
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
