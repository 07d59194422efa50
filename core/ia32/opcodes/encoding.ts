import { KIND, NO_OPERAND, type Operand, type OperandKind } from '../instruction.ts';
import type { OpcodeRow, OperandCode } from '../opcode.ts';
import { CS, DS, EAX, ECX, EDX, ES, FS, GS, SS } from '../registers.ts';
import { ONE_BYTE, ONE_BYTE_PREFIXED } from './one-byte.ts';
import { type ByPrefix, type Entry, isForms, UNDEFINED } from './row.ts';
import { THREE_BYTE_38, TWO_BYTE, TWO_BYTE_PREFIXED } from './two-byte.ts';

/** The opcode table as the decoder reads it: made once per operand size, so that no string is looked at while decoding. */

/** How an operand is found; the decoder's switch writes the numbers. */
const HOW = {
  /** `choices[0]`. */
  fixed: 0,
  /** ModRM's register `choices[rm]`, or `memory`. */
  registerOrMemory: 1,
  /** `choices[reg]` */
  reg: 2,
  /** `choices[rm]`, whatever mod says. */
  rm: 3,
  /** `choices[low three bits of the opcode]` */
  opcode: 4,
  /** Immediate of `size` bytes, zero-extended. */
  immediate: 5,
  /** One byte, sign-extended to `size` bytes. */
  signedByte: 6,
  /** Branch displacement: one byte, or `size` bytes. */
  relativeByte: 7,
  relative: 8,
  /** Offset and selector, `size` bytes together. */
  farPointer: 9,
  /** `memory` at an offset of the address size. */
  offset: 10,
} as const;

/** Recipe for one operand. */
export interface Recipe {
  readonly how: (typeof HOW)[keyof typeof HOW];
  /** Bytes. */
  readonly size: number;
  readonly choices: readonly Operand[];
  readonly memory: Operand;
}

function register(kind: OperandKind, size: number, number: number): Operand {
  return { kind, size, register: number, value: 0 };
}

function registers(kind: OperandKind, size: number): readonly Operand[] {
  return Array.from({ length: 8 }, (_, number) => register(kind, size, number));
}

/** All operands that are always the same are shared. */
const R8 = registers(KIND.r8, 1);
const R16 = registers(KIND.r16, 2);
const R32 = registers(KIND.r32, 4);
const SEGMENT = registers(KIND.segment, 2);
const CONTROL = registers(KIND.control, 4);
const DEBUG = registers(KIND.debug, 4);
const ST = registers(KIND.st, 10);
const MM = registers(KIND.mm, 8);
const XMM = registers(KIND.xmm, 16);
const M8 = register(KIND.m8, 1, 0);
const M16 = register(KIND.m16, 2, 0);
const M32 = register(KIND.m32, 4, 0);
const ALIGNED = register(KIND.aligned, 16, 0);
const ONE: Operand = { kind: KIND.immediate, size: 1, register: 0, value: 1 };
const NOTHING: Recipe = { how: HOW.fixed, size: 0, choices: [NO_OPERAND], memory: NO_OPERAND };

function fixed(operand: Operand): Recipe {
  return { ...NOTHING, size: operand.size, choices: [operand] };
}

function chosen(how: 2 | 3 | 4, choices: readonly Operand[]): Recipe {
  return { ...NOTHING, how, size: choices[0].size, choices };
}

function modrm(choices: readonly Operand[], memory: Operand): Recipe {
  return { how: HOW.registerOrMemory, size: memory.size, choices, memory };
}

/** Memory that only the instruction's meaning knows. Its register forms are other rows, or give these registers. */
function memory(size: number, choices: readonly Operand[] = []): Recipe {
  return modrm(choices, register(KIND.memory, size, 0));
}

function bytes(how: 5 | 6 | 7 | 8 | 9, size: number): Recipe {
  return { ...NOTHING, how, size };
}

/** String operands lie at ESI and EDI: only their size matters. */
function string(size: number): Recipe {
  return fixed(register(KIND.none, size, 0));
}

