/**
 * Loads kernels that follow the Multiboot Specification, version 0.6.96: an ELF file or a flat file with a header that says
 * where it goes. Section numbers are the specification's.
 */
import { type BootOptions, type BootPlan, type BootSegment, ImageError } from './boot.ts';
import { type ElfSegment, isElf, readElf } from './elf.ts';
import { symbolsFromElf } from './elf-symbols.ts';
import { flatGdt } from './flat-gdt.ts';
import { BIOS_DATA_END, CONVENTIONAL_END, EXTENDED_START } from './memory-map.ts';
import { buildMultibootInfo, type MultibootModule } from './multiboot-info.ts';
import { checkInFile, checkPlacement, hex, inUnits, pageUp } from './placement.ts';

const HEADER_MAGIC = 0x1badb002;
/** What the kernel finds in EAX (3.2). */
const LOADER_MAGIC = 0x2badb002;
/** The header lies in this many bytes at the start of the file (3.1). */
const SEARCH_LENGTH = 8192;
/** Flags of the header (3.1.1). Bits 0 to 15 are requirements: a loader that does not know one has to refuse. */
const PAGE_ALIGN = 1 << 0;
const MEMORY_INFO = 1 << 1;
/** A preferred video mode. The machine starts in text mode, and the information structure says nothing of video. */
const VIDEO_MODE = 1 << 2;
const KNOWN_REQUIREMENTS = PAGE_ALIGN | MEMORY_INFO | VIDEO_MODE;
/** The addresses in the header count, not those of an ELF file: the "a.out kludge". */
const ADDRESS_FIELDS = 1 << 16;

const CODE_SELECTOR = 0x08;
const DATA_SELECTOR = 0x10;

/** Where the information structure and the GDT go unless the kernel itself lies there. */
const PREFERRED_INFO = 0x9000;
const INFO_ALIGNMENT = 0x100;

export interface MultibootHeader {
  /** Of the header in the file. */
  readonly offset: number;
  readonly flags: number;
}

interface Kernel {
  readonly entry: number;
  readonly segments: readonly BootSegment[];
}

/** The first valid header, or null: its three words add up to 0, and it is aligned to 4 bytes (3.1). */
export function findMultibootHeader(bytes: Uint8Array): MultibootHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const last = Math.min(bytes.length, SEARCH_LENGTH) - 12;
  for (let offset = 0; offset <= last; offset += 4) {
    if (view.getUint32(offset, true) !== HEADER_MAGIC) continue;
    const flags = view.getUint32(offset + 4, true);
    const checksum = view.getUint32(offset + 8, true);
    if (((HEADER_MAGIC + flags + checksum) | 0) === 0) return { offset, flags };
  }
  return null;
}

/** Plans the start of a multiboot kernel. Throws ImageError when the file or its place in memory is not right. */
export function loadMultiboot(bytes: Uint8Array, header: MultibootHeader, options: BootOptions): BootPlan {
  const unknown = header.flags & 0xffff & ~KNOWN_REQUIREMENTS;
  if (unknown !== 0) {
    throw new ImageError(
      `The multiboot header demands features that this loader does not know (flags ${hex(unknown)}).`,
    );
  }
  const usesAddresses = (header.flags & ADDRESS_FIELDS) !== 0;
  const kernel = usesAddresses ? kernelByAddresses(bytes, header, options) : kernelByElf(bytes, options);
  const module = options.initrd === null ? null : placeModule(options.initrd, kernel, options);
  const segments = [...kernel.segments, ...(module === null ? [] : [{ address: module.start, bytes: module.bytes }])];

  const gdt = flatGdt(CODE_SELECTOR);
  const content = { memoryBytes: options.memoryBytes, commandLine: options.commandLine, module };
  const infoLength = buildMultibootInfo(0, content).length;
  const infoAddress = findRoom(gdt.length + infoLength, segments, options.memoryBytes);
  const gdtAddress = infoAddress + infoLength;
  return {
    kind: 'multiboot',
    segments: [
      ...segments,
      { address: infoAddress, bytes: buildMultibootInfo(infoAddress, content) },
      { address: gdtAddress, bytes: gdt },
    ],
    registers: {
      eip: kernel.entry,
      eax: LOADER_MAGIC,
      ebx: infoAddress,
      codeSelector: CODE_SELECTOR,
      dataSelector: DATA_SELECTOR,
      gdt: { base: gdtAddress, limit: gdt.length - 1 },
    },
    symbols: symbolsFromElf(bytes),
  };
}

