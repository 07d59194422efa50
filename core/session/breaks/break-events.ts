import type { Instruction } from '../../ia32/instruction.ts';
import type { OpcodeRow } from '../../ia32/opcode.ts';
import type { OperationName } from '../../ia32/operations.ts';
import { CS, ESP, SS } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import type { RowWatch } from '../../machine/cpu/blocks.ts';
import type { EventSource } from '../../machine/cpu/interrupts.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Probe, Transfer } from '../../machine/cpu/probe.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import type { WatchRange } from '../../machine/cpu/watch.ts';
import type { Pc } from '../../machine/pc.ts';
import type { BreakOn } from '../../protocol/breakpoints.ts';
import { deliveryName, TRANSFER_NAMES } from '../../vmm/event-names.ts';
import type { Exit } from '../../vmm/exit.ts';
import { HardwareAssist } from '../../vmm/hardware/technique.ts';
import type { Monitor } from '../../vmm/monitor.ts';
import { ownerOf } from '../../vmm/step-count.ts';
import type { MonitorWatcher } from '../../vmm/trace.ts';
import { causeOf } from '../watching/deliveries.ts';

/** Something that a breakpoint waits for; the one at an instruction is the processor's own affair. */
export type EventOn = Exclude<BreakOn, { kind: 'execute' }>;

/** It has happened. */
export interface Met {
  readonly on: EventOn;
  /** Watchpoints: the bytes before, as a little-endian number. */
  readonly before: number | null;
  readonly reason: string | null;
  /** Guest-linear address of the instruction that did it. */
  readonly by: number;
}

type Watched = Extract<EventOn, { kind: 'write' | 'access' }>;

/** What can change the address space or the privilege level by itself. */
const TRANSFERS: ReadonlySet<OperationName> = new Set<OperationName>([
  'movToControl',
  'callFar',
  'jmpFar',
  'retFar',
  'int',
  'int1',
  'int3',
  'into',
  'iret',
  'sysenter',
  'sysexit',
]);

/** INT 0x82. */
const CALL_BYTES = 2;

type EventsByKind = { readonly [K in EventOn['kind']]: readonly Extract<EventOn, { kind: K }>[] };

function byKind(wanted: readonly EventOn[]): EventsByKind {
  // What filter() has found out the type cannot say.
  const of = <K extends EventOn['kind']>(kind: K) =>
    wanted.filter(on => on.kind === kind) as Extract<EventOn, { kind: K }>[];
  return {
    write: of('write'),
    access: of('access'),
    exit: of('exit'),
    hypercall: of('hypercall'),
    delivery: of('delivery'),
    pageFault: of('pageFault'),
    cr3: of('cr3'),
    ring: of('ring'),
  };
}

/** A little-endian number; bytes that are not mapped count as 0. */
export function valueAt(cpu: Processor, { address, length }: Watched): number {
  let value = 0;
  for (let n = 0; n < length; n++) value |= Math.max(cpu.peekByte((address + n) | 0), 0) << (8 * n);
  return value >>> 0;
}

/**
 * Listens for the events that breakpoints wait for, on the machine's processor and under the monitor on the virtual one as well, whichever of
 * them does the guest's work; what the monitor does on its own account is not heard. At an event the run ends, and what has happened is in `met`.
 * Nothing is listened to that nobody waits for.
 */
export class BreakEvents implements MonitorWatcher {
  /** What happened since it was last taken, in order. */
  readonly met: Met[] = [];
  /** Whether the guest runs; what a person does in between is no event. */
  isListening = false;
  /** The guest's address space and privilege level, as far as they are known. */
  space = 0;
  ring = 0;
  readonly #wanted: EventsByKind;
  #pc: Pc | null = null;
  #monitor: Monitor | null = null;
  #machineEar: Ear | null = null;
  #virtualEar: Ear | null = null;

  /** `wanted`: must not be empty. */
  constructor(wanted: readonly EventOn[]) {
    this.#wanted = byKind(wanted);
  }

