import { Processor } from '../machine/cpu/processor.ts';
import { ScratchMemory } from './full/holes/scratch.ts';
import type { MachineMemory } from './host/machine-memory.ts';
import type { GuestMemory } from './memory/guest-memory.ts';
import type { Technique } from './technique.ts';

/** For those who look while the machine runs the guest: a copy of the processor as the guest believes it has it, made once it is asked for. */
export class GuestCopy {
  readonly #guest: GuestMemory;
  readonly #machine: MachineMemory;
  #processor: Processor | null = null;
  #scratch: ScratchMemory | null;
  #isCurrent = false;

  /** `used`: the copy of another monitor, which goes. */
  constructor(guest: GuestMemory, machine: MachineMemory, used: GuestCopy | null) {
    this.#guest = guest;
    this.#machine = machine;
    this.#scratch = used === null ? null : used.#scratch;
  }

  /** Copies the guest as of now; the machine must be running its code. */
  take(technique: Technique): void {
    if (this.#processor === null) {
      this.#scratch = new ScratchMemory(this.#guest, this.#scratch);
      this.#processor = new Processor(this.#scratch);
    }
    // What it reads for that is no work of the monitor's.
    const { references } = this.#machine;
    technique.observe(this.#processor);
    this.#machine.references = references;
    this.#processor.newEpoch();
    this.#isCurrent = true;
  }

  /** The guest goes on: what was copied is of the stretch before. */
  expire(): void {
    this.#isCurrent = false;
  }

  /** The copy, if there is one of this stretch. */
  get current(): Processor | null {
    return this.#isCurrent ? this.#processor : null;
  }
}
