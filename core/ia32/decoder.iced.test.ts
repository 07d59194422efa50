import { type Instruction as IcedInstruction, MemorySizeExt, OpKind, Register } from 'iced-x86';
import { describe, expect, it } from 'vitest';
import { type Instruction, KIND, type Operand } from './instruction.ts';
import {
  type CodeSize,
  everyEncoding,
  isUndefined,
  type Pair,
  randomBytes,
  STRIDE,
  sideBySide,
} from './opcodes/testing/iced.ts';
import { NO_REGISTER, REGISTER_NAMES_8, REGISTER_NAMES_16, REGISTER_NAMES_32, SEGMENT_NAMES } from './registers.ts';

/**
 * Encodings that mean something to later processors and that a P6 carries out as what they were: their prefix is ignored
 * (TZCNT and LZCNT are BSF and BSR, WBNOINVD is WBINVD), or they lie among the hint NOPs (prefetch, CET, MPX, CLDEMOTE).
 */
const REUSED: ReadonlySet<string> = new Set(['bsf', 'bsr', 'wbinvd', 'nop']);

/** What is different, or null. */
function difference(pair: Pair): string | null {
  const { ours, iced, facts } = pair;
  if (iced.isInvalid) return isUndefined(ours) ? null : 'undefined in iced only';
  // iced has hint NOPs at 0F 0D too, in its register forms. Here PREFETCHW's opcode is undefined as its feature bit says.
  if (facts.name.endsWith('_0F0D')) return isUndefined(ours) ? null : 'defined here';
  // RSM is known and raises #UD: there is no system management mode.
  if (!facts.ours && !REUSED.has(ours.row.operation) && ours.row.mnemonic !== 'rsm') {
    return isUndefined(ours) ? null : 'of another processor, but defined here';
  }
  if (isUndefined(ours)) return 'undefined here only';
  if (iced.length !== ours.length) return `length ${ours.length}, ${iced.length} in iced`;
  return REUSED.has(ours.row.operation) ? null : operandDifference(ours, iced);
}

function operandDifference(ours: Instruction, iced: IcedInstruction): string | null {
  if (iced.isStringInstruction) return stringDifference(ours, iced);
  // XLAT has no operand here: its memory is of the segment and address size of the instruction.
  if (ours.row.operation === 'xlat') return null;
  // ST(0) is named here where the manual leaves it out beside memory; AL or the like where iced leaves it out.
  const named = [ours.dst, ours.src, ours.third].filter(operand => operand.kind !== KIND.none);
  const operands = ours.row.format !== null && named.length === 2 ? named.slice(1) : named;
  // MASKMOVQ's memory at EDI is no operand here.
  const first = ours.row.operation === 'maskmov' ? 1 : 0;
  const expected = Array.from({ length: iced.opCount - first }, (_, n) => icedOperand(iced, n + first));
  const actual = operands.map(operand => ourOperand(ours, operand));
  const same = actual.length === expected.length && actual.every((text, n) => sameOperand(text, expected[n], ours));
  return same ? null : `${actual.join(' ')}, ${expected.join(' ')} in iced`;
}

/** These read only the low 16 bits of a register. Here it is one of 16 bits, in iced of the operand size. */
const READS_16: ReadonlySet<string> = new Set([
  'movToSegment',
  'lar',
  'lsl',
  'lldt',
  'ltr',
  'verr',
  'verw',
  'lmsw',
  'arpl',
]);

function sameOperand(actual: string, expected: string, i: Instruction): boolean {
  return actual === expected || (READS_16.has(i.row.operation) && `e${actual}` === expected);
}

function stringDifference(ours: Instruction, iced: IcedInstruction): string | null {
  const size = MemorySizeExt.size(iced.memorySize);
  return ours.dst.size === size ? null : `size ${ours.dst.size}, ${size} in iced`;
}

