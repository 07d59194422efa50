/**
 * What a machine is to be paused at, beside the next instruction. Types only. Addresses are the guest's linear ones, unsigned.
 */

/** What a breakpoint waits for. */
export type BreakOn =
  /** Before the instruction there. */
  | { readonly kind: 'execute'; readonly address: number }
  /** Behind an instruction that wrote, or wrote or read, one of these bytes: a watchpoint. The processor's own page walks are not told. */
  | { readonly kind: 'write' | 'access'; readonly address: number; readonly length: 1 | 2 | 4 }
  /**
   * The guest left for the monitor, which has served it: the guest stands before the instruction that it goes on with. `reason` as ExitRow has it,
   * null: any, the machine's own interrupts as well. Never without a monitor.
   */
  | { readonly kind: 'exit'; readonly reason: string | null }
  /** A hypercall of this name, null: any. Only under `para`. */
  | { readonly kind: 'hypercall'; readonly name: string | null }
  /** The guest was given an interrupt or exception, or executed INT n: before the first instruction of its handler. Null: any vector. */
  | { readonly kind: 'delivery'; readonly vector: number | null }
  /** The guest was given a page fault for an address in this page; null: any. Those that the monitor hides do not count. */
  | { readonly kind: 'pageFault'; readonly address: number | null }
  /** Behind the instruction by which CR3 got another value: the guest has gone to another address space. */
  | { readonly kind: 'cr3' }
  /** The guest's privilege level changed; to this one, null: any. Before the first instruction there. */
  | { readonly kind: 'ring'; readonly to: 0 | 1 | 2 | 3 | null };

export interface Breakpoint {
  /** The page's number for it, unique among those that are set. */
  readonly id: number;
  readonly on: BreakOn;
  /**
   * It counts only when this is not 0 where the guest stands then; empty: always. C's operators over unsigned numbers of 32 bits (decimal, or hexadecimal
   * behind 0x), the guest's registers by their names (`eax`, `eip`, `cr3`, `cs`, `cpl`), flags (`zf`), `[address]` for four bytes of memory,
   * `byte(address)`, `word(address)`. Where it has no value, for memory that is not mapped or a division by 0, it does not hold.
   */
  readonly condition: string;
  readonly enabled: boolean;
  /** So many hits are let pass. */
  readonly ignore: number;
}

/** What a stop at a breakpoint tells. */
export interface BreakHit {
  /** -1: what `until` waited for. */
  readonly id: number;
  readonly on: BreakOn;
  /** Watchpoints: the bytes as a little-endian number before and after; they may be equal. Else null. */
  readonly before: number | null;
  readonly after: number | null;
  /** The exit's reason, the hypercall's name, the vector's name; else null. */
  readonly reason: string | null;
  /**
   * Linear address of the instruction that did it: behind a watchpoint EIP is already at the next one. For an interrupt of a device, the one that it
   * came before.
   */
  readonly by: number;
}

/** How often a breakpoint was met since it was set to wait for what it does, those hits included that were let pass. */
export interface BreakCount {
  readonly id: number;
  readonly hits: number;
}
