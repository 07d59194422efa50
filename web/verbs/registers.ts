/** Registers in text, as GDB's `info registers` and Bochs' `creg` and `sreg` have them. */
import type { Registers, SegmentView } from '../../core/protocol/messages.ts';
import { hex } from '../format.ts';
import { iopl, setBits } from '../panels/registers/bits.ts';
import { general, linearEip, type SymbolIndex } from '../symbols.ts';
import { laterText } from '../text/later.ts';
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
  return `${name.padEnd(4)}  ${hex(selector, 4)}  ${hex(base)}  ${hex(limit)}  ${description}`;
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
