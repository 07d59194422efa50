/** Places of the bits in EFLAGS and the control registers, by the manual's names (SDM 3A, 2.3 and 2.5), in order of reading. */
import { type Text, text } from '../../text.ts';

type BitTables = Text['bits'];
export type BitRegister = keyof BitTables;

interface Bit {
  readonly name: string;
  readonly bit: number;
  readonly meaning: string;
}

const places: { readonly [R in BitRegister]: Readonly<Record<keyof BitTables[R], number>> } = {
  eflags: {
    OF: 11,
    DF: 10,
    IF: 9,
    TF: 8,
    SF: 7,
    ZF: 6,
    AF: 4,
    PF: 2,
    CF: 0,
    NT: 14,
    RF: 16,
    VM: 17,
    AC: 18,
    VIF: 19,
    VIP: 20,
    ID: 21,
  },
  cr0: { PE: 0, MP: 1, EM: 2, TS: 3, ET: 4, NE: 5, WP: 16, AM: 18, NW: 29, CD: 30, PG: 31 },
  cr3: { PWT: 3, PCD: 4 },
  cr4: {
    VME: 0,
    PVI: 1,
    TSD: 2,
    DE: 3,
    PSE: 4,
    PAE: 5,
    MCE: 6,
    PGE: 7,
    PCE: 8,
    OSFXSR: 9,
    OSXMMEXCPT: 10,
    VMXE: 13,
  },
};

/** The named bits of a register and what they mean. */
export function bitsOf(register: BitRegister): readonly Bit[] {
  const meanings: Readonly<Record<string, string>> = text.bits[register];
  return Object.entries<number>(places[register]).map(([name, bit]) => ({ name, bit, meaning: meanings[name] }));
}

export function isSet(value: number, bit: number): boolean {
  return ((value >>> bit) & 1) === 1;
}

/** The named bits that are set. */
export function setBits(value: number, register: BitRegister): readonly Bit[] {
  return bitsOf(register).filter(({ bit }) => isSet(value, bit));
}

/** I/O privilege level: EFLAGS bits 13 and 12. */
export function iopl(value: number): number {
  return (value >>> 12) & 3;
}