  /** Listens to this machine from now on. */
  attach(pc: Pc, monitor: Monitor | null): void {
    this.detach();
    this.#pc = pc;
    this.#monitor = monitor;
    this.#machineEar = new Ear(
      this,
      pc.cpu,
      () => monitor === null || (monitor.isInGuest && ownerOf(pc.cpu) !== 'monitor'),
    );
    this.#machineEar.start();
    if (monitor === null) return;
    this.#virtualEar = new Ear(this, monitor.vcpu, () => true);
    this.#virtualEar.start();
  }

  detach(): void {
    this.#machineEar?.stop();
    this.#virtualEar?.stop();
    this.#machineEar = null;
    this.#virtualEar = null;
    this.#pc = null;
    this.#monitor = null;
  }

  /** What happened since then. */
  take(): Met[] {
    return this.met.splice(0);
  }

  /** The guest is about to run, and what it does then counts. */
  begin(guest: Processor): void {
    this.space = guest.i32[L.W_CR3];
    this.ring = guest.cpl;
    this.isListening = true;
  }

  of<K extends EventOn['kind']>(kind: K): readonly Extract<EventOn, { kind: K }>[] {
    return this.#wanted[kind];
  }

  get watched(): readonly Watched[] {
    return [...this.of('write'), ...this.of('access')];
  }

  /** This has happened: the run ends. */
  tell(on: EventOn, by: number, reason: string | null, before: number | null = null): void {
    this.met.push({ on, before, reason, by: by >>> 0 });
    if (this.#monitor !== null) this.#monitor.pause();
    else this.#pc?.cpu.pause();
  }

  /** The guest's address of an instruction that the machine's processor has at a linear address. */
  guestOf(place: number): number {
    return this.#monitor?.technique.guestOf?.(place >>> 0) ?? place >>> 0;
  }

  /** The guest's privilege level by that of the machine's processor, which is in the guest. */
  ringOf(cpu: Processor): number {
    const isDeprivileged = this.#monitor !== null && this.#monitor.mode !== 'hardware' && this.#monitor.mode !== 'para';
    return isDeprivileged && cpu === this.#pc?.cpu && cpu.cpl === 1 ? 0 : cpu.cpl;
  }

  /** Whether CR3 of a processor that executes the guest's code is the guest's own, and not that of shadow tables. */
  ownsSpace(cpu: Processor): boolean {
    if (this.#monitor === null || cpu !== this.#pc?.cpu) return true;
    const { technique } = this.#monitor;
    return technique instanceof HardwareAssist && technique.paging === 'nested';
  }

  /** Tells of another privilege level, if it is another. */
  ringIs(ring: number, by: number, reason: string): void {
    if (ring === this.ring) return;
    this.ring = ring;
    for (const on of this.of('ring')) if (on.to === null || on.to === ring) this.tell(on, by, reason);
  }

  /** Tells of another address space, if it is another. */
  spaceIs(space: number, by: number): void {
    if (space === this.space) return;
    this.space = space;
    for (const on of this.of('cr3')) this.tell(on, by, null);
  }

  // The machine's probe, and the virtual processor's

  delivered(vector: number, source: EventSource, code: number | null): void {
    this.#machineEar?.delivered(vector, source, code);
  }

  transferred(by: Transfer): void {
    this.#machineEar?.transferred(by);
  }

  get virtual(): Probe | null {
    return this.#virtualEar;
  }

  // MonitorWatcher

  leaves(): void {
    this.#machineEar?.forget();
    this.#virtualEar?.forget();
  }

  exited(exit: Exit, reason: string, address: number): void {
    const monitor = this.#monitor;
    if (!this.isListening || monitor === null) return;
    const isCall = exit.kind === 'hypercall';
    const by = isCall ? address - CALL_BYTES : address;
    for (const on of this.of('exit')) if (on.reason === null || on.reason === reason) this.tell(on, by, reason);
    for (const on of isCall ? this.of('hypercall') : []) {
      if (on.name === null || on.name === reason) this.tell(on, by, reason);
    }
    if (monitor.mode !== 'para') return;
    // Hypercalls change these without an instruction that would.
    this.spaceIs(monitor.vcpu.i32[L.W_CR3], by);
    this.ringIs(monitor.vcpu.cpl, by, reason);
  }

  charged(): void {}
  emulated(): void {}
  waits(): void {}
  woke(): void {}
}

/** Listens to one processor. */
class Ear implements RowWatch, Probe {
  readonly #events: BreakEvents;
  readonly #cpu: Processor;
  readonly #isGuests: () => boolean;
  readonly #watchesData: boolean;
  readonly #watchesTransfers: boolean;
  /** Linear address of the instruction that is executed, or was last. */
  #start = 0;
  #isExecuting = false;
  #isRepeated = false;
  /** Watched bytes that an instruction has touched, as they were before; they count when it is done. */
  readonly #touched = new Map<Watched, number>();

  constructor(events: BreakEvents, cpu: Processor, isGuests: () => boolean) {
    this.#events = events;
    this.#cpu = cpu;
    this.#isGuests = isGuests;
    this.#watchesData = events.watched.length > 0;
    this.#watchesTransfers = events.of('cr3').length + events.of('ring').length > 0;
  }

  start(): void {
    if (this.#watchesData || this.#watchesTransfers) this.#cpu.blocks.watch(this, 'debugger');
    const ranges = new Map<WatchRange, Watched>();
    for (const on of this.#events.watched) {
      const { address, length, kind } = on;
      ranges.set({ address, length, read: kind === 'access', write: true, execute: false }, on);
    }
    this.#cpu.setWatches([...ranges.keys()], ({ range }) => {
      const on = ranges.get(range);
      if (on !== undefined) this.#touches(on);
    });
  }

  stop(): void {
    this.#cpu.blocks.watch(null, 'debugger');
    this.#cpu.setWatches([], () => {});
  }

  /** What was begun is not done: it comes again. */
  forget(): void {
    this.#touched.clear();
  }

  #touches(on: Watched): void {
    if (!this.#events.isListening || !this.#isGuests()) return;
    if (this.#isExecuting && this.#place === this.#start) {
      // Behind a fault EIP is back at the instruction: this is the delivery, and what it did until then comes again.
      this.#isExecuting = false;
      this.#touched.clear();
    }
    if (!this.#touched.has(on)) this.#touched.set(on, valueAt(this.#cpu, on));
    // The parts that a repeated instruction has done stay done, whatever becomes of the next.
    if (this.#isExecuting && this.#isRepeated) this.#tellTouched(this.#start);
  }

  get #place(): number {
    return (this.#cpu.base(CS) + this.#cpu.i32[L.W_EIP]) >>> 0;
  }

  #tellTouched(by: number): void {
    if (this.#touched.size === 0) return;
    for (const [on, before] of this.#touched) this.#events.tell(on, this.#events.guestOf(by), null, before);
    this.#touched.clear();
  }

  // Instructions

  has(row: OpcodeRow): boolean {
    return this.#watchesData || TRANSFERS.has(row.operation);
  }

  begins(i: Instruction): boolean {
    if (!this.#events.isListening || !this.#isGuests()) return false;
    this.#start = (this.#place - i.length) >>> 0;
    this.#isExecuting = true;
    this.#isRepeated = i.repeat !== 0;
    this.#touched.clear();
    return true;
  }

  retires(i: Instruction): void {
    this.#tellTouched(this.#start);
    this.#isExecuting = false;
    if (this.#watchesTransfers && TRANSFERS.has(i.row.operation) && this.#events.ownsSpace(this.#cpu)) {
      this.#events.spaceIs(this.#cpu.i32[L.W_CR3], this.#events.guestOf(this.#start));
    }
  }

  // Probe

  delivered(vector: number, source: EventSource, code: number | null): void {
    const events = this.#events;
    if (!events.isListening || !this.#isGuests()) {
      this.#touched.clear();
      return;
    }
    const cpu = this.#cpu;
    const by = this.#cause(vector, source, code);
    const name = deliveryName(vector, source);
    this.#tellTouched(by);
    for (const on of events.of('delivery')) if (on.vector === null || on.vector === vector) events.tell(on, by, name);
    if (vector === VECTOR.PF && source === 'exception') {
      const page = cpu.i32[L.W_CR2] >>> 12;
      for (const on of events.of('pageFault')) {
        if (on.address === null || on.address >>> 12 === page) events.tell(on, by, name);
      }
    }
    events.ringIs(events.ringOf(cpu), by, name);
  }

  /** Where the instruction lies that was interrupted, faulted or called: what the processor saved leads there. */
  #cause(vector: number, source: EventSource, code: number | null): number {
    const cpu = this.#cpu;
    if (source === 'software' && this.#watches) return this.#events.guestOf(this.#start);
    // Real mode saves 16 bits of each, and no error code.
    const size = cpu.protectedMode ? 4 : 2;
    const stack = cpu.base(SS) + (cpu.i32[ESP] & cpu.i32[L.W_STACK_MASK]) + (code === null || size === 2 ? 0 : 4);
    const read = (at: number): number => {
      let value = 0;
      for (let n = 0; n < size; n++) value |= Math.max(cpu.peekByte((at + n) | 0), 0) << (8 * n);
      return value;
    };
    return causeOf(cpu, vector, source, read(stack) >>> 0);
  }

  get #watches(): boolean {
    return this.#watchesData || this.#watchesTransfers;
  }

  transferred(by: Transfer): void {
    if (!this.#events.isListening || !this.#isGuests()) return;
    const isEntry = by === 'vmEntry' || by === 'vmExit';
    const place = this.#watches && !isEntry ? this.#start : this.#place;
    this.#events.ringIs(this.#events.ringOf(this.#cpu), this.#events.guestOf(place), TRANSFER_NAMES[by]);
  }
}
