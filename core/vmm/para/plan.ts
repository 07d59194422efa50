/** Where the parts of a domain lie, as its builder decided (xen.h, start-of-day memory layout). Pages are pseudo-physical page numbers. */
export interface DomainPlan {
  /** Linear address of pseudo-physical page 0. */
  readonly virtualBase: number;
  /** Pages that are mapped from there on. */
  readonly mappedPages: number;
  /** Linear addresses. */
  readonly entry: number;
  readonly hypercallPage: number | null;
  readonly stackTop: number;
  /** First page of the list of machine frames, and how many pages it has. */
  readonly frameList: number;
  readonly frameListPages: number;
  readonly startInfo: number;
  readonly store: number;
  readonly console: number;
  /** First page of the page tables, the L3 table; how many there are. */
  readonly tables: number;
  readonly tablePages: number;
  readonly commandLine: string;
  /** Linear address and bytes of the initial RAM disk. */
  readonly module: { readonly address: number; readonly length: number } | null;
}
