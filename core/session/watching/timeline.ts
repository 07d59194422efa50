import type { EventSource } from '../../machine/cpu/interrupts.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Transfer } from '../../machine/cpu/probe.ts';
import { LOGGED, type TransferLog } from '../../machine/cpu/transfer-log.ts';
import type { Pc } from '../../machine/pc.ts';
import type { TimelinePart } from '../../protocol/monitor.ts';
import { KIND, STRETCH_KINDS, type StretchColumns, Stretches, TIMELINE_LANES } from '../../protocol/stretches.ts';
import { deliveryName, TRANSFER_NAMES } from '../../vmm/event-names.ts';
import type { Exit } from '../../vmm/exit.ts';
import type { Monitor } from '../../vmm/monitor.ts';
import type { Category, MonitorWatcher, TraceSink } from '../../vmm/trace.ts';
import type { Session } from '../session.ts';

/** Records in a part, at most. When more come, the shortest of the older ones are merged. */
const MOST = 4000;
/** Records that are held to be saved as a file. */
const HELD = 1 << 17;
/** Names are indexes of 16 bits. */
const MOST_NAMES = 1 << 16;

/** Transfers that are told at once and recorded one by one. */
const MOST_SEEN = 128;

const MONITOR = TIMELINE_LANES.indexOf('monitor');
const WAITING = TIMELINE_LANES.indexOf('waiting');
const IRET = LOGGED.indexOf('iret');
const FIRST_NON_ROOT = TIMELINE_LANES.indexOf('non-root ring 0');

/**
 * Records a session for the timeline, while somebody looks: stretches of time in the machine's lanes, as TraceRecorder tells them, but packed, and
 * quick enough for a guest that changes its ring some hundred thousand times a second. Names are put together once, details by who looks.
 */
export class Timeline implements MonitorWatcher {
  readonly #session: Session;
  readonly #part = new Stretches(MOST);
  readonly #held = new Stretches(HELD);
  readonly #names: string[] = [];
  readonly #ids = new Map<string, number>();
  #namesSent = 0;
  readonly #deliveries = new Map<number, number>();
  /** Names of those that are told later, by their numbers. */
  readonly #logged: number[] = [];
  #cut: number | null = null;
  #pc: Pc | null = null;
  #monitor: Monitor | null = null;
  /** Virtual nanoseconds at which each power cycle began, as far as they were seen. */
  readonly #boots: number[] = [0];
  #boot = 0;
  /** Virtual seconds at which the recording of the last machine ended. */
  #lastSeen = 0;
  /** Attached, and not begun. */
  #isPending = false;
  /** Attached while a stretch went on. */
  #isUnfinished = false;
  // The stretch that is going on.
  #lane = 0;
  #kind: number = KIND.guest;
  #name = 0;
  #address = 0;
  #start = 0;
  #step = 0;
  /** The machine's own count then: the session may have another machine already when a stretch of this one is closed. */
  #count = 0;
  #skipped = 0;
  /** Steps of the session before this machine's own count began. */
  #earlier = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Records this machine from now on. Where it is not one whose power has just come on, a state may be put into it yet: then the recording begins
   * with begin(), or with what is told first.
   */
  attach(pc: Pc, monitor: Monitor | null): void {
    const isSame = this.#pc === pc;
    // The same machine anew, for a checkpoint: its clock does not tell the time yet, and the stretch goes on.
    if (isSame && !this.#isPending) this.#isUnfinished = true;
    if (!isSame) this.detach();
    this.#pc = pc;
    this.#monitor = monitor;
    const { boot } = this.#session.mark().at;
    const isOn = boot > this.#boot;
    this.#enterBoot(boot);
    this.#isPending = true;
    if (isOn) this.begin();
  }

  /** The machine is as it will go on. */
  begin(): void {
    const pc = this.#pc;
    const monitor = this.#monitor;
    if (pc === null || !this.#isPending) return;
    this.#isPending = false;
    this.#enterBoot(this.#session.mark().at.boot);
    this.#earlier = this.#session.steps - pc.cpu.count;
    const now = this.#now(pc);
    if (this.#isUnfinished) this.#close(pc, now, pc.cpu.count);
    else if (now < this.#lastSeen) this.#goBack(now);
    this.#isUnfinished = false;
    const isInMonitor = monitor !== null && !monitor.isInGuest;
    const lane = isInMonitor ? (monitor.waits ? WAITING : MONITOR) : this.#laneOf(pc, pc.cpu.cpl);
    const kind = lane === WAITING ? KIND.wait : lane === MONITOR ? KIND.monitor : KIND.guest;
    const { linearEip } = this.#session.processor;
    this.#open(pc, lane, kind, this.#id(lane === WAITING ? 'hlt' : 'start'), linearEip, now, pc.cpu.count);
  }

  /** Time goes on over power cycles. Those that nobody looked at are taken to have begun when the last one was seen. */
  #enterBoot(boot: number): void {
    // Rounded up: less would be before what was seen.
    while (this.#boots.length <= boot) this.#boots.push(Math.ceil(this.#lastSeen * 1e9));
    this.#boot = boot;
  }

  /** Ends the recording, or that of this machine. */
  detach(): void {
    const pc = this.#pc;
    if (pc === null) return;
    if (!this.#isPending) {
      const now = this.#now(pc);
      this.#close(pc, now, pc.cpu.count);
      this.#lastSeen = now;
    }
    this.#isPending = false;
    this.#isUnfinished = false;
    this.#pc = null;
    this.#monitor = null;
  }

  /** Virtual seconds since the guest was opened. */
  #now(pc: Pc): number {
    return this.#timeAt(pc, pc.cpu.count);
  }

  #timeAt(pc: Pc, count: number): number {
    return (this.#boots[this.#boot] + pc.clock.at(count)) / 1e9;
  }

  #id(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    if (this.#names.length === MOST_NAMES) return 0;
    this.#ids.set(name, this.#names.length);
    return this.#names.push(name) - 1;
  }

  #laneOf({ cpu }: Pc, level: number): number {
    const cpl = level & 3;
    if (cpu.i32[L.W_VMX_OPERATION] === L.VMX_NON_ROOT) return FIRST_NON_ROOT + cpl;
    return cpl === 0 && this.#monitor !== null ? MONITOR : cpl;
  }

  #open(pc: Pc, lane: number, kind: number, name: number, address: number, now: number, count: number): void {
    this.#lane = lane;
    this.#kind = kind;
    this.#name = name;
    this.#address = address >>> 0;
    this.#goOn(pc, now, count);
  }

