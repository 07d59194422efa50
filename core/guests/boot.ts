/**
 * What a loader returns: bytes to put into memory and the processor state in which the image expects to start.
 * A loader is a pure function of the image, its modules and the memory size; the board carries the plan out.
 */

/** Bytes that go to a physical address before the processor starts. */
export interface BootSegment {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Flat 32-bit protected mode, paging off, interrupts off: how multiboot and the Linux 32-bit protocol hand over. */
export interface BootRegisters {
  readonly eip: number;
  readonly eax?: number;
  readonly ebx?: number;
  readonly ecx?: number;
  readonly edx?: number;
  readonly esi?: number;
  readonly edi?: number;
  readonly ebp?: number;
  readonly esp?: number;
  /** Selectors with flat 4 GB segments behind them: code is base 0 32-bit execute/read, data is base 0 read/write. */
  readonly codeSelector: number;
  readonly dataSelector: number;
  /** Physical address and limit of a GDT that lies in one of the segments; absent where the protocol leaves it undefined. */
  readonly gdt?: { readonly base: number; readonly limit: number };
}

export type ImageKind = 'multiboot' | 'linux' | 'firmware';

export interface BootPlan {
  readonly kind: ImageKind;
  readonly segments: readonly BootSegment[];
  /** Null: the processor is left as power-on has it. */
  readonly registers: BootRegisters | null;
  /** Firmware: what answers at the top of the address space. */
  readonly rom?: Uint8Array;
  /** What the image itself tells of its symbols, or null. */
  readonly symbols: SymbolFile | null;
}

export interface BootOptions {
  /** Size of RAM in bytes. */
  readonly memoryBytes: number;
  readonly commandLine: string;
  /** Linux: the initramfs. Multiboot: one module. */
  readonly initrd: Uint8Array | null;
}

/** An image that cannot be started. The message is one clear sentence for a person: what is wrong and what to do. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

/**
 * Symbols and source lines of a guest, as a JSON file beside its image: public/guests/primer.json. Addresses are linear, unsigned.
 */
export interface SymbolFile {
  readonly format: 'ringside-symbols-1';
  /** Sorted by address. `size` in bytes, 0 when unknown. */
  readonly symbols: readonly {
    readonly name: string;
    readonly address: number;
    readonly size: number;
    readonly kind: 'function' | 'object';
  }[];
  /** Source files by index, with their whole text, so that the page needs nothing else. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
  /** Rows of the line table, sorted by address: [address, file index, line number from 1]. A row holds until the next one. */
  readonly lines: readonly (readonly [number, number, number])[];
}
