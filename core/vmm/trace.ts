import { EXIT_NAMES } from '../ia32/vmx/exits.ts';
import type { EventSource } from '../machine/cpu/interrupts.ts';
import * as L from '../machine/cpu/layout.ts';
import type { Probe, Transfer } from '../machine/cpu/probe.ts';
import type { Pc } from '../machine/pc.ts';
import { deliveryName, TRANSFER_NAMES } from './event-names.ts';
import type { Exit } from './exit.ts';
import type { Monitor } from './monitor.ts';

/** Where the processor spends its time: a ring of the machine, VMX non-root operation apart; the monitor; or a HLT. */
export const LANES = [
  'ring 0',
  'ring 1',
  'ring 2',
  'ring 3',
  'non-root ring 0',
  'non-root ring 1',
  'non-root ring 2',
  'non-root ring 3',
  'monitor',
  'waiting',
] as const;
export type Lane = (typeof LANES)[number];

const RINGS = ['ring 0', 'ring 1', 'ring 2', 'ring 3'] as const;
const NON_ROOT_RINGS = ['non-root ring 0', 'non-root ring 1', 'non-root ring 2', 'non-root ring 3'] as const;

/** What kind of stretch it is: of a guest, of the monitor for an exit of the guest's, or for something else. */
export type Category = 'guest' | 'exit' | 'monitor' | 'wait';

export type Details = Readonly<Record<string, string | number>>;

/** A stretch of time in one lane. Times are virtual nanoseconds since the recording's first power-on, whole numbers. */
export interface Stretch {
  readonly lane: Lane;
  readonly category: Category;
  /** What led here, or why the guest left for the monitor. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly details: Details;
}

/** Something that happened without a change of the lane. */
export interface Mark {
  readonly lane: Lane;
  readonly name: string;
  readonly at: number;
  readonly details: Details;
}

export interface TraceSink {
  stretch(stretch: Stretch): void;
  mark(mark: Mark): void;
}

/** Hears what the monitor does beside what the machine's probe tells. */
export interface MonitorWatcher extends Probe {
  /** Hears of the virtual processor: what the guest is given, and what is emulated for it. */
  readonly virtual?: Probe | null;
  /** The guest left for the monitor, which has done nothing about it yet. */
  leaves?(exit: Exit): void;
  /** The monitor has handled why the guest left. `reason`: as it is counted; `address`: guest-linear. */
  exited(exit: Exit, reason: string, address: number, isUser: boolean): void;
  /** The monitor spent this, in instructions and memory references. */
  charged(cost: number): void;
  /** It emulated this many instructions in the machine's time. */
  emulated(steps: number): void;
  /** It waits for an interrupt on the guest's behalf; and one came. */
  waits(): void;
  woke(vector: number): void;
}

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/** What an exit carries beyond its kind. */
function exitDetails(exit: Exit): Details {
  switch (exit.kind) {
    case 'interrupt':
      return { vector: exit.vector };
    case 'pageFault':
      return { linear: hex(exit.address), error: hex(exit.error) };
    case 'exception':
      return exit.code === null ? { vector: exit.vector } : { vector: exit.vector, error: hex(exit.code) };
    case 'protection':
      return { vector: exit.vector, error: hex(exit.code) };
    case 'instruction':
      return { exit: EXIT_NAMES[exit.reason] ?? exit.reason, qualification: hex(exit.qualification) };
    case 'eptViolation':
      return { physical: hex(exit.address), qualification: hex(exit.qualification) };
    case 'entryFailure':
      return { error: exit.reason };
    case 'callout':
    case 'hypercall':
    case 'interruptWindow':
    case 'tripleFault':
      return {};
  }
}

/**
 * Turns what the probes tell into stretches: at each moment the machine is in one lane, and the stretches follow each other without a gap. Goes
 * on over power cycles: attach() each machine in turn.
 */
export class TraceRecorder implements MonitorWatcher {
  readonly #sink: TraceSink;
  readonly #symbol: (address: number) => string | null;
  #pc: Pc | null = null;
  #monitor: Monitor | null = null;
  /** Time of the machines before this one. */
  #earlier = 0;
  // The stretch that is going on.
  #lane: Lane = 'ring 0';
  #category: Category = 'guest';
  #name = '';
  #start = 0;
  #details: Details = {};
  #startCount = 0;
  /** The clock's when it began. */
  #skipped = 0;
  #cost = 0;
  #emulated = 0;

  /** `symbol`: the name of a guest-linear address, or null. */
  constructor(sink: TraceSink, symbol: (address: number) => string | null) {
    this.#sink = sink;
    this.#symbol = symbol;
  }

  /** Records this machine from now on, whose power has just come on. */
  attach(pc: Pc, monitor: Monitor | null): void {
    this.detach();
    this.#pc = pc;
    this.#monitor = monitor;
    if (monitor === null) {
      pc.cpu.probe = this;
      this.#open(this.#laneOf(pc), 'guest', 'power-on', this.#place(pc.cpu.linearEip));
    } else {
      monitor.watch(this);
      this.#open('monitor', 'monitor', 'start', {});
    }
    // What the monitor did to come so far belongs to it.
    this.#start = this.#earlier;
  }

