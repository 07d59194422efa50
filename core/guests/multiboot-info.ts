/** Builds the structure that a multiboot kernel finds through EBX (Multiboot Specification 0.6.96, section 3.3). */
import { CONVENTIONAL_END, EXTENDED_START, memoryMap } from './memory-map.ts';

export interface MultibootModule {
  readonly start: number;
  readonly bytes: Uint8Array;
}

export interface MultibootInfoContent {
  readonly memoryBytes: number;
  readonly commandLine: string;
  readonly module: MultibootModule | null;
}

/** Which fields hold something. */
const HAS_MEMORY = 1 << 0;
const HAS_COMMAND_LINE = 1 << 2;
const HAS_MODULES = 1 << 3;
const HAS_MEMORY_MAP = 1 << 6;
const HAS_LOADER_NAME = 1 << 9;

/** Without the fields for video, which HAS_ flags would announce. */
const INFO_SIZE = 72;
const MODULE_SIZE = 16;
/** Of an entry of the memory map. Its first word counts only the bytes that follow it. */
const MAP_ENTRY_SIZE = 24;

const LOADER_NAME = 'Ringside';
/** GRUB and QEMU put the kernel's file name first, and kernels skip that word as C programs skip argv[0]. */
const PROGRAM_NAME = 'kernel';
const MODULE_NAME = 'initrd';

/**
 * The structure and all that it points to, for the given address: a multiple of 8 bytes, whose length does not depend on
 * `address`.
 */
export function buildMultibootInfo(
  address: number,
  { memoryBytes, commandLine, module }: MultibootInfoContent,
): Uint8Array {
  const ranges = memoryMap(memoryBytes);
  const strings = [`${PROGRAM_NAME} ${commandLine}`.trimEnd(), LOADER_NAME, MODULE_NAME].map(zeroTerminated);
  const [commandLineBytes, loaderName, moduleName] = strings;
  const mapOffset = INFO_SIZE;
  const moduleOffset = mapOffset + ranges.length * MAP_ENTRY_SIZE;
  const commandLineOffset = moduleOffset + MODULE_SIZE;
  const loaderNameOffset = commandLineOffset + commandLineBytes.length;
  const moduleNameOffset = loaderNameOffset + loaderName.length;
  const end = moduleNameOffset + moduleName.length;

  const bytes = new Uint8Array(Math.ceil(end / 8) * 8);
  const view = new DataView(bytes.buffer);
  const put = (offset: number, value: number) => view.setUint32(offset, value, true);
  const hasModule = module === null ? 0 : HAS_MODULES;
  put(0, HAS_MEMORY | HAS_COMMAND_LINE | hasModule | HAS_MEMORY_MAP | HAS_LOADER_NAME);
  put(4, Math.min(CONVENTIONAL_END, memoryBytes) / 1024); // mem_lower, KB
  put(8, Math.max(0, memoryBytes - EXTENDED_START) / 1024); // mem_upper, KB from 1 MB on
  put(16, address + commandLineOffset);
  put(44, ranges.length * MAP_ENTRY_SIZE);
  put(48, address + mapOffset);
  put(64, address + loaderNameOffset);
  if (module !== null) {
    put(20, 1);
    put(24, address + moduleOffset);
    put(moduleOffset, module.start);
    put(moduleOffset + 4, module.start + module.bytes.length);
    put(moduleOffset + 8, address + moduleNameOffset);
  }
  ranges.forEach((range, index) => {
    const entry = mapOffset + index * MAP_ENTRY_SIZE;
    put(entry, MAP_ENTRY_SIZE - 4);
    view.setBigUint64(entry + 4, BigInt(range.base), true);
    view.setBigUint64(entry + 12, BigInt(range.length), true);
    put(entry + 20, range.type);
  });
  bytes.set(commandLineBytes, commandLineOffset);
  bytes.set(loaderName, loaderNameOffset);
  bytes.set(moduleName, moduleNameOffset);
  return bytes;
}

function zeroTerminated(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
