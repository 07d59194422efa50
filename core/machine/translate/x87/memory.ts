import type { Instruction } from '../../../ia32/instruction.ts';
import { OP } from '../code.ts';
import type { KernelName } from './kernel.ts';
import type { Pair } from './run.ts';
import type { X87Stack } from './stack.ts';

/** Memory operands of translated x87 instructions, in every format but BCD. */

const SIZES = { f32: 4, f64: 8, f80: 10, i16: 2, i32: 4, i64: 8 } as const;

/** The memory operand as a number. `loads`: for FLD, whose exceptions are then in its word. */
export function readMemory(x: X87Stack, i: Instruction, loads: boolean): Pair {
  const { format } = i.row;
  if (format === null || format === 'bcd') throw new Error(`${i.row.mnemonic} is not translated`);
  const at = x.operandPlace(i, SIZES[format], false);
  const { code } = x;
  x.values.push(at);
  const converted = (name: KernelName) => x.call(name, c => c.constant(loads ? 1 : 0));
  const integer = () => x.call('fromInteger', c => c.op(OP.extendS64));
  switch (format) {
    case 'f32':
      code.memory(OP.load32, 0);
      code.op(OP.extendU64);
      return converted('fromSingle');
    case 'f64':
      code.memory(OP.load64, 0);
      return converted('fromDouble');
    case 'i16':
      code.memory(OP.load16u, 0);
      code.op(OP.extend16S);
      return integer();
    case 'i32':
      code.memory(OP.load32, 0);
      return integer();
    case 'i64':
      code.memory(OP.load64, 0);
      return x.call('fromInteger', () => {});
    case 'f80':
      code.memory(OP.load64, 0);
      x.values.push(at);
      code.memory(OP.load16u, 8);
      return x.take();
  }
}

/** Conversion for a store, and for one that truncates, and how the bits are stored. */
const STORES = {
  f32: { name: 'toSingle', kind: null, op: OP.store32 },
  f64: { name: 'toDouble', kind: null, op: OP.store64 },
  i16: { name: 'toInteger', kind: 0, op: OP.store16 },
  i32: { name: 'toInteger', kind: 1, op: OP.store32 },
  i64: { name: 'toInteger', kind: 2, op: OP.store64 },
} as const;

export function writeMemory(x: X87Stack, i: Instruction, truncates: boolean): void {
  const { format } = i.row;
  if (format === null || format === 'bcd') throw new Error(`${i.row.mnemonic} is not translated`);
  const at = x.operandPlace(i, SIZES[format], true);
  const { code } = x;
  const value = x.st(0);
  if (format === 'f80') {
    x.values.push(at);
    code.get(value.m);
    code.memory(OP.store64, 0);
    x.values.push(at);
    code.get(value.e);
    code.memory(OP.store16, 8);
    x.clearC1();
    return;
  }
  const { name, kind, op } = STORES[format];
  const made = x.call(name, c => {
    c.get(value.m);
    c.get(value.e);
    if (kind !== null) c.constant(kind + (truncates ? 3 : 0));
  });
  x.conclude(made);
  x.values.push(at);
  code.get(made.m);
  if (op !== OP.store64) code.op(OP.wrap64);
  code.memory(op, 0);
}
