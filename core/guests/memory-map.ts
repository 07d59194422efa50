/** The physical address space as firmware describes it to a kernel: INT 15h AX=E820h, and the maps that loaders hand over. */

/** Conventional memory ends where the extended BIOS data area begins, as on a PC with 640 KB and 1 KB of that area. */
export const CONVENTIONAL_END = 0x9fc00;
/** Video memory and ROMs lie between conventional and extended memory: nothing can be loaded there. */
const VIDEO_START = 0xa0000;
const BIOS_START = 0xf0000;
export const EXTENDED_START = 0x100000;
/** Real mode's interrupt vectors (SDM volume 3, section 21.1.4) and the BIOS data area. */
export const BIOS_DATA_END = 0x500;

/** The type numbers of E820h, which multiboot and Linux share. */
const E820_USABLE = 1;
const E820_RESERVED = 2;

export interface MemoryRange {
  readonly base: number;
  /** In bytes. */
  readonly length: number;
  readonly type: typeof E820_USABLE | typeof E820_RESERVED;
}

/** What firmware reports on a machine with `memoryBytes` of RAM from address 0, sorted by base. */
export function memoryMap(memoryBytes: number): readonly MemoryRange[] {
  const conventional = Math.min(memoryBytes, CONVENTIONAL_END);
  const ranges: MemoryRange[] = [
    { base: 0, length: conventional, type: E820_USABLE },
    { base: CONVENTIONAL_END, length: VIDEO_START - CONVENTIONAL_END, type: E820_RESERVED },
    { base: BIOS_START, length: EXTENDED_START - BIOS_START, type: E820_RESERVED },
  ];
  if (memoryBytes > EXTENDED_START) {
    ranges.push({ base: EXTENDED_START, length: memoryBytes - EXTENDED_START, type: E820_USABLE });
  }
  return ranges;
}
