import type { StepCount } from './step-count.ts';

/** Whether the guest has come any further: by an instruction, on the machine or emulated, or by an event that it was given. */
export class Progress {
  readonly #steps: StepCount;
  #done = 0;
  #marked = { steps: 0, done: 0 };

  constructor(steps: StepCount) {
    this.#steps = steps;
  }

  /** Counts what was done for the guest: instructions emulated, events given. */
  get done(): number {
    return this.#done;
  }

  /** Something was done for it. */
  note(): void {
    this.#done++;
  }

  /** From here hasMoved counts. */
  mark(): void {
    this.#marked = { steps: this.#steps.guest, done: this.#done };
  }

  /** What the machine has run of the guest's since the mark is done again. */
  repeat(): void {
    this.#marked = { ...this.#marked, steps: this.#steps.guest };
  }

  /** Whether it has since mark(). */
  get hasMoved(): boolean {
    return this.#steps.guest !== this.#marked.steps || this.#done !== this.#marked.done;
  }
}
