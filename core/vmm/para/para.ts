import { CR0, EAX, EBP, EBX, ECX, EDI, EDX, ESI } from '../../ia32/registers.ts';
import { VECTOR, VECTOR_NAMES } from '../../ia32/vectors.ts';
import * as L from '../../machine/cpu/layout.ts';
import { EFER, EFER_NXE } from '../../machine/cpu/msr-numbers.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import type { DomainPlan } from '../../xen/domain-plan.ts';
import type { Exit, Handling, OwnExit } from '../exit.ts';
import { type Host, TRAP_FRAME_NAMES } from '../host/host.ts';
import { FRAME_SIZE } from '../memory/frames.ts';
import { type GuestMemory, NO_FRAME } from '../memory/guest-memory.ts';
import type { Technique } from '../technique.ts';
import type { VirtualProcessor } from '../vcpu.ts';
import { HYPERCALL_VECTOR } from './abi.ts';
import { ParaConsole } from './console.ts';
import { ParaCounts } from './counts.ts';
import { DescriptorTables } from './descriptor-tables.ts';
import { crash, Domain, type Ending } from './domain.ts';
import { emulateForced, emulatePrivileged } from './emulate.ts';
import type { BackEnd } from './events.ts';
import { EventChannels } from './events.ts';
import { GuestAccess } from './guest-access.ts';
import type { Arguments } from './hypercalls/call.ts';
import { hypercallName, perform } from './hypercalls/table.ts';
import { MachineToPhysical } from './machine-to-physical.ts';
import { PageTables } from './page-tables.ts';
import { Reservation } from './reservation.ts';
import { Ring } from './ring.ts';
import { SharedInfo } from './shared-info.ts';
import { DomainBuilder, setStartState } from './start.ts';
import { type Clock, ParaTime } from './time.ts';
import { Traps } from './traps.ts';
import { writeTable } from './writable-tables.ts';

/** Vectors below are exceptions. */
const FIRST_INTERRUPT = 32;
/** Error code of #GP after INT n: the vector is not for this ring (SDM volume 3, 6.13). */
const FROM_IDT = 2;
/** INT n has two bytes. */
const INT_BYTES = 2;
/** DR6 bits that say what happened (SDM volume 3, 17.2.3). */
const DR6_EVENTS = 0xe00f;
const DR6_EMPTY = 0xffff0ff0 | 0;
/** Exceptions with an error code, of those that a guest can see. */
const WITH_CODE: readonly number[] = [VECTOR.TS, VECTOR.NP, VECTOR.SS, VECTOR.GP, VECTOR.PF, VECTOR.AC];

export interface ParaOptions {
  readonly plan: DomainPlan;
  readonly clock: Clock;
  /** The date now, in Unix seconds. */
  date(): number;
  readonly onConsole: (byte: number) => void;
  readonly end: (ending: Ending) => void;
  /** Carries out the instruction at the virtual processor's EIP, which must not fault. */
  readonly emulate: () => void;
  /** An instruction was carried out as this guest must see it, without the virtual processor's semantics. */
  readonly emulated: () => void;
}

/** The store that a toolstack would fill: nobody answers. */
const SILENT: BackEnd = { notified: () => {} };

/**
 * Paravirtualization: the guest's kernel knows that it runs in ring 1, and asks the monitor for what it may not do. Speaks Xen's public x86_32
 * interface. The machine walks the guest's own page tables and reads its own descriptor tables; every change of them is looked at
 * first. While this runs, the virtual processor's physical addresses are the machine's, restricted to frames of the guest; the map of
 * its memory says which frame is which pseudo-physical page.
 */
export class Paravirtualization implements Technique {
  readonly mode = 'para';
  readonly savedNames = TRAP_FRAME_NAMES;
  readonly #host: Host;
  readonly #vcpu: VirtualProcessor;
  readonly #memory: GuestMemory;
  readonly #options: ParaOptions;
  readonly counts = new ParaCounts();
  #running: Running | null = null;

  constructor(host: Host, vcpu: VirtualProcessor, options: ParaOptions) {
    this.#host = host;
    this.#vcpu = vcpu;
    this.#memory = vcpu.memory;
    this.#options = options;
  }

  /** The guest while it runs, for those who look. */
  get domain(): Domain {
    return this.#run.domain;
  }

  get #run(): Running {
    if (this.#running === null) throw new TypeError('The technique is not in charge.');
    return this.#running;
  }

