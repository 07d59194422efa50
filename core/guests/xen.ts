/**
 * Plans a domain for a kernel that is made for Xen's x86_32 interface with PAE: where everything lies that such a kernel finds
 * when it starts (xen/include/public/xen.h, "Start-of-day memory layout"). Page numbers are pseudo-physical: the domain counts its
 * memory from 0, whichever frames of the machine it has. Only who gives those frames can write what holds their numbers, the
 * frame list, start_info and the page tables; this says where.
 */
import type { DomainPlan } from '../xen/domain-plan.ts';
import { type BootSegment, ImageError, type SymbolFile } from './boot.ts';
import { type ElfSegment, readElf } from './elf.ts';
import { symbolsFromElf } from './elf-symbols.ts';
import { hex, inUnits } from './placement.ts';
import { readXenNotes, type XenNotes } from './xen-notes.ts';

const PAGE = 4096;
/** What one page table maps, and what one page directory maps. */
const TABLE_SPAN = 512 * PAGE;
const DIRECTORY_SPAN = 512 * TABLE_SPAN;
/** The region of the start ends at such a boundary, with this much of nothing at its end. */
const REGION_ALIGNMENT = 4 << 20;
const REGION_PADDING = 512 << 10;
/** Where the monitor's part of every address space begins unless the kernel and the monitor agree on another address (xen-x86_32.h). */
const MONITOR_START = 0xf5800000;
/** cmd_line of start_info, with the zero byte at its end. */
const COMMAND_LINE_SIZE = 1024;

/** What a paravirtualized domain with page tables of its own cannot have, though a kernel may demand it (features.h). */
const IMPOSSIBLE_FEATURES: readonly string[] = ['auto_translated_physmap', 'supervisor_mode_kernel'];

export interface XenOptions {
  /** Size of the domain's memory in bytes. */
  readonly memoryBytes: number;
  readonly commandLine: string;
  /** The RAM disk, which start_info calls module. */
  readonly initrd: Uint8Array | null;
}

/** The name and the wishes of a kernel, as its notes say. */
export interface XenGuest {
  readonly name: string;
  readonly version: string;
  /** Names as in features.h. */
  readonly supportedFeatures: readonly string[];
  readonly requiredFeatures: readonly string[];
}

export interface XenPlan {
  /** Kernel and RAM disk: bytes for pseudo-physical addresses. All other memory is zero. */
  readonly segments: readonly BootSegment[];
  readonly domain: DomainPlan;
  readonly guest: XenGuest;
  readonly symbols: SymbolFile | null;
}

/** Is this a kernel that says it can run under Xen? A file that is damaged is not. */
export function isXenKernel(bytes: Uint8Array): boolean {
  try {
    return readXenNotes(bytes) !== null;
  } catch (error) {
    if (error instanceof ImageError) return false;
    throw error;
  }
}

/** Plans a domain. Throws ImageError, with one sentence that says what is wrong, for every kernel that cannot be started. */
export function loadXen(bytes: Uint8Array, options: XenOptions): XenPlan {
  const notes = readXenNotes(bytes);
  if (notes === null) {
    throw new ImageError('This kernel has no notes for Xen: it was not built to run paravirtualized.');
  }
  const elf = readElf(bytes);
  checkInterface(notes);
  const guest = readGuest(notes);
  const virtualBase = notes.virtualBase ?? 0;
  if (virtualBase % REGION_ALIGNMENT !== 0) {
    throw new ImageError(`This kernel wants its memory at ${hex(virtualBase)}, which is not a multiple of 4 MiB.`);
  }
  checkCommandLine(options.commandLine);
  if (options.initrd?.length === 0) throw new ImageError('The initrd is empty.');

  const kernel = placeKernel(elf.segments, notes.physicalOffset ?? 0);
  const domain = placeParts(kernel.endPage, virtualBase, notes.entry ?? elf.entry, notes.hypercallPage, options);
  checkRegion(domain, options.memoryBytes, notes);
  checkAddresses(domain, kernel);
  const { module } = domain;
  const disk =
    options.initrd === null || module === null
      ? []
      : [{ address: module.address - virtualBase, bytes: options.initrd }];
  return { segments: [...kernel.segments, ...disk], domain, guest, symbols: symbolsFromElf(bytes) };
}

/** The kernel has to be for this interface, and for PAE: no Xen since 4.0 has page tables of another kind. */
function checkInterface({ xenVersion, loader, paeMode }: XenNotes): void {
  if (xenVersion !== 'xen-3.0') {
    throw new ImageError(`This kernel is for the Xen interface ${xenVersion ?? 'of no version'}, not for xen-3.0.`);
  }
  if (loader !== null && loader !== 'generic') {
    throw new ImageError(`This kernel asks for the loader ${loader}, but the only one is generic.`);
  }
  if (paeMode === null || !(paeMode.startsWith('yes') || paeMode === 'bimodal')) {
    throw new ImageError('This kernel is not built for PAE, and Xen runs no other 32-bit kernels: build it with PAE.');
  }
}

function readGuest({ guestName, guestVersion, features }: XenNotes): XenGuest {
  const names = (features ?? '').split('|').filter(name => name !== '');
  const requiredFeatures = names.filter(name => name.startsWith('!')).map(name => name.slice(1));
  const impossible = requiredFeatures.find(name => IMPOSSIBLE_FEATURES.includes(name));
  if (impossible !== undefined) {
    throw new ImageError(`This kernel demands the feature ${impossible}, which a paravirtualized domain cannot have.`);
  }
  return {
    name: guestName ?? '',
    version: guestVersion ?? '',
    supportedFeatures: names.map(name => name.replace('!', '')),
    requiredFeatures,
  };
}

