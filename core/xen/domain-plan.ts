/**
 * Where the parts of a paravirtualized domain lie, as its builder decided (xen.h, start-of-day memory layout): the loader makes it, the monitor
 * builds it. Pages are pseudo-physical page numbers, addresses linear and unsigned.
 */
export interface DomainPlan {
  /** Address of page 0. */
  readonly virtualBase: number;
  /** Pages that are mapped from there on: the region of the start. */
  readonly mappedPages: number;
  readonly entry: number;
  /** Null when the kernel makes its hypercalls without it. */
  readonly hypercallPage: number | null;
  /** The stack pointer's first value. */
  readonly stackTop: number;
  /** First page of the list that tells the machine's frame of each page, one word each; and how many pages it has. */
  readonly frameList: number;
  readonly frameListPages: number;
  readonly startInfo: number;
  /** Page of the rings to the store, and of the console's. */
  readonly store: number;
  readonly console: number;
  /** First page of the page tables, the page-directory-pointer table, and how many there are. They are mapped read-only. */
  readonly tables: number;
  readonly tablePages: number;
  readonly commandLine: string;
  /** The initial RAM disk, in bytes. */
  readonly module: { readonly address: number; readonly length: number } | null;
}
