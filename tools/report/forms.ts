import { decode } from '../../core/ia32/decoder.ts';
import type { OpcodeRow } from '../../core/ia32/opcode.ts';

/** A row of the opcode table, with one encoding of it. */
export interface Form {
  /** Mnemonic and operands: "mov Ev Gv". */
  readonly name: string;
  readonly row: OpcodeRow;
  readonly bytes: readonly number[];
}

/** Prefixes and escapes that lead to every part of the opcode maps. */
const LEADS: readonly (readonly number[])[] = [
  [],
  ...[[], [0x66], [0xf2], [0xf3]].flatMap(prefix => [
    [...prefix, 0x0f],
    [...prefix, 0x0f, 0x38],
  ]),
  [0x66],
  [0xf3],
];

export function nameOf(row: OpcodeRow): string {
  const format = row.format === null ? '' : ` ${row.format}`;
  return `${[row.mnemonic, ...row.operands].join(' ')}${format}`;
}

/** The row that these bytes are an instruction of, in 32-bit code; null if they are none. */
export function rowOf(bytes: ArrayLike<number>): OpcodeRow | null {
  const { row } = decode({ byte: offset => bytes[offset] ?? 0 }, 0, 4);
  return row.mnemonic === '(bad)' || row.operation === 'tooLong' ? null : row;
}

/** Every form of the opcode table, found by decoding every opcode with every ModRM byte. */
export function everyForm(): readonly Form[] {
  const forms = new Map<string, Form>();
  for (const lead of LEADS) {
    for (let opcode = 0; opcode < 256; opcode++) {
      for (let modrm = 0; modrm < 256; modrm++) {
        const bytes = [...lead, opcode, modrm];
        const row = rowOf(bytes);
        if (row === null) continue;
        const name = nameOf(row);
        if (!forms.has(name)) forms.set(name, { name, row, bytes });
      }
    }
  }
  return [...forms.values()];
}
