import { CONDITION_NAMES } from './flags.ts';
import { type Instruction, KIND, type MemoryOperand, type Operand } from './instruction.ts';
import type { MemoryFormat } from './opcode.ts';
import {
  DS,
  EBP,
  ESP,
  NO_REGISTER,
  REGISTER_NAMES_8,
  REGISTER_NAMES_16,
  REGISTER_NAMES_32,
  SEGMENT_NAMES,
  SS,
} from './registers.ts';

/** What stands at an address, such as `main+0x10`, or null. */
export type SymbolOf = (address: number) => string | null;

/**
 * The instruction in Intel syntax as NASM reads it, names of instructions as in the SDM: `add dword [ebx+ecx*4-8],0x10`,
 * `rep movsd`, `call 0x1105 <main+0x5>`. `address` is the instruction's offset in CS: branch targets are computed from it.
 */
export function format(i: Instruction, address: number, symbol: SymbolOf = () => null): string {
  const operands = [i.dst, i.src, i.third].filter(operand => isShown(operand, i));
  const text = prefixes(i) + mnemonic(i);
  if (operands.length === 0) return text;
  return `${text} ${operands.map(operand => operandText(operand, i, address, symbol)).join(',')}`;
}

/** The operands of string instructions are in their name, and ST(0) goes without saying beside memory. */
function isShown(operand: Operand, i: Instruction): boolean {
  if (operand.kind === KIND.none) return false;
  return !(operand.kind === KIND.st && operand === i.dst && i.src.kind === KIND.memory);
}

function prefixes(i: Instruction): string {
  let text = i.lock && i.row.lock ? 'lock ' : '';
  switch (i.row.operation) {
    case 'movs':
    case 'repMovs':
    case 'lods':
    case 'repLods':
    case 'outs':
      if (i.segment !== DS) text += `${SEGMENT_NAMES[i.segment]} `;
      return (i.repeat === 0 ? '' : 'rep ') + text;
    case 'repStos':
    case 'ins':
      return i.repeat === 0 ? text : `rep ${text}`;
    case 'cmps':
    case 'repCmps':
      if (i.segment !== DS) text += `${SEGMENT_NAMES[i.segment]} `;
      return repeatWhile(i) + text;
    case 'repScas':
      return repeatWhile(i) + text;
    case 'xlat':
      return i.segment !== DS ? `${SEGMENT_NAMES[i.segment]} ` : text;
    default:
      return text;
  }
}

function repeatWhile(i: Instruction): string {
  if (i.repeat === 0) return '';
  return i.repeat === 0xf3 ? 'repe ' : 'repne ';
}

/** The row's name with what size or condition adds to it. */
function mnemonic(i: Instruction): string {
  const name = i.row.mnemonic;
  const wide = i.operandSize === 4;
  switch (i.row.operation) {
    case 'jcc':
    case 'setcc':
    case 'cmov':
      return name + CONDITION_NAMES[i.condition];
    case 'movs':
    case 'repMovs':
    case 'stos':
    case 'repStos':
    case 'lods':
    case 'repLods':
    case 'scas':
    case 'repScas':
    case 'cmps':
    case 'repCmps':
    case 'ins':
    case 'outs':
      return name + (i.dst.size === 1 ? 'b' : i.dst.size === 2 ? 'w' : 'd');
    case 'pusha':
    case 'popa':
    case 'pushf':
    case 'popf':
    case 'iret':
      return wide ? `${name}d` : name;
    case 'cbw':
      return wide ? 'cwde' : name;
    case 'cwd':
      return wide ? 'cdq' : name;
    case 'jcxz':
      return i.addressSize === 4 ? 'jecxz' : name;
    case 'xlat':
      return 'xlatb';
    default:
      return name;
  }
}

