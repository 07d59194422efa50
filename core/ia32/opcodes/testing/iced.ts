import { Code, CpuidFeature, Decoder, DecoderOptions, Instruction as IcedInstruction, type OpCodeInfo } from 'iced-x86';
import { decode } from '../../decoder.ts';
import type { Instruction } from '../../instruction.ts';

/** Decoding side by side with iced-x86: the outside witness of the decoder's and the table's tests. */

/** Bytes that every instruction has at hand, one more than the longest can have. */
export const STRIDE = 16;

export type CodeSize = 2 | 4;

/** What this processor has; iced's other features are of later or other processors. MULTIBYTENOP covers the hint NOPs. */
const OURS: ReadonlySet<CpuidFeature> = new Set([
  CpuidFeature.INTEL8086,
  CpuidFeature.INTEL8086_ONLY,
  CpuidFeature.INTEL186,
  CpuidFeature.INTEL286,
  CpuidFeature.INTEL386,
  CpuidFeature.INTEL486,
  CpuidFeature.FPU,
  CpuidFeature.FPU287,
  CpuidFeature.FPU387,
  CpuidFeature.CMOV,
  CpuidFeature.CPUID,
  CpuidFeature.CX8,
  CpuidFeature.FXSR,
  CpuidFeature.MSR,
  CpuidFeature.MULTIBYTENOP,
  CpuidFeature.PAUSE,
  CpuidFeature.CLFSH,
  CpuidFeature.MMX,
  CpuidFeature.SSE,
  CpuidFeature.SSE2,
  CpuidFeature.SSE3,
  CpuidFeature.RDPMC,
  CpuidFeature.SEP,
  CpuidFeature.TSC,
  CpuidFeature.VMX,
  CpuidFeature.INVEPT,
  CpuidFeature.INVVPID,
]);

/** What iced says about an encoding, once per Code. */
interface CodeFacts {
  readonly name: string;
  readonly info: OpCodeInfo;
  /** Every CPUID feature that it needs is one of this processor. */
  readonly ours: boolean;
}

const facts = new Map<Code, CodeFacts>();

function factsOf(iced: IcedInstruction): CodeFacts {
  let known = facts.get(iced.code);
  if (known === undefined) {
    // VMFUNC needs a control that this processor does not have.
    const ours = [...iced.cpuidFeatures()].every(feature => OURS.has(feature)) && iced.code !== Code.Vmfunc;
    known = { name: Code[iced.code], info: iced.opCode, ours };
    facts.set(iced.code, known);
  }
  return known;
}

export interface Pair {
  readonly ours: Instruction;
  /** The same object each time. */
  readonly iced: IcedInstruction;
  readonly facts: CodeFacts;
  readonly hex: string;
}

/** Decodes each STRIDE bytes of `code` as an instruction at offset 0x1000, here and there. */
export function sideBySide(code: Uint8Array, size: CodeSize, visit: (pair: Pair) => void): void {
  const decoder = new Decoder(8 * size, code, DecoderOptions.None);
  const iced = new IcedInstruction();
  for (let at = 0; at < code.length; at += STRIDE) {
    decoder.position = at;
    decoder.ip = 0x1000n;
    decoder.decodeOut(iced);
    const ours = decode({ byte: offset => code[offset] }, at, size);
    const hex = `${8 * size}-bit ${Buffer.from(code.subarray(at, at + STRIDE)).toString('hex')}`;
    visit({ ours, iced, facts: factsOf(iced), hex });
  }
  iced.free();
  decoder.free();
}

/** Undefined here: #UD by having no meaning, not by UD0, UD1, UD2 or RSM, which are instructions that raise it. */
export function isUndefined(i: Instruction): boolean {
  return i.row.mnemonic === '(bad)' || i.row.operation === 'tooLong';
}

/** Random bytes by mulberry32: the same for the same seed. */
export function randomBytes(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let n = 0; n < length; n++) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    bytes[n] = (mixed ^ (mixed >>> 14)) >>> 24;
  }
  return bytes;
}

/** Every opcode with every ModRM byte after each of the prefixes, followed by SIB, displacement and immediate bytes. */
export function everyEncoding(prefixes: readonly number[]): Uint8Array {
  const code = randomBytes(1, 2 * 256 * 256 * STRIDE);
  for (let n = 0; n < 2 * 256 * 256; n++) {
    const opcode = (n >> 8) & 0xff;
    const bytes = n < 0x10000 ? [...prefixes, opcode, n & 0xff] : [...prefixes, 0x0f, opcode, n & 0xff];
    code.set(bytes, n * STRIDE);
  }
  return code;
}
