import type { EventSource } from '../machine/cpu/interrupts.ts';
import * as L from '../machine/cpu/layout.ts';
import type { Probe, Transfer, TransferredBefore } from '../machine/cpu/probe.ts';
import type { Processor } from '../machine/cpu/processor.ts';
import type { Counts } from './counts.ts';

/** Whose code the machine runs. Ring 0 is the monitor's, except in VMX non-root operation. */
export type Owner = 'user' | 'kernel' | 'monitor';

/** Whose code a processor under the monitor stands in. */
export function ownerOf(cpu: Processor): Owner {
  return ownerAt(cpu, cpu.cpl);
}

function ownerAt(cpu: Processor, cpl: number): Owner {
  if (cpl === 3) return 'user';
  return cpl === 0 && cpu.i32[L.W_VMX_OPERATION] !== L.VMX_NON_ROOT ? 'monitor' : 'kernel';
}

/**
 * Divides the machine's steps, each one of them, between the guest's user code, its kernel and the monitor: the step that leads from one to
 * another is that of the code that executed it. So a guest's ring changes that no monitor sees are counted as well.
 */
export class StepCount implements Probe {
  /** Hears of it all after this. */
  next: Probe | null = null;
  readonly #cpu: Processor;
  readonly #counts: Counts;
  readonly #onEnter: () => void;
  #owner: Owner = 'monitor';
  #since: number;
  #monitor = 0;

  /** `onEnter`: the monitor has let the guest go. */
  constructor(cpu: Processor, counts: Counts, onEnter: () => void) {
    this.#cpu = cpu;
    this.#counts = counts;
    this.#onEnter = onEnter;
    this.#since = cpu.count;
  }

  /** Steps of the monitor's machine code up to now. */
  get monitor(): number {
    return this.#monitor + (this.#owner === 'monitor' ? this.#cpu.count - this.#since : 0);
  }

  /** Steps of the guest on the machine up to now. */
  get guest(): number {
    return this.#counts.direct + (this.#owner === 'monitor' ? 0 : this.#cpu.count - this.#since);
  }

  /** The count was moved, for what the monitor emulated or by a snapshot: these are no steps of the machine's. */
  skip(steps: number): void {
    this.#since += steps;
  }

  delivered(vector: number, source: EventSource, code: number | null): void {
    this.#move();
    this.next?.delivered(vector, source, code);
  }

  transferred(by: Transfer): void {
    this.#move();
    this.next?.transferred(by);
  }

  /** Only where who comes next has it, too. */
  get transferredBefore(): TransferredBefore | undefined {
    return this.next !== null && this.next.transferredBefore === undefined ? undefined : this.#before;
  }

  readonly #before: TransferredBefore = log => {
    for (let n = 0; n < log.length; n++) this.#moveTo(ownerAt(this.#cpu, log.cpl(n)), log.count(n));
    this.next?.transferredBefore?.(log);
  };

  #move(): void {
    this.#moveTo(ownerOf(this.#cpu), this.#cpu.count);
  }

  #moveTo(owner: Owner, count: number): void {
    const before = this.#owner;
    const steps = count - this.#since;
    this.#since = count;
    if (before === 'monitor') this.#monitor += steps;
    else this.#counts[before].direct += steps;
    this.#owner = owner;
    if (before === 'monitor' && owner !== 'monitor') this.#onEnter();
  }
}
