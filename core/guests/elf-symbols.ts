/** Reads the symbol table of an ELF file, for images that come without a symbol file of their own. */
import type { SymbolFile } from './boot.ts';
import { type ElfSection, readElfSections } from './elf.ts';

type Symbols = SymbolFile['symbols'];

const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHF_EXECINSTR = 4;
const SYMBOL_SIZE = 16;
const STT_NOTYPE = 0;
const STT_OBJECT = 1;
const STT_FUNC = 2;
/** Section indices from here on are not sections: absolute values, common blocks. */
const SHN_LORESERVE = 0xff00;

/**
 * Functions and objects of an ELF file, without source lines; null when it has no symbol table or a damaged one, since a
 * kernel starts without it too. Labels that an assembler left without a type count as functions where they lie in code.
 */
export function symbolsFromElf(bytes: Uint8Array): SymbolFile | null {
  const sections = readElfSections(bytes);
  const table = sections?.find(section => section.type === SHT_SYMTAB);
  if (!sections || table === undefined || !(table.link in sections)) return null;
  const strings = sections[table.link];
  const isWhole = [table, strings].every(section => section.offset + section.size <= bytes.length);
  if (table.entrySize !== SYMBOL_SIZE || strings.type !== SHT_STRTAB || !isWhole) return null;

  const symbols = [...readSymbols(bytes, sections, table, strings)];
  if (symbols.length === 0) return null;
  // Of several names for one address the one that says a size comes last: it is the one that a search from above meets.
  symbols.sort((a, b) => a.address - b.address || a.size - b.size);
  return { format: 'ringside-symbols-1', symbols, files: [], lines: [] };
}

function* readSymbols(
  bytes: Uint8Array,
  sections: readonly ElfSection[],
  table: ElfSection,
  strings: ElfSection,
): Generator<Symbols[number]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names = bytes.subarray(strings.offset, strings.offset + strings.size);
  const decoder = new TextDecoder();
  const end = table.offset + table.size - (table.size % SYMBOL_SIZE);
  for (let entry = table.offset; entry < end; entry += SYMBOL_SIZE) {
    const kind = kindOf(view.getUint8(entry + 12) & 0xf, view.getUint16(entry + 14, true), sections);
    const nameStart = view.getUint32(entry, true);
    const nameEnd = names.indexOf(0, nameStart);
    if (kind === null || nameEnd <= nameStart) continue;
    yield {
      name: decoder.decode(names.subarray(nameStart, nameEnd)),
      address: view.getUint32(entry + 4, true),
      size: view.getUint32(entry + 8, true),
      kind,
    };
  }
}

function kindOf(type: number, section: number, sections: readonly ElfSection[]): Symbols[number]['kind'] | null {
  const isDefined = section !== 0 && section < SHN_LORESERVE && section < sections.length;
  if (!isDefined) return null;
  switch (type) {
    case STT_FUNC:
      return 'function';
    case STT_OBJECT:
      return 'object';
    case STT_NOTYPE:
      return (sections[section].flags & SHF_EXECINSTR) !== 0 ? 'function' : null;
    default:
      return null;
  }
}
