/** Finds out what an image is and plans its start. */
import { type BootOptions, type BootPlan, ImageError, type ImageKind } from './boot.ts';
import { isElf, readElf } from './elf.ts';
import { isFirmware, loadFirmware } from './firmware.ts';
import { isLinux, loadLinux } from './linux.ts';
import { findMultibootHeader, loadMultiboot, type MultibootHeader } from './multiboot.ts';
import { isXenKernel } from './xen.ts';

type Detected =
  | { readonly kind: 'linux' | 'firmware' }
  | { readonly kind: 'multiboot'; readonly header: MultibootHeader };

/** Files that people have at hand and that are not kernels, by the bytes at a given place. */
const NOT_KERNELS: readonly { readonly at: number; readonly bytes: readonly number[]; readonly sentence: string }[] = [
  {
    at: 0,
    bytes: [0x1f, 0x8b],
    sentence: 'This file is compressed with gzip: a kernel has to be unpacked, an initramfs goes in as the initrd.',
  },
  { at: 0, bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], sentence: 'This file is compressed with xz: unpack it first.' },
  {
    at: 0,
    bytes: [0x30, 0x37, 0x30, 0x37, 0x30],
    sentence: 'This file is a cpio archive: an initramfs goes in as the initrd, beside a kernel.',
  },
  {
    at: 0x8001,
    bytes: [0x43, 0x44, 0x30, 0x30, 0x31],
    sentence: 'This file is a CD image: take the kernel out of it, a CD cannot be started.',
  },
  {
    at: 0x1fe,
    bytes: [0x55, 0xaa],
    sentence:
      'This file looks like a boot sector or disk image: only multiboot kernels, Linux bzImages and firmware can be started.',
  },
];

const MULTIBOOT_2_MAGIC = [0xd6, 0x50, 0x52, 0xe8];

/** What kind of image this is. Throws ImageError when it is none that can be started. */
export function detectImage(bytes: Uint8Array): ImageKind {
  return detect(bytes).kind;
}

/**
 * Plans the start of an image. Every segment of the plan lies in RAM, and no two overlap. Throws ImageError, with one sentence
 * that says what is wrong, for every image that cannot be started.
 */
export function loadImage(bytes: Uint8Array, options: BootOptions): BootPlan {
  const detected = detect(bytes);
  if (options.initrd?.length === 0) throw new ImageError('The initrd is empty.');
  switch (detected.kind) {
    case 'linux':
      return loadLinux(bytes, options);
    case 'multiboot':
      return loadMultiboot(bytes, detected.header, options);
    case 'firmware':
      return loadFirmware(bytes, options);
  }
}

function detect(bytes: Uint8Array): Detected {
  if (bytes.length === 0) throw new ImageError('The image is empty.');
  if (isLinux(bytes)) return { kind: 'linux' };
  const header = findMultibootHeader(bytes);
  if (header !== null) return { kind: 'multiboot', header };
  if (isFirmware(bytes)) return { kind: 'firmware' };
  throw new ImageError(whyNot(bytes));
}

function whyNot(bytes: Uint8Array): string {
  if (isElf(bytes)) {
    readElf(bytes);
    if (isXenKernel(bytes)) {
      return 'This kernel is made for Xen and has no multiboot header: it can only be run paravirtualized (--mode para).';
    }
    return hasMultiboot2Header(bytes)
      ? 'This ELF file has a multiboot 2 header, but the loader speaks multiboot 1: add a header of version 1.'
      : 'This ELF file has no multiboot header in its first 8192 bytes, so it is not a kernel that can be started.';
  }
  const known = NOT_KERNELS.find(file => file.bytes.every((byte, index) => bytes[file.at + index] === byte));
  return known?.sentence ?? 'This file is neither a multiboot kernel nor a Linux bzImage nor firmware.';
}

/** Its first word is aligned to 8 bytes and lies in the first 32768 bytes (Multiboot2 Specification, section 3.1). */
function hasMultiboot2Header(bytes: Uint8Array): boolean {
  for (let offset = 0; offset < Math.min(bytes.length, 32768); offset += 8) {
    if (MULTIBOOT_2_MAGIC.every((byte, index) => bytes[offset + index] === byte)) return true;
  }
  return false;
}