  /** A stretch begins here, or another part of it. */
  #goOn(pc: Pc, now: number, count: number): void {
    this.#start = now;
    this.#count = count;
    this.#step = this.#earlier + count;
    this.#skipped = pc.clock.skipped;
  }

  #close(pc: Pc, end: number, count: number): void {
    if (end < this.#start) {
      // The session went back in time on the same machine.
      this.#goBack(end);
      return;
    }
    const steps = count - this.#count;
    if (steps === 0 && end <= this.#start) return;
    // A guest that has the machine for itself halts in its own ring, and only at the end of a stretch: what wakes it is delivered.
    const waited = this.#monitor === null ? (pc.clock.skipped - this.#skipped) / 1e9 : 0;
    const halt = waited > 0 ? Math.max(this.#start, end - waited) : end;
    this.#part.add(this.#kind, this.#lane, this.#start, halt, this.#name, this.#address, this.#step, steps);
    if (waited > 0) this.#part.add(KIND.wait, WAITING, halt, end, this.#id('hlt'), 0, this.#step + steps, 0);
  }

  /** What was recorded of the time after this is no more: it will come again, or something else. */
  #goBack(time: number): void {
    this.#part.cut(time);
    this.#held.cut(time);
    this.#cut = Math.min(time, this.#cut ?? time);
  }

  /** The machine came to a lane, or to another place of the one that it was in. */
  #arrive(pc: Pc, lane: number, name: number, linear: number, count: number): void {
    if (this.#isPending) {
      this.begin();
      this.#name = name;
      return;
    }
    const now = this.#timeAt(pc, count);
    if (lane === this.#lane && (this.#monitor !== null || pc.clock.skipped === this.#skipped)) {
      // It takes no time, so that it may stand before the stretch that it is in, which goes on as another one.
      this.#close(pc, now, count);
      this.#goOn(pc, now, count);
      this.#part.add(KIND.mark, lane, now, now, name, linear >>> 0, this.#step, 0);
      return;
    }
    this.#close(pc, now, count);
    if (lane === MONITOR) this.#open(pc, lane, KIND.monitor, name, 0, now, count);
    else this.#open(pc, lane, KIND.guest, name, this.#guestAddress(lane, linear), now, count);
  }

  /** Where the guest goes on, of which another copy may run in rings above 0. */
  #guestAddress(lane: number, linear: number): number {
    return this.#monitor === null || lane >= FIRST_NON_ROOT ? linear : this.#monitor.vcpu.address;
  }

  // Probe

  delivered(vector: number, source: EventSource): void {
    const pc = this.#pc;
    if (pc === null) return;
    const key = source === 'external' ? vector : source === 'software' ? vector + 256 : vector + 512;
    let name = this.#deliveries.get(key);
    if (name === undefined) {
      name = this.#id(deliveryName(vector, source));
      this.#deliveries.set(key, name);
    }
    const { cpu } = pc;
    this.#arrive(pc, this.#laneOf(pc, cpu.cpl), name, cpu.linearEip, cpu.count);
  }

  transferred(by: Transfer): void {
    const pc = this.#pc;
    if (pc === null) return;
    const { cpu } = pc;
    this.#come(pc, this.#laneOf(pc, cpu.cpl), by === 'iret', this.#id(TRANSFER_NAMES[by]), cpu.linearEip, cpu.count);
  }

  transferredBefore(log: TransferLog): void {
    const pc = this.#pc;
    if (pc === null) return;
    // More than anybody can see one by one, but for the latest.
    const many = log.length - MOST_SEEN;
    if (many > 0) this.#part.isGathering = true;
    for (let n = 0; n < log.length; n++) {
      if (n === many) this.#part.isGathering = false;
      const by = log.by(n);
      const name = this.#logged[by] ?? this.#learn(by);
      this.#come(pc, this.#laneOf(pc, log.cpl(n)), by === IRET, name, log.linear(n), log.count(n));
    }
  }

  #learn(by: number): number {
    const name = this.#id(TRANSFER_NAMES[LOGGED[by]]);
    this.#logged[by] = name;
    return name;
  }

  #come(pc: Pc, lane: number, isIret: boolean, name: number, linear: number, count: number): void {
    // An IRET within a ring ends what a mark has told.
    if (!isIret || lane !== this.#lane) this.#arrive(pc, lane, name, linear, count);
  }

  // MonitorWatcher

  exited(_exit: Exit, reason: string, address: number): void {
    this.#kind = KIND.exit;
    this.#name = this.#id(reason);
    this.#address = address >>> 0;
  }

  charged(): void {}
  emulated(): void {}

  waits(): void {
    const pc = this.#pc;
    if (pc === null) return;
    if (this.#isPending) this.begin();
    const now = this.#now(pc);
    const { count } = pc.cpu;
    this.#close(pc, now, count);
    this.#open(pc, WAITING, KIND.wait, this.#id('hlt'), 0, now, count);
  }

  woke(vector: number): void {
    this.#name = this.#id(`interrupt ${vector}`);
  }

  /** What came since the last part. */
  take(): TimelinePart {
    const pc = this.#pc;
    this.begin();
    const { length } = this.#part;
    const columns = sliced(this.#part.columns, length);
    this.#held.append(columns, length);
    this.#part.clear();
    const names = this.#names.length > this.#namesSent ? [...this.#names] : null;
    this.#namesSent = this.#names.length;
    const part = {
      ...columns,
      names,
      cut: this.#cut,
      now: pc === null ? this.#lastSeen : this.#now(pc),
      nowStep: this.#session.steps,
      open:
        pc === null
          ? null
          : {
              start: this.#start,
              lane: this.#lane,
              kind: this.#kind,
              name: this.#name,
              address: this.#address,
              step: this.#step,
            },
    };
    this.#cut = null;
    return part;
  }

  /** Tells what is held, oldest first. `symbol`: the name of a guest-linear address, or null. */
  tell(sink: TraceSink, symbol: (address: number) => string | null): void {
    const { start, end, lane, kind, name, address, step, steps, count, busy } = this.#held.columns;
    for (let i = 0; i < this.#held.length; i++) {
      const word = STRETCH_KINDS[kind[i]];
      const place = address[i] === 0 ? {} : { address: `0x${address[i].toString(16)}` };
      const found = address[i] === 0 ? null : symbol(address[i]);
      const details = { ...place, ...(found === null ? {} : { symbol: found }), step: step[i], steps: steps[i] };
      const at = { lane: TIMELINE_LANES[lane[i]], name: this.#names[name[i]] };
      const from = Math.round(start[i] * 1e9);
      if (word === 'mark') {
        sink.mark({ ...at, at: from, details });
      } else if (word === 'several') {
        const more = { count: count[i], busyNanoseconds: Math.round(busy[i] * 1e9) };
        const merged = { ...at, name: `${count[i]} stretches`, details: { longest: at.name, ...details, ...more } };
        sink.stretch({ ...merged, category: CATEGORY.guest, start: from, end: Math.round(end[i] * 1e9) });
      } else {
        sink.stretch({ ...at, category: CATEGORY[word], start: from, end: Math.round(end[i] * 1e9), details });
      }
    }
  }
}

const CATEGORY = { guest: 'guest', exit: 'exit', monitor: 'monitor', wait: 'wait' } as const satisfies Readonly<
  Record<string, Category>
>;

function sliced(from: StretchColumns, length: number): StretchColumns {
  return {
    start: from.start.slice(0, length),
    end: from.end.slice(0, length),
    lane: from.lane.slice(0, length),
    kind: from.kind.slice(0, length),
    name: from.name.slice(0, length),
    address: from.address.slice(0, length),
    step: from.step.slice(0, length),
    steps: from.steps.slice(0, length),
    count: from.count.slice(0, length),
    busy: from.busy.slice(0, length),
  };
}
