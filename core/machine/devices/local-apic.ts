import type { MemoryHandler } from '../physical.ts';
import { type ApicMessage, DELIVERY, deliveryMode, ENTRY } from './apic-bits.ts';
import { ApicTimer } from './apic-timer.ts';
import type { Clock, Device, DeviceState } from './device.ts';
import { StateReader } from './state.ts';
import { VectorSet } from './vector-set.ts';

/** IA32_APIC_BASE (SDM volume 3, figure 10-5). */
const APIC_BASE = { bootProcessor: 1 << 8, enable: 1 << 11, address: 0xfffff000 } as const;
const DEFAULT_ADDRESS = 0xfee00000;
const SIZE = 0x1000;

/** Registers by their offset (SDM volume 3, table 10-1). */
const REGISTER = {
  id: 0x20,
  version: 0x30,
  taskPriority: 0x80,
  arbitrationPriority: 0x90,
  processorPriority: 0xa0,
  endOfInterrupt: 0xb0,
  remoteRead: 0xc0,
  logicalDestination: 0xd0,
  destinationFormat: 0xe0,
  spurious: 0xf0,
  inService: 0x100,
  triggerMode: 0x180,
  request: 0x200,
  errorStatus: 0x280,
  commandLow: 0x300,
  commandHigh: 0x310,
  initialCount: 0x380,
  currentCount: 0x390,
  divide: 0x3e0,
} as const;

/** The local vector table, in the order of its registers from 320h on, and which bits of each can be written. */
const LVT_START = 0x320;
const LVT = { timer: 0, thermal: 1, performance: 2, lint0: 3, lint1: 4, error: 5 } as const;
const LINT_WRITABLE = ENTRY.vector | ENTRY.deliveryMode | ENTRY.activeLow | ENTRY.level | ENTRY.masked;
const MONITOR_WRITABLE = ENTRY.vector | ENTRY.deliveryMode | ENTRY.masked;
const LVT_WRITABLE = [
  ENTRY.vector | ENTRY.masked | ENTRY.periodic,
  MONITOR_WRITABLE,
  MONITOR_WRITABLE,
  LINT_WRITABLE,
  LINT_WRITABLE,
  ENTRY.vector | ENTRY.masked,
] as const;
const LVT_KEPT = LINT_WRITABLE | ENTRY.periodic | ENTRY.remoteIrr;

/** An integrated APIC of version 14h, as in the later P6 family and on, whose last LVT entry is number 5. */
const VERSION = 0x14 | ((LVT_WRITABLE.length - 1) << 16);

const SPURIOUS = { enable: 1 << 8, writable: 0x3ff } as const;
const COMMAND_WRITABLE = 0x000ccfff;
const SHORTHAND = { none: 0, self: 1, allWithSelf: 2 } as const;
/** A level-triggered INIT that is de-asserted only sets arbitration IDs (10.6.1). */
const ASSERT = 1 << 14;
/** ESR (figure 10-9). */
const ERROR = { sendIllegalVector: 0x20, receiveIllegalVector: 0x40, illegalRegister: 0x80 } as const;
const ERRORS = ERROR.sendIllegalVector | ERROR.receiveIllegalVector | ERROR.illegalRegister;
/** The first vector that an APIC takes. */
const LOWEST_VECTOR = 16;
const BROADCAST = 0xff;

export interface LocalApicOptions {
  readonly clock: Clock;
  /** The 8259A pair, whose INTR is wired to LINT0; its acknowledge cycle serves ExtINT. */
  readonly pic: { pending(): boolean; acknowledge(): number };
  /** Called after pending() has changed. */
  readonly onInterrupt: () => void;
  readonly onNmi: () => void;
  /** An INIT message for this processor. */
  readonly onInit: () => void;
  /** The end of a level-triggered interrupt, for the I/O APIC. */
  readonly onEnd: (vector: number) => void;
  /** IA32_APIC_BASE was written: the registers may lie elsewhere, or nowhere. */
  readonly onRelocate: () => void;
}