  start(): void {
    // A domain has event channels, and no APIC.
    this.#vcpu.apic = null;
    this.#fillHoles();
    this.#running = new Running(this.#host, this.#vcpu, this.#options, this.counts);
  }

  stop(): void {
    this.#run.stop();
    this.#running = null;
    this.#fillHoles();
  }

  /** Pseudo-physical memory has no holes: neither that of a PC nor what the guest gave back. */
  #fillHoles(): void {
    const { map, pageOfFrame } = this.#memory;
    for (let page = 0; page < map.length; page++) {
      if (map[page] !== NO_FRAME) continue;
      map[page] = this.#host.allocate();
      pageOfFrame.set(map[page], page);
    }
  }

  ready(): boolean {
    return true;
  }

  enter(): void {
    const { domain } = this;
    if (domain.shared.upcallDue) domain.traps.upcall();
    domain.ring.enter();
  }

  exit(): Exit {
    const { ring } = this.domain;
    const { vector, error } = ring.leave();
    if (vector === HYPERCALL_VECTOR) return { kind: 'hypercall' };
    if (vector >= FIRST_INTERRUPT) return { kind: 'interrupt', vector };
    switch (vector) {
      case VECTOR.PF:
        return { kind: 'pageFault', address: this.#host.cpu.i32[L.W_CR2], error };
      case VECTOR.GP:
      case VECTOR.SS:
      case VECTOR.NP:
      case VECTOR.TS:
        return { kind: 'protection', vector, code: error };
      default:
        return { kind: 'exception', vector, code: WITH_CODE.includes(vector) ? error : null };
    }
  }

  saved(into: Int32Array): void {
    this.#host.saved(into);
  }

  observe(target: Processor): void {
    this.domain.ring.observe(target);
  }

  /** What the exit is called where exits are counted: the hypercall's name. */
  get callName(): string {
    return hypercallName(this.#vcpu.i32[EAX] >>> 0) ?? 'hypercall';
  }

  serve(exit: OwnExit): Handling {
    if (exit.kind !== 'hypercall') throw new TypeError(`There is no ${exit.kind} under paravirtualization.`);
    const { i32 } = this.#vcpu;
    const args = [EBX, ECX, EDX, ESI, EDI, EBP].map(register => i32[register] >>> 0);
    i32[EAX] = perform(this.domain, i32[EAX] >>> 0, toArguments(args));
    return 'resume';
  }

  /** Exits that mean something else here than under other techniques; null for those that do not. */
  handle(exit: Exit): Handling | null {
    switch (exit.kind) {
      case 'pageFault':
        this.#pageFault(exit.address, exit.error);
        return 'resume';
      case 'protection':
        this.#protection(exit.vector, exit.code);
        return 'resume';
      case 'exception':
        this.#exception(exit.vector, exit.code);
        return 'resume';
      default:
        return null;
    }
  }

  #pageFault(address: number, error: number): void {
    const { descriptors, shared, traps } = this.domain;
    const ldtAddress = descriptors.ldtAddress(address);
    if (ldtAddress !== null && descriptors.mapLdt(address)) return;
    if (writeTable(this.domain, address, error, this.#options.emulate)) return;
    shared.cr2 = ldtAddress ?? address;
    traps.deliver(VECTOR.PF, error);
  }

  #protection(vector: number, code: number): void {
    const { domain } = this;
    if (vector === VECTOR.GP && (code & FROM_IDT) !== 0) {
      const called = code >>> 3;
      const trap = domain.traps.trap(called);
      if (trap !== undefined && trap.eip !== 0 && trap.dpl >= this.#vcpu.cpl) {
        const { i32 } = this.#vcpu;
        i32[L.W_EIP] = (i32[L.W_EIP] + INT_BYTES) | 0;
        domain.traps.deliver(called, null);
        return;
      }
    } else if (vector === VECTOR.GP && code === 0 && emulatePrivileged(domain)) {
      this.#options.emulated();
      return;
    }
    domain.traps.deliver(vector, code);
  }

  #exception(vector: number, code: number | null): void {
    const { domain } = this;
    const { i32 } = this.#vcpu;
    if (vector === VECTOR.UD && emulateForced(domain)) {
      this.#options.emulated();
      return;
    }
    if (vector === VECTOR.DB) {
      const machine = this.#host.cpu.i32;
      i32[L.W_DR + 6] |= machine[L.W_DR + 6] & DR6_EVENTS;
      machine[L.W_DR + 6] = DR6_EMPTY;
    }
    // The guest finds TS clear: what it restores now is wanted.
    if (vector === VECTOR.NM) i32[L.W_CR0] &= ~CR0.TS;
    if (vector === VECTOR.DF) crash(`${VECTOR_NAMES[VECTOR.DF]} at ${this.#vcpu.address.toString(16)}`);
    domain.traps.deliver(vector, code);
  }

  /** Lets timers fire; returns when the next one is due, in the machine's virtual nanoseconds. */
  advance(): number {
    const { domain } = this;
    const next = Math.min(domain.time.advance(), domain.wait?.until ?? Number.POSITIVE_INFINITY);
    domain.wakeIfDue();
    return this.#options.clock.now() - domain.time.now() + next;
  }

  /** Bytes that were typed; returns how many the guest's console took. */
  input(bytes: readonly number[]): number {
    return this.domain.console.type(bytes);
  }
}

