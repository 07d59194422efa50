import type { OpcodeRow } from './opcode.ts';

/** Kinds of operand. The executor's switches write the numbers; the names are for everyone else. */
export const KIND = {
  none: 0,
  r32: 1,
  m32: 2,
  immediate: 3,
  r8: 4,
  m8: 5,
  r16: 6,
  m16: 7,
  /** Near branch displacement, sign-extended: relative to the next instruction. */
  relative: 8,
  /** Far pointer in the instruction: `value` is the offset, `register` the selector. */
  farPointer: 9,
  segment: 10,
  control: 11,
  debug: 12,
  /** Memory of a size that only a plain function knows (descriptor, far pointer, x87 environment): its address is all. */
  memory: 13,
  /** x87 register ST(register). */
  st: 14,
  /** MMX and XMM registers. */
  mm: 15,
  xmm: 16,
  /** 16 bytes of memory on a 16-byte boundary, else #GP(0). */
  aligned: 17,
} as const;
export type OperandKind = (typeof KIND)[keyof typeof KIND];

export interface Operand {
  readonly kind: OperandKind;
  /** Bytes: 1, 2, 4, 6, 8, 10, 16; 0 where the kind has no size. */
  readonly size: number;
  /** Register number; for r8, 4 to 7 are AH, CH, DH, BH. 0 where the kind has none. */
  readonly register: number;
  /** Immediate or displacement as a signed 32-bit number (an 8-bit immediate that the manual sign-extends is). 0 elsewhere. */
  readonly value: number;
}

export const NO_OPERAND: Operand = { kind: 0, size: 0, register: 0, value: 0 };

/** The one memory operand of an instruction: segment:[(base + (index << scale) + displacement) & mask]. */
export interface MemoryOperand {
  /** Segment register number with overrides applied. */
  readonly segment: number;
  /** Base register 0 to 7, or NO_REGISTER. */
  readonly base: number;
  /** Index register 0 to 7, or NO_REGISTER. */
  readonly index: number;
  /** Shift of the index, 0 to 3. */
  readonly scale: number;
  /** Signed 32-bit. */
  readonly displacement: number;
  /** -1 for 32-bit addresses, 0xFFFF for 16-bit ones. */
  readonly mask: number;
}

export const NO_MEMORY: MemoryOperand = { segment: 3, base: 8, index: 8, scale: 0, displacement: 0, mask: -1 };

/** Repeat prefix: 0 none, F3 (REP, REPE), F2 (REPNE). */
export type Repeat = 0 | 0xf3 | 0xf2;

/** A decoded instruction. All objects come from one literal in the decoder, so that they share a hidden class. */
export interface Instruction {
  readonly row: OpcodeRow;
  /** Length in bytes, 1 to 15. */
  readonly length: number;
  /** Operand size in bytes: 2 or 4 (8-bit forms say so in their operands). */
  readonly operandSize: 2 | 4;
  /** Address size in bytes. */
  readonly addressSize: 2 | 4;
  readonly dst: Operand;
  readonly src: Operand;
  readonly third: Operand;
  readonly memory: MemoryOperand;
  /** Low four bits of the opcode: the condition of Jcc, SETcc, CMOVcc, FCMOVcc. */
  readonly condition: number;
  readonly repeat: Repeat;
  readonly lock: boolean;
  /** Segment of a string instruction's source (DS unless overridden), also for XLAT and moffs. */
  readonly segment: number;
  /** ModRM byte, or -1 if the instruction has none. */
  readonly modrm: number;
}