/**
 * The local APIC of the only processor (SDM volume 3, chapter 10): everything that interrupts it comes through here. Thermal sensor,
 * performance counters and the NMI pin have nothing behind them.
 */
export class LocalApic implements Device, MemoryHandler {
  readonly name = 'localApic';
  readonly timed = true;
  readonly #options: LocalApicOptions;
  readonly #timer = new ApicTimer();
  #base = DEFAULT_ADDRESS | APIC_BASE.enable | APIC_BASE.bootProcessor;
  #id = 0;
  #taskPriority = 0;
  #logicalId = 0;
  #destinationFormat = 0xf;
  #spurious = 0xff;
  #commandLow = 0;
  #commandHigh = 0;
  readonly #lvt = new Int32Array(LVT_WRITABLE.length).fill(ENTRY.masked);
  readonly #requests = new VectorSet();
  readonly #inService = new VectorSet();
  readonly #triggerMode = new VectorSet();
  /** Errors since the last write to the ESR, and what that write made readable. */
  #errors = 0;
  #errorStatus = 0;
  /** The pins: INTR of the 8259A pair, and a wire for NMI. */
  readonly #pins: [boolean, boolean] = [false, false];
  /** Whether the I/O APIC asks for an acknowledge cycle of the 8259A pair. */
  #extInt = false;
  #pending = false;
  #deadline = Number.POSITIVE_INFINITY;

  constructor(options: LocalApicOptions) {
    this.#options = options;
  }

  // IA32_APIC_BASE

  /** IA32_APIC_BASE; its high word is 0. */
  get base(): number {
    return this.#base | 0;
  }

  /** WRMSR: false, with nothing changed, where it raises #GP(0). */
  writeBase(low: number, high: number): boolean {
    const known = APIC_BASE.address | APIC_BASE.enable | APIC_BASE.bootProcessor;
    if ((low & ~known) !== 0 || high !== 0) return false;
    this.#base = low >>> 0;
    // What it was set up to is lost (10.4.3).
    if (!this.isEnabled) this.#resetRegisters();
    this.#update();
    this.#plan();
    this.#options.onRelocate();
    return true;
  }