/** 3.1.3: the header says which bytes of the file go where. */
function kernelByAddresses(bytes: Uint8Array, header: MultibootHeader, options: BootOptions): Kernel {
  if (isElf(bytes)) readElf(bytes);
  checkInFile('its multiboot header', header.offset + 32, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset + header.offset, 32);
  const [headerAddress, loadAddress, loadEnd, bssEnd, entry] = [12, 16, 20, 24, 28].map(at => view.getUint32(at, true));
  const fileStart = header.offset - (headerAddress - loadAddress);
  if (headerAddress < loadAddress || fileStart < 0) {
    throw new ImageError(
      'The addresses in the multiboot header are wrong: the load address does not fit the header address.',
    );
  }
  const fileEnd = loadEnd === 0 ? bytes.length : fileStart + (loadEnd - loadAddress);
  if (fileEnd < header.offset + 32) {
    throw new ImageError(
      'The addresses in the multiboot header are wrong: the load end address lies before the header.',
    );
  }
  checkInFile('the kernel that its multiboot header describes', fileEnd, bytes.length);

  const content = bytes.subarray(fileStart, fileEnd);
  const memorySize = bssEnd === 0 ? content.length : bssEnd - loadAddress;
  if (memorySize < content.length) {
    throw new ImageError(
      'The addresses in the multiboot header are wrong: the bss end address lies before the load end address.',
    );
  }
  checkPlacement('The kernel', loadAddress, memorySize, options.memoryBytes);
  return checkEntry({ entry, segments: [{ address: loadAddress, bytes: padded(content, memorySize) }] });
}

function kernelByElf(bytes: Uint8Array, options: BootOptions): Kernel {
  if (!isElf(bytes)) {
    throw new ImageError('The file has a multiboot header without load addresses, but it is not an ELF file either.');
  }
  const elf = readElf(bytes);
  if (elf.segments.length === 0)
    throw new ImageError('This ELF file has nothing to load: link the kernel with code in it.');
  for (const { physicalAddress, memorySize } of elf.segments) {
    checkPlacement('The kernel', physicalAddress, memorySize, options.memoryBytes);
  }
  checkDisjoint(elf.segments);
  // A kernel that is linked for another address than it is loaded at may name its entry either way.
  const home = elf.segments.find(({ virtualAddress, memorySize }) => {
    return elf.entry >= virtualAddress && elf.entry < virtualAddress + memorySize;
  });
  const entry = home === undefined ? elf.entry : elf.entry - home.virtualAddress + home.physicalAddress;
  return checkEntry({
    entry,
    segments: elf.segments.map(segment => {
      return { address: segment.physicalAddress, bytes: padded(segment.fileBytes, segment.memorySize) };
    }),
  });
}

function checkDisjoint(segments: readonly ElfSegment[]): void {
  const sorted = [...segments].sort((a, b) => a.physicalAddress - b.physicalAddress);
  for (let index = 1; index < sorted.length; index++) {
    const { physicalAddress, memorySize } = sorted[index - 1];
    if (physicalAddress + memorySize > sorted[index].physicalAddress) {
      throw new ImageError(
        `This ELF file is damaged: two of its program headers load to the same memory at ${hex(sorted[index].physicalAddress)}.`,
      );
    }
  }
}

function checkEntry(kernel: Kernel): Kernel {
  const isInside = kernel.segments.some(
    ({ address, bytes }) => kernel.entry >= address && kernel.entry < address + bytes.length,
  );
  if (!isInside) throw new ImageError(`The kernel's entry point ${hex(kernel.entry)} lies outside of what it loads.`);
  return kernel;
}

/** Modules stand on a page boundary after the kernel, as PAGE_ALIGN asks, and always above 1 MiB. */
function placeModule(bytes: Uint8Array, kernel: Kernel, { memoryBytes }: BootOptions): MultibootModule {
  const kernelEnd = Math.max(EXTENDED_START, ...kernel.segments.map(segment => segment.address + segment.bytes.length));
  const start = pageUp(kernelEnd);
  if (start + bytes.length > memoryBytes) {
    throw new ImageError(
      `The module of ${inUnits(bytes.length)} does not fit behind the kernel in ${inUnits(memoryBytes)} of memory: give the machine more.`,
    );
  }
  return { start, bytes };
}

/** An address in conventional memory where `length` bytes meet nothing of `segments`. */
function findRoom(length: number, segments: readonly BootSegment[], memoryBytes: number): number {
  const end = Math.min(CONVENTIONAL_END, memoryBytes);
  const isFree = (start: number) => {
    return (
      start + length <= end &&
      segments.every(({ address, bytes }) => start + length <= address || start >= address + bytes.length)
    );
  };
  if (isFree(PREFERRED_INFO)) return PREFERRED_INFO;
  for (let start = BIOS_DATA_END; start + length <= end; start += INFO_ALIGNMENT) {
    if (isFree(start)) return start;
  }
  throw new ImageError('The kernel leaves no room below 640 KiB for what the loader has to tell it: link it at 1 MiB.');
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes;
  const copy = new Uint8Array(length);
  copy.set(bytes);
  return copy;
}
