import type { MemoryHandler } from '../physical.ts';
import { type ApicMessage, DELIVERY, deliveryMode, ENTRY } from './apic-bits.ts';
import type { Device, DeviceState, InterruptLine } from './device.ts';
import { StateReader } from './state.ts';

const ADDRESS = 0xfec00000;
const SIZE = 0x1000;
/** The registers that are memory (82093AA, 3.1). */
const SELECT = 0x00;
const WINDOW = 0x10;

/** What SELECT chooses for WINDOW (82093AA, 3.2). */
const ID = 0x00;
const VERSION = 0x01;
const ARBITRATION = 0x02;
const TABLE = 0x10;

const PINS = 24;
/** Version 11h, and the number of the last redirection entry. */
const VERSION_VALUE = 0x11 | ((PINS - 1) << 16);
const WRITABLE = ENTRY.vector | ENTRY.deliveryMode | ENTRY.logical | ENTRY.activeLow | ENTRY.level | ENTRY.masked;
const KEPT = WRITABLE | ENTRY.remoteIrr;

export interface IoApicOptions {
  /** Puts a message on the bus; returns whether a local APIC took it. */
  readonly send: (message: ApicMessage) => boolean;
  /** A pin in ExtINT mode asks, or none does any longer: INTR of the 8259A pair is meant. */
  readonly onExtInt: (asks: boolean) => void;
}

/** The 82093AA I/O APIC (datasheet 290566): 24 inputs, each with an entry of the redirection table. */
export class IoApic implements Device, MemoryHandler {
  readonly name = 'ioApic';
  readonly timed = true;
  readonly first = ADDRESS;
  readonly last = ADDRESS + SIZE - 1;
  readonly #options: IoApicOptions;
  readonly #lines: readonly InterruptLine[];
  #select = 0;
  #id = 0;
  /** The wires as they are now. */
  #levels = 0;
  readonly #entries = new Int32Array(PINS).fill(ENTRY.masked);
  readonly #destinations = new Uint8Array(PINS);
  #extInt = false;

  constructor(options: IoApicOptions) {
    this.#options = options;
    this.#lines = Array.from({ length: PINS }, (_, pin) => ({ set: (level: boolean) => this.#setLevel(pin, level) }));
  }

  /** The wire to a pin, 0 to 23. Throws RangeError on another number. */
  line(pin: number): InterruptLine {
    const line = this.#lines[pin];
    if (line === undefined) throw new RangeError(`The I/O APIC has no pin ${pin}.`);
    return line;
  }

  /** A local APIC has seen the end of a level-triggered interrupt: pins that still ask do so again (82093AA, 3.2.4, remote IRR). */
  endOfInterrupt(vector: number): void {
    for (let pin = 0; pin < PINS; pin++) {
      const entry = this.#entries[pin];
      if ((entry & ENTRY.remoteIrr) === 0 || (entry & ENTRY.vector) !== vector) continue;
      this.#entries[pin] &= ~ENTRY.remoteIrr;
      this.#evaluate(pin, true);
    }
  }

  /** Whether a pin is set up to raise an NMI. */
  get hasNmiWire(): boolean {
    return this.#entries.some(entry => (entry & ENTRY.masked) === 0 && deliveryMode(entry) === DELIVERY.nmi);
  }

  /** What firmware writes into the ID register: one that no local APIC has. */
  setId(id: number): void {
    this.#id = id;
  }

  readMemory(address: number, size: number): number {
    const offset = address & (SIZE - 1);
    if (offset === SELECT) return this.#select;
    if (offset !== WINDOW) return 0;
    const value = this.#read();
    return size === 4 ? value : value & ((1 << (8 * size)) - 1);
  }

  /** WINDOW takes doublewords only (82093AA, 3.1.2). */
  writeMemory(address: number, size: number, value: number): void {
    const offset = address & (SIZE - 1);
    if (offset === SELECT) this.#select = value & 0xff;
    else if (offset === WINDOW && size === 4) this.#write(value);
  }

  deadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  advance(): void {}

  /** State after RESET; the wires belong to others and keep their levels. */
  reset(): void {
    this.#select = 0;
    this.#id = 0;
    this.#entries.fill(ENTRY.masked);
    this.#destinations.fill(0);
    this.#updateExtInt();
  }

  save(): DeviceState {
    return {
      select: this.#select,
      id: this.#id,
      levels: this.#levels,
      entries: Array.from(this.#entries),
      destinations: Array.from(this.#destinations),
      extInt: this.#extInt,
    };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#select = from.byte('select');
    this.#id = from.uint('id', 15);
    this.#levels = from.uint('levels', 2 ** PINS - 1);
    this.#entries.set(from.uints('entries', PINS, KEPT));
    this.#destinations.set(from.bytes('destinations', PINS, PINS));
    this.#extInt = from.flag('extInt');
    from.end();
  }

  #read(): number {
    const select = this.#select;
    if (select === ID || select === ARBITRATION) return this.#id << 24;
    if (select === VERSION) return VERSION_VALUE;
    const pin = (select - TABLE) >> 1;
    if (pin < 0 || pin >= PINS) return 0;
    return (select & 1) === 0 ? this.#entries[pin] : this.#destinations[pin] << 24;
  }

  #write(value: number): void {
    const select = this.#select;
    if (select === ID) this.#id = (value >>> 24) & 15;
    const pin = (select - TABLE) >> 1;
    if (pin < 0 || pin >= PINS) return;
    if ((select & 1) !== 0) {
      this.#destinations[pin] = value >>> 24;
      return;
    }
    const before = this.#isAsserted(pin);
    // An edge-triggered entry has no remote IRR.
    const remoteIrr = (value & ENTRY.level) !== 0 ? this.#entries[pin] & ENTRY.remoteIrr : 0;
    this.#entries[pin] = (value & WRITABLE) | remoteIrr;
    this.#evaluate(pin, before);
    this.#updateExtInt();
  }

  #setLevel(pin: number, level: boolean): void {
    const before = this.#isAsserted(pin);
    if (level) this.#levels |= 1 << pin;
    else this.#levels &= ~(1 << pin);
    this.#evaluate(pin, before);
    if (deliveryMode(this.#entries[pin]) === DELIVERY.extInt) this.#updateExtInt();
  }

  #isAsserted(pin: number): boolean {
    return ((this.#levels & (1 << pin)) !== 0) !== ((this.#entries[pin] & ENTRY.activeLow) !== 0);
  }

  /** Sends what a pin has to say; `before`: whether it was asserted. An edge that comes while the pin is masked is lost. */
  #evaluate(pin: number, before: boolean): void {
    const entry = this.#entries[pin];
    if ((entry & ENTRY.masked) !== 0 || !this.#isAsserted(pin)) return;
    const mode = deliveryMode(entry);
    const isLevel = (entry & ENTRY.level) !== 0 && (mode === DELIVERY.fixed || mode === DELIVERY.lowestPriority);
    if (isLevel ? (entry & ENTRY.remoteIrr) !== 0 : before) return;
    const isAccepted = this.#options.send({
      destination: this.#destinations[pin],
      isLogical: (entry & ENTRY.logical) !== 0,
      deliveryMode: mode,
      vector: entry & ENTRY.vector,
      isLevel,
    });
    if (isLevel && isAccepted) this.#entries[pin] |= ENTRY.remoteIrr;
  }

  #updateExtInt(): void {
    const asks = this.#entries.some(
      (entry, pin) => (entry & ENTRY.masked) === 0 && deliveryMode(entry) === DELIVERY.extInt && this.#isAsserted(pin),
    );
    if (asks === this.#extInt) return;
    this.#extInt = asks;
    this.#options.onExtInt(asks);
  }
}
