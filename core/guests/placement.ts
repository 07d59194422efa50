/** Where in memory an image may be put, and the sentences that say why not. */
import { ImageError } from './boot.ts';
import { BIOS_DATA_END, CONVENTIONAL_END, EXTENDED_START } from './memory-map.ts';

const PAGE = 0x1000;

/**
 * Checks that `length` bytes of the image at `address` lie in RAM, clear of the BIOS data and the video memory. `what` begins
 * the sentence. Throws ImageError.
 */
export function checkPlacement(what: string, address: number, length: number, memoryBytes: number): void {
  const end = address + length;
  if (end > memoryBytes) {
    throw new ImageError(
      `${what} needs memory up to ${hex(end)}, but the machine has ${inUnits(memoryBytes)}: give it more memory or check the image.`,
    );
  }
  if (address < BIOS_DATA_END) {
    throw new ImageError(
      `${what} would overwrite the interrupt vectors and BIOS data at 0 to ${hex(BIOS_DATA_END - 1)}: link it higher.`,
    );
  }
  if (address < EXTENDED_START && end > CONVENTIONAL_END) {
    throw new ImageError(
      `${what} reaches into the video memory and ROMs at ${hex(CONVENTIONAL_END)} to ${hex(EXTENDED_START - 1)}: link it at 1 MiB or higher.`,
    );
  }
}

/** Throws ImageError unless the file has the bytes from `offset` to `end` that `what` says it has. */
export function checkInFile(what: string, end: number, fileLength: number): void {
  if (end > fileLength) {
    throw new ImageError(
      `The image is cut short or damaged: ${what} reaches to byte ${end}, but the file has ${fileLength} bytes.`,
    );
  }
}

export function pageUp(address: number): number {
  return Math.ceil(address / PAGE) * PAGE;
}

export function pageDown(address: number): number {
  return Math.floor(address / PAGE) * PAGE;
}

export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** A size for a person, in MiB or, below 1 MiB, in KiB. */
export function inUnits(bytes: number): string {
  const [divisor, unit] = bytes < 2 ** 20 ? [2 ** 10, 'KiB'] : [2 ** 20, 'MiB'];
  return `${Number((bytes / divisor).toFixed(1))} ${unit}`;
}
