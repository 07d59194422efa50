/** Registers in text, as GDB's `info registers` and Bochs' `creg` and `sreg` have them. */
import type { Registers, SegmentView } from '../../core/protocol/messages.ts';
import { hex } from '../format.ts';
import { iopl, isSet, setBits } from '../panels/registers/bits.ts';
import { general, linearEip, type SymbolIndex } from '../symbols.ts';
import { laterText } from '../text/later.ts';
import { text } from '../text.ts';
import { place } from './data.ts';

/** Order of Registers.segments. */
export const SEGMENTS = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDTR', 'TR'] as const;

/** A line for each, the machine's value behind it where that is another. */
function lines(
  guest: Registers,
  machine: Registers | null,
  names: readonly string[],
  value: (of: Registers, index: number) => number,
  note: (value: number, index: number) => string,
): readonly string[] {
  const widest = Math.max(...names.map(name => name.length));
  return names.map((name, index) => {
    const believed = value(guest, index);
    const held = machine === null ? believed : value(machine, index);
    const other = held === believed ? '' : `  ${laterText.verbs.machineHolds(hex(held))}`;
    return `${name.padEnd(widest)}  ${hex(believed)}${note(believed, index)}${other}`;
  });
}

function bits(register: 'eflags' | 'cr0' | 'cr3' | 'cr4', value: number): string {
  const on = setBits(value, register).map(({ name }) => name);
  if (register === 'eflags') on.push(`IOPL=${iopl(value)}`);
  return `  [ ${on.join(' ')} ]`.replace('[  ]', '[ ]');
}

export function generalLines(guest: Registers, machine: Registers | null, symbols: SymbolIndex): readonly string[] {
  return [
    ...lines(
      guest,
      machine,
      [...general],
      (of, n) => of.general[n],
      value => place(value, symbols),
    ),
    ...lines(
      guest,
      machine,
      ['eip'],
      of => of.eip,
      () => place(linearEip(guest), symbols),
    ),
    ...lines(
      guest,
      machine,
      ['efl'],
      of => of.eflags,
      value => bits('eflags', value),
    ),
  ];
}

const CONTROL = ['cr0', 'cr2', 'cr3', 'cr4'] as const;

export function controlLines(guest: Registers, machine: Registers | null): readonly string[] {
  return lines(
    guest,
    machine,
    CONTROL,
    (of, n) => of[CONTROL[n]],
    (value, n) => {
      const name = CONTROL[n];
      return name === 'cr2' ? '' : bits(name, value);
    },
  );
}

function segmentLine(name: string, { selector, base, limit, description }: SegmentView): string {
  return `${name.padEnd(4)}  ${hex(selector, 4)}  ${hex(base)}  ${hex(limit)}  ${text.said(description)}`;
}

function same(a: SegmentView, b: SegmentView): boolean {
  return a.selector === b.selector && a.base === b.base && a.limit === b.limit && a.description === b.description;
}

export function segmentLines(guest: Registers, machine: Registers | null): readonly string[] {
  const table = ({ base, limit }: Registers['gdtr']): string => `      ${hex(base)}  ${hex(limit, 4).padEnd(8)}`;
  return [
    `      ${laterText.verbs.columns.selector.padEnd(4)}  ${laterText.verbs.columns.base.padEnd(8)}  ${laterText.verbs.columns.limit}`,
    ...SEGMENTS.flatMap((name, n) => {
      const segment = guest.segments[n];
      if (segment === undefined) return [];
      const held = machine?.segments[n];
      const line = segmentLine(name, segment);
      if (held === undefined || same(segment, held)) return [line];
      return [line, `${segmentLine('', held)}  ${laterText.verbs.ofMachine}`];
    }),
    ...(['gdtr', 'idtr'] as const).flatMap(name => {
      const line = `${name.toUpperCase()}  ${table(guest[name])}`.trimEnd();
      const held = machine?.[name];
      if (held === undefined || (held.base === guest[name].base && held.limit === guest[name].limit)) return [line];
      return [line, `${' '.repeat(6)}${table(held)}  ${laterText.verbs.ofMachine}`];
    }),
  ];
}

/** DR4 and DR5 are other names of DR6 and DR7. */
export const DEBUG_REGISTERS = ['dr0', 'dr1', 'dr2', 'dr3', 'dr6', 'dr7'] as const;

/** Bits of DR6 and DR7 by the manual's names (SDM volume 3, 17.2.3 and 17.2.4). */
const DR6: readonly (readonly [string, number])[] = [
  ['B0', 0],
  ['B1', 1],
  ['B2', 2],
  ['B3', 3],
  ['BD', 13],
  ['BS', 14],
  ['BT', 15],
];
const DR7: readonly (readonly [string, number])[] = [
  ['L0', 0],
  ['G0', 1],
  ['L1', 2],
  ['G1', 3],
  ['L2', 4],
  ['G2', 5],
  ['L3', 6],
  ['G3', 7],
  ['LE', 8],
  ['GE', 9],
  ['GD', 13],
];
/** R/Wn: what breakpoint n waits for. */
const CONDITIONS = ['execute', 'write', 'I/O', 'read/write'] as const;
/** LENn, in bytes; 8 bytes are those of other processors. */
const LENGTHS = [1, 2, 8, 4] as const;

function named(table: readonly (readonly [string, number])[], value: number): readonly string[] {
  return table.filter(([, bit]) => isSet(value, bit)).map(([name]) => name);
}

/** Values of DEBUG_REGISTERS in lines: of a breakpoint that is on, what it waits for. */
export function debugLines(values: readonly number[], symbols: SymbolIndex): readonly string[] {
  const dr7 = values[5];
  return DEBUG_REGISTERS.map((name, n) => {
    const value = values[n];
    if (name === 'dr6') return `${name}  ${hex(value)}  [ ${named(DR6, value).join(' ')} ]`.replace('[  ]', '[ ]');
    if (name === 'dr7') return `${name}  ${hex(value)}  [ ${named(DR7, value).join(' ')} ]`.replace('[  ]', '[ ]');
    const isOn = ((dr7 >>> (2 * n)) & 3) !== 0;
    if (!isOn) return `${name}  ${hex(value)}`;
    const condition = CONDITIONS[(dr7 >>> (16 + 4 * n)) & 3];
    const length = LENGTHS[(dr7 >>> (18 + 4 * n)) & 3];
    return `${name}  ${hex(value)}${place(value, symbols)}  ${condition}${condition === 'execute' ? '' : ` ${length}`}`;
  });
}
