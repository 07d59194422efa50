import { fromDecimal } from '../../../ia32/float/extended/decimal.ts';
import { fromInt32, fromInt64 } from '../../../ia32/float/extended/integer.ts';
import * as memory from '../../../ia32/float/extended/memory.ts';
import { Float80, type FloatContext, Word64 } from '../../../ia32/float/float80.ts';
import type { Instruction } from '../../../ia32/instruction.ts';
import type { Executor } from '../executor.ts';
import { loadEight, loadTen } from './operand.ts';

/** Memory operands as 80-bit numbers, from every format of SDM volume 1, 4.2 and 4.7. */

const ten = new Float80();
const eight = new Word64();

function load(cpu: Executor, i: Instruction, size: 2 | 4): number {
  return cpu.load(i.memory.segment, cpu.offset(i), size);
}

/** Reads an integer, a BCD or an f80, which are always exact; returns whether the format is one. */
function loadExact(cpu: Executor, i: Instruction, out: Float80): boolean {
  switch (i.row.format) {
    case 'i16':
      fromInt32((load(cpu, i, 2) << 16) >> 16, out);
      return true;
    case 'i32':
      fromInt32(load(cpu, i, 4), out);
      return true;
    case 'i64':
      loadEight(cpu, i, eight);
      fromInt64(eight.high | 0, eight.low | 0, out);
      return true;
    case 'bcd':
      loadTen(cpu, i, ten);
      fromDecimal(ten, out);
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
  if (i.row.format === 'f64') {
    loadEight(cpu, i, eight);
    memory.expandFloat64(eight.high | 0, eight.low | 0, out);
  } else if (i.row.format === 'f32') memory.expandFloat32(load(cpu, i, 4), out);
  else loadExact(cpu, i, out);
}

/** The operand of FLD, FILD and FBLD, with the exceptions of a load. */
export function loadValue(cpu: Executor, i: Instruction, out: Float80, context: FloatContext): void {
  if (i.row.format === 'f64') {
    loadEight(cpu, i, eight);
    memory.fromFloat64(eight.high | 0, eight.low | 0, out, context);
  } else if (i.row.format === 'f32') memory.fromFloat32(load(cpu, i, 4), out, context);
  else loadExact(cpu, i, out);
}