function general(size: 2 | 4): readonly Operand[] {
  return size === 2 ? R16 : R32;
}

function generalMemory(size: 2 | 4): Operand {
  return size === 2 ? M16 : M32;
}

/** What each operand code means under an operand size of 2 or 4 bytes (SDM volume 2, appendix A.2). */
const RECIPES: Readonly<Record<OperandCode, (size: 2 | 4) => Recipe>> = {
  Eb: () => modrm(R8, M8),
  Ew: () => modrm(R16, M16),
  Ev: size => modrm(general(size), generalMemory(size)),
  RvMw: size => modrm(general(size), M16),
  Gb: () => chosen(HOW.reg, R8),
  Ed: () => modrm(R32, M32),
  Gd: () => chosen(HOW.reg, R32),
  Gw: () => chosen(HOW.reg, R16),
  Gv: size => chosen(HOW.reg, general(size)),
  Rd: () => chosen(HOW.rm, R32),
  Sw: () => chosen(HOW.reg, SEGMENT),
  Cd: () => chosen(HOW.reg, CONTROL),
  Dd: () => chosen(HOW.reg, DEBUG),
  Zb: () => chosen(HOW.opcode, R8),
  Zv: size => chosen(HOW.opcode, general(size)),
  Ib: () => bytes(HOW.immediate, 1),
  Iw: () => bytes(HOW.immediate, 2),
  Iz: size => bytes(HOW.immediate, size),
  Ibs: size => bytes(HOW.signedByte, size),
  Jb: size => bytes(HOW.relativeByte, size),
  Jz: size => bytes(HOW.relative, size),
  Ap: size => bytes(HOW.farPointer, size + 2),
  Ob: () => ({ ...NOTHING, how: HOW.offset, size: 1, memory: M8 }),
  Ov: size => ({ ...NOTHING, how: HOW.offset, size, memory: generalMemory(size) }),
  M: () => memory(0),
  Mw: () => modrm([], M16),
  Mp: size => memory(size + 2),
  Ms: () => memory(6),
  Ma: size => memory(2 * size),
  Mq: () => memory(8),
  Mdq: () => memory(16),
  AL: () => fixed(R8[EAX]),
  CL: () => fixed(R8[ECX]),
  DX: () => fixed(R16[EDX]),
  AX: () => fixed(R16[EAX]),
  eAX: size => fixed(general(size)[EAX]),
  '1': () => fixed(ONE),
  ES: () => fixed(SEGMENT[ES]),
  CS: () => fixed(SEGMENT[CS]),
  SS: () => fixed(SEGMENT[SS]),
  DS: () => fixed(SEGMENT[DS]),
  FS: () => fixed(SEGMENT[FS]),
  GS: () => fixed(SEGMENT[GS]),
  Xb: () => string(1),
  Xv: size => string(size),
  Yb: () => string(1),
  Yv: size => string(size),
  ST0: () => fixed(ST[0]),
  STi: () => chosen(HOW.rm, ST),
  Mf32: () => memory(4),
  Mf64: () => memory(8),
  Mf80: () => memory(10),
  Mi16: () => memory(2),
  Mi32: () => memory(4),
  Mi64: () => memory(8),
  Mbcd: () => memory(10),
  // SDM volume 1, figures 8-9 to 8-12, and table 10-2.
  Menv: size => memory(size === 2 ? 14 : 28),
  Msave: size => memory(size === 2 ? 94 : 108),
  Mfx: () => memory(512),
  Pq: () => chosen(HOW.reg, MM),
  Nq: () => chosen(HOW.rm, MM),
  Qq: () => memory(8, MM),
  Qd: () => memory(4, MM),
  Vx: () => chosen(HOW.reg, XMM),
  Ux: () => chosen(HOW.rm, XMM),
  Wx: () => modrm(XMM, ALIGNED),
  Wu: () => memory(16, XMM),
  Wq: () => memory(8, XMM),
  Wd: () => memory(4, XMM),
  Mb: () => modrm([], M8),
  Md: () => modrm([], M32),
  Mx: () => modrm([], ALIGNED),
  RdMw: () => modrm(R32, M16),
};

