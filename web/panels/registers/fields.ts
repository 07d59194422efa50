/** The fields of EFLAGS and of the control registers, from the highest bit down (SDM volume 3, 2.3 and 2.5; volume 1, 3.4.3). */
import { laterText } from '../../text/later.ts';
import { type BitRegister, bitsOf } from './bits.ts';

export interface Field {
  readonly name: string;
  /** Number of the lowest bit. */
  readonly low: number;
  readonly bits: number;
  /** One sentence. */
  readonly says: string;
  /** Where the manual tells of it. */
  readonly section: string;
}

/** Flags that programs see are told of in volume 1. */
const STATUS: readonly string[] = ['OF', 'SF', 'ZF', 'AF', 'PF', 'CF'];

function sectionOf(register: BitRegister, name: string): string {
  const { manual, manual1 } = laterText.decoded;
  if (register !== 'eflags') return manual('2.5');
  if (STATUS.includes(name)) return manual1('3.4.3.1');
  return name === 'DF' ? manual1('3.4.3.2') : manual('2.3');
}

/** Where wider fields lie. The base in CR3 is that of a page directory, or of the four PDPTEs under PAE. */
function wideFields(register: BitRegister, isPae: boolean): readonly Omit<Field, 'says' | 'section'>[] {
  if (register === 'eflags') return [{ name: 'IOPL', low: 12, bits: 2 }];
  if (register === 'cr3') return isPae ? [{ name: 'base', low: 5, bits: 27 }] : [{ name: 'base', low: 12, bits: 20 }];
  return [];
}

export function fieldsOf(register: BitRegister, isPae: boolean): readonly Field[] {
  const says: Readonly<Record<string, string>> = laterText.fields[register];
  const single = bitsOf(register).map(({ name, bit }) => ({ name, low: bit, bits: 1 }));
  return [...single, ...wideFields(register, isPae)]
    .sort((a, b) => b.low - a.low)
    .map(field => ({ ...field, says: says[field.name] ?? '', section: sectionOf(register, field.name) }));
}

/** A field's value: as it stands for a base, which counts from bit 0, else as a number. */
export function fieldValue(value: number, { low, bits }: Pick<Field, 'low' | 'bits'>): number {
  return Math.floor((value >>> 0) / 2 ** low) % 2 ** bits;
}

/** EFLAGS bit 1 is always set. */
const FIXED: Readonly<Record<BitRegister, number>> = { eflags: 2, cr0: 0, cr3: 0, cr4: 0 };

/** Numbers of bits that are set and have no name here. */
export function unnamedBits(register: BitRegister, value: number, isPae: boolean): readonly number[] {
  return unnamedIn(fieldsOf(register, isPae), value & ~FIXED[register]);
}

/** Numbers of bits that are set and in none of these fields. */
export function unnamedIn(fields: readonly Field[], value: number): readonly number[] {
  return Array.from({ length: 32 }, (_, bit) => bit).filter(
    bit => (value >>> bit) % 2 === 1 && !fields.some(({ low, bits }) => bit >= low && bit < low + bits),
  );
}
