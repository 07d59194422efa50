import type { Processor } from '../machine/cpu/processor.ts';
import type { Counts, Executed, ExitCount } from './counts.ts';
import type { ExitKind } from './exit.ts';
import type { MachineMemory } from './host/machine-memory.ts';
import { StepCount } from './step-count.ts';
import type { MonitorWatcher } from './trace.ts';

/** What the monitor spends, in steps and in references to memory, and the exit that it is charged to. */
export class Accounts {
  readonly steps: StepCount;
  readonly #cpu: Processor;
  readonly #counts: Counts;
  readonly #memory: MachineMemory;
  #watcher: MonitorWatcher | null = null;
  /** The exit that what the monitor does is for, until the guest goes on. */
  #serving: ExitCount | null = null;
  /** Steps and references of the monitor that are counted already. */
  #charged = 0;
  /** Guest instructions on the machine up to the last exit. */
  #directAtExit = 0;

  /** Listens to `cpu`, the machine's processor, from now on. */
  constructor(cpu: Processor, memory: MachineMemory, counts: Counts) {
    this.#cpu = cpu;
    this.#counts = counts;
    this.#memory = memory;
    this.steps = new StepCount(cpu, counts, () => this.charge());
    cpu.probe = this.steps;
  }

  /** Has it told of the machine's probe and of what is charged; null: nobody. */
  watch(watcher: MonitorWatcher | null): void {
    this.#watcher = watcher;
    this.steps.next = watcher;
    // What it is told at once depends on who comes next.
    this.#cpu.probe = this.steps;
  }

  /** What was spent since it was last asked goes to the exit that is served. */
  charge(): void {
    const cost = this.#spent();
    if (cost === 0) return;
    this.#counts.monitor += cost;
    if (this.#serving !== null) this.#serving.monitor += cost;
    this.#watcher?.charged(cost);
  }

  /** What was spent since it was last asked was for building, starting or changing something. */
  chargeSetup(): void {
    this.#counts.setup += this.#spent();
  }

  /** The guest has left, for what is served from now on. */
  serve(kind: ExitKind, reason: string, address: number): void {
    const record = this.#counts.exit(kind, reason, address);
    record.guest += this.#counts.direct - this.#directAtExit;
    this.#directAtExit = this.#counts.direct;
    this.#serving = record;
  }

  /** What comes now is for no exit. */
  serveNone(): void {
    this.#serving = null;
  }

  /** Counts anew from here. */
  clear(): void {
    this.charge();
    this.#counts.clear();
    this.#serving = null;
    this.#directAtExit = 0;
  }

  /** Counts on from what another monitor counted of this guest. */
  goOn(from: Counts): void {
    this.#counts.add(from);
    this.#directAtExit = this.#counts.direct;
  }

  /** Where the instruction at a processor's EIP is counted. */
  executedBy(vcpu: Processor): Executed {
    return vcpu.cpl === 3 ? this.#counts.user : this.#counts.kernel;
  }

  #spent(): number {
    const before = this.#charged;
    this.#charged = this.steps.monitor + this.#memory.references;
    return this.#charged - before;
  }
}
