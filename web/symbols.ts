import type { Register32, Registers, Symbols } from '../core/protocol/messages.ts';

/** Order of View.registers.general: the manual's register numbers. */
export const general: readonly Register32[] = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];

/** Place of CS in Registers.segments. */
const CS = 1;

/** Linear address of the next instruction: EIP counts from the base of CS. */
export function linearEip(registers: Registers): number {
  return ((registers.segments[CS]?.base ?? 0) + registers.eip) >>> 0;
}

/** No line makes more code than this. The table does not say where the last one before a gap ends. */
const LONGEST = 4096;
/** A line that leaves room: what stands there at last is somebody else's, as the code of a hypercall page is. */
const ROOM = /^\s*times\s.*\sd[bwd]\s+0\s*$/;

interface SourceLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** Names and source lines of a guest, ready to be looked up. */
export interface SymbolIndex {
  /** Names that begin with, or else contain, what is typed. */
  readonly suggest: (typed: string, limit: number) => readonly string[];
  readonly addressOf: (name: string) => number | null;
  /** Name of the symbol that holds an address. */
  readonly nameAt: (address: number) => string | null;
  /** How far an address lies behind the beginning of the symbol that holds it; several can have the same name. */
  readonly offsetAt: (address: number) => number | null;
  /** Source line that an address belongs to. */
  readonly lineAt: (address: number) => SourceLine | null;
}

/** Last index whose key is not above `address`, or -1. `keys` is sorted. */
function floorIndex(keys: { readonly length: number; at(i: number): number | undefined }, address: number): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys.at(middle) ?? 0) <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function indexSymbols(symbols: Symbols | null): SymbolIndex {
  const named = [...(symbols?.symbols ?? [])].sort((a, b) => a.address - b.address);
  const starts = named.map(symbol => symbol.address);
  const byName = new Map(named.map(symbol => [symbol.name, symbol.address]));
  const names = [...byName.keys()].sort();
  const table = symbols?.lines ?? [];
  const rows = [...table].sort((a, b) => a[0] - b[0]);
  const rowStarts = rows.map(row => row[0]);
  const texts = (symbols?.files ?? []).map(file => file.text.split('\n'));

  const symbolAt = (address: number) => {
    const symbol = named[floorIndex(starts, address)];
    if (symbol === undefined) return null;
    // A symbol without a size reaches to the next one.
    return symbol.size === 0 || address < symbol.address + symbol.size ? symbol : null;
  };

  return {
    suggest(typed, limit) {
      const wanted = typed.toLowerCase();
      const first = names.filter(name => name.toLowerCase().startsWith(wanted));
      const rest = names.filter(name => name.toLowerCase().indexOf(wanted) > 0);
      return [...first, ...rest].slice(0, limit);
    },
    addressOf: name => byName.get(name) ?? null,
    nameAt: address => symbolAt(address)?.name ?? null,
    offsetAt(address) {
      const symbol = symbolAt(address);
      return symbol === null ? null : address - symbol.address;
    },
    lineAt(address) {
      const row = rows[floorIndex(rowStarts, address)];
      if (row === undefined || address - row[0] >= LONGEST) return null;
      const file = symbols?.files[row[1]];
      const text = texts[row[1]]?.[row[2] - 1];
      return file === undefined || text === undefined || ROOM.test(text)
        ? null
        : { file: file.name, line: row[2], text };
    },
  };
}

/**
 * The linear address that a person means: a register, a symbol, either with an offset ("switch_space+0x1e"), or a
 * hexadecimal number. Null when it is none of these.
 */
export function parseAddress(typed: string, index: SymbolIndex, registers: Registers | null): number | null {
  const match = /^([^+\s-][^+\s]*)\s*(?:\+\s*(?:0x)?([0-9a-f]{1,8}))?$/i.exec(typed.trim());
  if (match === null) return null;
  const base = parseBase(match[1], index, registers);
  const offset = match[2] === undefined ? 0 : Number.parseInt(match[2], 16);
  return base === null ? null : (base + offset) >>> 0;
}

function parseBase(word: string, index: SymbolIndex, registers: Registers | null): number | null {
  const symbol = index.addressOf(word);
  if (symbol !== null) return symbol;
  const register = word.toLowerCase().replace(/^%/, '');
  if (registers !== null) {
    const number = general.indexOf(register as Register32);
    if (number >= 0) return registers.general[number];
    if (register === 'eip') return linearEip(registers);
    if (register === 'cr2') return registers.cr2;
    if (register === 'cr3') return registers.cr3;
  }
  return parseHex32(word);
}

/** A hexadecimal number of at most 32 bits, with or without 0x; null when it is none. */
export function parseHex32(typed: string): number | null {
  const match = /^(?:0x)?([0-9a-f]{1,8})h?$/i.exec(typed.trim());
  return match === null ? null : Number.parseInt(match[1], 16) >>> 0;
}