  /** Whether it is there at all: CPUID says the same. Else INTR is a pin of the processor's. */
  get isEnabled(): boolean {
    return (this.#base & APIC_BASE.enable) !== 0;
  }

  get first(): number {
    return this.isEnabled ? (this.#base & APIC_BASE.address) >>> 0 : 1;
  }

  get last(): number {
    return this.isEnabled ? this.first + SIZE - 1 : 0;
  }

  /** Address of the page that is no RAM because of it, where there are `size` bytes of RAM; -1 for none. */
  holeIn(size: number): number {
    return this.isEnabled && this.first < size ? this.first : -1;
  }

  // The processor's side

  /** Whether the processor has an interrupt to take. */
  pending(): boolean {
    return this.#pending;
  }

  /** The processor takes it: the vector. ExtINT goes past the priorities (10.6.1); what has gone away gives the spurious vector (10.9). */
  acknowledge(): number {
    let vector = this.#spurious & ENTRY.vector;
    if (this.#extIntPending()) {
      vector = this.#options.pic.acknowledge();
    } else {
      const highest = this.#requests.highest();
      if (highest >> 4 > this.#processorPriority() >> 4) {
        this.#requests.delete(highest);
        this.#inService.add(highest);
        vector = highest;
      }
    }
    this.#update();
    return vector;
  }

  /** Whether anything could raise an NMI by itself: a wire that is set up for one. */
  get hasNmiWire(): boolean {
    const entry = this.#lvt[LVT.lint0];
    return (entry & ENTRY.masked) === 0 && deliveryMode(entry) === DELIVERY.nmi;
  }

  // The board's side

  /** LINT0, which INTR of the 8259A pair drives, or LINT1. */
  setPin(pin: 0 | 1, level: boolean): void {
    const before = this.#isAsserted(pin);
    this.#pins[pin] = level;
    this.#pinChanged(pin, before);
    this.#update();
  }

  /** The I/O APIC has, or has no longer, a pin in ExtINT mode that asks. */
  setExtInt(asks: boolean): void {
    this.#extInt = asks;
    this.#update();
  }

  /** A message on the bus. Returns whether it was accepted. */
  receive(message: ApicMessage): boolean {
    if (!this.isEnabled || !this.#isAddressed(message)) return false;
    this.#accept(message.deliveryMode, message.vector, message.isLevel);
    this.#update();
    return true;
  }

  // Device

  deadline(): number {
    return this.#deadline;
  }

  advance(now: number): void {
    this.#settle(now);
    this.#update();
    this.#deadline = this.#timerEnd();
  }

  /** State after RESET (10.4.7.1), with the pins as they are. */
  reset(): void {
    this.#base = DEFAULT_ADDRESS | APIC_BASE.enable | APIC_BASE.bootProcessor;
    this.#resetRegisters();
    this.#update();
    this.#plan();
    this.#options.onRelocate();
  }

  /**
   * Virtual wire mode, in which firmware hands over (MP specification 1.4, 3.6.2.2): the interrupts of the 8259A pair come through LINT0, NMI
   * through LINT1.
   */
  setVirtualWire(): void {
    this.#spurious |= SPURIOUS.enable;
    this.#lvt[LVT.lint0] = (DELIVERY.extInt << 8) | ENTRY.level;
    this.#lvt[LVT.lint1] = (DELIVERY.nmi << 8) | ENTRY.level;
    this.#update();
  }

  save(): DeviceState {
    return {
      base: this.#base >>> 0,
      id: this.#id,
      taskPriority: this.#taskPriority,
      logicalId: this.#logicalId,
      destinationFormat: this.#destinationFormat,
      spurious: this.#spurious,
      commandLow: this.#commandLow,
      commandHigh: this.#commandHigh,
      lvt: Array.from(this.#lvt),
      requests: this.#requests.save(),
      inService: this.#inService.save(),
      triggerMode: this.#triggerMode.save(),
      errors: this.#errors,
      errorStatus: this.#errorStatus,
      pin0: this.#pins[0],
      pin1: this.#pins[1],
      extInt: this.#extInt,
      timer: this.#timer.save(),
    };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#base = from.uint('base', 0xffffffff);
    this.#id = from.byte('id');
    this.#taskPriority = from.byte('taskPriority');
    this.#logicalId = from.byte('logicalId');
    this.#destinationFormat = from.uint('destinationFormat', 15);
    this.#spurious = from.uint('spurious', SPURIOUS.writable);
    this.#commandLow = from.uint('commandLow', COMMAND_WRITABLE);
    this.#commandHigh = from.byte('commandHigh');
    this.#lvt.set(from.uints('lvt', LVT_WRITABLE.length, LVT_KEPT));
    this.#requests.restore(from.uints('requests', 8, 0xffffffff));
    this.#inService.restore(from.uints('inService', 8, 0xffffffff));
    this.#triggerMode.restore(from.uints('triggerMode', 8, 0xffffffff));
    this.#errors = from.uint('errors', ERRORS);
    this.#errorStatus = from.uint('errorStatus', ERRORS);
    this.#pins[0] = from.flag('pin0');
    this.#pins[1] = from.flag('pin1');
    this.#extInt = from.flag('extInt');
    this.#timer.restore(from.part('timer'));
    from.end();
    this.#pending = this.#isPending();
    this.#plan();
  }

  // Registers

  /** Registers are read and written as aligned doublewords (10.4.1); what else there is to an access is undefined, and reads as 0. */
  readMemory(address: number, size: number): number {
    const offset = address & (SIZE - 1);
    if ((offset & 15) + size > 4) return 0;
    const value = this.#read(offset & ~15) >>> (8 * (offset & 3));
    return size === 4 ? value | 0 : value & ((1 << (8 * size)) - 1);
  }

  writeMemory(address: number, size: number, value: number): void {
    const offset = address & (SIZE - 1);
    if ((offset & 15) !== 0 || size !== 4) return;
    this.#write(offset, value);
    this.#update();
  }

  #read(offset: number): number {
    if (offset >= REGISTER.inService && offset < REGISTER.errorStatus) {
      const set =
        offset < REGISTER.triggerMode
          ? this.#inService
          : offset < REGISTER.request
            ? this.#triggerMode
            : this.#requests;
      return set.words[(offset >> 4) & 7];
    }
    const entry = lvtIndex(offset);
    if (entry >= 0) return this.#lvt[entry];
    switch (offset) {
      case REGISTER.id:
        return this.#id << 24;
      case REGISTER.version:
        return VERSION;
      case REGISTER.taskPriority:
        return this.#taskPriority;
      case REGISTER.arbitrationPriority:
        return this.#arbitrationPriority();
      case REGISTER.processorPriority:
        return this.#processorPriority();
      case REGISTER.endOfInterrupt:
      case REGISTER.remoteRead:
        return 0;
      case REGISTER.logicalDestination:
        return this.#logicalId << 24;
      case REGISTER.destinationFormat:
        return (this.#destinationFormat << 28) | 0x0fffffff;
      case REGISTER.spurious:
        return this.#spurious;
      case REGISTER.errorStatus:
        return this.#errorStatus;
      case REGISTER.commandLow:
        return this.#commandLow;
      case REGISTER.commandHigh:
        return this.#commandHigh << 24;
      case REGISTER.initialCount:
        return this.#timer.initial;
      case REGISTER.currentCount:
        this.#settle(this.#options.clock.now());
        this.#update();
        return this.#timer.current(this.#options.clock.now());
      case REGISTER.divide:
        return this.#timer.divide;
      default:
        this.#raiseError(ERROR.illegalRegister);
        this.#update();
        return 0;
    }
  }

  #write(offset: number, value: number): void {
    const entry = lvtIndex(offset);
    if (entry >= 0) {
      this.#writeLvt(entry, value);
      return;
    }
    switch (offset) {
      case REGISTER.id:
        this.#id = value >>> 24;
        break;
      case REGISTER.taskPriority:
        this.#taskPriority = value & 0xff;
        break;
      case REGISTER.endOfInterrupt:
        this.#endOfInterrupt();
        break;
      case REGISTER.logicalDestination:
        this.#logicalId = value >>> 24;
        break;
      case REGISTER.destinationFormat:
        this.#destinationFormat = value >>> 28;
        break;
      case REGISTER.spurious:
        this.#writeSpurious(value & SPURIOUS.writable);
        break;
      case REGISTER.errorStatus:
        this.#errorStatus = this.#errors;
        this.#errors = 0;
        break;
      case REGISTER.commandHigh:
        this.#commandHigh = value >>> 24;
        break;
      case REGISTER.commandLow:
        this.#commandLow = value & COMMAND_WRITABLE;
        this.#send();
        break;
      case REGISTER.initialCount:
        this.#settle(this.#options.clock.now());
        this.#timer.start(this.#options.clock.now(), value >>> 0);
        this.#plan();
        break;
      case REGISTER.divide:
        this.#settle(this.#options.clock.now());
        this.#timer.setDivide(this.#options.clock.now(), value);
        this.#plan();
        break;
      default:
        if (!isReadOnly(offset)) this.#raiseError(ERROR.illegalRegister);
    }
  }

  /** While software has disabled the APIC every mask bit is set and stays so (10.4.7.2). */
  #writeSpurious(value: number): void {
    this.#spurious = value;
    if ((value & SPURIOUS.enable) === 0) {
      for (let n = 0; n < this.#lvt.length; n++) this.#writeLvt(n, this.#lvt[n]);
    }
  }

  #writeLvt(index: number, value: number): void {
    if (index === LVT.timer) this.#settle(this.#options.clock.now());
    const isPin = index === LVT.lint0 || index === LVT.lint1;
    const pin = index === LVT.lint0 ? 0 : 1;
    const before = isPin && this.#isAsserted(pin);
    const masked = (this.#spurious & SPURIOUS.enable) === 0 ? ENTRY.masked : 0;
    const isLevel = (value & ENTRY.level) !== 0 && deliveryMode(value) === DELIVERY.fixed;
    const remoteIrr = isLevel ? this.#lvt[index] & ENTRY.remoteIrr : 0;
    this.#lvt[index] = (value & LVT_WRITABLE[index]) | masked | remoteIrr;
    if (isPin) this.#pinChanged(pin, before);
    if (index === LVT.timer) {
      this.#timer.isPeriodic = (value & ENTRY.periodic) !== 0;
      this.#plan();
    }
  }

  #resetRegisters(): void {
    this.#id = 0;
    this.#taskPriority = 0;
    this.#logicalId = 0;
    this.#destinationFormat = 0xf;
    this.#spurious = 0xff;
    this.#commandLow = 0;
    this.#commandHigh = 0;
    this.#lvt.fill(ENTRY.masked);
    this.#requests.clear();
    this.#inService.clear();
    this.#triggerMode.clear();
    this.#errors = 0;
    this.#errorStatus = 0;
    this.#timer.reset();
  }

  // Priorities (10.8.3.1)

  #processorPriority(): number {
    const serving = Math.max(this.#inService.highest(), 0);
    return this.#taskPriority >> 4 >= serving >> 4 ? this.#taskPriority : serving & 0xf0;
  }

  #arbitrationPriority(): number {
    const serving = Math.max(this.#inService.highest(), 0) >> 4;
    const requested = Math.max(this.#requests.highest(), 0) >> 4;
    const task = this.#taskPriority >> 4;
    return task >= requested && task > serving ? this.#taskPriority : Math.max(task, serving, requested) << 4;
  }

  #endOfInterrupt(): void {
    const vector = this.#inService.highest();
    if (vector < 0) return;
    this.#inService.delete(vector);
    if (!this.#triggerMode.has(vector)) return;
    const lint0 = this.#lvt[LVT.lint0];
    if ((lint0 & ENTRY.remoteIrr) !== 0 && (lint0 & ENTRY.vector) === vector) {
      this.#lvt[LVT.lint0] &= ~ENTRY.remoteIrr;
      this.#pinChanged(0, true);
    }
    this.#options.onEnd(vector);
  }

  // Messages

  #send(): void {
    const command = this.#commandLow;
    const mode = deliveryMode(command);
    const shorthand = command >>> 18;
    const isInitDeassert = mode === DELIVERY.init && (command & (ENTRY.level | ASSERT)) === ENTRY.level;
    if (isInitDeassert) return;
    const vector = command & ENTRY.vector;
    if ((mode === DELIVERY.fixed || mode === DELIVERY.lowestPriority) && vector < LOWEST_VECTOR) {
      this.#raiseError(ERROR.sendIllegalVector);
      if (shorthand !== SHORTHAND.self) return;
    }
    const isLogical = (command & ENTRY.logical) !== 0;
    const message = { destination: this.#commandHigh, isLogical, deliveryMode: mode, vector, isLevel: false };
    const isForSelf =
      shorthand === SHORTHAND.none
        ? this.#isAddressed(message)
        : shorthand === SHORTHAND.self || shorthand === SHORTHAND.allWithSelf;
    if (isForSelf) this.#accept(mode, vector, false);
  }

  /** Logical destinations: a bit each in the flat model, four clusters bits in the cluster model (10.6.2.2). */
  #isAddressed({ destination, isLogical }: ApicMessage): boolean {
    if (destination === BROADCAST) return true;
    if (!isLogical) return destination === this.#id;
    if (this.#destinationFormat === 0xf) return (destination & this.#logicalId) !== 0;
    return destination >> 4 === this.#logicalId >> 4 && (destination & this.#logicalId & 15) !== 0;
  }

  /** There is no SMM, and a start-up message is for a processor that waits for one. ExtINT comes by setExtInt(). */
  #accept(mode: number, vector: number, isLevel: boolean): void {
    switch (mode) {
      case DELIVERY.fixed:
      case DELIVERY.lowestPriority:
        this.#request(vector, isLevel);
        break;
      case DELIVERY.nmi:
        this.#options.onNmi();
        break;
      case DELIVERY.init:
        this.#options.onInit();
        break;
      default:
    }
  }

  #request(vector: number, isLevel: boolean): void {
    if (vector < LOWEST_VECTOR) {
      this.#raiseError(ERROR.receiveIllegalVector);
      return;
    }
    // Disabled by software, it takes only what goes past it (10.4.7.2).
    if ((this.#spurious & SPURIOUS.enable) === 0) return;
    this.#requests.add(vector);
    if (isLevel) this.#triggerMode.add(vector);
    else this.#triggerMode.delete(vector);
  }

  /** The interrupt comes with the first error after the ESR was written (10.5.3). */
  #raiseError(error: number): void {
    const isFirst = this.#errors === 0;
    this.#errors |= error;
    const entry = this.#lvt[LVT.error];
    if (isFirst && (entry & ENTRY.masked) === 0) this.#request(entry & ENTRY.vector, false);
  }

  // Pins

  #isAsserted(pin: 0 | 1): boolean {
    return this.#pins[pin] !== ((this.#lvt[LVT.lint0 + pin] & ENTRY.activeLow) !== 0);
  }

  /** A pin, or what its LVT entry says of it, is another than when it was asserted or not `before`. */
  #pinChanged(pin: 0 | 1, before: boolean): void {
    const index = LVT.lint0 + pin;
    const entry = this.#lvt[index];
    if (!this.isEnabled || (entry & ENTRY.masked) !== 0 || !this.#isAsserted(pin)) return;
    const mode = deliveryMode(entry);
    // LINT1 knows edges only (10.5.1).
    if (mode === DELIVERY.fixed && pin === 0 && (entry & ENTRY.level) !== 0) {
      if ((entry & ENTRY.remoteIrr) !== 0) return;
      this.#lvt[index] |= ENTRY.remoteIrr;
      this.#request(entry & ENTRY.vector, true);
    } else if (!before) {
      this.#accept(mode, entry & ENTRY.vector, false);
    }
  }

  #extIntPending(): boolean {
    if (!this.isEnabled) return this.#pins[0];
    const entry = this.#lvt[LVT.lint0];
    const byPin = (entry & ENTRY.masked) === 0 && deliveryMode(entry) === DELIVERY.extInt && this.#isAsserted(0);
    return byPin || this.#extInt;
  }

