import { type Instruction, KIND, type Operand } from '../../../ia32/instruction.ts';
import { NO_REGISTER } from '../../../ia32/registers.ts';

/** The VM-exit instruction-information field (SDM volume 3, 27.2.5, tables 27-8 to 27-14). */

const REGISTER_FORM = 1 << 10;
const NO_INDEX = 1 << 22;
const NO_BASE = 1 << 27;

/** Bits that describe a memory operand: scale, address size, segment, index, base. */
function memoryBits(i: Instruction): number {
  const m = i.memory;
  const index = m.index === NO_REGISTER ? NO_INDEX : (m.index << 18) | m.scale;
  const base = m.base === NO_REGISTER ? NO_BASE : m.base << 23;
  return addressSizeBits(i) | (m.segment << 15) | index | base;
}

/** Bits 9:7: 0 for 16-bit addresses, 1 for 32-bit ones. */
function addressSizeBits(i: Instruction): number {
  return (i.addressSize === 4 ? 1 : 0) << 7;
}

/** An operand that is memory or a register. */
function operandBits(i: Instruction, operand: Operand): number {
  const isRegister = operand.kind === KIND.r32 || operand.kind === KIND.r16;
  return isRegister ? REGISTER_FORM | (operand.register << 3) : memoryBits(i);
}

/** Identity of SGDT, SIDT, LGDT, LIDT and of SLDT, STR, LLDT, LTR. */
const IDENTITY: Readonly<Record<string, number>> = {
  sgdt: 0,
  sidt: 1,
  lgdt: 2,
  lidt: 3,
  sldt: 0,
  str: 1,
  lldt: 2,
  ltr: 3,
};

/** The field for an instruction that exits; 0 for those that have none. */
export function instructionInformation(i: Instruction): number {
  switch (i.row.operation) {
    case 'ins':
      return addressSizeBits(i);
    case 'outs':
      return addressSizeBits(i) | (i.segment << 15);
    case 'sgdt':
    case 'sidt':
    case 'lgdt':
    case 'lidt':
      return memoryBits(i) | ((i.operandSize === 4 ? 1 : 0) << 11) | (IDENTITY[i.row.operation] << 28);
    case 'sldt':
    case 'str':
    case 'lldt':
    case 'ltr':
      return operandBits(i, i.dst) | (IDENTITY[i.row.operation] << 28);
    case 'vmclear':
    case 'vmptrld':
    case 'vmptrst':
    case 'vmxon':
      return memoryBits(i);
    case 'vmread':
      return operandBits(i, i.dst) | (i.src.register << 28);
    case 'vmwrite':
      return operandBits(i, i.src) | (i.dst.register << 28);
    case 'invept':
    case 'invvpid':
      return memoryBits(i) | (i.dst.register << 28);
    default:
      return 0;
  }
}

/** Exit qualification of an instruction with a memory operand in the information field: its displacement (table 27-1). */
export function displacement(i: Instruction): number {
  return i.memory.mask === -1 ? i.memory.displacement : (i.memory.displacement << 16) >> 16;
}
