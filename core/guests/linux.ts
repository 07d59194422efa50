/**
 * Loads a Linux bzImage by the 32-bit boot protocol (the kernel's Documentation/arch/x86/boot.rst, "32-bit Boot Protocol"): the
 * loader does what the kernel's real-mode code would do, fills in the "zero page" and jumps to the protected-mode code.
 */
import { type BootOptions, type BootPlan, ImageError } from './boot.ts';
import { flatGdt } from './flat-gdt.ts';
import { EXTENDED_START, memoryMap } from './memory-map.ts';
import { checkInFile, hex, inUnits, pageDown, pageUp } from './placement.ts';

/** Offsets in the file and, since the header is copied to the same place, in the zero page (boot.rst, "The Real-Mode Kernel Header"). */
const SETUP_SECTS = 0x1f1;
const SYSSIZE = 0x1f4;
const BOOT_FLAG = 0x1fe;
const JUMP_LENGTH = 0x201;
const HEADER = 0x202;
const VERSION = 0x206;
const TYPE_OF_LOADER = 0x210;
const LOADFLAGS = 0x211;
const CODE32_START = 0x214;
const RAMDISK_IMAGE = 0x218;
const RAMDISK_SIZE = 0x21c;
const CMD_LINE_PTR = 0x228;
const INITRD_ADDR_MAX = 0x22c;
const XLOADFLAGS = 0x236;
const CMDLINE_SIZE = 0x238;
const PREF_ADDRESS = 0x258;
const INIT_SIZE = 0x260;
/** The header ends at the latest where the zero page has its next field. */
const HEADER_LIMIT = 0x290;
/** Fields of the zero page itself (Documentation/arch/x86/zero-page.rst). */
const E820_ENTRIES = 0x1e8;
const E820_TABLE = 0x2d0;
const E820_ENTRY_SIZE = 20;
const ZERO_PAGE_SIZE = 0x1000;

const HDRS = 0x53726448;
/** 2.06 is the first version that says how long a command line may be. */
const OLDEST_VERSION = 0x206;
const VERSION_WITH_XLOADFLAGS = 0x20c;
const VERSION_WITH_INIT_SIZE = 0x20a;
const LOADED_HIGH = 1 << 0;
const XLF_KERNEL_64 = 1 << 0;
const LOADER_UNDEFINED = 0xff;

/** Where the pieces go below 640 KB. The kernel copies what it needs before it uses this memory. */
const ZERO_PAGE = 0x90000;
const GDT = 0x91000;
const COMMAND_LINE = 0x92000;
const COMMAND_LINE_ROOM = 0x9000;
/** A bzImage is loaded here, relocatable or not; a relocatable one moves itself to its preferred address. */
const KERNEL = EXTENDED_START;

/** The selectors __BOOT_CS and __BOOT_DS, which the protocol demands. */
const BOOT_CS = 0x10;
const BOOT_DS = 0x18;

export function isLinux(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER + 4) return false;
  const view = viewOf(bytes);
  return view.getUint16(BOOT_FLAG, true) === 0xaa55 && view.getUint32(HEADER, true) === HDRS;
}

/** Plans the start of a bzImage. Throws ImageError when the file, the initrd or the memory is not right. */
export function loadLinux(bytes: Uint8Array, options: BootOptions): BootPlan {
  checkInFile('its Linux setup header', HEADER_LIMIT, bytes.length);
  const view = viewOf(bytes);
  checkHeader(view);
  const kernel = protectedModeCode(bytes, view);
  const { initrd, memoryBytes } = options;
  if (initrd === null) {
    throw new ImageError(
      'This is a Linux kernel, which needs an initial RAM disk to have programs to run: give it one as the initrd.',
    );
  }
  const kernelEnd = endOfKernel(view, kernel.length);
  if (kernelEnd > memoryBytes) {
    throw new ImageError(
      `This Linux kernel unpacks itself up to ${inUnits(kernelEnd)}, but the machine has ${inUnits(memoryBytes)} of memory: give it more.`,
    );
  }
  const initrdAddress = placeInitrd(initrd, kernelEnd, view.getUint32(INITRD_ADDR_MAX, true), memoryBytes);
  const commandLine = encodeCommandLine(options.commandLine, view.getUint32(CMDLINE_SIZE, true));

  const gdt = flatGdt(BOOT_CS);
  return {
    kind: 'linux',
    segments: [
      { address: ZERO_PAGE, bytes: zeroPage(bytes, memoryBytes, initrdAddress, initrd.length) },
      { address: GDT, bytes: gdt },
      { address: COMMAND_LINE, bytes: commandLine },
      { address: KERNEL, bytes: kernel },
      { address: initrdAddress, bytes: initrd },
    ],
    registers: {
      eip: KERNEL,
      ebx: 0,
      esi: ZERO_PAGE,
      edi: 0,
      ebp: 0,
      codeSelector: BOOT_CS,
      dataSelector: BOOT_DS,
      gdt: { base: GDT, limit: gdt.length - 1 },
    },
    symbols: null,
  };
}

