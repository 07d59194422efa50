/** Bytes from parts: what firmware's tables are written with. */

export type Part = number | string | Uint8Array | readonly Part[];

/** Numbers are bytes, strings Latin-1. */
export function bytes(...parts: readonly Part[]): Uint8Array {
  const out: number[] = [];
  const add = (part: Part): void => {
    if (typeof part === 'number') out.push(part & 0xff);
    else if (typeof part === 'string') for (let n = 0; n < part.length; n++) out.push(part.charCodeAt(n));
    else for (const inner of part) add(inner);
  };
  add(parts);
  return Uint8Array.from(out);
}

/** Little end first. */
export function word(value: number): readonly number[] {
  return [value & 0xff, (value >>> 8) & 0xff];
}

export function dword(value: number): readonly number[] {
  return [...word(value), ...word(value >>> 16)];
}

/** A text of so many bytes, filled up with spaces. */
export function text(value: string, length: number): string {
  return value.padEnd(length).slice(0, length);
}

/** Makes all bytes add up to 0, as every table of a PC's firmware does, by the one at `at`. */
export function withChecksum(table: Uint8Array, at: number): Uint8Array {
  table[at] = 0;
  table[at] = -table.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return table;
}
