/** What the page walk says, as values: fields of an address, letters of entries, faults in words. */
import type {
  AddressView,
  EntryBits,
  TableKind,
  TableLevel,
  WalkFault,
  WalkReference,
  WalkView,
} from '../../../core/protocol/monitor.ts';
import { hex } from '../../format.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';

/** Stretches of a linear address, from the top; `low` is the number of their lowest bit. */
export interface AddressPart {
  readonly part: 'pointer' | 'directory' | 'table' | 'offset';
  readonly bits: number;
  readonly low: number;
  readonly value: number;
}

/** How paging cuts a linear address: 10/10/12, 10/22, 2/9/9/12 or 2/9/21 (SDM volume 3, 4.3 and 4.4). */
export function addressParts(linear: number, pae: boolean, pageSize: number): readonly AddressPart[] {
  const index = pae ? 9 : 10;
  const offset = Math.log2(pageSize);
  const widths: readonly (readonly [AddressPart['part'], number])[] = [
    ...(pae ? [['pointer', 2] as const] : []),
    ['directory', index],
    ...(pageSize === 4096 ? [['table', index] as const] : []),
    ['offset', offset],
  ];
  let low = 32;
  return widths.map(([part, bits]) => {
    low -= bits;
    return { part, bits, low, value: Math.floor(linear / 2 ** low) % 2 ** bits };
  });
}

/** A number in binary, with all its digits. */
export function binary(value: number, bits: number): string {
  return value.toString(2).padStart(bits, '0');
}

/** The value of a part as it is read: indices decimal, offsets hexadecimal. */
export function partValue({ part, value, bits }: AddressPart): string {
  return part === 'offset' ? `0x${hex(value, Math.ceil(bits / 4))}` : `${value}`;
}

/** The strip in words. */
export function stripText(linear: number, parts: readonly AddressPart[]): string {
  const each = parts.map(part =>
    laterText.walk.stripBits(part.low + part.bits - 1, part.low, laterText.walk.parts[part.part], partValue(part)),
  );
  return laterText.walk.strip(hex(linear), each.join(text.units.clause));
}

export type BitLetter = keyof typeof laterText.walk.bits;

/** Letters of the bits that are set, in the manual's order from bit 0; those that a level does not have never are. */
export function letters(bits: EntryBits, level: TableLevel): readonly BitLetter[] {
  if (!bits.present) return [];
  const isEpt = level.startsWith('EPT');
  const set: readonly (readonly [BitLetter, boolean])[] = isEpt
    ? [
        ['R', bits.readable],
        ['W', bits.writable],
        ['X', bits.executable],
      ]
    : level === 'page directory pointer'
      ? [['P', true]]
      : [
          ['P', true],
          ['W', bits.writable],
          ['U', bits.user],
        ];
  const isLeaf = bits.large || level.endsWith('page table');
  const more: readonly (readonly [BitLetter, boolean])[] = [
    ['A', bits.accessed && level !== 'page directory pointer'],
    ['D', bits.dirty && isLeaf],
    ['PS', bits.large],
    ['G', bits.global && isLeaf && !isEpt],
    ['XD', !isEpt && !bits.executable],
  ];
  return [...set, ...more].filter(([, on]) => on).map(([letter]) => letter);
}

/** An entry's value: eight digits, or sixteen where the high word says something. */
export function entryValue({ low, high }: Pick<WalkReference, 'low' | 'high'>): string {
  return high === 0 ? hex(low) : hex(high) + hex(low);
}

/** Name and index of an entry: "PDE 768". */
export function entryName({ level, index }: Pick<WalkReference, 'level' | 'index'>): string {
  return `${laterText.walk.entries[level]} ${index}`;
}

/** References that belong together: those that translate one guest-physical address under EPT, or else a single one. */
export interface ReferenceGroup {
  /** Guest-physical address that is translated, and what lies there; null for what needs no translation. */
  readonly translates: { readonly address: number; readonly what: string } | null;
  readonly references: readonly WalkReference[];
}

export function groups({ references }: WalkView): readonly ReferenceGroup[] {
  const all: ReferenceGroup[] = [];
  for (const [n, reference] of references.entries()) {
    const before = references[n - 1];
    const last = all.at(-1);
    if (last !== undefined && before !== undefined && before.translates === reference.translates) {
      all[all.length - 1] = { ...last, references: [...last.references, reference] };
      continue;
    }
    const { translates } = reference;
    const entry = references.slice(n).find(other => other.tables === 'guest');
    const what =
      entry === undefined ? laterText.walk.ofPage : laterText.walk.ofEntry(laterText.walk.entries[entry.level]);
    all.push({
      translates: translates === null ? null : { address: translates, what },
      references: [reference],
    });
  }
  return all;
}

/** How many references to memory a walk makes; registers are none. */
export function memoryReferences({ references }: WalkView): number {
  return references.filter(({ number }) => number !== null).length;
}

/** Error code bits (SDM volume 3, 4.7). */
const FAULT = { present: 1, write: 2, user: 4, reserved: 8, fetch: 16 } as const;

/** A fault in words. */
export function faultText(fault: WalkFault): string {
  const words = laterText.walk.fault;
  if (fault.kind !== 'page fault') return words[fault.kind](hex(fault.guestPhysical));
  const { errorCode } = fault;
  const has = (bit: number) => (errorCode & bit) !== 0;
  const who = has(FAULT.user) ? words.user : words.supervisor;
  const access = has(FAULT.fetch) ? words.fetch : has(FAULT.write) ? words.write : words.read;
  const say = has(FAULT.reserved) ? words.reserved : has(FAULT.present) ? words.denied : words.absent;
  return words.page(`${errorCode}`, say(who, access));
}

/** What all levels allow together. */
export function rights({ writable, user, executable, pageSize }: WalkView): string {
  const words = laterText.walk.rights;
  return [
    laterText.walk.size[pageSize] ?? '',
    writable ? words.write : words.read,
    user ? words.user : words.supervisor,
    executable ? '' : words.noExecute,
  ]
    .filter(Boolean)
    .join(' · ');
}

/** What the TLB holds, in words. */
export function tlbText({ tlb }: AddressView): string {
  const kinds = (['read', 'write', 'execute'] as const)
    .filter(kind => tlb[kind])
    .map(kind => laterText.walk.tlb.kinds[kind]);
  if (tlb.physical === null) return laterText.walk.tlb.none;
  return laterText.walk.tlb.leads(kinds.join(text.units.comma), hex(tlb.physical));
}

/** Where the guest's physical address lies in the machine, in words; null where there is but one kind of address. */
export function mapText({ guestPhysical, machinePhysical }: AddressView, isPara: boolean): string | null {
  if (guestPhysical === null) return null;
  if (isPara) return laterText.walk.pseudo(hex(guestPhysical));
  return machinePhysical === null
    ? laterText.walk.nowhere(hex(guestPhysical))
    : laterText.walk.mapped(hex(guestPhysical), hex(machinePhysical));
}

/** Whether the page can show the memory that an entry lies in: it shows what the guest takes for physical. */
export function isVisible(tables: TableKind): boolean {
  return tables === 'guest' || tables === 'machine';
}
