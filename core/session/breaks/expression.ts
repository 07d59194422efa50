import jsep from 'jsep';
import { FLAG } from '../../ia32/flags.ts';
import {
  LDTR,
  REGISTER_NAMES_8,
  REGISTER_NAMES_16,
  REGISTER_NAMES_32,
  SEGMENT_NAMES,
  TR,
} from '../../ia32/registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Processor } from '../../machine/cpu/processor.ts';

/**
 * Expressions of a person at the machine: C's operators over unsigned numbers of 32 bits, registers and flags by their names, `[address]` for four
 * bytes of memory, `byte(address)`, `word(address)`. Numbers are decimal, or hexadecimal behind 0x.
 */

/** An expression that means nothing, or has no value here. The message is one clear sentence. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

/** The value, unsigned. Throws ExpressionError where there is none: memory that is not mapped, a division by 0. Only looks. */
export type Evaluate = (cpu: Processor) => number;

/** Longer ones are no conditions. */
const LONGEST = 1000;

// What C does not have.
for (const operator of ['===', '!==', '**', '??', '>>>']) jsep.removeBinaryOp(operator);

/** Throws ExpressionError. */
export function compile(text: string): Evaluate {
  if (text.length > LONGEST) throw new ExpressionError(`An expression has at most ${LONGEST} characters.`);
  const decimal = text.replace(/\b0x[0-9a-f]+\b/gi, digits => String(Number(digits)));
  let tree: jsep.Expression;
  try {
    tree = jsep(decimal);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/ at character \d+$/, '') : String(error);
    throw new ExpressionError(`“${text}” cannot be read: ${reason.charAt(0).toLowerCase()}${reason.slice(1)}.`);
  }
  return compileTree(tree as jsep.CoreExpression);
}

function compileTree(tree: jsep.CoreExpression): Evaluate {
  const child = (expression: jsep.Expression) => compileTree(expression as jsep.CoreExpression);
  switch (tree.type) {
    case 'Literal': {
      const { value, raw } = tree;
      if (typeof value !== 'number' || !Number.isInteger(value) || value > 0xffffffff) {
        throw new ExpressionError(`${raw} is no number of 32 bits.`);
      }
      return () => value;
    }
    case 'Identifier':
      return named(tree.name);
    case 'UnaryExpression': {
      const operand = child(tree.argument);
      const apply = UNARY.get(tree.operator) ?? refuse(`There is no operator ${tree.operator} here.`);
      return cpu => apply(operand(cpu)) >>> 0;
    }
    case 'BinaryExpression': {
      const [left, right] = [child(tree.left), child(tree.right)];
      if (tree.operator === '&&') return cpu => (left(cpu) !== 0 && right(cpu) !== 0 ? 1 : 0);
      if (tree.operator === '||') return cpu => (left(cpu) !== 0 || right(cpu) !== 0 ? 1 : 0);
      const apply = BINARY.get(tree.operator) ?? refuse(`There is no operator ${tree.operator} here.`);
      return cpu => Number(apply(left(cpu), right(cpu))) >>> 0;
    }
    case 'ConditionalExpression': {
      const [test, yes, no] = [child(tree.test), child(tree.consequent), child(tree.alternate)];
      return cpu => (test(cpu) !== 0 ? yes(cpu) : no(cpu));
    }
    case 'ArrayExpression': {
      const [address, ...more] = tree.elements;
      if (address === undefined || address === null || more.length > 0) {
        throw new ExpressionError('Between [ and ] stands one address.');
      }
      return memory(child(address), 4);
    }
    case 'CallExpression': {
      const { callee } = tree;
      const size = SIZES.get(callee.type === 'Identifier' ? String(callee['name']).toLowerCase() : '');
      const [address, ...more] = tree.arguments;
      if (size === undefined || address === undefined || more.length > 0) {
        throw new ExpressionError('What can be called is byte(address) and word(address).');
      }
      return memory(child(address), size);
    }
    case 'Compound':
      throw new ExpressionError(
        tree.body.length === 0 ? 'There is nothing to compute.' : 'An operator is missing between two values.',
      );
    case 'SequenceExpression':
    case 'MemberExpression':
    case 'ThisExpression':
      throw new ExpressionError('Only numbers, registers, flags and memory can be computed with.');
  }
}

