import {
  type Instruction,
  KIND,
  type MemoryOperand,
  NO_MEMORY,
  NO_OPERAND,
  type Operand,
  type Repeat,
} from './instruction.ts';
import {
  ONE_BYTE_16,
  ONE_BYTE_32,
  type Recipe,
  THREE_BYTE,
  TWO_BYTE_16,
  TWO_BYTE_32,
  UNDEFINED_ENCODING,
} from './opcodes/encoding.ts';
import { TOO_LONG, UNDEFINED } from './opcodes/row.ts';
import { DS, EBP, EBX, EDI, ESI, ESP, NO_REGISTER, SS } from './registers.ts';

/** Where instruction bytes come from. A page fault or a limit violation is the source's to throw; it goes through decode(). */
export interface CodeSource {
  /** The byte at `offset`, which counts on from decode()'s `start` without wrapping around. */
  byte(offset: number): number;
}

/** SDM volume 2, 2.3.11. */
const LONGEST = 15;

/** What the byte is as a prefix (SDM volume 2, 2.1.1): 0 none, 1 to 6 segment override + 1, and these. */
const PREFIX_OPERAND_SIZE = 7;
const PREFIX_ADDRESS_SIZE = 8;
const PREFIX_LOCK = 9;
const PREFIX_REPEAT = 10;
const PREFIX = new Uint8Array(256);
[0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65].forEach((byte, segment) => {
  PREFIX[byte] = segment + 1;
});
PREFIX[0x66] = PREFIX_OPERAND_SIZE;
PREFIX[0x67] = PREFIX_ADDRESS_SIZE;
PREFIX[0xf0] = PREFIX_LOCK;
PREFIX[0xf2] = PREFIX_REPEAT;
PREFIX[0xf3] = PREFIX_REPEAT;

/** Base and index by r/m in 16-bit addresses (SDM volume 2, table 2-1). */
const BASE_16 = [EBX, EBX, EBP, EBP, ESI, EDI, EBP, EBX];
const INDEX_16 = [ESI, EDI, ESI, EDI, NO_REGISTER, NO_REGISTER, NO_REGISTER, NO_REGISTER];

// The instruction that is being decoded: variables of the module, since decoding allocates nothing but its result.
let source: CodeSource;
let start = 0;
let length = 0;
/** Segment override, or -1. */
let override = -1;
let addressSize: 2 | 4 = 4;
let opcode = 0;
let modrm = -1;
let memory: MemoryOperand = NO_MEMORY;

/** Beyond the longest instruction nothing is read, and zeros come, which end any instruction soon. */
function byte(): number {
  return length < LONGEST ? source.byte(start + length++) : tooFar();
}

function tooFar(): number {
  length++;
  return 0;
}

function signedByte(): number {
  return (byte() << 24) >> 24;
}

function word(): number {
  const low = byte();
  return low | (byte() << 8);
}

function doubleword(): number {
  const low = word();
  return low | (word() << 16);
}

/**
 * Decodes the instruction whose first byte is `from.byte(at)`. An encoding that is undefined, or that a LOCK prefix makes so, is
 * an instruction of operation 'ud'; one of more than 15 bytes has operation 'tooLong' and length 15, and no 16th byte is read.
 * Throws only what the source throws.
 */
export function decode(from: CodeSource, at: number, codeSize: 2 | 4): Instruction {
  source = from;
  start = at;
  length = 0;
  override = -1;
  addressSize = codeSize;
  modrm = -1;
  memory = NO_MEMORY;
  let operandSize = codeSize;
  let lock = false;
  let repeat: Repeat = 0;

  opcode = byte();
  for (let prefix = PREFIX[opcode]; prefix !== 0; prefix = PREFIX[opcode]) {
    // Any order, any number: of segment overrides and of repeat prefixes the last one counts.
    if (prefix < PREFIX_OPERAND_SIZE) override = prefix - 1;
    else if (prefix === PREFIX_OPERAND_SIZE) operandSize = codeSize === 2 ? 4 : 2;
    else if (prefix === PREFIX_ADDRESS_SIZE) addressSize = codeSize === 2 ? 4 : 2;
    else if (prefix === PREFIX_LOCK) lock = true;
    else repeat = opcode === 0xf3 ? 0xf3 : 0xf2;
    opcode = byte();
  }

  let encoding = (operandSize === 2 ? ONE_BYTE_16 : ONE_BYTE_32)[opcode];
  if (opcode === 0x0f) {
    opcode = byte();
    encoding = (operandSize === 2 ? TWO_BYTE_16 : TWO_BYTE_32)[opcode];
    if (opcode === 0x38) {
      opcode = byte();
      encoding = repeat === 0 && operandSize !== codeSize ? THREE_BYTE[opcode] : UNDEFINED_ENCODING;
    }
  }
  const { prefixed } = encoding;
  if (prefixed !== null) {
    if (repeat !== 0) encoding = repeat === 0xf3 ? prefixed.repeat : prefixed.repeatNot;
    else if (operandSize !== codeSize) encoding = prefixed.operandSize;
  }
  if (encoding.modrm) {
    modrm = byte();
    const forms = encoding.forms;
    if (forms !== null) encoding = forms[modrm < 0xc0 ? (modrm >> 3) & 7 : modrm - 0xc0 + 8];
    if (modrm < 0xc0 && encoding.address) memory = addressSize === 2 ? address16() : address32();
  }
  const dst = operand(encoding.dst);
  const src = operand(encoding.src);
  const third = operand(encoding.third);

  let row = encoding.row;
  // LOCK needs a row that takes it, and memory as destination: the first operand of all such rows is r/m.
  if (lock && !(row.lock && modrm < 0xc0)) row = UNDEFINED;
  if (encoding.bare && (repeat !== 0 || operandSize !== codeSize)) row = UNDEFINED;
  if (length > LONGEST) {
    row = TOO_LONG;
    length = LONGEST;
  }
  const defined = row === encoding.row;
  return {
    row,
    length,
    operandSize,
    addressSize,
    dst: defined ? dst : NO_OPERAND,
    src: defined ? src : NO_OPERAND,
    third: defined ? third : NO_OPERAND,
    memory,
    condition: encoding.condition,
    repeat,
    lock,
    segment: override < 0 ? DS : override,
    modrm,
  };
}

