import type { MemoryHandler } from '../physical.ts';
import { type ApicInterrupt, type ApicMessage, DELIVERY, ENTRY } from './apic-bits.ts';
import { ERROR } from './apic-errors.ts';
import { LVT, LVT_ENTRIES, type Pin } from './apic-lvt.ts';
import { readCommand, SHORTHAND } from './apic-messages.ts';
import { ApicRegisters, COMMAND_WRITABLE, lvtIndex, REGISTER, SPURIOUS } from './apic-registers.ts';
import type { Clock, Device, DeviceState } from './device.ts';
import { StateReader } from './state.ts';

/** IA32_APIC_BASE (SDM volume 3, figure 10-5). */
const APIC_BASE = { bootProcessor: 1 << 8, enable: 1 << 11, address: 0xfffff000 } as const;
const DEFAULT_ADDRESS = 0xfee00000;
const SIZE = 0x1000;

/** The first vector that an APIC takes. */
const LOWEST_VECTOR = 16;

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
  #base = DEFAULT_ADDRESS | APIC_BASE.enable | APIC_BASE.bootProcessor;
  readonly #registers = new ApicRegisters();
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
    if (!this.isEnabled) this.#registers.reset();
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
    let vector = this.#registers.spurious & SPURIOUS.vector;
    if (this.#extIntPending()) vector = this.#options.pic.acknowledge();
    else if (this.#registers.interrupts.isPending()) vector = this.#registers.interrupts.take();
    this.#update();
    return vector;
  }

  /** Whether anything could raise an NMI by itself: a wire that is set up for one. */
  get hasNmiWire(): boolean {
    return this.#registers.lvt.isLint0(DELIVERY.nmi);
  }

  // The board's side

  /** LINT0, which INTR of the 8259A pair drives, or LINT1. */
  setPin(pin: Pin, level: boolean): void {
    this.#deliver(this.#registers.lvt.setPin(pin, level, this.isEnabled));
    this.#update();
  }

  /** The I/O APIC has, or has no longer, a pin in ExtINT mode that asks. */
  setExtInt(asks: boolean): void {
    this.#extInt = asks;
    this.#update();
  }

  /** A message on the bus. Returns whether it was accepted. */
  receive(message: ApicMessage): boolean {
    if (!this.isEnabled || !this.#registers.address.matches(message)) return false;
    this.#accept(message);
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
    this.#registers.reset();
    this.#update();
    this.#plan();
    this.#options.onRelocate();
  }

  /**
   * Virtual wire mode, in which firmware hands over (MP specification 1.4, 3.6.2.2): the interrupts of the 8259A pair come through LINT0, NMI
   * through LINT1.
   */
  setVirtualWire(): void {
    this.#registers.spurious |= SPURIOUS.enable;
    this.#registers.lvt.setVirtualWire();
    this.#update();
  }

  save(): DeviceState {
    return { base: this.#base >>> 0, extInt: this.#extInt, ...this.#registers.save() };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#base = from.uint('base', 0xffffffff);
    this.#extInt = from.flag('extInt');
    this.#registers.restore(from);
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
    const now = this.#options.clock.now();
    if (offset === REGISTER.currentCount) {
      this.#settle(now);
      this.#update();
    }
    const value = this.#registers.read(offset, now);
    if (value !== null) return value;
    this.#raiseError(ERROR.illegalRegister);
    this.#update();
    return 0;
  }

  #write(offset: number, value: number): void {
    const entry = lvtIndex(offset);
    if (entry >= 0) {
      this.#writeLvt(entry, value);
      return;
    }
    const registers = this.#registers;
    const now = this.#options.clock.now();
    switch (offset) {
      case REGISTER.endOfInterrupt:
        this.#endOfInterrupt();
        break;
      case REGISTER.spurious:
        this.#writeSpurious(value & SPURIOUS.writable);
        break;
      case REGISTER.commandLow:
        registers.commandLow = value & COMMAND_WRITABLE;
        this.#send();
        break;
      case REGISTER.initialCount:
        this.#settle(now);
        registers.timer.start(now, value >>> 0);
        this.#plan();
        break;
      case REGISTER.divide:
        this.#settle(now);
        registers.timer.setDivide(now, value);
        this.#plan();
        break;
      default:
        if (!registers.write(offset, value)) this.#raiseError(ERROR.illegalRegister);
    }
  }

  /** While software has disabled the APIC every mask bit is set and stays so (10.4.7.2). */
  #writeSpurious(value: number): void {
    this.#registers.spurious = value;
    if (this.#registers.isSoftwareEnabled) return;
    for (let n = 0; n < LVT_ENTRIES; n++) this.#writeLvt(n, this.#registers.lvt.read(n));
  }

  #writeLvt(index: number, value: number): void {
    if (index === LVT.timer) this.#settle(this.#options.clock.now());
    const { lvt, timer, isSoftwareEnabled } = this.#registers;
    this.#deliver(lvt.write(index, value, !isSoftwareEnabled));
    if (index === LVT.timer) {
      timer.isPeriodic = (value & ENTRY.periodic) !== 0;
      this.#plan();
    }
  }

  #endOfInterrupt(): void {
    const vector = this.#registers.interrupts.end();
    if (vector < 0) return;
    this.#deliver(this.#registers.lvt.endOfInterrupt(vector));
    this.#options.onEnd(vector);
  }

  // What is sent, and what is accepted

  #send(): void {
    const command = readCommand(this.#registers.commandLow, this.#registers.commandHigh);
    if (command === null) return;
    const { message, shorthand } = command;
    if (isFixed(message) && message.vector < LOWEST_VECTOR) {
      this.#raiseError(ERROR.sendIllegalVector);
      if (shorthand !== SHORTHAND.self) return;
    }
    const isForSelf =
      shorthand === SHORTHAND.none
        ? this.#registers.address.matches(message)
        : shorthand === SHORTHAND.self || shorthand === SHORTHAND.allWithSelf;
    if (isForSelf) this.#accept(message);
  }

  #deliver(interrupt: ApicInterrupt | null): void {
    if (interrupt !== null) this.#accept(interrupt);
  }

  /** There is no SMM, and a start-up message is for a processor that waits for one. ExtINT comes by setExtInt(). */
  #accept(interrupt: ApicInterrupt): void {
    if (isFixed(interrupt)) this.#request(interrupt.vector, interrupt.isLevel);
    else if (interrupt.deliveryMode === DELIVERY.nmi) this.#options.onNmi();
    else if (interrupt.deliveryMode === DELIVERY.init) this.#options.onInit();
  }

  #request(vector: number, isLevel: boolean): void {
    if (vector < LOWEST_VECTOR) {
      this.#raiseError(ERROR.receiveIllegalVector);
      return;
    }
    // Disabled by software, it takes only what goes past it (10.4.7.2).
    if (!this.#registers.isSoftwareEnabled) return;
    this.#registers.interrupts.request(vector, isLevel);
  }

  /** The interrupt comes with the first error after the ESR was written (10.5.3). */
  #raiseError(error: number): void {
    const vector = this.#registers.lvt.vectorOf(LVT.error);
    if (this.#registers.errors.note(error) && vector >= 0) this.#request(vector, false);
  }

  // INTR

  #extIntPending(): boolean {
    if (!this.isEnabled) return this.#registers.lvt.level(0);
    return (this.#registers.lvt.isLint0(DELIVERY.extInt) && this.#registers.lvt.isAsserted(0)) || this.#extInt;
  }

  #isPending(): boolean {
    return this.#extIntPending() || this.#registers.interrupts.isPending();
  }

  #update(): void {
    const pending = this.#isPending();
    if (pending === this.#pending) return;
    this.#pending = pending;
    this.#options.onInterrupt();
  }

  // Timer

  #settle(now: number): void {
    if (!this.#registers.timer.settle(now)) return;
    const vector = this.#registers.lvt.vectorOf(LVT.timer);
    if (vector >= 0) this.#request(vector, false);
  }

  /** Nobody waits for the end of a count whose interrupt is masked. */
  #timerEnd(): number {
    return this.#registers.lvt.vectorOf(LVT.timer) < 0 ? Number.POSITIVE_INFINITY : this.#registers.timer.end();
  }

  #plan(): void {
    const deadline = this.#timerEnd();
    if (deadline === this.#deadline) return;
    this.#deadline = deadline;
    this.#options.clock.reschedule();
  }
}

/** Whether an interrupt goes by the priorities. */
function isFixed({ deliveryMode }: ApicInterrupt): boolean {
  return deliveryMode === DELIVERY.fixed || deliveryMode === DELIVERY.lowestPriority;
}
