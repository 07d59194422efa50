import type { Processor } from '../machine/cpu/processor.ts';
import type { Accounts } from './accounts.ts';
import type { VirtualProcessor } from './vcpu.ts';

/** Instructions that are emulated in a row before the monitor looks up. */
const ROW = 256;

/** Emulates the guest's instructions in a row, where the machine cannot run them. A row that was cut is gone on with later. */
export class Emulation {
  readonly #cpu: Processor;
  readonly #vcpu: VirtualProcessor;
  readonly #accounts: Accounts;
  /** Instructions that the row may still have. */
  #left = 0;

  /** `cpu`: the machine's processor, whose time it takes. */
  constructor(cpu: Processor, vcpu: VirtualProcessor, accounts: Accounts) {
    this.#cpu = cpu;
    this.#vcpu = vcpu;
    this.#accounts = accounts;
  }

  /** Whether a row is to be gone on with. */
  get isUnderWay(): boolean {
    return this.#left > 0;
  }

  begin(): void {
    this.#left = ROW;
  }

  end(): void {
    this.#left = 0;
  }

  /**
   * Emulates at least one instruction, and takes the machine as many steps. Stops where `isCut`, and ends the row where that is full, or where
   * emulation is no longer needed (`isNeeded`). Returns how many there were.
   */
  run(isCut: () => boolean, isNeeded: () => boolean): number {
    let taken = 0;
    do {
      const executed = this.#accounts.executedBy(this.#vcpu);
      const steps = this.#vcpu.run(1, true);
      executed.emulated += steps;
      taken += steps;
      this.#left--;
      this.#accounts.steps.skip(steps);
      this.#cpu.restoreCount(this.#cpu.count + steps);
      if (isCut()) break;
      if (this.isUnderWay && !isNeeded()) this.end();
    } while (this.isUnderWay);
    return taken;
  }
}
