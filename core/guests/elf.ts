/** Reads 32-bit x86 ELF files (System V ABI, chapter 4, and its Intel386 supplement): headers, and what to load. */
import { ImageError } from './boot.ts';
import { checkInFile } from './placement.ts';

const ELFCLASS32 = 1;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const EV_CURRENT = 1;
const ET_REL = 1;
const ET_EXEC = 2;
const ET_DYN = 3;
const EM_386 = 3;
const PT_LOAD = 1;
const HEADER_SIZE = 52;
const PROGRAM_HEADER_SIZE = 32;
const SECTION_HEADER_SIZE = 40;

/** Machines that a reader is likely to have built for by mistake. */
const MACHINES: ReadonlyMap<number, string> = new Map([
  [8, 'MIPS'],
  [20, 'PowerPC'],
  [40, 'ARM'],
  [62, 'x86-64'],
  [183, 'AArch64'],
  [243, 'RISC-V'],
]);

/** A loadable program header: `fileBytes` go to the start of `memorySize` bytes, the rest is zero. */
export interface ElfSegment {
  readonly virtualAddress: number;
  readonly physicalAddress: number;
  readonly fileBytes: Uint8Array;
  readonly memorySize: number;
}

export interface ElfSection {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
  /** Index of the section that this one refers to: for a symbol table its strings. */
  readonly link: number;
  readonly entrySize: number;
}

export interface Elf {
  readonly entry: number;
  readonly segments: readonly ElfSegment[];
}

export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** Reads a linked 32-bit x86 program. Throws ImageError for every other ELF file and for headers that leave the file. */
export function readElf(bytes: Uint8Array): Elf {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkInFile('its ELF header', HEADER_SIZE, bytes.length);
  checkIdentity(bytes[4], bytes[5], bytes[6], view.getUint16(16, true), view.getUint16(18, true));

  const tableOffset = view.getUint32(28, true);
  const entrySize = view.getUint16(42, true);
  const count = view.getUint16(44, true);
  if (count === 0)
    throw new ImageError('This ELF file has no program headers, so nothing says where to load it: link it.');
  if (entrySize !== PROGRAM_HEADER_SIZE) {
    throw new ImageError(`This ELF file is damaged: its program headers have ${entrySize} bytes instead of 32.`);
  }
  checkInFile('its program header table', tableOffset + count * entrySize, bytes.length);

  const segments: ElfSegment[] = [];
  for (let index = 0; index < count; index++) {
    const segment = readSegment(bytes, view, tableOffset + index * entrySize, index);
    if (segment !== null) segments.push(segment);
  }
  return { entry: view.getUint32(24, true), segments };
}

function checkIdentity(fileClass: number, data: number, version: number, type: number, machine: number): void {
  if (fileClass === ELFCLASS64) {
    throw new ImageError('This is a 64-bit ELF file, but the machine is a 32-bit PC: build the kernel with -m32.');
  }
  if (fileClass !== ELFCLASS32 || version !== EV_CURRENT) {
    throw new ImageError('This ELF file is damaged: its class or version is unknown.');
  }
  if (data !== ELFDATA2LSB || machine !== EM_386) {
    const name = MACHINES.get(machine) ?? (data === ELFDATA2LSB ? `machine number ${machine}` : 'a big-endian machine');
    throw new ImageError(`This ELF file is for ${name}, not for x86: build the kernel for i386.`);
  }
  if (type === ET_REL) throw new ImageError('This is an ELF object file, not a program: link it into a kernel first.');
  if (type !== ET_EXEC && type !== ET_DYN) {
    throw new ImageError(`This ELF file is of type ${type}, not an executable program.`);
  }
}

/** Null for a program header that loads nothing. */
function readSegment(bytes: Uint8Array, view: DataView, header: number, index: number): ElfSegment | null {
  const fileOffset = view.getUint32(header + 4, true);
  const fileSize = view.getUint32(header + 16, true);
  const memorySize = view.getUint32(header + 20, true);
  if (view.getUint32(header, true) !== PT_LOAD || memorySize === 0) return null;
  if (fileSize > memorySize) {
    throw new ImageError(
      `This ELF file is damaged: program header ${index} has more bytes in the file than in memory.`,
    );
  }
  checkInFile(`program header ${index} of the ELF file`, fileOffset + fileSize, bytes.length);
  return {
    virtualAddress: view.getUint32(header + 8, true),
    physicalAddress: view.getUint32(header + 12, true),
    fileBytes: bytes.subarray(fileOffset, fileOffset + fileSize),
    memorySize,
  };
}

/** The section headers, which a loader does not need; null where they are missing or leave the file. */
export function readElfSections(bytes: Uint8Array): readonly ElfSection[] | null {
  if (!isElf(bytes) || bytes.length < HEADER_SIZE || bytes[4] !== ELFCLASS32 || bytes[5] !== ELFDATA2LSB) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tableOffset = view.getUint32(32, true);
  const count = view.getUint16(48, true);
  const isTableInFile = tableOffset + count * SECTION_HEADER_SIZE <= bytes.length;
  if (count === 0 || view.getUint16(46, true) !== SECTION_HEADER_SIZE || !isTableInFile) return null;

  return Array.from({ length: count }, (_, index) => {
    const header = tableOffset + index * SECTION_HEADER_SIZE;
    return {
      type: view.getUint32(header + 4, true),
      flags: view.getUint32(header + 8, true),
      offset: view.getUint32(header + 16, true),
      size: view.getUint32(header + 20, true),
      link: view.getUint32(header + 24, true),
      entrySize: view.getUint32(header + 36, true),
    };
  });
}