function operandText(operand: Operand, i: Instruction, address: number, symbol: SymbolOf): string {
  switch (operand.kind) {
    case KIND.r8:
      return REGISTER_NAMES_8[operand.register];
    case KIND.r16:
      return REGISTER_NAMES_16[operand.register];
    case KIND.r32:
      return REGISTER_NAMES_32[operand.register];
    case KIND.segment:
      return SEGMENT_NAMES[operand.register];
    case KIND.control:
      return `cr${operand.register}`;
    case KIND.debug:
      return `dr${operand.register}`;
    case KIND.st:
      return `st${operand.register}`;
    case KIND.mm:
      return `mm${operand.register}`;
    case KIND.xmm:
      return `xmm${operand.register}`;
    case KIND.immediate:
      return number(operand.value);
    case KIND.farPointer:
      return `${number(operand.register)}:${number(operand.value)}`;
    case KIND.relative:
      return withSymbol(branchTarget(i, address), symbol);
    case KIND.m8:
    case KIND.m16:
    case KIND.m32:
      return (sizeIsImplied(operand, i) ? '' : SIZE_NAMES[operand.size]) + memoryText(i.memory, symbol);
    case KIND.memory:
    case KIND.aligned:
      return memoryPrefix(i, operand.size) + memoryText(i.memory, symbol);
    case KIND.none:
      return '';
  }
}

/** Offset in CS that a near branch goes to when its instruction lies at `address`. */
function branchTarget(i: Instruction, address: number): number {
  const target = address + i.length + i.dst.value;
  return i.operandSize === 2 ? target & 0xffff : target >>> 0;
}

const SIZE_NAMES: Readonly<Record<number, string>> = { 1: 'byte ', 2: 'word ', 4: 'dword ', 8: 'qword ', 16: 'oword ' };

const FORMAT_SIZES: Readonly<Record<MemoryFormat, string>> = {
  f32: 'dword ',
  f64: 'qword ',
  f80: 'tword ',
  i16: 'word ',
  i32: 'dword ',
  i64: 'qword ',
  bcd: 'tword ',
};

/** A register of the same size says how large the memory is, but CL as a shift count does not. Of a cache line's byte only the address counts. */
function sizeIsImplied(memory: Operand, i: Instruction): boolean {
  if (i.row.operands[0] === 'Mb') return true;
  return [i.dst, i.src].some((operand, n) => {
    if (operand === memory || i.row.operands[n] === 'CL') return false;
    if (operand.kind === KIND.segment) return true;
    return (
      (operand.kind === KIND.r8 || operand.kind === KIND.r16 || operand.kind === KIND.r32) &&
      operand.size === memory.size
    );
  });
}

function memoryPrefix(i: Instruction, size: number): string {
  if ([i.dst, i.src].some(operand => operand.kind === KIND.mm || operand.kind === KIND.xmm)) return SIZE_NAMES[size];
  if (i.row.format !== null) return FORMAT_SIZES[i.row.format];
  if (i.row.operation !== 'callFar' && i.row.operation !== 'jmpFar') return '';
  return i.operandSize === 2 ? 'word far ' : 'dword far ';
}

function memoryText(memory: MemoryOperand, symbol: SymbolOf): string {
  const names = memory.mask === -1 ? REGISTER_NAMES_32 : REGISTER_NAMES_16;
  const usual = memory.base === EBP || memory.base === ESP ? SS : DS;
  const segment = memory.segment === usual ? '' : `${SEGMENT_NAMES[memory.segment]}:`;
  const registers: string[] = [];
  if (memory.base !== NO_REGISTER) registers.push(names[memory.base]);
  if (memory.index !== NO_REGISTER) {
    registers.push(names[memory.index] + (memory.scale === 0 ? '' : `*${1 << memory.scale}`));
  }
  if (registers.length === 0) {
    const offset = (memory.displacement & memory.mask) >>> 0;
    // With another segment than the usual one it is an offset into something else, such as per-processor data.
    return `[${segment}${segment === '' ? withSymbol(offset, symbol) : number(offset)}]`;
  }
  return `[${segment}${registers.join('+')}${displacement(memory)}]`;
}

/** Small negative displacements look like ones; large ones are rather the address of a table. */
function displacement(memory: MemoryOperand): string {
  const value = memory.mask === -1 ? memory.displacement : (memory.displacement << 16) >> 16;
  if (value === 0) return '';
  return value < 0 && value >= -0x10000 ? `-${number(-value)}` : `+${number(value)}`;
}

function withSymbol(address: number, symbol: SymbolOf): string {
  const name = symbol(address);
  return name === null ? number(address) : `${number(address)} <${name}>`;
}

/** Unsigned, hexadecimal from 10 on. */
function number(value: number): string {
  const unsigned = value >>> 0;
  return unsigned < 10 ? String(unsigned) : `0x${unsigned.toString(16)}`;
}