function ourOperand(i: Instruction, operand: Operand): string {
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
      return `#${operand.value >>> 0}`;
    case KIND.relative: {
      const target = 0x1000 + i.length + operand.value;
      return `->${i.operandSize === 2 ? target & 0xffff : target >>> 0}`;
    }
    case KIND.farPointer:
      return `${operand.register}:${operand.value >>> 0}`;
    default: {
      const m = i.memory;
      const names = m.mask === -1 ? REGISTER_NAMES_32 : REGISTER_NAMES_16;
      const base = m.base === NO_REGISTER ? 'none' : names[m.base];
      const index = m.index === NO_REGISTER ? 'none' : `${names[m.index]}*${1 << m.scale}`;
      return `${operand.size}[${SEGMENT_NAMES[m.segment]} ${base} ${index} ${(m.displacement & m.mask) >>> 0}]`;
    }
  }
}

function icedOperand(iced: IcedInstruction, n: number): string {
  switch (iced.opKind(n)) {
    case OpKind.Register:
      return Register[iced.opRegister(n)].toLowerCase();
    case OpKind.NearBranch16:
    case OpKind.NearBranch32:
      return `->${iced.nearBranchTarget}`;
    case OpKind.FarBranch16:
      return `${iced.farBranchSelector}:${iced.farBranch16}`;
    case OpKind.FarBranch32:
      return `${iced.farBranchSelector}:${iced.farBranch32}`;
    case OpKind.Immediate8to16:
      return `#${iced.immediate8to16 & 0xffff}`;
    case OpKind.Memory: {
      const base = Register[iced.memoryBase].toLowerCase();
      const indexName = Register[iced.memoryIndex].toLowerCase();
      // iced keeps the scale of an index that is none.
      const index = indexName === 'none' ? indexName : `${indexName}*${iced.memoryIndexScale}`;
      const segment = Register[iced.memorySegment].toLowerCase();
      const size = MemorySizeExt.size(iced.memorySize);
      const wide = iced.memoryDisplSize === 4 || base.length === 3 || indexName.length === 3;
      const displacement = BigInt.asUintN(wide ? 32 : 16, iced.memoryDisplacement);
      return `${size}[${segment} ${base} ${index} ${displacement}]`;
    }
    default:
      return `#${BigInt.asUintN(32, iced.immediate(n))}`;
  }
}

/** Counts differences by kind of instruction, with one example each. */
function compare(code: Uint8Array, size: CodeSize): Record<string, string> {
  const found: Record<string, string> = {};
  sideBySide(code, size, pair => {
    const text = difference(pair);
    if (text !== null) found[`${pair.facts.name} / ${pair.ours.row.mnemonic}`] ??= `${text} (${pair.hex})`;
  });
  return found;
}

const SIZES: readonly CodeSize[] = [2, 4];

describe('every opcode and ModRM byte agrees with iced-x86 on length, definedness and operands', () => {
  const PREFIXES = [[], [0x66], [0x67], [0x66, 0x67], [0xf0], [0xf2], [0xf3], [0x64]];
  for (const prefixes of PREFIXES) {
    it(`after ${prefixes.map(byte => byte.toString(16)).join(' ') || 'no prefix'}`, () => {
      const code = everyEncoding(prefixes);
      for (const size of SIZES) expect(compare(code, size)).toEqual({});
    });
  }
});

describe('random bytes agree with iced-x86', () => {
  const SEED = 20240;
  /** npm run test:decoder has a million for each code size, and half a minute. */
  const COUNT = Number(process.env.RANDOM_STRINGS ?? 200_000);
  const FIRST = [0x0f, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
  for (const size of SIZES) {
    it(`${8 * size}-bit code, seed ${SEED}`, () => {
      const code = randomBytes(SEED + size, COUNT * STRIDE);
      // Half of them begin with up to three prefixes or 0F, which plain random bytes seldom do.
      for (let at = 0; at < code.length; at += 2 * STRIDE) {
        for (let n = 0; n < code[at + 15] % 4; n++) code[at + n] = FIRST[code[at + n] % FIRST.length];
      }
      expect(compare(code, size)).toEqual({});
    });
  }

  it('long strings of prefixes', () => {
    const code = randomBytes(SEED, 20_000 * STRIDE);
    for (let at = 0; at < code.length; at += STRIDE) {
      for (let n = 0; n < 6 + (code[at + 15] % 10); n++) code[at + n] = FIRST[1 + (code[at + n] % (FIRST.length - 1))];
    }
    for (const size of SIZES) expect(compare(code, size)).toEqual({});
  });
});
