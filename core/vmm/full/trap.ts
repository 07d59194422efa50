import { FLAG } from '../../ia32/flags.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import type { Exit, Handling, OwnExit } from '../exit.ts';
import { type Host, TRAP_FRAME_NAMES } from '../host/host.ts';
import type { ShadowPaging } from '../memory/shadow.ts';
import type { Technique } from '../technique.ts';
import type { VirtualProcessor } from '../vcpu.ts';
import { Deprivileged } from './deprivileged.ts';
import { ShadowDescriptors } from './descriptors.ts';
import type { Holes } from './holes/holes.ts';
import { HoleWatch } from './holes/watch.ts';

/**
 * Trap and emulate, the classical monitor: the guest's kernel runs in ring 1 as it is. Privileged instructions trap and are emulated; the
 * sensitive ones that do not trap go wrong, which is what this technique is there to show.
 */
export class TrapAndEmulate implements Technique {
  readonly mode = 'trap';
  readonly savedNames = TRAP_FRAME_NAMES;
  readonly #host: Host;
  readonly #vcpu: VirtualProcessor;
  readonly #ring: Deprivileged;
  #watch: HoleWatch | null = null;
  #runs = false;

  constructor(host: Host, vcpu: VirtualProcessor, shadow: ShadowPaging) {
    this.#host = host;
    this.#vcpu = vcpu;
    this.#ring = new Deprivileged(host, vcpu, shadow, new ShadowDescriptors(host, vcpu, shadow));
  }

  start(): void {
    this.#ring.start();
    this.#runs = true;
    this.#host.cpu.blocks.watch(this.#watch);
  }

  stop(): void {
    this.#host.cpu.blocks.watch(null);
    this.#runs = false;
    this.#ring.stop();
  }

  watchHoles(holes: Holes | null): void {
    this.#watch = holes === null ? null : new HoleWatch(this.#host.cpu, this.#vcpu, this.#ring, holes);
    if (this.#runs) this.#host.cpu.blocks.watch(this.#watch);
  }

  ready(): boolean {
    return this.#ring.ready();
  }

  enter(): void {
    this.#ring.enter(null);
  }

  saved(into: Int32Array): void {
    this.#host.saved(into);
  }

  observe(target: Processor): void {
    this.#ring.observe(target, false);
  }

  /** Ring 1 asks for nothing: it traps. */
  serve(exit: OwnExit): Handling {
    throw new TypeError(`There is no ${exit.kind} under trap and emulate.`);
  }

  exit(): Exit {
    const { vector, error } = this.#ring.leave(null);
    // IRET from ring 1 to ring 3 does not trap, so the monitor cannot see which IF it asked for. A kernel that runs user code with
    // interrupts off would never get the processor back: they are taken to be on.
    if (this.#ring.leftKernel) this.#vcpu.i32[L.W_EFLAGS] |= FLAG.IF;
    return this.#ring.explain(vector, error);
  }
}
