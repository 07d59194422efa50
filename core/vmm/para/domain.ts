import { MachineStop } from '../../machine/cpu/fault.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Host } from '../host/host.ts';
import type { VirtualProcessor } from '../vcpu.ts';
import { DOMAIN, DOMID_SELF, FEATURES, Refused } from './abi.ts';
import type { ParaConsole } from './console.ts';
import type { ParaCounts } from './counts.ts';
import type { DescriptorTables } from './descriptor-tables.ts';
import type { EventChannels } from './events.ts';
import type { GuestAccess } from './guest-access.ts';
import type { MachineToPhysical } from './machine-to-physical.ts';
import type { PageTables } from './page-tables.ts';
import type { Reservation } from './reservation.ts';
import type { Ring } from './ring.ts';
import type { SharedInfo } from './shared-info.ts';
import type { ParaTime } from './time.ts';
import type { Traps } from './traps.ts';

/** What SCHEDOP_block and SCHEDOP_poll wait for: any event that makes an upcall, or one of these ports, or a system time. */
export interface Wait {
  readonly ports: readonly number[];
  readonly until: number;
}

/** List entries and bytes that one hypercall may ask for: the monitor is not to be kept busy for long. */
const MOST_WORK = 1 << 16;

/** How a guest ends its run by itself. */
export type Ending = 'powerOff' | 'reset';

export interface DomainParts {
  readonly host: Host;
  readonly vcpu: VirtualProcessor;
  readonly access: GuestAccess;
  readonly tables: PageTables;
  readonly physical: MachineToPhysical;
  readonly reservation: Reservation;
  readonly shared: SharedInfo;
  readonly events: EventChannels;
  readonly time: ParaTime;
  readonly console: ParaConsole;
  readonly descriptors: DescriptorTables;
  readonly traps: Traps;
  readonly ring: Ring;
  readonly counts: ParaCounts;
  /** Bytes of CONSOLEIO_write. */
  readonly sink: (byte: number) => void;
  readonly end: (ending: Ending) => void;
}

/** A paravirtualized guest while it runs: what hypercalls act on. */
export class Domain implements DomainParts {
  readonly host: Host;
  readonly vcpu: VirtualProcessor;
  readonly access: GuestAccess;
  readonly tables: PageTables;
  readonly physical: MachineToPhysical;
  readonly reservation: Reservation;
  readonly shared: SharedInfo;
  readonly events: EventChannels;
  readonly time: ParaTime;
  readonly console: ParaConsole;
  readonly descriptors: DescriptorTables;
  readonly traps: Traps;
  readonly ring: Ring;
  readonly counts: ParaCounts;
  readonly sink: (byte: number) => void;
  readonly end: (ending: Ending) => void;
  readonly features = FEATURES;
  /** Bits of vm_assist. */
  assists = 0;
  /** Virtual I/O privilege level of the kernel (PHYSDEVOP_set_iopl). */
  iopl = 0;
  /** Null while the guest can run. */
  wait: Wait | null = null;
  /** Why the last hypercall was refused, for the page. */
  lastRefusal = '';
  /** A multicall is on its way. */
  inMulticall = false;
  #work = 0;

  constructor(parts: DomainParts) {
    this.host = parts.host;
    this.vcpu = parts.vcpu;
    this.access = parts.access;
    this.tables = parts.tables;
    this.physical = parts.physical;
    this.reservation = parts.reservation;
    this.shared = parts.shared;
    this.events = parts.events;
    this.time = parts.time;
    this.console = parts.console;
    this.descriptors = parts.descriptors;
    this.traps = parts.traps;
    this.ring = parts.ring;
    this.counts = parts.counts;
    this.sink = parts.sink;
    this.end = parts.end;
  }

  /** A hypercall begins. */
  begin(): void {
    this.#work = 0;
    this.access.forget();
  }

  /** One more entry of a list. Throws Refused when a hypercall asks for too many, where Xen would let the guest repeat it. */
  spend(): void {
    if (++this.#work > MOST_WORK) throw new Refused('E2BIG', `one hypercall has at most ${MOST_WORK} entries`);
  }

  /** The guest waits. */
  block(wait: Wait): void {
    this.wait = wait;
    this.vcpu.i32[L.W_HALTED] = 1;
    this.wakeIfDue();
  }

  /** Lets a guest that waits go on, if what it waits for has come. */
  wakeIfDue(): void {
    const { wait } = this;
    if (wait === null) return;
    const due =
      this.shared.upcallDue || wait.ports.some(port => this.shared.isPending(port)) || this.time.now() >= wait.until;
    if (!due) return;
    this.wait = null;
    this.vcpu.i32[L.W_HALTED] = 0;
  }

  /** The root changed, or an entry of it: the virtual processor and everything translated follow. */
  rootMoved(): void {
    this.access.forget();
    if (this.tables.rootChanged) this.ring.syncRoot();
  }

  /** Drops every translation before the guest runs again. */
  flush(): void {
    this.tables.frames.flushNeeded = true;
  }
}

/** Whether a domain number is DOMID_SELF or this domain's own. */
export function isSelf(domain: number): boolean {
  return domain === DOMID_SELF || domain === DOMAIN;
}

/** The guest cannot go on. */
export function crash(why: string): never {
  throw new MachineStop('tripleFault', `the guest crashed: ${why}`);
}