function refuse(message: string): never {
  throw new ExpressionError(message);
}

const UNARY: ReadonlyMap<string, (a: number) => number> = new Map([
  ['-', a => -a],
  ['+', a => a],
  ['~', a => ~a],
  ['!', a => (a === 0 ? 1 : 0)],
]);

const divisor = (b: number): number => (b === 0 ? refuse('A division by 0 has no value.') : b);

/** What C says of unsigned operands; a shift by more than 31 gives 0. */
const BINARY: ReadonlyMap<string, (a: number, b: number) => number | boolean> = new Map<
  string,
  (a: number, b: number) => number | boolean
>([
  ['|', (a, b) => a | b],
  ['^', (a, b) => a ^ b],
  ['&', (a, b) => a & b],
  ['==', (a, b) => a === b],
  ['!=', (a, b) => a !== b],
  ['<', (a, b) => a < b],
  ['>', (a, b) => a > b],
  ['<=', (a, b) => a <= b],
  ['>=', (a, b) => a >= b],
  ['<<', (a, b) => (b > 31 ? 0 : a << b)],
  ['>>', (a, b) => (b > 31 ? 0 : a >>> b)],
  ['+', (a, b) => a + b],
  ['-', (a, b) => a - b],
  ['*', Math.imul],
  ['/', (a, b) => Math.floor(a / divisor(b))],
  ['%', (a, b) => a % divisor(b)],
]);

const SIZES: ReadonlyMap<string, 1 | 2> = new Map([
  ['byte', 1],
  ['word', 2],
]);

function memory(address: Evaluate, size: 1 | 2 | 4): Evaluate {
  return cpu => {
    const at = address(cpu);
    let value = 0;
    for (let n = 0; n < size; n++) {
      const byte = cpu.peekByte((at + n) | 0);
      if (byte < 0) refuse(`There is no memory at linear address ${(at >>> 0).toString(16)}.`);
      value |= byte << (8 * n);
    }
    return value >>> 0;
  };
}

const NAMES: ReadonlyMap<string, Evaluate> = new Map<string, Evaluate>([
  ...REGISTER_NAMES_32.map((name, n): [string, Evaluate] => [name, cpu => cpu.i32[n] >>> 0]),
  ...REGISTER_NAMES_16.map((name, n): [string, Evaluate] => [name, cpu => cpu.i32[n] & 0xffff]),
  // AH to BH are the second bytes of the first four.
  ...REGISTER_NAMES_8.map((name, n): [string, Evaluate] => [name, cpu => (cpu.i32[n & 3] >>> (n < 4 ? 0 : 8)) & 0xff]),
  ...SEGMENT_NAMES.map((name, n): [string, Evaluate] => [name, cpu => cpu.selector(n) & 0xffff]),
  ['ldtr', cpu => cpu.selector(LDTR) & 0xffff],
  ['tr', cpu => cpu.selector(TR) & 0xffff],
  ['eip', cpu => cpu.i32[L.W_EIP] >>> 0],
  ['eflags', cpu => cpu.eflags() >>> 0],
  ['cr0', cpu => cpu.i32[L.W_CR0] >>> 0],
  ['cr2', cpu => cpu.i32[L.W_CR2] >>> 0],
  ['cr3', cpu => cpu.i32[L.W_CR3] >>> 0],
  ['cr4', cpu => cpu.i32[L.W_CR4] >>> 0],
  ...[0, 1, 2, 3, 6, 7].map((n): [string, Evaluate] => [`dr${n}`, cpu => cpu.i32[L.W_DR + n] >>> 0]),
  ['cpl', cpu => cpu.cpl],
  ['iopl', cpu => cpu.iopl],
  ...Object.entries(FLAG)
    .filter(([name]) => name !== 'ONE' && name !== 'IOPL')
    .map(([name, bit]): [string, Evaluate] => [name.toLowerCase(), cpu => ((cpu.eflags() & bit) === 0 ? 0 : 1)]),
]);

function named(name: string): Evaluate {
  return NAMES.get(name.toLowerCase()) ?? refuse(`${name} is no register and no flag.`);
}
