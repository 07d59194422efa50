import { CS, DS, EAX, ES, ESP, FS, GS, SS } from '../ia32/registers.ts';
import { VECTOR_NAMES } from '../ia32/vectors.ts';
import type { EventSource } from '../machine/cpu/interrupts.ts';
import * as L from '../machine/cpu/layout.ts';
import type { Probe, Transfer } from '../machine/cpu/probe.ts';
import type { Processor } from '../machine/cpu/processor.ts';
import type { Pc } from '../machine/pc.ts';
import type { ChangedValue, Deed, Happening, HappeningKind, NamedValue, Setting } from '../protocol/monitor.ts';
import type { Exit } from '../vmm/exit.ts';
import type { Monitor } from '../vmm/monitor.ts';
import type { MonitorWatcher } from '../vmm/trace.ts';
import { codeRow } from './code-view.ts';
import type { SymbolTable } from './symbols.ts';

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

/** Vectors of the machine's PIC pair, which the monitor owns. */
const FIRST_INTERRUPT = 32;

function take(cpu: Processor, into: Int32Array): void {
  const { i32 } = cpu;
  WORDS.forEach(([, word], n) => {
    into[n] = i32[word];
  });
  into[WORDS.length] = cpu.eflags();
  SELECTORS.forEach(([, index], n) => {
    into[WORDS.length + 1 + n] = cpu.selector(index);
  });
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
  readonly kind: HappeningKind;
  readonly exit: Exit | null;
  readonly vector: number | null;
  readonly errorCode: number | null;
  readonly saved: readonly (readonly [string, number])[];
  reason: string;
  address: number;
  user: boolean;
  readonly deeds: Deed[];
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
  #setting: Setting = { mode: 'bare', paging: 'nested' };
  #serial = 0;
  #last: Record | null = null;
  /** What the exit that is being handled will be, if it is the guest's. */
  #current: Record | null = null;
  #before = new Int32Array(NAMES.length);
  #after = new Int32Array(NAMES.length);
  #hasAfter = false;
  #emulated = 0;
  #shadow = { hidden: 0, trace: 0, true: 0 };
  readonly #vcpuProbe: Probe = {
    delivered: (vector, source, code) => this.#given(vector, source, code),
    transferred: () => {},
  };

  constructor(symbols: SymbolTable) {
    this.#symbols = symbols;
  }

  /** Watches this machine from now on. */
  attach(pc: Pc, monitor: Monitor | null, setting: Setting): void {
    this.detach();
    this.#pc = pc;
    this.#monitor = monitor;
    this.#setting = setting;
    if (monitor === null) {
      pc.cpu.probe = this;
    } else {
      monitor.watch(this);
      monitor.vcpu.probe = this.#vcpuProbe;
    }
  }

  detach(): void {
    if (this.#pc !== null && this.#monitor === null) this.#pc.cpu.probe = null;
    if (this.#monitor !== null) {
      this.#monitor.watch(null);
      this.#monitor.vcpu.probe = null;
    }
    this.#pc = null;
    this.#monitor = null;
    this.#last = null;
    this.#current = null;
  }

  #begin(kind: HappeningKind, pc: Pc, rest: Pick<Record, 'exit' | 'vector' | 'errorCode' | 'saved'>): Record {
    this.#hasAfter = false;
    return {
      serial: ++this.#serial,
      time: pc.clock.now() / 1e9,
      step: pc.cpu.count,
      kind,
      reason: '',
      address: 0,
      user: false,
      deeds: [],
      cost: 0,
      ...rest,
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
    const { vector, errorCode } = detailsOf(exit);
    this.#current = this.#begin(exit.kind, pc, { exit, vector, errorCode, saved: monitor.technique.saved() });
    this.#emulated = monitor.counts.emulated;
    const { hiddenFaults, traceFaults, trueFaults } = monitor.shadow.counts;
    this.#shadow = { hidden: hiddenFaults, trace: traceFaults, true: trueFaults };
  }

  exited(exit: Exit, reason: string, address: number, isUser: boolean): void {
    const record = this.#current;
    const monitor = this.#monitor;
    if (record === null || monitor === null) return;
    record.reason = reason;
    record.address = address;
    record.user = isUser;
    // What was delivered is told as it happens; what came before it stands first.
    record.deeds.unshift(...this.#deeds(exit, monitor, reason));
    this.#last = record;
  }

  #deeds(exit: Exit, monitor: Monitor, reason: string): Deed[] {
    const { hiddenFaults, traceFaults, trueFaults } = monitor.shadow.counts;
    const deeds: Deed[] = [];
    if (exit.kind === 'pageFault') {
      const linear = exit.address >>> 0;
      if (hiddenFaults !== this.#shadow.hidden) deeds.push({ kind: 'hiddenFault', linear });
      else if (traceFaults !== this.#shadow.trace) deeds.push({ kind: 'tracedWrite', linear });
      else if (trueFaults === this.#shadow.true) deeds.push({ kind: 'device', linear });
    }
    if (exit.kind === 'eptViolation') deeds.push({ kind: 'device', linear: exit.address >>> 0 });
    if (exit.kind === 'hypercall') {
      deeds.push({ kind: 'hypercall', name: reason, result: monitor.vcpu.i32[EAX] });
    }
    if (exit.kind === 'callout' && monitor.counts.emulated === this.#emulated) {
      deeds.push({ kind: 'translated', address: monitor.vcpu.address });
    }
    if (monitor.counts.emulated !== this.#emulated) deeds.push({ kind: 'emulated' });
    return deeds;
  }

  #given(vector: number, source: EventSource, code: number | null): void {
    if (source !== 'software') this.#current?.deeds.push({ kind: 'delivered', vector, code });
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
    const { cpu } = pc;
    const record = this.#begin('delivered', pc, { exit: null, vector, errorCode: code, saved: pushed(cpu, code) });
    const saved = new Map(record.saved);
    record.reason = nameOf(vector, source);
    record.address = (saved.get('EIP') ?? 0) >>> 0;
    record.user = ((saved.get('CS') ?? 0) & 3) === 3;
    record.deeds.push({ kind: 'delivered', vector, code });
    this.#last = record;
  }

  transferred(by: Transfer): void {
    const monitor = this.#monitor;
    if (monitor === null || this.#current === null || (by !== 'iret' && by !== 'vmEntry') || !monitor.isInGuest) return;
    take(monitor.vcpu, this.#after);
    this.#hasAfter = true;
    // What comes now is not for it any more.
    this.#current = null;
  }

  /** The last happening; null if there was none. */
  get last(): Happening | null {
    const record = this.#last;
    const pc = this.#pc;
    if (record === null || pc === null) return null;
    const { exit, saved, deeds, ...rest } = record;
    const details =
      exit === null ? { ...NOTHING, vector: record.vector, errorCode: record.errorCode } : detailsOf(exit);
    const guest = this.#monitor?.guest ?? pc.cpu;
    const row = codeRow(guest, this.#symbols, record.address);
    return {
      ...rest,
      ...details,
      setting: this.#setting,
      instruction: row.bytes.length === 0 ? null : row,
      saved: saved.map(([name, value]): NamedValue => ({ name, value: value >>> 0 })),
      deeds: [...deeds],
      changed: this.#changed(),
    };
  }

  #changed(): ChangedValue[] {
    const monitor = this.#monitor;
    if (monitor === null) return [];
    if (!this.#hasAfter) take(monitor.vcpu, this.#after);
    return NAMES.flatMap((name, n) => {
      const [before, after] = [this.#before[n] >>> 0, this.#after[n] >>> 0];
      return before === after ? [] : [{ name, before, after }];
    });
  }
}

function nameOf(vector: number, source: EventSource): string {
  if (source === 'external') return `interrupt ${vector}`;
  if (source === 'software') return `int ${vector}`;
  return VECTOR_NAMES[vector] ?? `exception ${vector}`;
}

/** What the processor has just pushed on the handler's stack, 32 bits each (SDM volume 3, figure 6-4). */
function pushed(cpu: Processor, code: number | null): readonly (readonly [string, number])[] {
  const names = [...(code === null ? [] : ['error code']), 'EIP', 'CS', 'EFLAGS', 'ESP', 'SS'];
  const at = (n: number): number => {
    const linear = (cpu.base(SS) + cpu.i32[ESP] + 4 * n) | 0;
    let value = 0;
    for (let byte = 3; byte >= 0; byte--) value = (value << 8) | Math.max(cpu.peekByte((linear + byte) | 0), 0);
    return value;
  };
  const words = names.map((name, n): readonly [string, number] => [name, at(n)]);
  const cs = words.find(([name]) => name === 'CS')?.[1] ?? 0;
  // Without a change of the ring the stack stays, and is not pushed.
  return (cs & 3) === cpu.cpl ? words.slice(0, -2) : words;
}
