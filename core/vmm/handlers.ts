import { VECTOR } from '../ia32/vectors.ts';
import * as L from '../machine/cpu/layout.ts';
import { PAGE_FAULT } from '../machine/mmu/walk.ts';
import type { ExitKind, ExitOf, Handling, OwnExit } from './exit.ts';
import { CONSOLE_VECTOR, TIMER_VECTOR } from './host/host.ts';
import type { ShadowFault, ShadowPaging } from './memory/shadow.ts';
import type { VirtualProcessor } from './vcpu.ts';

/** What handlers may do: the monitor's operations on the guest and on the machine. */
export interface Operations {
  readonly vcpu: VirtualProcessor;
  readonly shadow: ShadowPaging;
  /** Emulates the instruction at the guest's EIP: its effect, or the fault that the guest must see. */
  emulate(): void;
  /** Raises an exception in the guest. */
  deliver(vector: number, code: number | null): void;
  /** The machine's timer fired, or its console has input. */
  serviceTimer(): void;
  serviceConsole(): void;
  /** DR6 of the machine, which is cleared by the reading. */
  takeDebugStatus(): number;
  /** What a page fault of the machine's was, for those who count. */
  noteFault(fault: ShadowFault): void;
  /** An exit that only the technique which is in charge has a meaning for. */
  serve(exit: OwnExit): Handling;
  /** Tells the machine's interrupt controller that the interrupt is served. */
  endOfInterrupt(): void;
}

type Handlers = { readonly [K in ExitKind]: (monitor: Operations, exit: ExitOf<K>) => Handling };

/** DR6 bits that say what happened (SDM volume 3, 17.2.3). */
const DR6_EVENTS = 0xe00f;

/** One handler for every kind of exit. */
export const HANDLERS: Handlers = {
  interrupt(monitor, { vector }) {
    if (vector === TIMER_VECTOR) monitor.serviceTimer();
    if (vector === CONSOLE_VECTOR) monitor.serviceConsole();
    monitor.endOfInterrupt();
    return 'resume';
  },

  pageFault(monitor, { address, error }) {
    const access = (error & PAGE_FAULT.write) !== 0 ? 'write' : (error & PAGE_FAULT.fetch) !== 0 ? 'execute' : 'read';
    const { shadow } = monitor;
    const fault = shadow.fault(address, access, (error & PAGE_FAULT.user) !== 0);
    monitor.noteFault(fault);
    switch (fault) {
      case 'true':
        monitor.vcpu.fault.address = address;
        monitor.deliver(VECTOR.PF, shadow.faultCode);
        return 'resume';
      case 'hidden':
        return 'retry';
      case 'trace':
      case 'device':
        monitor.emulate();
        return 'resume';
    }
  },

  exception(monitor, { vector }) {
    if (vector === VECTOR.DB) {
      // The machine's processor noted why; the guest's DR6 is the virtual one.
      const { i32 } = monitor.vcpu;
      i32[L.W_DR + 6] |= monitor.takeDebugStatus() & DR6_EVENTS;
    }
    return 'reflect';
  },

  protection(monitor) {
    monitor.emulate();
    return 'resume';
  },

  callout: (monitor, exit) => monitor.serve(exit),
  hypercall: (monitor, exit) => monitor.serve(exit),
  instruction: (monitor, exit) => monitor.serve(exit),
  eptViolation: (monitor, exit) => monitor.serve(exit),
  entryFailure: (monitor, exit) => monitor.serve(exit),
  interruptWindow: () => 'resume',
  tripleFault: () => 'stop',
};
