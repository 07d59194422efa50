/** Small images made by hand, field by field after the specifications, for the tests of the loaders. */

export interface ElfPart {
  readonly virtualAddress: number;
  readonly physicalAddress: number;
  readonly bytes: Uint8Array;
  readonly memorySize: number;
}

export interface ElfSymbol {
  readonly name: string;
  readonly value: number;
  readonly size: number;
  /** STT_ number: 0 none, 1 object, 2 function, 3 section, 4 file. */
  readonly type: number;
  /** 0 undefined, 1 code, 2 data, 0xfff1 absolute. */
  readonly section: number;
}

const HEADER = 52;
const PROGRAM_HEADER = 32;
const SECTION_HEADER = 40;
/** Where the bytes of the first part begin in the file. */
export const ELF_CONTENT = 0x200;

/** A little-endian ELF32 executable for i386. With symbols it has sections: null, code, data, .symtab, .strtab. */
export function makeElf(entry: number, parts: readonly ElfPart[], symbols: readonly ElfSymbol[] = []): Uint8Array {
  const content = concat(parts.map(part => part.bytes));
  const { table, strings } = symbolTable(symbols);
  const tableOffset = ELF_CONTENT + content.length;
  const stringsOffset = tableOffset + table.length;
  const sectionsOffset = stringsOffset + strings.length;
  const sections = [
    section(0, 0, 0, 0, 0, 0),
    section(1, 6, ELF_CONTENT, content.length, 0, 0), // SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR
    section(1, 3, ELF_CONTENT, content.length, 0, 0), // SHT_PROGBITS, SHF_ALLOC | SHF_WRITE
    section(2, 0, tableOffset, table.length, 4, 16), // SHT_SYMTAB, linked to section 4
    section(3, 0, stringsOffset, strings.length, 0, 0), // SHT_STRTAB
  ];
  const hasSections = symbols.length > 0;
  const header = new Uint8Array(ELF_CONTENT);
  const view = new DataView(header.buffer);
  header.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 3, true); // EM_386
  view.setUint32(20, 1, true);
  view.setUint32(24, entry, true);
  view.setUint32(28, HEADER, true);
  view.setUint32(32, hasSections ? sectionsOffset : 0, true);
  view.setUint16(40, HEADER, true);
  view.setUint16(42, PROGRAM_HEADER, true);
  view.setUint16(44, parts.length, true);
  view.setUint16(46, SECTION_HEADER, true);
  view.setUint16(48, hasSections ? sections.length : 0, true);
  let offset = ELF_CONTENT;
  parts.forEach((part, index) => {
    const at = HEADER + index * PROGRAM_HEADER;
    const { virtualAddress, physicalAddress, bytes, memorySize } = part;
    const words = [1, offset, virtualAddress, physicalAddress, bytes.length, memorySize, 7, 0x1000]; // PT_LOAD, rwx
    words.forEach((word, field) => {
      view.setUint32(at + field * 4, word, true);
    });
    offset += bytes.length;
  });
  return concat([header, content, ...(hasSections ? [table, strings, ...sections] : [])]);
}

/** The header that makes a file a multiboot kernel, with further words for the address fields. */
export function multibootHeader(flags: number, ...addresses: readonly number[]): Uint8Array {
  return words(0x1badb002, flags, -(0x1badb002 + flags), ...addresses);
}

export interface SetupHeader {
  readonly version?: number;
  readonly loadFlags?: number;
  readonly xLoadFlags?: number;
  readonly preferredAddress?: number;
  readonly initSize?: number;
  readonly initrdAddressMax?: number;
  readonly commandLineSize?: number;
  /** In units of 16 bytes; the size of the kernel unless given. */
  readonly sysSize?: number;
}

/** A bzImage with one setup sector, protocol 2.15 and `kernel` as its protected-mode code. */
export function makeBzImage(kernel: Uint8Array, header: SetupHeader = {}): Uint8Array {
  const setup = new Uint8Array(1024);
  const view = new DataView(setup.buffer);
  view.setUint8(0x1ef, 0xff); // the sentinel, which must not reach the zero page
  view.setUint8(0x1f1, 1);
  view.setUint32(0x1f4, header.sysSize ?? Math.ceil(kernel.length / 16), true);
  view.setUint16(0x1fe, 0xaa55, true);
  setup.set([0xeb, 0x6a], 0x200); // jmp to 0x26c, where the header ends
  setup.set([0x48, 0x64, 0x72, 0x53], 0x202); // HdrS
  view.setUint16(0x206, header.version ?? 0x20f, true);
  view.setUint8(0x211, header.loadFlags ?? 1);
  view.setUint32(0x214, 0x100000, true);
  view.setUint32(0x22c, header.initrdAddressMax ?? 0x7fffffff, true);
  view.setUint32(0x230, 0x1000000, true);
  view.setUint8(0x234, 1);
  view.setUint16(0x236, header.xLoadFlags ?? 0, true);
  view.setUint32(0x238, header.commandLineSize ?? 2047, true);
  view.setUint32(0x258, header.preferredAddress ?? 0x200000, true);
  view.setUint32(0x260, header.initSize ?? 0x80000, true);
  view.setUint32(0x268, 0x1234, true);
  setup.fill(0xcc, 0x26c); // code that must not reach the zero page
  return concat([setup, kernel]);
}

/** Little-endian 32-bit words. */
export function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setUint32(index * 4, value, true);
  });
  return bytes;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap(part => [...part]));
}

function section(
  type: number,
  flags: number,
  offset: number,
  size: number,
  link: number,
  entrySize: number,
): Uint8Array {
  return words(0, type, flags, 0, offset, size, link, 0, 0, entrySize);
}

function symbolTable(symbols: readonly ElfSymbol[]): { table: Uint8Array; strings: Uint8Array } {
  let strings = '\0';
  const entries = [words(0, 0, 0, 0)];
  for (const symbol of symbols) {
    entries.push(words(strings.length, symbol.value, symbol.size, (symbol.section << 16) | 0x10 | symbol.type));
    strings += `${symbol.name}\0`;
  }
  return { table: concat(entries), strings: new TextEncoder().encode(strings) };
}
