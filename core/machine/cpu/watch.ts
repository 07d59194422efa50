/** Linear addresses that somebody watches. */
export interface WatchRange {
  readonly address: number;
  /** In bytes, 1 to 4096; it may cross pages, and the end of the address space. */
  readonly length: number;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

export type WatchAccess = 'read' | 'write' | 'execute';

/** An access of `size` bytes at a linear address that touches a watched range. */
export interface WatchHit {
  readonly range: WatchRange;
  readonly access: WatchAccess;
  readonly linear: number;
  readonly size: number;
}

/**
 * Hears of a hit while the instruction runs that makes it: of a read or write when it can no longer fault, with memory as it was before; of an
 * execution before the instruction, EIP at it. It only looks; Processor.stop() ends the run after this instruction. An access wider than
 * four bytes is told in parts, and an instruction that faults behind its access tells it again when it is restarted.
 */
export type WatchListener = (hit: WatchHit) => void;

/** The debugger outside of the machine, and the processor's own debug registers: neither knows of the other. */
export type Watcher = 'debugger' | 'debugRegisters';

interface Watching {
  readonly ranges: readonly WatchRange[];
  readonly onHit: WatchListener;
}

/**
 * Watched ranges of linear addresses. Accesses to their pages are slow, since the TLB keeps those aside (tlb.ts), and look here; all
 * others cost nothing. What is watched is every access of the processor's by a linear address, also to stacks and tables on its own account; not
 * page walks, and not devices.
 */
export class Watches {
  readonly #watching: Record<Watcher, Watching | null> = { debugger: null, debugRegisters: null };
  /** Pages with a byte that is watched for this access, by linear page number. */
  readonly reads = new Set<number>();
  readonly writes = new Set<number>();
  readonly executions = new Set<number>();
  /** Whether reads or writes are watched anywhere. */
  watchesData = false;

  /** Replaces what this watcher watches. */
  set(watcher: Watcher, ranges: readonly WatchRange[], onHit: WatchListener): void {
    this.#watching[watcher] = ranges.length === 0 ? null : { ranges, onHit };
    for (const pages of [this.reads, this.writes, this.executions]) pages.clear();
    for (const watching of this.#all()) {
      for (const range of watching.ranges) this.#addPages(range);
    }
    this.watchesData = this.reads.size + this.writes.size !== 0;
  }

  #all(): Watching[] {
    return Object.values(this.#watching).filter(watching => watching !== null);
  }

  #addPages({ address, length, read, write, execute }: WatchRange): void {
    const first = address >>> 12;
    const last = (address + length - 1) >>> 12;
    for (const page of [first, last]) {
      if (read) this.reads.add(page);
      if (write) this.writes.add(page);
      if (execute) this.executions.add(page);
    }
  }

  /** Tells the listeners of ranges that an access touches. */
  notice(access: WatchAccess, linear: number, size: number): void {
    for (const { ranges, onHit } of this.#all()) {
      for (const range of ranges) {
        if (range[access] && touches(range, linear, size)) onHit({ range, access, linear: linear >>> 0, size });
      }
    }
  }
}

/** Whether two stretches of the address space have a byte in common; both may go over its end. */
function touches({ address, length }: WatchRange, linear: number, size: number): boolean {
  return (linear - address) >>> 0 < length || (address - linear) >>> 0 < size;
}
