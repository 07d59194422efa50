import { CS, DS, EAX, ES, FS, GS, SS } from '../../ia32/registers.ts';
import type { EventSource } from '../../machine/cpu/interrupts.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Probe, Transfer, TransferredBefore } from '../../machine/cpu/probe.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import type { Pc } from '../../machine/pc.ts';
import type { ChangedValue, Deed, Happening, HappeningKind, NamedValue, Setting } from '../../protocol/monitor.ts';
import type { Exit } from '../../vmm/exit.ts';
import type { Monitor } from '../../vmm/monitor.ts';
import type { MonitorWatcher } from '../../vmm/trace.ts';
import type { SymbolTable } from '../symbols.ts';
import { codeRow } from '../views/code-view.ts';
import { Delivery, type Recorded } from './deliveries.ts';

/** Registers that a happening may change for the guest, by name and word of the processor's state. */
const WORDS: readonly (readonly [string, number])[] = [
  ['EAX', 0],
  ['ECX', 1],
  ['EDX', 2],
  ['EBX', 3],
  ['ESP', 4],
  ['EBP', 5],
  ['ESI', 6],
  ['EDI', 7],
  ['EIP', L.W_EIP],
  ['CR0', L.W_CR0],
  ['CR2', L.W_CR2],
  ['CR3', L.W_CR3],
  ['CR4', L.W_CR4],
  ['GDTR base', L.W_GDTR_BASE],
  ['IDTR base', L.W_IDTR_BASE],
  ['halted', L.W_HALTED],
];
const SELECTORS: readonly (readonly [string, number])[] = [
  ['CS', CS],
  ['SS', SS],
  ['DS', DS],
  ['ES', ES],
  ['FS', FS],
  ['GS', GS],
];
const NAMES = [...WORDS.map(([name]) => name), 'EFLAGS', ...SELECTORS.map(([name]) => name)];

/** Values that any technique's processor saves, at most. */
const MOST_SAVED = 16;
/** Vectors of the machine's PIC pair, which the monitor owns. */
const FIRST_INTERRUPT = 32;

const WORD_INDEXES = WORDS.map(([, word]) => word);
const SELECTOR_INDEXES = SELECTORS.map(([, index]) => index);

/** Values of NAMES. This is done for each trap: it has to be quick. */
function take(cpu: Processor, into: Int32Array): void {
  const { i32 } = cpu;
  let at = 0;
  for (const word of WORD_INDEXES) into[at++] = i32[word];
  into[at++] = cpu.eflags();
  for (const index of SELECTOR_INDEXES) into[at++] = cpu.selector(index);
}

/** The parts of an exit that cards show. */
interface Details {
  readonly vector: number | null;
  readonly errorCode: number | null;
  readonly faultAddress: number | null;
  readonly exitReason: number | null;
  readonly qualification: number | null;
}

const NOTHING: Details = { vector: null, errorCode: null, faultAddress: null, exitReason: null, qualification: null };

function detailsOf(exit: Exit): Details {
  switch (exit.kind) {
    case 'interrupt':
      return { ...NOTHING, vector: exit.vector };
    case 'pageFault':
      return { ...NOTHING, vector: 14, errorCode: exit.error, faultAddress: exit.address >>> 0 };
    case 'exception':
    case 'protection':
      return { ...NOTHING, vector: exit.vector, errorCode: exit.code };
    case 'instruction':
      return { ...NOTHING, exitReason: exit.reason, qualification: exit.qualification };
    case 'eptViolation':
      return { ...NOTHING, exitReason: 48, qualification: exit.qualification, faultAddress: exit.address };
    case 'entryFailure':
      return { ...NOTHING, exitReason: exit.reason };
    case 'callout':
    case 'hypercall':
    case 'interruptWindow':
    case 'tripleFault':
      return NOTHING;
  }
}

/** What a happening was, as it came: the rest is put together when somebody asks for it. */
interface Record {
  readonly serial: number;
  readonly time: number;
  readonly step: number;
  readonly setting: Setting;
  readonly kind: HappeningKind;
  readonly exit: Exit;
  readonly savedNames: readonly string[];
  reason: string;
  address: number;
  user: boolean;
  /** What the guest was given on the way. */
  given: Deed[] | null;
  /** What the monitor did, as far as only it can tell later: see #deeds(). */
  isEmulated: boolean;
  fault: 'hidden' | 'traced' | 'true' | 'other';
  result: number;
  goesOnAt: number;
  cost: number;
}

