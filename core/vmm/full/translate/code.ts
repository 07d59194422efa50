import { LOOKUP } from '../../host/layout.ts';
import { CALLOUT_VECTOR, PAGE, type PageWord } from './page.ts';
import type { Jump, Point } from './unit.ts';

/** A 32-bit number as bytes, the lowest first. */
export function word(value: number): readonly number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}

const GS_PREFIX = 0x65;
const ECX_FIELD = 1;

/** INT CALLOUT_VECTOR. */
export const CALLOUT: readonly number[] = [0xcd, CALLOUT_VECTOR];

/** MOV r32, GS:[word of the VCPU page]. None of these instructions changes a flag. */
export function loadWord(register: number, from: PageWord): readonly number[] {
  return [GS_PREFIX, 0x8b, (register << 3) | 5, ...word(from)];
}

/** MOV GS:[word], r32. */
export function storeWord(register: number, to: PageWord): readonly number[] {
  return [GS_PREFIX, 0x89, (register << 3) | 5, ...word(to)];
}

/** MOV GS:[word], imm32. */
export function storeImmediate(to: PageWord, value: number): readonly number[] {
  return [GS_PREFIX, 0xc7, 5, ...word(to), ...word(value)];
}

/** Prefixes that say where an operand is (SDM volume 2, 2.1.1): segments and address size; and those that do not. */
const ADDRESS_PREFIXES: readonly number[] = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x67];
const OTHER_PREFIXES: readonly number[] = [0x66, 0xf0, 0xf2, 0xf3];

/** An instruction of one-byte opcode with a ModRM operand, made into one that reads the same operand into ECX by another opcode. */
export function readOperand(bytes: readonly number[], opcode: readonly number[]): readonly number[] {
  const at = bytes.findIndex(byte => !ADDRESS_PREFIXES.includes(byte) && !OTHER_PREFIXES.includes(byte));
  const prefixes = bytes.slice(0, at).filter(byte => ADDRESS_PREFIXES.includes(byte));
  const modrm = (bytes[at + 1] & 0xc7) | (ECX_FIELD << 3);
  return [...prefixes, ...opcode, modrm, ...bytes.slice(at + 2)];
}

/** Slots of the lookup table, one for each value of the low half of a guest EIP. */
export const SLOTS = 0x10000;
/** Behind it a byte for each selector: whether translated code may load it. */
export const LOADABLE = LOOKUP + SLOTS * 4;

/**
 * A translation in the making. Each machine instruction is added with the state from which the guest's can be recovered before it: `eip`,
 * `saved`, `release` and `shadow` are those of the next one.
 */
export class Code {
  readonly bytes: number[] = [];
  readonly points: Point[] = [];
  readonly jumps: Jump[] = [];
  eip: number | null = 0;
  saved: 0 | 1 | 2 = 0;
  release = 0;
  shadow = false;

  /** Adds one machine instruction. */
  add(...parts: readonly (number | readonly number[])[]): void {
    const { eip, saved, release, shadow } = this;
    this.points.push({ offset: this.bytes.length, eip, saved, release, shadow });
    for (const part of parts) {
      if (typeof part === 'number') this.bytes.push(part);
      else this.bytes.push(...part);
    }
  }

  /** Adds a jump of this opcode to the translation of a guest EIP: JMP, or Jcc with its two bytes. */
  jump(opcode: readonly number[], target: number): void {
    this.add(opcode, 0, 0, 0, 0);
    this.jumps.push({ offset: this.bytes.length - 4, target });
  }

  /** Asks the monitor to emulate the guest instruction at `eip`. */
  callout(): void {
    this.add(CALLOUT);
  }

  /** Goes to the translation of the guest EIP in PAGE.target. ECX is in the VCPU page, and so is from now on the guest's EIP. */
  lookUp(): void {
    this.eip = null;
    this.shadow = false;
    this.add(0x0f, 0xb7, 0xc9); // MOVZX ECX, CX
    this.add(0x2e, 0xff, 0x24, 0x8d, word(LOOKUP)); // JMP CS:[ECX*4 + LOOKUP]
  }
}

/** Length of an entry. */
export const ENTRY_BYTES = 32;
/** Offset in it of the displacement to the next entry. */
export const ENTRY_NEXT = 16;
/** Offset of its last instruction, before which the guest's EIP is that of the unit and nothing is left to restore. */
export const ENTRY_LAST = 27;

/**
 * The code that a slot of the lookup table leads to: whether PAGE.target is the guest EIP that this entry is for; if not, on to the next
 * with the same slot. `next` and `body` are displacements from the start of the entry.
 */
export function entryCode(eip: number, next: number, body: number): readonly number[] {
  return [
    ...loadWord(ECX_FIELD, PAGE.target),
    ...[0x8d, 0x89, ...word(-eip)], // LEA ECX, [ECX - eip]
    ...[0xe3, 5], // JECXZ over the next
    ...[0xe9, ...word(next - 20)],
    ...loadWord(ECX_FIELD, PAGE.ecx),
    ...[0xe9, ...word(body - ENTRY_BYTES)],
  ];
}