  /** Ends the recording, or that of this machine. */
  detach(): void {
    const pc = this.#pc;
    if (pc === null) return;
    this.#close(pc);
    this.#earlier = this.#now(pc);
    this.#monitor?.watch(null);
    if (this.#monitor === null) pc.cpu.probe = null;
    this.#pc = null;
    this.#monitor = null;
  }

  #now(pc: Pc): number {
    return Math.round(this.#earlier + pc.clock.now());
  }

  #laneOf({ cpu }: Pc): Lane {
    if (cpu.i32[L.W_VMX_OPERATION] === L.VMX_NON_ROOT) return NON_ROOT_RINGS[cpu.cpl & 3];
    return this.#monitor !== null && cpu.cpl === 0 ? 'monitor' : RINGS[cpu.cpl & 3];
  }

  #place(linear: number): Details {
    const address = linear >>> 0;
    const symbol = this.#symbol(address);
    return symbol === null ? { address: hex(address) } : { address: hex(address), symbol };
  }

  #open(lane: Lane, category: Category, name: string, details: Details): void {
    const pc = this.#pc;
    if (pc === null) return;
    this.#lane = lane;
    this.#category = category;
    this.#name = name;
    this.#details = details;
    this.#start = this.#now(pc);
    this.#startCount = pc.cpu.count;
    this.#skipped = pc.clock.skipped;
    this.#cost = 0;
    this.#emulated = 0;
  }

  #close(pc: Pc): void {
    const end = this.#now(pc);
    const steps = pc.cpu.count - this.#startCount;
    const waited = this.#lane === 'waiting' || this.#monitor !== null ? 0 : pc.clock.skipped - this.#skipped;
    // A guest that has the machine for itself halts in its own ring, and only at the end of a stretch: what wakes it is delivered.
    const halt = waited > 0 ? Math.round(end - waited) : end;
    const own = this.#lane === 'monitor' ? { cost: this.#cost, emulated: this.#emulated } : { steps };
    const details = this.#lane === 'waiting' ? {} : { ...this.#details, ...own };
    const { lane, category, name } = { lane: this.#lane, category: this.#category, name: this.#name };
    this.#sink.stretch({ lane, category, name, start: this.#start, end: halt, details });
    if (waited > 0) {
      this.#sink.stretch({ lane: 'waiting', category: 'wait', name: 'hlt', start: halt, end, details: {} });
    }
  }

  #arrive(name: string, details: Details): void {
    const pc = this.#pc;
    if (pc === null) return;
    const lane = this.#laneOf(pc);
    const { cpu, clock } = pc;
    if (lane === this.#lane && (this.#monitor !== null || clock.skipped === this.#skipped)) {
      const all = { ...details, ...this.#place(cpu.linearEip) };
      this.#sink.mark({ lane, name, at: this.#now(pc), details: all });
      return;
    }
    const fromMonitor = this.#lane === 'monitor' || this.#lane === 'waiting';
    this.#close(pc);
    if (lane === 'monitor') {
      this.#open(lane, 'monitor', name, details);
    } else if (fromMonitor && this.#monitor !== null) {
      this.#resume(pc, lane, this.#monitor.vcpu.address);
    } else {
      this.#open(lane, 'guest', name, { ...details, ...this.#place(cpu.linearEip) });
    }
  }

  /** The guest goes on where it was; translated code does so at another address. */
  #resume({ cpu }: Pc, lane: Lane, address: number): void {
    const place = this.#place(address);
    const symbol = place['symbol'];
    const machine = cpu.linearEip >>> 0;
    const details = machine === address ? place : { ...place, machine: hex(machine) };
    this.#open(lane, 'guest', typeof symbol === 'string' ? symbol.split('+')[0] : 'guest', details);
  }

  // Probe

  delivered(vector: number, source: EventSource, code: number | null): void {
    this.#arrive(deliveryName(vector, source), code === null ? { vector } : { vector, error: hex(code) });
  }

  transferred(by: Transfer): void {
    // An IRET within a ring ends what a mark has told.
    if (by === 'iret' && this.#pc !== null && this.#laneOf(this.#pc) === this.#lane) return;
    this.#arrive(TRANSFER_NAMES[by], {});
  }

  // MonitorWatcher

  exited(exit: Exit, reason: string, address: number, isUser: boolean): void {
    this.#category = 'exit';
    this.#name = reason;
    this.#details = {
      kind: exit.kind,
      ...this.#place(address),
      guest: isUser ? 'user' : 'kernel',
      ...exitDetails(exit),
    };
  }

  charged(cost: number): void {
    this.#cost += cost;
  }

  emulated(steps: number): void {
    this.#emulated += steps;
  }

  waits(): void {
    if (this.#pc === null) return;
    this.#close(this.#pc);
    this.#open('waiting', 'wait', 'hlt', {});
  }

  woke(vector: number): void {
    this.#name = `interrupt ${vector}`;
  }
}
