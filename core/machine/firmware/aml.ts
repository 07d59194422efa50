import { bytes, dword, type Part, word } from './bytes.ts';

/** ACPI machine language (ACPI 2.0, chapter 17) and resource descriptors (6.4), as much as the board's description needs. */

/** Bytes behind which their own length is written, in one or two bytes (PkgLength). */
function sized(...parts: readonly Part[]): readonly Part[] {
  const content = bytes(...parts);
  const length = content.length + 1;
  if (length < 0x40) return [length, content];
  const long = content.length + 2;
  return [0x40 | (long & 15), long >> 4, content];
}

/** A name of four characters, from the root if it begins with a backslash. */
function path(name: string): string {
  return name.startsWith('\\') ? name.padEnd(5, '_') : name.padEnd(4, '_');
}

export function integer(value: number): readonly Part[] {
  if (value === 0 || value === 1) return [value];
  if (value < 0x100) return [0x0a, value];
  return value < 0x10000 ? [0x0b, word(value)] : [0x0c, dword(value)];
}

export function name(target: string, value: readonly Part[]): readonly Part[] {
  return [0x08, path(target), value];
}

export function pack(...elements: readonly (readonly Part[])[]): readonly Part[] {
  return [0x12, sized(elements.length, ...elements)];
}

export function scope(target: string, ...terms: readonly (readonly Part[])[]): readonly Part[] {
  return [0x10, sized(path(target), ...terms)];
}

export function device(target: string, ...terms: readonly (readonly Part[])[]): readonly Part[] {
  return [0x5b, 0x82, sized(path(target), ...terms)];
}

/** A Plug and Play identifier such as PNP0A03, compressed to a doubleword (the macro EISAID of ACPI 2.0, chapter 16). */
export function eisaId(id: string): readonly Part[] {
  const letter = (at: number) => id.charCodeAt(at) - 0x40;
  const vendor = (letter(0) << 10) | (letter(1) << 5) | letter(2);
  const product = Number.parseInt(id.slice(3), 16);
  return [0x0c, vendor >> 8, vendor, product >> 8, product];
}

// Resources

/** What _CRS gives: a buffer of descriptors, with an end tag whose checksum is not used. */
export function resources(...descriptors: readonly (readonly Part[])[]): readonly Part[] {
  const content = bytes(...descriptors, 0x79, 0);
  return [0x11, sized(integer(content.length), content)];
}

/** Ports at a fixed place, all 16 address bits decoded. */
export function ports(first: number, count: number): readonly Part[] {
  return [0x47, 0x01, word(first), word(first), 1, count];
}

/** An edge-triggered interrupt, active high. */
export function irq(number: number): readonly Part[] {
  return [0x22, word(1 << number)];
}

const FIXED = 0x0c;
/** The descriptor's owner hands the range on to what lies behind it. */
const PRODUCER = 0;

/** Bus numbers, ports or memory that a bridge hands on; `kind` 2, 1 or 0. Memory is writable and not cached. */
function range(kind: 0 | 1 | 2, first: number, last: number): readonly Part[] {
  const specific = kind === 1 ? 3 : kind === 0 ? 1 : 0;
  const size = kind === 0 ? dword : word;
  const fields = [0, first, last, 0, last - first + 1].map(size);
  const content = bytes(kind, FIXED | PRODUCER, specific, ...fields);
  return [kind === 0 ? 0x87 : 0x88, word(content.length), content];
}

export const busNumbers = (first: number, last: number): readonly Part[] => range(2, first, last);
export const portRange = (first: number, last: number): readonly Part[] => range(1, first, last);
export const memoryRange = (first: number, last: number): readonly Part[] => range(0, first, last);