function toArguments(words: readonly number[]): Arguments {
  const [ebx = 0, ecx = 0, edx = 0, esi = 0, edi = 0, ebp = 0] = words;
  return [ebx, ecx, edx, esi, edi, ebp];
}

/** One run of a domain, from its start to its end. */
class Running {
  readonly domain: Domain;
  readonly #host: Host;
  readonly #memory: GuestMemory;
  readonly #sharedFrame: number;

  constructor(host: Host, vcpu: VirtualProcessor, options: ParaOptions, counts: ParaCounts) {
    const { plan } = options;
    const memory = vcpu.memory;
    this.#host = host;
    this.#memory = memory;
    const machineFrames = Math.floor(host.memory.size / FRAME_SIZE);
    const physical = new MachineToPhysical(host, machineFrames);
    this.#sharedFrame = host.allocate();

    const tables: PageTables = new PageTables(
      host.memory,
      machineFrames,
      {
        addMonitor: directory => physical.addTo(directory),
        checkDescriptors: frame => descriptors.checkFrame(frame),
        onFree: frame => reservation.release(frame),
      },
      counts,
    );
    const { frames } = tables;
    const reservation = new Reservation(host, memory, frames, physical);
    const descriptors: DescriptorTables = new DescriptorTables(host, frames, linear => {
      const address = vcpu.lookUp(linear | 0);
      return address < 0 ? -1 : address >>> 12;
    });
    memory.map.forEach((frame, page) => {
      frames.own(frame);
      physical.set(frame, page);
    });
    // The shared page is the guest's to map and to write, and never anything else.
    frames.own(this.#sharedFrame);
    frames.take(this.#sharedFrame, 'writable');

    const shared = new SharedInfo(host.memory, this.#sharedFrame * FRAME_SIZE);
    const events = new EventChannels(shared, counts);
    const storePort = events.bindBackEnd(SILENT);
    const consolePage = memory.map[plan.console] * FRAME_SIZE;
    const paraConsole = new ParaConsole(host.memory, consolePage, events, options.onConsole);
    const time = new ParaTime(options.clock, shared, events, options.date());
    const access = new GuestAccess(vcpu);
    const traps = new Traps(vcpu, access, shared, descriptors, counts, crash);
    const ring = new Ring(host, vcpu, tables, descriptors, traps);
    this.domain = new Domain({
      host,
      vcpu,
      access,
      tables,
      physical,
      reservation,
      shared,
      events,
      time,
      console: paraConsole,
      descriptors,
      traps,
      ring,
      counts,
      sink: options.onConsole,
      end: options.end,
    });

    new DomainBuilder(memory, plan).build({ sharedInfo: shared.address, consolePort: paraConsole.port, storePort });
    const top = memory.map[plan.tables];
    memory.visible = frame => frames.isVisible(frame);
    vcpu.i32[L.W_MSR + EFER] = EFER_NXE;
    setStartState(this.domain, plan);
    tables.pin(top, 'l3');
    tables.setRoot(top);
    ring.start();
    ring.syncRoot();
  }

  /** Everything of the monitor's as it was before. */
  stop(): void {
    const { ring, descriptors, physical, tables } = this.domain;
    ring.stop();
    descriptors.stop();
    physical.release();
    for (const frame of tables.frames.leaving) this.#host.free(frame);
    this.#host.free(this.#sharedFrame);
    this.#memory.visible = null;
  }
}