/** An opcode under one operand size. */
export interface Encoding {
  readonly row: OpcodeRow;
  readonly modrm: boolean;
  /** Mod 0 to 2 is followed by an address: not so for moves of control and debug registers, which ignore it. */
  readonly address: boolean;
  /** Undefined after 66, F2 or F3: what the manual marks NP (volume 2, 3.1.1.1) among rows whose neighbours are not, VMCALL and its like. */
  readonly bare: boolean;
  /** Encodings by ModRM (8 memory forms by /reg, 64 register forms) instead of this one; null if there is but this one. */
  readonly forms: readonly Encoding[] | null;
  /** What 66, F3 and F2 make of an opcode of which they are a part; null where they are mere prefixes. */
  readonly prefixed: { readonly operandSize: Encoding; readonly repeat: Encoding; readonly repeatNot: Encoding } | null;
  readonly dst: Recipe;
  readonly src: Recipe;
  readonly third: Recipe;
  /** Number of the condition, or the low four bits of the opcode where there is none. */
  readonly condition: number;
}

function encoding(entry: Entry, opcode: number, size: 2 | 4, form = 0, prefixes: ByPrefix | null = null): Encoding {
  const forms = isForms(entry) ? formsOf(entry, opcode, size) : null;
  const row = isForms(entry) ? UNDEFINED : entry;
  const recipes = row.operands.map(code => RECIPES[code](size));
  const byModrm = recipes.some(recipe => recipe.how >= HOW.registerOrMemory && recipe.how <= HOW.rm);
  return {
    row,
    modrm: forms !== null || byModrm,
    address: !row.operands.includes('Rd'),
    bare: row.intercept === 'vmx' && row.operands.length === 0,
    forms,
    prefixed: prefixes && {
      operandSize: encoding(prefixes.operandSize, opcode, size),
      repeat: encoding(prefixes.repeat, opcode, size),
      repeatNot: encoding(prefixes.repeatNot, opcode, size),
    },
    dst: recipes[0] ?? NOTHING,
    src: recipes[1] ?? NOTHING,
    third: recipes[2] ?? NOTHING,
    condition: row.operation === 'fcmov' ? fcmovCondition(opcode, form) : opcode & 15,
  };
}

/** Where a form ignores mod, those that are undefined ignore it, too: CR1 is three bytes long. */
function formsOf(rows: readonly OpcodeRow[], opcode: number, size: 2 | 4): readonly Encoding[] {
  const forms = rows.map((row, n) => encoding(row, opcode, size, n));
  return forms.every(form => form.address) ? forms : forms.map(form => ({ ...form, address: false }));
}

/** DA holds FCMOVB, E, BE and U by /reg, DB their opposites (SDM volume 1, table 8-4). U is the parity condition. */
function fcmovCondition(opcode: number, form: number): number {
  const reg = (form - 8) >> 3;
  return [2, 4, 6, 10][reg] | (opcode & 1);
}

function encodings(
  map: readonly Entry[],
  size: 2 | 4,
  prefixed: Readonly<Record<number, ByPrefix>> = {},
): readonly Encoding[] {
  return map.map((entry, opcode) => encoding(entry, opcode, size, 0, prefixed[opcode] ?? null));
}

export const ONE_BYTE_16 = encodings(ONE_BYTE, 2, ONE_BYTE_PREFIXED);
export const ONE_BYTE_32 = encodings(ONE_BYTE, 4, ONE_BYTE_PREFIXED);
export const TWO_BYTE_16 = encodings(TWO_BYTE, 2, TWO_BYTE_PREFIXED);
export const TWO_BYTE_32 = encodings(TWO_BYTE, 4, TWO_BYTE_PREFIXED);

/** Opcodes after 66 0F 38; without 66 none is defined. Their operands do not depend on the operand size. */
export const THREE_BYTE = encodings(THREE_BYTE_38, 4);
export const UNDEFINED_ENCODING = encoding(UNDEFINED, 0, 4);