function checkCommandLine(commandLine: string): void {
  const length = new TextEncoder().encode(commandLine).length;
  if (length >= COMMAND_LINE_SIZE) {
    throw new ImageError(`The command line has ${length} bytes, but there is room for ${COMMAND_LINE_SIZE - 1}.`);
  }
}

interface Kernel {
  readonly segments: readonly BootSegment[];
  /** The first page behind it. */
  readonly endPage: number;
}

/** The physical addresses of the ELF file count from the offset that a note names. */
function placeKernel(elfSegments: readonly ElfSegment[], offset: number): Kernel {
  if (elfSegments.length === 0)
    throw new ImageError('This ELF file has nothing to load: link the kernel with code in it.');
  const placed = elfSegments.map(({ physicalAddress, fileBytes, memorySize }) => {
    return { start: physicalAddress - offset, end: physicalAddress - offset + memorySize, fileBytes };
  });
  placed.sort((a, b) => a.start - b.start);
  placed.forEach(({ start, end }, index) => {
    if (start < 0 || end > 2 ** 32) {
      throw new ImageError(
        `This kernel loads to ${hex(start + offset)}, which does not fit its own note that memory begins at ${hex(offset)}.`,
      );
    }
    if (index > 0 && placed[index - 1].end > start) {
      throw new ImageError(
        `This ELF file is damaged: two of its program headers load to the same memory at ${hex(start)}.`,
      );
    }
  });
  return {
    segments: placed
      .filter(part => part.fileBytes.length > 0)
      .map(part => ({ address: part.start, bytes: part.fileBytes })),
    endPage: pages(placed[placed.length - 1].end),
  };
}

/** All parts lie behind each other, each from a page boundary on. */
function placeParts(
  kernelEnd: number,
  virtualBase: number,
  entry: number,
  hypercallPage: number | null,
  { memoryBytes, initrd, commandLine }: XenOptions,
): DomainPlan {
  let next = kernelEnd;
  const take = (count: number): number => {
    const first = next;
    next += count;
    return first;
  };
  const modulePage = initrd === null ? next : take(pages(initrd.length));
  const frameListPages = pages(Math.floor(memoryBytes / PAGE) * 4);
  const frameList = take(frameListPages);
  const startInfo = take(1);
  const store = take(1);
  const console = take(1);
  const tables = next;
  const { tablePages, mappedPages } = sizeTables(virtualBase, tables);
  return {
    virtualBase,
    mappedPages,
    entry,
    hypercallPage,
    stackTop: virtualBase + (tables + tablePages + 1) * PAGE,
    frameList,
    frameListPages,
    startInfo,
    store,
    console,
    tables,
    tablePages,
    commandLine,
    module: initrd === null ? null : { address: virtualBase + modulePage * PAGE, length: initrd.length },
  };
}

/** The tables lie in the region that they map: one more of them may make the region longer, which may take one more. */
function sizeTables(
  virtualBase: number,
  tables: number,
): { readonly tablePages: number; readonly mappedPages: number } {
  let tablePages = 0;
  for (;;) {
    const stackEnd = virtualBase + (tables + tablePages + 1) * PAGE;
    let end = Math.ceil(stackEnd / REGION_ALIGNMENT) * REGION_ALIGNMENT;
    if (end - stackEnd < REGION_PADDING) end += REGION_ALIGNMENT;
    const needed = countTables(virtualBase, end);
    if (needed <= tablePages) return { tablePages, mappedPages: (end - virtualBase) / PAGE };
    tablePages = needed;
  }
}

/** A pointer table, the directories, the page tables. The last gigabyte has a directory always: the monitor lives in it. */
function countTables(start: number, end: number): number {
  const spans = (size: number) => Math.ceil(end / size) - Math.floor(start / size);
  const withLast = end > 2 ** 32 - DIRECTORY_SPAN ? 0 : 1;
  return 1 + spans(DIRECTORY_SPAN) + withLast + spans(TABLE_SPAN);
}

function checkRegion({ virtualBase, mappedPages }: DomainPlan, memoryBytes: number, { monitorStart }: XenNotes): void {
  if (mappedPages > Math.floor(memoryBytes / PAGE)) {
    throw new ImageError(
      `This kernel needs at least ${inUnits(mappedPages * PAGE)} to start, but the domain has ${inUnits(memoryBytes)}: give it more memory.`,
    );
  }
  const end = virtualBase + mappedPages * PAGE;
  if (end > MONITOR_START) {
    throw new ImageError(
      `This kernel and its first data reach to ${hex(end)}, but the monitor begins at ${hex(MONITOR_START)}: link it lower.`,
    );
  }
  if ((monitorStart ?? 0) > MONITOR_START) {
    throw new ImageError(
      `This kernel leaves the monitor the addresses from ${hex(monitorStart ?? 0)}, but it needs those from ${hex(MONITOR_START)}.`,
    );
  }
}

/** The entry lies in what is loaded; the hypercall page is a whole page of the kernel. */
function checkAddresses({ virtualBase, entry, hypercallPage }: DomainPlan, { segments, endPage }: Kernel): void {
  const physicalEntry = entry - virtualBase;
  const isLoaded = segments.some(
    ({ address, bytes }) => physicalEntry >= address && physicalEntry < address + bytes.length,
  );
  if (!isLoaded) throw new ImageError(`The kernel's entry point ${hex(entry)} lies outside of what it loads.`);
  if (hypercallPage === null) return;
  const page = (hypercallPage - virtualBase) / PAGE;
  if (!Number.isInteger(page) || page < 0 || page >= endPage) {
    throw new ImageError(`The hypercall page at ${hex(hypercallPage)} is not a page of the kernel.`);
  }
}

function pages(bytes: number): number {
  return Math.ceil(bytes / PAGE);
}