function checkHeader(view: DataView): void {
  const version = view.getUint16(VERSION, true);
  if (version < OLDEST_VERSION) {
    throw new ImageError(
      `This Linux kernel speaks boot protocol ${version >> 8}.${version & 0xff}, older than 2.6: take a kernel from 2.6.22 on.`,
    );
  }
  if ((view.getUint8(LOADFLAGS) & LOADED_HIGH) === 0) {
    throw new ImageError('This Linux kernel is a zImage, which is loaded below 640 KiB: build it as a bzImage.');
  }
  if (version >= VERSION_WITH_XLOADFLAGS && (view.getUint16(XLOADFLAGS, true) & XLF_KERNEL_64) !== 0) {
    throw new ImageError('This is a 64-bit Linux kernel, but the machine is a 32-bit PC: take an i386 kernel.');
  }
}

/** What follows the boot sector and the setup sectors. A setup_sects of 0 means 4, for very old kernels. */
function protectedModeCode(bytes: Uint8Array, view: DataView): Uint8Array {
  const start = ((view.getUint8(SETUP_SECTS) || 4) + 1) * 512;
  // The size is in units of 16 bytes, and the last unit of an old kernel may be incomplete.
  const size = view.getUint32(SYSSIZE, true) * 16;
  if (size === 0)
    throw new ImageError('This Linux kernel is damaged: its setup header says that there is no kernel behind it.');
  checkInFile('the kernel that its setup header describes', start + size - 15, bytes.length);
  return bytes.subarray(start, Math.min(start + size, bytes.length));
}

/**
 * The first address that the kernel leaves alone until it manages memory itself. It unpacks itself to its preferred address,
 * relocatable or not, since it is loaded below that.
 */
function endOfKernel(view: DataView, length: number): number {
  const loadEnd = KERNEL + length;
  if (view.getUint16(VERSION, true) < VERSION_WITH_INIT_SIZE) return loadEnd;
  const preferred = view.getUint32(PREF_ADDRESS, true) + view.getUint32(PREF_ADDRESS + 4, true) * 2 ** 32;
  return Math.max(loadEnd, Math.max(KERNEL, preferred) + view.getUint32(INIT_SIZE, true));
}

/** As high as the kernel can reach, on a page boundary. */
function placeInitrd(initrd: Uint8Array, kernelEnd: number, addressMax: number, memoryBytes: number): number {
  const top = Math.min(memoryBytes, addressMax + 1);
  const address = pageDown(top - initrd.length);
  if (address < pageUp(kernelEnd)) {
    throw new ImageError(
      `The initrd of ${inUnits(initrd.length)} does not fit between the kernel's end at ${hex(kernelEnd)} and ${hex(top)}: give the machine more memory or take a smaller initrd.`,
    );
  }
  return address;
}

function encodeCommandLine(text: string, limit: number): Uint8Array {
  const bytes = new TextEncoder().encode(`${text}\0`);
  if (bytes.length - 1 > limit || bytes.length > COMMAND_LINE_ROOM) {
    throw new ImageError(
      `The command line has ${bytes.length - 1} bytes, but this Linux kernel takes ${limit} at most.`,
    );
  }
  return bytes;
}

/**
 * struct boot_params. Its screen_info stays zero: the kernel then leaves the VGA alone, which real-mode code would have
 * asked the BIOS about, and its console is the serial line. No heap flag either: only real-mode code has a heap.
 */
function zeroPage(image: Uint8Array, memoryBytes: number, initrdAddress: number, initrdLength: number): Uint8Array {
  const page = new Uint8Array(ZERO_PAGE_SIZE);
  const view = viewOf(page);
  const headerEnd = Math.min(HEADER + image[JUMP_LENGTH], HEADER_LIMIT);
  page.set(image.subarray(SETUP_SECTS, headerEnd), SETUP_SECTS);
  view.setUint8(TYPE_OF_LOADER, LOADER_UNDEFINED);
  view.setUint32(CODE32_START, KERNEL, true);
  view.setUint32(RAMDISK_IMAGE, initrdAddress, true);
  view.setUint32(RAMDISK_SIZE, initrdLength, true);
  view.setUint32(CMD_LINE_PTR, COMMAND_LINE, true);

  const ranges = memoryMap(memoryBytes);
  view.setUint8(E820_ENTRIES, ranges.length);
  ranges.forEach((range, index) => {
    const entry = E820_TABLE + index * E820_ENTRY_SIZE;
    view.setBigUint64(entry, BigInt(range.base), true);
    view.setBigUint64(entry + 8, BigInt(range.length), true);
    view.setUint32(entry + 16, range.type, true);
  });
  return page;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