/**
 * Keeps the last thing that took the guest into the monitor, whole; bare, the last that went through its IDT. The machine's own interrupts are
 * no affair of the guest's: they are counted, and do not push out what a person looks at. Tell it of each machine.
 */
export class Happenings implements MonitorWatcher {
  readonly #symbols: SymbolTable;
  #pc: Pc | null = null;
  #monitor: Monitor | null = null;
  #machine: Recorded = { steps: 0, setting: { mode: 'bare', paging: 'nested' } };
  #serial = 0;
  #last: Record | Delivery | null = null;
  readonly #delivery = new Delivery();
  /** What the exit that is being handled will be, if it is the guest's. */
  #current: Record | null = null;
  #before = new Int32Array(NAMES.length);
  #after = new Int32Array(NAMES.length);
  #hasAfter = false;
  #emulated = 0;
  #hiddenFaults = 0;
  #traceFaults = 0;
  #trueFaults = 0;
  #saved = new Int32Array(MOST_SAVED);
  readonly virtual: Probe = {
    delivered: (vector, source, code) => this.#given(vector, source, code),
    transferred: () => {},
  };

  /** `serial`: of the last happening before these. */
  constructor(symbols: SymbolTable, serial = 0) {
    this.#symbols = symbols;
    this.#serial = serial;
  }

  get serial(): number {
    return this.#serial;
  }

  /**
   * Is to be told what happens on this machine from now on. What happened last stays: it is true also of a guest that goes on under a monitor
   * made anew, or in another mode.
   */
  attach(pc: Pc, monitor: Monitor | null, machine: Recorded): void {
    this.detach();
    this.#pc = pc;
    this.#monitor = monitor;
    this.#machine = machine;
  }

  /** The machine goes away. */
  detach(): void {
    if (this.#last !== null && !this.#hasAfter && this.#monitor !== null) {
      take(this.#monitor.vcpu, this.#after);
      this.#hasAfter = true;
    }
    this.#current = null;
  }

  /** The machine is another one: what happened is no more. */
  forget(): void {
    this.#last = null;
    this.#current = null;
  }

  /** Done for each trap: all fields at once, and nothing else. */
  #begin(kind: HappeningKind, pc: Pc, exit: Exit, savedNames: readonly string[]): Record {
    this.#hasAfter = false;
    return {
      serial: ++this.#serial,
      time: pc.clock.now() / 1e9,
      step: this.#machine.steps,
      setting: this.#machine.setting,
      kind,
      exit,
      savedNames,
      reason: '',
      address: 0,
      user: false,
      given: null,
      isEmulated: false,
      fault: 'other',
      result: 0,
      goesOnAt: 0,
      cost: 0,
    };
  }

  // What the monitor tells

