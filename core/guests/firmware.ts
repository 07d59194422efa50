import { type BootOptions, type BootPlan, ImageError } from './boot.ts';

/** Sizes of ROM chips that hold a PC's firmware, in bytes. */
const SIZES: readonly number[] = [64 << 10, 128 << 10, 256 << 10];
/** The processor's first instruction lies so far before the end (SDM volume 3, 9.1.4). */
const RESET_VECTOR = 16;
/** What stands there: a far, near or short jump. */
const JUMPS: readonly number[] = [0xea, 0xe9, 0xeb];
/** The chipset shows the last part of the ROM below 1 MB as well. */
const LOW_END = 1 << 20;
const LOW_BYTES = 128 << 10;

/** Whether this is what stands in a firmware ROM: one of its sizes, with a jump at the reset vector. */
export function isFirmware(bytes: Uint8Array): boolean {
  return SIZES.includes(bytes.length) && JUMPS.includes(bytes[bytes.length - RESET_VECTOR]);
}

/**
 * Plans the start of firmware: the ROM at the top of the address space, as at power-on, and its last 128 KB below 1 MB in RAM. Throws ImageError for an
 * initrd or too little memory.
 */
export function loadFirmware(bytes: Uint8Array, { memoryBytes, initrd }: BootOptions): BootPlan {
  if (initrd !== null) throw new ImageError('Firmware starts by itself: it takes no initrd.');
  if (memoryBytes < LOW_END) throw new ImageError('Firmware needs at least 1 MiB of memory.');
  const low = bytes.subarray(Math.max(0, bytes.length - LOW_BYTES));
  return {
    kind: 'firmware',
    segments: [{ address: LOW_END - low.length, bytes: low }],
    rom: bytes,
    registers: null,
    symbols: null,
  };
}
