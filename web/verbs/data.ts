/** Bytes of memory as `x` writes them. */
import { hex } from '../format.ts';
import type { SymbolIndex } from '../symbols.ts';
import { laterText } from '../text/later.ts';
import { Refusal } from './words.ts';

/** GDB's letters: hexadecimal, signed, unsigned, octal, binary, character, address with symbol; instructions; strings. */
const LETTERS = ['x', 'd', 'u', 'o', 't', 'c', 'a', 'i', 's'] as const;
export type Letter = (typeof LETTERS)[number];
export type Size = 1 | 2 | 4;

const SIZES: Readonly<Record<string, Size>> = { b: 1, h: 2, w: 4 };

/** What stands behind the slash: how many, how written, how large. */
export interface Format {
  readonly count: number;
  readonly letter: Letter;
  readonly size: Size;
}

/** At most this many bytes can be asked for at once. */
const MOST_BYTES = 4096;
const MOST_INSTRUCTIONS = 256;

function isLetter(character: string): character is Letter {
  return LETTERS.some(letter => letter === character);
}

/** Reads `8xw`, in any order of its letters. Throws Refusal. */
export function parseFormat(format: string): Format {
  const match = /^(\d*)([a-z]*)$/.exec(format);
  if (match === null) throw new Refusal(laterText.verbs.noFormat(format));
  const count = match[1] === '' ? 1 : Number(match[1]);
  let letter: Letter = 'x';
  let size: Size | null = null;
  for (const character of match[2]) {
    if (isLetter(character)) letter = character;
    else if (character in SIZES) size = SIZES[character];
    else throw new Refusal(laterText.verbs.noFormat(format));
  }
  const full = { count, letter, size: size ?? (letter === 'c' ? 1 : 4) } as const;
  const fits = letter === 'i' ? count <= MOST_INSTRUCTIONS : bytesOf(full) <= MOST_BYTES;
  if (count < 1 || !fits) throw new Refusal(laterText.verbs.tooMuch(MOST_BYTES, MOST_INSTRUCTIONS));
  return full;
}

/** Longest string that is looked at. */
const STRING_BYTES = 256;

/** How many bytes are needed to write this. */
export function bytesOf({ count, letter, size }: Format): number {
  return letter === 's' ? count * STRING_BYTES : count * size;
}

/** A number in the given way; `size` in bytes. */
export function writeValue(value: number, letter: Letter, size: Size, symbols: SymbolIndex): string {
  const bits = size * 8;
  switch (letter) {
    case 'd':
      return `${(value << (32 - bits)) >> (32 - bits)}`;
    case 'u':
      return `${value >>> 0}`;
    case 'o':
      return `0${(value >>> 0).toString(8)}`;
    case 't':
      return (value >>> 0).toString(2).padStart(bits, '0');
    case 'c':
      return `${(value << 24) >> 24} ${character(value & 0xff)}`;
    case 'a':
      return `0x${hex(value)}${place(value, symbols)}`;
    case 'x':
    case 'i':
    case 's':
      return `0x${hex(value, size * 2)}`;
  }
}

/** ` <switch_space+0x1e>`, or nothing. */
export function place(address: number, symbols: SymbolIndex): string {
  const name = symbols.nameAt(address);
  if (name === null) return '';
  const offset = symbols.offsetAt(address) ?? 0;
  return ` <${name}${offset === 0 ? '' : `+0x${offset.toString(16)}`}>`;
}

const ESCAPES: Readonly<Record<number, string>> = {
  0: '\\0',
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  13: '\\r',
  27: '\\e',
};

function character(code: number): string {
  return `'${printable(code)}'`;
}

function printable(code: number): string {
  if (code >= 0x20 && code < 0x7f) return String.fromCharCode(code);
  return ESCAPES[code] ?? `\\x${hex(code, 2)}`;
}

const IN_ROW: Readonly<Record<Size, number>> = { 1: 8, 2: 8, 4: 4 };
/** Long ones: one in a row. */
const ALONE: readonly Letter[] = ['t', 'a'];

/**
 * Rows of `bytes` from `address` on, as GDB has them; -1 is a byte that is not mapped. `labelled`: with the symbol that each row is in, which
 * only linear addresses have.
 */
export function dump(
  address: number,
  bytes: Int16Array,
  format: Format,
  symbols: SymbolIndex,
  labelled: boolean,
): readonly string[] {
  const { letter, size, count } = format;
  const head = (at: number): string => `${hex(address + at)}${labelled ? place((address + at) >>> 0, symbols) : ''}:`;
  if (letter === 's') return strings(bytes, count).map(({ at, value }) => `${head(at)}  ${value}`);
  const inRow = ALONE.includes(letter) ? 1 : IN_ROW[size];
  const lines: string[] = [];
  for (let first = 0; first < count; first += inRow) {
    const cells: string[] = [];
    for (let n = first; n < Math.min(first + inRow, count); n += 1) {
      const value = littleEndian(bytes, n * size, size);
      cells.push(value === null ? '?'.repeat(2 + size * 2) : writeValue(value, letter, size, symbols));
    }
    lines.push(`${head(first * size)}  ${cells.join('  ')}`);
  }
  return aligned(lines);
}

/** The cells of all rows below each other: heads get the same length, cells the length of the longest. */
function aligned(lines: readonly string[]): readonly string[] {
  const rows = lines.map(line => line.split(/ {2}/));
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows.map(([head, ...cells]) =>
    [head.padEnd(widths[0]), ...cells.map((cell, n) => cell.padStart(widths[n + 1]))].join('  '),
  );
}

/** Unsigned, or null where a byte is missing. */
export function littleEndian(bytes: Int16Array, at: number, size: Size): number | null {
  let value = 0;
  for (let n = size - 1; n >= 0; n -= 1) {
    const byte = bytes[at + n] ?? -1;
    if (byte < 0) return null;
    value = value * 256 + byte;
  }
  return value;
}

function strings(bytes: Int16Array, count: number): readonly { readonly at: number; readonly value: string }[] {
  const list: { readonly at: number; readonly value: string }[] = [];
  let at = 0;
  while (list.length < count && at < bytes.length) {
    let value = '';
    let end = at;
    while (end < bytes.length && bytes[end] > 0 && end - at < STRING_BYTES) {
      value += bytes[end] === 0x22 ? '\\"' : printable(bytes[end]);
      end += 1;
    }
    const isCut = end >= bytes.length || bytes[end] !== 0;
    list.push({ at, value: bytes[at] === -1 ? '?' : `"${value}"${isCut ? '…' : ''}` });
    at = end + 1;
  }
  return list;
}

/** A value as bytes, the lowest first. */
export function toBytes(value: number, size: Size): Uint8Array {
  return Uint8Array.from({ length: size }, (_, n) => (value >>> (8 * n)) & 0xff);
}

/** 1, 2 or 4; Bochs' words for it. Throws Refusal. */
export function parseSize(word: string): Size {
  if (word === '1' || word === '2' || word === '4') return Number(word) as Size;
  throw new Refusal(laterText.verbs.noSize(word));
}
