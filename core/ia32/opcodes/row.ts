import type { Check, Intercept, MemoryFormat, OpcodeRow, OperandCode } from '../opcode.ts';
import type { OperationName } from '../operations.ts';

/** Operand codes of a row, separated by blanks, in the manual's order. */
export type OperandList =
  | ''
  | OperandCode
  | `${OperandCode} ${OperandCode}`
  | 'Gv Ev Iz'
  | 'Gv Ev Ibs'
  | 'Ev Gv Ib'
  | 'Ev Gv CL'
  | `${'Pq' | 'Vx'} ${'Qq' | 'Wx' | 'Wq' | 'Wd' | 'RdMw'} Ib`
  | `Gd ${'Nq' | 'Ux'} Ib`;

/** What a row says beyond its operation and operands; see OpcodeRow. */
export interface RowOptions {
  /** Where it is not the operation's name. */
  readonly mnemonic?: string;
  readonly checks?: readonly Check[];
  readonly intercept?: Intercept;
  readonly endsBlock?: boolean;
  readonly lock?: boolean;
  readonly sensitive?: boolean;
}

/** One row of the table: `row('add', 'Eb Gb', { lock: true })`. */
export function row(operation: OperationName, operands: OperandList = '', options: RowOptions = {}): OpcodeRow {
  // Splitting loses the type that OperandList has checked.
  const codes = operands === '' ? [] : (operands.split(' ') as OperandCode[]);
  return {
    mnemonic: options.mnemonic ?? operation,
    operation,
    operands: codes,
    format: memoryFormat(codes),
    checks: options.checks ?? [],
    intercept: options.intercept ?? null,
    endsBlock: options.endsBlock ?? false,
    lock: options.lock ?? false,
    sensitive: options.sensitive ?? false,
  };
}

const FORMATS: Partial<Record<OperandCode, MemoryFormat>> = {
  Mf32: 'f32',
  Mf64: 'f64',
  Mf80: 'f80',
  Mi16: 'i16',
  Mi32: 'i32',
  Mi64: 'i64',
  Mbcd: 'bcd',
};

function memoryFormat(codes: readonly OperandCode[]): MemoryFormat | null {
  for (const code of codes) {
    const format = FORMATS[code];
    if (format !== undefined) return format;
  }
  return null;
}

/** An encoding that the manual does not define at this CPUID level. */
export const UNDEFINED = row('ud', '', { mnemonic: '(bad)', endsBlock: true });
/** An instruction of more than 15 bytes. */
export const TOO_LONG = row('tooLong', '', { mnemonic: '(too long)', endsBlock: true });

/**
 * Rows of an opcode whose ModRM byte takes part in the opcode: 8 for the memory forms by /reg, then 64 for the register
 * forms by the byte minus C0.
 */
export type Forms = readonly OpcodeRow[];
/** An opcode's row, or its forms by ModRM. */
export type Entry = OpcodeRow | Forms;

/** What an opcode of which a prefix is a part means after 66, F3 and F2. */
export interface ByPrefix {
  readonly operandSize: Entry;
  readonly repeat: Entry;
  readonly repeatNot: Entry;
}

export function isForms(entry: Entry): entry is Forms {
  return Array.isArray(entry);
}

type Eight<T> = readonly [T, T, T, T, T, T, T, T];

/** Forms by /reg. A form of a row whose operand can only be memory, or only a register, is undefined where it is the other. */
export function byReg(memory: Eight<OpcodeRow>, register: Eight<OpcodeRow | Eight<OpcodeRow>> = memory): Forms {
  const memoryForms = memory.map(form => (needsRegister(form) ? UNDEFINED : form));
  const registerForms = register.flatMap(rows => ('operation' in rows ? new Array<OpcodeRow>(8).fill(rows) : rows));
  return [...memoryForms, ...registerForms.map(form => (needsMemory(form) ? UNDEFINED : form))];
}

/** Eight times the same row: where /reg is a register number, or ignored. */
export function anyReg(same: OpcodeRow): Eight<OpcodeRow> {
  return [same, same, same, same, same, same, same, same];
}

function needsMemory(candidate: OpcodeRow): boolean {
  return candidate.operands.some(code => code.startsWith('M'));
}

function needsRegister(candidate: OpcodeRow): boolean {
  return candidate.operands.some(code => code === 'Nq' || code === 'Ux');
}

/** The entry of a row: its forms where one kind of ModRM is undefined. */
export function entryOf(entry: Entry): Entry {
  return !isForms(entry) && (needsMemory(entry) || needsRegister(entry)) ? byReg(anyReg(entry)) : entry;
}

/** A map of 256 opcodes; those that the rows leave out are undefined. */
export function opcodeMap(rows: Readonly<Record<number, Entry>>): readonly Entry[] {
  return Array.from({ length: 256 }, (_, opcode) => entryOf(rows[opcode] ?? UNDEFINED));
}

/** The same row for `count` opcodes from `first` on: the low bits are a register number or a condition. */
export function range(first: number, count: number, same: OpcodeRow): Record<number, OpcodeRow> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [first + n, same]));
}
