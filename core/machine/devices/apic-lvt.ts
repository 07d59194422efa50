import { type ApicInterrupt, DELIVERY, deliveryMode, ENTRY } from './apic-bits.ts';
import type { DeviceState } from './device.ts';
import type { StateReader } from './state.ts';

/** Entries of the local vector table, in the order of their registers from 320h on. */
export const LVT = { timer: 0, thermal: 1, performance: 2, lint0: 3, lint1: 4, error: 5 } as const;

const LINT_WRITABLE = ENTRY.vector | ENTRY.deliveryMode | ENTRY.activeLow | ENTRY.level | ENTRY.masked;
const MONITOR_WRITABLE = ENTRY.vector | ENTRY.deliveryMode | ENTRY.masked;
/** Which bits of each can be written. */
const WRITABLE = [
  ENTRY.vector | ENTRY.masked | ENTRY.periodic,
  MONITOR_WRITABLE,
  MONITOR_WRITABLE,
  LINT_WRITABLE,
  LINT_WRITABLE,
  ENTRY.vector | ENTRY.masked,
] as const;
const KEPT = LINT_WRITABLE | ENTRY.periodic | ENTRY.remoteIrr;
export const LVT_ENTRIES = WRITABLE.length;

/** LINT0 or LINT1. */
export type Pin = 0 | 1;

/**
 * The local vector table (SDM volume 3, 10.5.1): how what comes from within the APIC, and by its two pins, is delivered. It says what a pin
 * raises; who owns it accepts that.
 */
export class LocalVectorTable {
  readonly #entries = new Int32Array(LVT_ENTRIES).fill(ENTRY.masked);
  /** The pins: INTR of the 8259A pair, and a wire for NMI. */
  readonly #pins: [boolean, boolean] = [false, false];

  /** Masks every entry; the pins stay as they are. */
  reset(): void {
    this.#entries.fill(ENTRY.masked);
  }

  /** Virtual wire mode: ExtINT through LINT0, NMI through LINT1. */
  setVirtualWire(): void {
    this.#entries[LVT.lint0] = (DELIVERY.extInt << 8) | ENTRY.level;
    this.#entries[LVT.lint1] = (DELIVERY.nmi << 8) | ENTRY.level;
  }

  read(index: number): number {
    return this.#entries[index];
  }

  /** Writes an entry, whose mask bit is set whatever `value` says if `isMasked`. Returns what a pin raises that it now lets through. */
  write(index: number, value: number, isMasked: boolean): ApicInterrupt | null {
    const pin = pinOf(index);
    const before = pin !== null && this.isAsserted(pin);
    const isLevel = (value & ENTRY.level) !== 0 && deliveryMode(value) === DELIVERY.fixed;
    const remoteIrr = isLevel ? this.#entries[index] & ENTRY.remoteIrr : 0;
    this.#entries[index] = (value & WRITABLE[index]) | (isMasked ? ENTRY.masked : 0) | remoteIrr;
    return pin === null ? null : this.#raise(pin, before);
  }

  /** Vector of an entry that knows fixed interrupts only; -1 while it is masked. */
  vectorOf(index: typeof LVT.timer | typeof LVT.error): number {
    const entry = this.#entries[index];
    return (entry & ENTRY.masked) === 0 ? entry & ENTRY.vector : -1;
  }

  /** Whether LINT0 lets through what comes there, in this delivery mode. */
  isLint0(mode: number): boolean {
    const entry = this.#entries[LVT.lint0];
    return (entry & ENTRY.masked) === 0 && deliveryMode(entry) === mode;
  }

  /** Level of a pin. */
  level(pin: Pin): boolean {
    return this.#pins[pin];
  }

  /** Whether a pin asks, by the polarity that its entry says. */
  isAsserted(pin: Pin): boolean {
    return this.#pins[pin] !== ((this.#entries[LVT.lint0 + pin] & ENTRY.activeLow) !== 0);
  }

  /** Drives a pin. Returns what it raises by that if the APIC `isEnabled`: else it looks at no pin. */
  setPin(pin: Pin, level: boolean, isEnabled: boolean): ApicInterrupt | null {
    const before = this.isAsserted(pin);
    this.#pins[pin] = level;
    return isEnabled ? this.#raise(pin, before) : null;
  }

  /** A level-triggered interrupt has ended. If it was LINT0's, which asks still, returns what that raises anew. */
  endOfInterrupt(vector: number): ApicInterrupt | null {
    const entry = this.#entries[LVT.lint0];
    if ((entry & ENTRY.remoteIrr) === 0 || (entry & ENTRY.vector) !== vector) return null;
    this.#entries[LVT.lint0] &= ~ENTRY.remoteIrr;
    return this.#raise(0, true);
  }

  save(): DeviceState {
    return { lvt: Array.from(this.#entries), pin0: this.#pins[0], pin1: this.#pins[1] };
  }

  restore(from: StateReader): void {
    this.#entries.set(from.uints('lvt', LVT_ENTRIES, KEPT));
    this.#pins[0] = from.flag('pin0');
    this.#pins[1] = from.flag('pin1');
  }

  /** A pin, or what its entry says of it, is another than when it was asserted or not `before`. */
  #raise(pin: Pin, before: boolean): ApicInterrupt | null {
    const index = LVT.lint0 + pin;
    const entry = this.#entries[index];
    if ((entry & ENTRY.masked) !== 0 || !this.isAsserted(pin)) return null;
    const mode = deliveryMode(entry);
    const vector = entry & ENTRY.vector;
    // LINT1 knows edges only.
    if (mode === DELIVERY.fixed && pin === 0 && (entry & ENTRY.level) !== 0) {
      if ((entry & ENTRY.remoteIrr) !== 0) return null;
      this.#entries[index] |= ENTRY.remoteIrr;
      return { deliveryMode: mode, vector, isLevel: true };
    }
    return before ? null : { deliveryMode: mode, vector, isLevel: false };
  }
}

function pinOf(index: number): Pin | null {
  if (index === LVT.lint0) return 0;
  return index === LVT.lint1 ? 1 : null;
}
