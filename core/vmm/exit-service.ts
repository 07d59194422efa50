import { deliverException } from '../machine/cpu/interrupts.ts';
import * as L from '../machine/cpu/layout.ts';
import type { Processor } from '../machine/cpu/processor.ts';
import type { Accounts } from './accounts.ts';
import type { ConsoleInput } from './console-input.ts';
import type { Exit, ExitKind, ExitOf, Handling, OwnExit } from './exit.ts';
import { HANDLERS, type Operations } from './handlers.ts';
import type { Host } from './host/host.ts';
import type { ShadowFault, ShadowPaging } from './memory/shadow.ts';
import type { Paravirtualization } from './para/para.ts';
import type { Progress } from './progress.ts';
import { reasonOf } from './reason.ts';
import type { MonitorTimer } from './timer.ts';
import type { MonitorWatcher } from './trace.ts';
import type { VirtualProcessor } from './vcpu.ts';

const PIC_COMMAND = 0x20;
const END_OF_INTERRUPT = 0x20;
/** DR6 when nothing has happened (SDM volume 3, 17.2.3). */
const DR6_CLEAR = 0xffff0ff0 | 0;

/** Exits that are an affair of the monitor's: the guest has come no further. */
const OWN_EXITS: readonly ExitKind[] = ['interrupt', 'interruptWindow', 'callout'];

export interface ServiceParts {
  /** The machine's processor. */
  readonly cpu: Processor;
  readonly host: Host;
  readonly vcpu: VirtualProcessor;
  readonly shadow: ShadowPaging;
  readonly timer: MonitorTimer;
  readonly input: ConsoleInput;
  readonly accounts: Accounts;
  readonly progress: Progress;
  /** Handles an exit that only the technique which is in charge has a meaning for. */
  readonly serve: (exit: OwnExit) => Handling;
}

/** What the monitor does once the processor has halted in it: each exit is handled, counted and told. */
export class ExitService implements Operations {
  readonly vcpu: VirtualProcessor;
  readonly shadow: ShadowPaging;
  readonly #parts: ServiceParts;
  /** What the page fault of this exit was. */
  #fault: ShadowFault | null = null;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
    this.vcpu = parts.vcpu;
    this.shadow = parts.shadow;
  }

  /** Handles why the guest left; its state is in the virtual processor. `para`: the technique, if it has handlers of its own. */
  handle(exit: Exit, para: Paravirtualization | null, watcher: MonitorWatcher | null): Handling {
    const { accounts, progress } = this.#parts;
    const { vcpu } = this;
    const { address } = vcpu;
    const isUser = vcpu.cpl === 3;
    const reason = reasonOf(exit, vcpu, para);
    this.#fault = null;
    watcher?.leaves?.(exit);
    try {
      const handling = para?.handle(exit) ?? handle(this, exit);
      if (handling === 'reflect' && exit.kind === 'exception') this.deliver(exit.vector, exit.code);
      if (handling !== 'retry' && !OWN_EXITS.includes(exit.kind)) progress.note();
      // What translated code did of an instruction is done again.
      if (handling === 'retry') progress.repeat();
      return handling;
    } finally {
      const name = this.#fault === null ? reason : `${reason} ${this.#fault}`;
      accounts.serve(exit.kind, name, address);
      watcher?.exited(exit, name, address, isUser);
    }
  }

  /** An interrupt of the machine's came while the monitor waited. */
  interrupt(vector: number): void {
    HANDLERS.interrupt(this, { kind: 'interrupt', vector });
  }

  emulate(): void {
    const { vcpu } = this;
    const executed = this.#parts.accounts.executedBy(vcpu);
    const before = vcpu.count;
    vcpu.emulate();
    executed.emulated += vcpu.count - before;
    this.#parts.progress.note();
  }

  deliver(vector: number, code: number | null): void {
    deliverException(this.vcpu, vector, 'exception', code);
  }

  noteFault(fault: ShadowFault): void {
    this.#fault = fault;
  }

  takeDebugStatus(): number {
    const { i32 } = this.#parts.cpu;
    const status = i32[L.W_DR + 6];
    i32[L.W_DR + 6] = DR6_CLEAR;
    return status;
  }

  serviceTimer(): void {
    this.#parts.timer.fired();
  }

  serviceConsole(): void {
    this.#parts.input.fetch();
  }

  endOfInterrupt(): void {
    this.#parts.host.out(PIC_COMMAND, END_OF_INTERRUPT);
  }

  serve(exit: OwnExit): Handling {
    return this.#parts.serve(exit);
  }
}

/** Calls the handler of an exit's kind. */
function handle<K extends ExitKind>(monitor: Operations, exit: ExitOf<K> & Exit): Handling {
  const handler: (monitor: Operations, exit: never) => Handling = HANDLERS[exit.kind];
  return handler(monitor, exit as never);
}
