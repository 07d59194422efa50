import type { ExitKind } from './exit.ts';

/** One reason to enter the monitor, at one address. */
export interface ExitCount {
  readonly kind: ExitKind;
  /** What it was: the mnemonic of the instruction, the name of the exception. */
  readonly reason: string;
  /** Guest-linear address, unsigned. */
  readonly address: number;
  count: number;
  /** Instructions and memory references that the monitor spent. */
  monitor: number;
}

/** Different (reason, address) pairs that are kept apart; what comes later is counted under address 0. */
const MOST_PLACES = 4096;

/** What a run under the monitor cost. */
export class Counts {
  /** Guest instructions that the machine ran itself. */
  direct = 0;
  /** Guest instructions that the monitor emulated. */
  emulated = 0;
  /** Instructions of the monitor's machine code, and references to memory of its other half. */
  monitor = 0;
  /** Interrupts that the guest took. */
  injected = 0;
  readonly #exits = new Map<string, ExitCount>();

  /** Notes an exit; returns its record, to which the caller adds what it cost. */
  exit(kind: ExitKind, reason: string, address: number): ExitCount {
    const place = this.#exits.size < MOST_PLACES ? address : 0;
    const key = `${kind} ${reason} ${place}`;
    let record = this.#exits.get(key);
    if (record === undefined) {
      record = { kind, reason, address: place, count: 0, monitor: 0 };
      this.#exits.set(key, record);
    }
    record.count++;
    return record;
  }

  /** Every reason at every address, the most frequent first. */
  get exits(): readonly ExitCount[] {
    return [...this.#exits.values()].sort((a, b) => b.count - a.count);
  }

  /** Exits by reason. */
  byReason(): Readonly<Record<string, { readonly count: number; readonly monitor: number }>> {
    const sums: Record<string, { count: number; monitor: number }> = {};
    for (const { reason, count, monitor } of this.exits) {
      const sum = (sums[reason] ??= { count: 0, monitor: 0 });
      sum.count += count;
      sum.monitor += monitor;
    }
    return sums;
  }
}
