import * as L from './layout.ts';
import type { Probe, Transfer } from './probe.ts';

/** Transfers that translated code makes without a call: it writes them down, and who looks is told of them later. */

/** By the number that stands for each. */
export const LOGGED = ['iret', 'sysenter', 'sysexit'] as const satisfies readonly Transfer[];

/** Those that wait, in order. Who is told goes over them by number. */
export class TransferLog {
  readonly #i32: Int32Array;
  length = 0;
  /** Of the processor, at the end of the run, if that takes all that it was granted. */
  #steps = 0;

  constructor(i32: Int32Array) {
    this.#i32 = i32;
  }

  /** `steps`: those of the processor at the end of the run, if it takes all that it was granted. */
  tell(probe: Probe | null, steps: number): void {
    this.length = this.#i32[L.W_LOGGED];
    this.#steps = steps;
    this.#i32[L.W_LOGGED] = 0;
    probe?.transferredBefore?.(this);
  }

  #word(n: number, word: number): number {
    return this.#i32[(L.LOG >> 2) + L.LOG_WORDS * n + word];
  }

  /** Index in LOGGED. */
  by(n: number): number {
    return this.#word(n, 0);
  }

  /** Of where it led to, as the linear address. */
  cpl(n: number): number {
    return this.#word(n, 1);
  }

  linear(n: number): number {
    return this.#word(n, 2);
  }

  /** Steps since reset, with that one. */
  count(n: number): number {
    return this.#steps - this.#word(n, 3);
  }
}