  leaves(exit: Exit): void {
    const monitor = this.#monitor;
    const pc = this.#pc;
    this.#current = null;
    if (monitor === null || pc === null || exit.kind === 'interruptWindow') return;
    if (exit.kind === 'interrupt' && exit.vector >= FIRST_INTERRUPT) return;
    take(monitor.vcpu, this.#before);
    const { savedNames } = monitor.technique;
    monitor.technique.saved(this.#saved);
    this.#current = this.#begin(exit.kind, pc, exit, savedNames);
    this.#emulated = monitor.counts.emulated;
    const { hiddenFaults, traceFaults, trueFaults } = monitor.shadow.counts;
    this.#hiddenFaults = hiddenFaults;
    this.#traceFaults = traceFaults;
    this.#trueFaults = trueFaults;
  }

  exited(exit: Exit, reason: string, address: number, isUser: boolean): void {
    const record = this.#current;
    const monitor = this.#monitor;
    if (record === null || monitor === null) return;
    record.reason = reason;
    record.address = address;
    record.user = isUser;
    record.isEmulated = monitor.counts.emulated !== this.#emulated;
    if (exit.kind === 'pageFault') {
      const { hiddenFaults, traceFaults, trueFaults } = monitor.shadow.counts;
      if (hiddenFaults !== this.#hiddenFaults) record.fault = 'hidden';
      else if (traceFaults !== this.#traceFaults) record.fault = 'traced';
      else if (trueFaults !== this.#trueFaults) record.fault = 'true';
    } else if (exit.kind === 'hypercall') {
      record.result = monitor.vcpu.i32[EAX];
    } else if (exit.kind === 'callout') {
      record.goesOnAt = monitor.vcpu.address;
    }
    this.#last = record;
  }

  #given(vector: number, source: EventSource, code: number | null): void {
    const record = this.#current;
    if (source === 'software' || record === null) return;
    record.given ??= [];
    record.given.push({ kind: 'delivered', vector, code });
  }

  charged(cost: number): void {
    if (this.#current !== null) this.#current.cost += cost;
  }

  emulated(): void {}
  waits(): void {}
  woke(): void {}

  // What the machine tells

  delivered(vector: number, source: EventSource, code: number | null): void {
    const pc = this.#pc;
    if (pc === null || this.#monitor !== null) return;
    this.#hasAfter = false;
    this.#delivery.take(pc, this.#machine, ++this.#serial, vector, source, code);
    this.#last = this.#delivery;
  }

  transferred(by: Transfer): void {
    const monitor = this.#monitor;
    if (monitor === null || this.#current === null || (by !== 'iret' && by !== 'vmEntry') || !monitor.isInGuest) return;
    take(monitor.vcpu, this.#after);
    this.#hasAfter = true;
    // What comes now is not for it any more.
    this.#current = null;
  }

  /** A guest that the processor itself keeps apart, or that has the machine for itself, changes its rings without anybody's doing. */
  get transferredBefore(): TransferredBefore | undefined {
    return this.#monitor === null || this.#machine.setting.mode === 'hardware' ? () => {} : undefined;
  }

  /** The last happening; null if there was none. */
  get last(): Happening | null {
    const record = this.#last;
    const pc = this.#pc;
    if (record === null || pc === null) return null;
    if (record instanceof Delivery) return record.happening(pc.cpu, this.#symbols);
    const row = codeRow(this.#monitor?.guest ?? pc.cpu, this.#symbols, record.address);
    return {
      serial: record.serial,
      time: record.time,
      step: record.step,
      setting: record.setting,
      kind: record.kind,
      reason: record.reason,
      address: record.address,
      user: record.user,
      cost: record.cost,
      ...detailsOf(record.exit),
      instruction: row.bytes.length === 0 ? null : row,
      saved: record.savedNames.map((name, n): NamedValue => ({ name, value: this.#saved[n] >>> 0 })),
      deeds: deedsOf(record),
      changed: this.#changed(),
    };
  }

  #changed(): ChangedValue[] {
    if (!this.#hasAfter && this.#monitor !== null) take(this.#monitor.vcpu, this.#after);
    return NAMES.flatMap((name, n) => {
      const [before, after] = [this.#before[n] >>> 0, this.#after[n] >>> 0];
      return before === after ? [] : [{ name, before, after }];
    });
  }
}

/** What was done about it: by the monitor first, then what was delivered. */
function deedsOf({ exit, reason, given, isEmulated, fault, result, goesOnAt }: Record): Deed[] {
  const deeds: Deed[] = [];
  if (exit.kind === 'pageFault') {
    const linear = exit.address >>> 0;
    if (fault === 'hidden') deeds.push({ kind: 'hiddenFault', linear });
    else if (fault === 'traced') deeds.push({ kind: 'tracedWrite', linear });
    else if (fault === 'other') deeds.push({ kind: 'device', linear });
  }
  if (exit.kind === 'eptViolation') deeds.push({ kind: 'device', linear: exit.address >>> 0 });
  if (exit.kind === 'hypercall') deeds.push({ kind: 'hypercall', name: reason, result });
  if (exit.kind === 'callout' && !isEmulated) deeds.push({ kind: 'translated', address: goesOnAt });
  if (isEmulated) deeds.push({ kind: 'emulated' });
  return [...deeds, ...(given ?? [])];
}