  #isPending(): boolean {
    return this.#extIntPending() || this.#requests.highest() >> 4 > this.#processorPriority() >> 4;
  }

  #update(): void {
    const pending = this.#isPending();
    if (pending === this.#pending) return;
    this.#pending = pending;
    this.#options.onInterrupt();
  }

  // Timer

  #settle(now: number): void {
    if (!this.#timer.settle(now)) return;
    const entry = this.#lvt[LVT.timer];
    if ((entry & ENTRY.masked) === 0) this.#request(entry & ENTRY.vector, false);
  }

  /** Nobody waits for the end of a count whose interrupt is masked. */
  #timerEnd(): number {
    return (this.#lvt[LVT.timer] & ENTRY.masked) !== 0 ? Number.POSITIVE_INFINITY : this.#timer.end();
  }

  #plan(): void {
    const deadline = this.#timerEnd();
    if (deadline === this.#deadline) return;
    this.#deadline = deadline;
    this.#options.clock.reschedule();
  }
}

/** Which LVT entry lies at an offset, or -1. */
function lvtIndex(offset: number): number {
  const index = (offset - LVT_START) >> 4;
  return offset >= LVT_START && index < LVT_WRITABLE.length ? index : -1;
}

const READ_ONLY: readonly number[] = [
  REGISTER.version,
  REGISTER.arbitrationPriority,
  REGISTER.processorPriority,
  REGISTER.remoteRead,
  REGISTER.currentCount,
];

function isReadOnly(offset: number): boolean {
  return READ_ONLY.includes(offset) || (offset >= REGISTER.inService && offset < REGISTER.errorStatus);
}
