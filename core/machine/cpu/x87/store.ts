import { toDecimal } from '../../../ia32/float/extended/decimal.ts';
import { toInt32, toInt64 } from '../../../ia32/float/extended/integer.ts';
import * as memory from '../../../ia32/float/extended/memory.ts';
import { setIndefinite } from '../../../ia32/float/extended/operands.ts';
import { Float80, type FloatContext } from '../../../ia32/float/float80.ts';
import { type Instruction, KIND } from '../../../ia32/instruction.ts';
import type { Executor } from '../executor.ts';
import type { SystemFunction } from '../system.ts';
import { probeStore, storeEight, storeTen } from './operand.ts';
import * as S from './state.ts';

/** Stores: FST, FSTP, FIST, FISTP and FBSTP. */

const value = new Float80();
/** What goes to memory: ten bytes, or fewer in its low ones. */
const image = new Float80();

/** Bytes of each memory format. */
const SIZES = { f32: 4, f64: 8, f80: 10, i16: 2, i32: 4, i64: 8, bcd: 10 } as const;

/** Converts `value` into what is to be stored; flags go to the context. */
function convert(i: Instruction, context: FloatContext): void {
  switch (i.row.format) {
    case 'f32':
      image.low = memory.toFloat32(value, context);
      return;
    case 'f64':
      memory.toFloat64(value, image, context);
      return;
    case 'i16':
      image.low = toInt32(value, 16, context);
      return;
    case 'i32':
      image.low = toInt32(value, 32, context);
      return;
    case 'i64':
      toInt64(value, image, context);
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

function write(cpu: Executor, i: Instruction): void {
  switch (i.row.format) {
    case 'f32':
    case 'i32':
      cpu.store(i.memory.segment, cpu.offset(i), 4, image.low);
      return;
    case 'f64':
    case 'i64':
      storeEight(cpu, i, image);
      return;
    case 'f80':
    case 'bcd':
      storeTen(cpu, i, image);
      return;
    case 'i16':
      cpu.store(i.memory.segment, cpu.offset(i), 2, image.low);
      return;
    case null:
  }
}

/** Any unmasked exception but precision keeps a store from happening (SDM volume 1, 8.5). */
const STORE_BLOCKERS = 0x1f;

/** A fault of the memory operand comes before anything that the x87 reports. */
function toMemory(cpu: Executor, i: Instruction, pops: boolean): void {
  const context = S.contextOf(cpu);
  if (S.isEmpty(cpu, 0)) {
    emptyToMemory(cpu, i, pops, context);
    return;
  }
  S.readRegister(cpu, 0, value);
  convert(i, context);
  const { flags } = context;
  if (S.isUnmasked(cpu, flags & STORE_BLOCKERS)) {
    if (i.row.format !== null) probeStore(cpu, i, SIZES[i.row.format]);
    S.setC1(cpu, context.roundedUp);
    S.raiseFlags(cpu, flags);
    return;
  }
  write(cpu, i);
  S.setC1(cpu, context.roundedUp);
  if (flags !== 0) S.raiseFlags(cpu, flags);
  if (pops) S.pop(cpu);
}

/** Stack underflow: masked, the indefinite of the format is stored. */
function emptyToMemory(cpu: Executor, i: Instruction, pops: boolean, context: FloatContext): void {
  if (i.row.format !== null) probeStore(cpu, i, SIZES[i.row.format]);
  if (!S.stackFault(cpu, false)) return;
  setIndefinite(value);
  convert(i, context);
  write(cpu, i);
  if (pops) S.pop(cpu);
}

function toRegister(cpu: Executor, to: number, pops: boolean): void {
  if (S.isEmpty(cpu, 0)) {
    if (!S.underflow(cpu, to)) return;
  } else {
    S.writeRegister(cpu, to, S.readRegister(cpu, 0, value));
    S.setC1(cpu, false);
  }
  if (pops) S.pop(cpu);
}

/** Whatever the rounding mode, FISTTP truncates. */
export const fisttp: SystemFunction = (cpu, i) => {
  const control = cpu.i32[S.W_CONTROL];
  cpu.i32[S.W_CONTROL] = control | TRUNCATE;
  try {
    toMemory(cpu, i, true);
  } finally {
    cpu.i32[S.W_CONTROL] = control;
  }
};

/** Rounding control toward zero. */
const TRUNCATE = 0xc00;

function store(pops: boolean): SystemFunction {
  return (cpu, i) => {
    if (i.dst.kind === KIND.st) toRegister(cpu, i.dst.register, pops);
    else toMemory(cpu, i, pops);
  };
}

export const fst = store(false);
export const fstp = store(true);

/** D9 D8 to DF, which the manual does not list: FSTP that stores nothing, without an exception, when ST(0) is empty. */
export const fstpnce: SystemFunction = (cpu, i) => {
  if (!S.isEmpty(cpu, 0)) S.writeRegister(cpu, i.dst.register, S.readRegister(cpu, 0, value));
  S.setC1(cpu, false);
  S.pop(cpu);
};
