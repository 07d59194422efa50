import { hex } from '../../format.ts';

/** One row of the memory panel. */
export interface MemoryRow {
  readonly address: number;
  readonly hex: string;
  readonly ascii: string;
  readonly mapped: 'all' | 'some' | 'none';
}

/** Column of a byte in the hex text, in characters: three a byte and one more after each eighth. */
export function byteColumn(index: number): number {
  return index * 3 + (index >> 3);
}

/** The byte that a column of the hex text belongs to, within a row of `width` bytes. */
export function byteAtColumn(column: number, width: number): number {
  const byte = Math.floor((column - Math.floor(column / 25)) / 3);
  return Math.min(Math.max(byte, 0), width - 1);
}

/** Cuts a memory window into rows of `width` bytes; -1 in `bytes` is a byte that is not mapped. */
export function memoryRows(address: number, bytes: Int16Array, width: number): readonly MemoryRow[] {
  const rows: MemoryRow[] = [];
  for (let at = 0; at < bytes.length; at += width) {
    const part = bytes.subarray(at, at + width);
    let text = '';
    let ascii = '';
    let missing = 0;
    part.forEach((byte, i) => {
      text = text.padEnd(byteColumn(i));
      text += byte < 0 ? '··' : hex(byte, 2);
      ascii += byte < 0 ? ' ' : byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
      if (byte < 0) missing += 1;
    });
    const mapped = missing === 0 ? 'all' : missing === part.length ? 'none' : 'some';
    rows.push({ address: (address + at) >>> 0, hex: text, ascii, mapped });
  }
  return rows;
}
