import type { ExitKind } from './exit.ts';

/** One reason to enter the monitor, at one address. */
export interface ExitCount {
  readonly kind: ExitKind;
  /** What it was: the mnemonic of the instruction, the name of the exception. */
  readonly reason: string;
  /** Guest-linear address, unsigned. */
  readonly address: number;
  count: number;
  /** Instructions and memory references that the monitor spent until the guest went on. */
  monitor: number;
  /** Instructions that the machine ran in the stretches of the guest that ended so. */
  guest: number;
}

/** What became of guest instructions. */
export interface Executed {
  /** The machine ran them itself: its steps in the guest's stretches. Translated code is counted as it is, with what it has more. */
  direct: number;
  /** The monitor emulated them. */
  emulated: number;
}

/** Different (reason, address) pairs that are kept apart; what comes later is counted under address 0. */
const MOST_PLACES = 4096;

/** What a run under the monitor cost. */
export class Counts {
  /** Instructions of the guest at its CPL 3, and at any other. */
  readonly user: Executed = { direct: 0, emulated: 0 };
  readonly kernel: Executed = { direct: 0, emulated: 0 };
  /** Instructions of the monitor's machine code, and references to memory of its other half. */
  monitor = 0;
  /** The same, for what is not an exit: building the machine, starting the guest, changing the technique. */
  setup = 0;
  /** Interrupts that the guest took. */
  injected = 0;
  /** By address: there are few reasons at one. */
  readonly #exits = new Map<number, ExitCount[]>();
  #places = 0;

  /** Guest instructions that the machine ran itself. */
  get direct(): number {
    return this.user.direct + this.kernel.direct;
  }

  /** Guest instructions that the monitor emulated. */
  get emulated(): number {
    return this.user.emulated + this.kernel.emulated;
  }

  /** Notes an exit; returns its record, to which the caller adds what it cost. */
  exit(kind: ExitKind, reason: string, address: number): ExitCount {
    const place = this.#places < MOST_PLACES ? address : 0;
    let here = this.#exits.get(place);
    if (here === undefined) {
      here = [];
      this.#exits.set(place, here);
    }
    for (const record of here) {
      if (record.reason !== reason || record.kind !== kind) continue;
      record.count++;
      return record;
    }
    const record = { kind, reason, address: place, count: 1, monitor: 0, guest: 0 };
    here.push(record);
    this.#places++;
    return record;
  }

  /** Counts from 0 on. */
  clear(): void {
    for (const executed of [this.user, this.kernel]) {
      executed.direct = 0;
      executed.emulated = 0;
    }
    this.monitor = 0;
    this.setup = 0;
    this.injected = 0;
    this.#exits.clear();
    this.#places = 0;
  }

  /** Adds what another has counted. */
  add(other: Counts): this {
    for (const [mine, its] of [
      [this.user, other.user],
      [this.kernel, other.kernel],
    ]) {
      mine.direct += its.direct;
      mine.emulated += its.emulated;
    }
    this.monitor += other.monitor;
    this.setup += other.setup;
    this.injected += other.injected;
    for (const its of [...other.#exits.values()].flat()) {
      const record = this.exit(its.kind, its.reason, its.address);
      record.count += its.count - 1;
      record.monitor += its.monitor;
      record.guest += its.guest;
    }
    return this;
  }

  /** Every reason at every address, the most frequent first. */
  get exits(): readonly ExitCount[] {
    return [...this.#exits.values()].flat().sort((a, b) => b.count - a.count);
  }

  /** Exits by reason. */
  byReason(): Readonly<Record<string, Pick<ExitCount, 'count' | 'monitor' | 'guest'>>> {
    const sums: Record<string, { count: number; monitor: number; guest: number }> = {};
    for (const { reason, count, monitor, guest } of this.exits) {
      const sum = (sums[reason] ??= { count: 0, monitor: 0, guest: 0 });
      sum.count += count;
      sum.monitor += monitor;
      sum.guest += guest;
    }
    return sums;
  }
}

/** The part of instructions that the machine ran itself, from 0 to 1; 1 if there were none. */
export function directShare({ direct, emulated }: Executed): number {
  const all = direct + emulated;
  return all === 0 ? 1 : direct / all;
}