function operand(recipe: Recipe): Operand {
  const size = recipe.size;
  // The cases are HOW of opcodes/encoding.ts.
  switch (recipe.how) {
    case 0:
      return recipe.choices[0];
    case 1:
      return modrm < 0xc0 ? recipe.memory : recipe.choices[modrm & 7];
    case 2:
      return recipe.choices[(modrm >> 3) & 7];
    case 3:
      return recipe.choices[modrm & 7];
    case 4:
      return recipe.choices[opcode & 7];
    case 5:
      return { kind: KIND.immediate, size, register: 0, value: unsigned(size) };
    case 6: {
      const value = signedByte();
      return { kind: KIND.immediate, size, register: 0, value: size === 2 ? value & 0xffff : value };
    }
    case 7:
      return { kind: KIND.relative, size, register: 0, value: signedByte() };
    case 8:
      return { kind: KIND.relative, size, register: 0, value: size === 2 ? (word() << 16) >> 16 : doubleword() };
    case 9: {
      const value = size === 4 ? word() : doubleword();
      return { kind: KIND.farPointer, size, register: word(), value };
    }
    case 10:
      memory = directAddress();
      return recipe.memory;
  }
}

/** An immediate of 1, 2 or 4 bytes; 4 come as a signed number. */
function unsigned(size: number): number {
  if (size === 4) return doubleword();
  return size === 1 ? byte() : word();
}

/** The address of a MOV between the accumulator and memory. */
function directAddress(): MemoryOperand {
  const displacement = addressSize === 2 ? word() : doubleword();
  return address(NO_REGISTER, NO_REGISTER, 0, displacement);
}

/** SDM volume 2, table 2-1. */
function address16(): MemoryOperand {
  const rm = modrm & 7;
  if (modrm < 0x40) {
    return rm === 6 ? directAddress() : address(BASE_16[rm], INDEX_16[rm], 0, 0);
  }
  const displacement = modrm < 0x80 ? signedByte() : (word() << 16) >> 16;
  return address(BASE_16[rm], INDEX_16[rm], 0, displacement);
}

/** SDM volume 2, tables 2-2 and 2-3. */
function address32(): MemoryOperand {
  let base = modrm & 7;
  let index = NO_REGISTER;
  let scale = 0;
  if (base === ESP) {
    const sib = byte();
    base = sib & 7;
    scale = sib >> 6;
    index = (sib >> 3) & 7;
    if (index === ESP) {
      index = NO_REGISTER;
      scale = 0;
    }
  }
  let displacement = 0;
  if (modrm >= 0x80) displacement = doubleword();
  else if (modrm >= 0x40) displacement = signedByte();
  else if (base === EBP) {
    base = NO_REGISTER;
    displacement = doubleword();
  }
  return address(base, index, scale, displacement);
}

/** The segment is SS where the base is ESP or EBP, else DS, unless overridden (SDM volume 1, table 3-5). */
function address(base: number, index: number, scale: number, displacement: number): MemoryOperand {
  const segment = override >= 0 ? override : base === EBP || base === ESP ? SS : DS;
  return { segment, base, index, scale, displacement, mask: addressSize === 2 ? 0xffff : -1 };
}

/** PUSH 80000000h, and MOV EAX, [80000000h]. */
const LARGE_NUMBERS = [
  [0x68, 0, 0, 0, 0x80],
  [0xa1, 0, 0, 0, 0x80],
];
// V8 has another hidden class for operands once one has a number of more than 31 bits, and throws away what it has compiled for them: so the first ones have.
for (const bytes of LARGE_NUMBERS) decode({ byte: n => bytes[n] }, 0, 4);
