import type { DeviceState } from './device.ts';
import type { StateReader } from './state.ts';

/** Which initialization word the next write to the odd port is; 'off' until the first ICW1, 'ready' after the last. */
type Step = 'off' | 'icw2' | 'icw3' | 'icw4' | 'ready';
const STEPS: readonly Step[] = ['off', 'icw2', 'icw3', 'icw4', 'ready'];

const ICW1 = 0x10; // in a write to the even port: this is ICW1
const ICW1_IC4 = 0x01;
const ICW1_SNGL = 0x02;
const ICW1_LTIM = 0x08;
const ICW4_AEOI = 0x02;
const ICW4_SFNM = 0x10;
const OCW3 = 0x08; // in a write to the even port: this is OCW3, else OCW2
const OCW3_RIS = 0x01;
const OCW3_RR = 0x02;
const OCW3_POLL = 0x04;
const OCW3_SMM = 0x20;
const OCW3_ESMM = 0x40;

/**
 * One Intel 8259A programmable interrupt controller (datasheet 231468) in 8086 mode, with the edge/level register
 * that PC chipsets add (82371 ELCR). The MCS-80 call sequence does not exist on a PC and is left out.
 */
export class I8259 {
  #step: Step = 'off';
  #icw1 = 0;
  #vectorBase = 0;
  /** ICW3: on a master, the inputs that have a slave behind them. */
  #cascade = 0;
  #icw4 = 0;
  #imr = 0;
  #isr = 0;
  /** The wires as they are now. */
  #levels = 0;
  /** Edges seen and not acknowledged. An input that falls takes its request back (datasheet, "Edge and level triggered modes"). */
  #edges = 0;
  #elcr = 0;
  /** The level of lowest priority; the one after it has the highest. */
  #lowest = 7;
  #rotateOnAutoEoi = false;
  #specialMask = false;
  #readIsr = false;
  #poll = false;

  /** Master reset: the chip waits for ICW1. The wires belong to others and keep their levels. */
  reset(): void {
    this.#step = 'off';
    this.#icw1 = 0;
    this.#vectorBase = 0;
    this.#cascade = 0;
    this.#icw4 = 0;
    this.#elcr = 0;
    this.#forget();
  }

  setInput(level: number, high: boolean): void {
    const bit = 1 << level;
    if (high) {
      if ((this.#levels & bit) === 0) this.#edges |= bit;
      this.#levels |= bit;
    } else {
      this.#levels &= ~bit;
      this.#edges &= ~bit;
    }
  }

  /** The INT pin. */
  pending(): boolean {
    return this.#highest() >= 0;
  }

  /** The interrupt acknowledge cycle: the level that goes into service, or -1 when the request has gone away. */
  acknowledge(): number {
    const level = this.#highest();
    if (level < 0) return -1;
    const bit = 1 << level;
    this.#edges &= ~bit;
    if ((this.#icw4 & ICW4_AEOI) === 0) this.#isr |= bit;
    else if (this.#rotateOnAutoEoi) this.#lowest = level;
    return level;
  }

  /** The vector for a level; a request that has gone away reads as level 7, the spurious interrupt. */
  vector(level: number): number {
    return this.#vectorBase | (level < 0 ? 7 : level);
  }

  /** Whether the next read is an acknowledge cycle. */
  polling(): boolean {
    return this.#poll;
  }

  /** Whether ICW3 says that a slave sits behind this input. */
  hasSlave(level: number): boolean {
    return level >= 0 && (this.#cascade & (1 << level)) !== 0;
  }

  readElcr(): number {
    return this.#elcr;
  }

  writeElcr(value: number): void {
    this.#elcr = value;
  }

  /** A read at A0 = `odd`. The read after a poll command is an acknowledge cycle, at either address. */
  read(odd: boolean): number {
    if (this.#poll) {
      this.#poll = false;
      const level = this.acknowledge();
      return level < 0 ? 0 : 0x80 | level;
    }
    if (odd) return this.#imr;
    return this.#readIsr ? this.#isr : this.#irr();
  }

  write(odd: boolean, value: number): void {
    if (odd) this.#writeOdd(value);
    else if ((value & ICW1) !== 0) this.#initialize(value);
    else if ((value & OCW3) !== 0) this.#writeOcw3(value);
    else this.#writeOcw2(value);
  }

  save(): DeviceState {
    return {
      step: this.#step,
      icw1: this.#icw1,
      vectorBase: this.#vectorBase,
      cascade: this.#cascade,
      icw4: this.#icw4,
      imr: this.#imr,
      isr: this.#isr,
      levels: this.#levels,
      edges: this.#edges,
      elcr: this.#elcr,
      lowest: this.#lowest,
      rotateOnAutoEoi: this.#rotateOnAutoEoi,
      specialMask: this.#specialMask,
      readIsr: this.#readIsr,
      poll: this.#poll,
    };
  }

  restore(from: StateReader): void {
    this.#step = from.oneOf('step', STEPS);
    this.#icw1 = from.byte('icw1');
    this.#vectorBase = from.byte('vectorBase');
    this.#cascade = from.byte('cascade');
    this.#icw4 = from.byte('icw4');
    this.#imr = from.byte('imr');
    this.#isr = from.byte('isr');
    this.#levels = from.byte('levels');
    this.#edges = from.byte('edges');
    this.#elcr = from.byte('elcr');
    this.#lowest = from.uint('lowest', 7);
    this.#rotateOnAutoEoi = from.flag('rotateOnAutoEoi');
    this.#specialMask = from.flag('specialMask');
    this.#readIsr = from.flag('readIsr');
    this.#poll = from.flag('poll');
    from.end();
  }

  #irr(): number {
    const levelTriggered = (this.#icw1 & ICW1_LTIM) !== 0 ? 0xff : this.#elcr;
    return (this.#edges & ~levelTriggered) | (this.#levels & levelTriggered);
  }

  /**
   * The priority resolver: the request that INT stands for, or -1. A level in service holds off itself and everything
   * below; in special mask mode, a masked one holds off nothing; in special fully nested mode, a slave's input does not
   * hold off itself.
   */
  #highest(): number {
    const requests = this.#irr() & ~this.#imr;
    if (requests === 0 || this.#step !== 'ready') return -1;
    const inService = this.#specialMask ? this.#isr & ~this.#imr : this.#isr;
    for (let i = 1; i <= 8; i++) {
      const level = (this.#lowest + i) & 7;
      const bit = 1 << level;
      if ((inService & bit) !== 0) {
        const nested = (this.#icw4 & ICW4_SFNM) !== 0 && (this.#cascade & bit & requests) !== 0;
        return nested ? level : -1;
      }
      if ((requests & bit) !== 0) return level;
    }
    return -1;
  }

  /** What ICW1 clears: edges must come anew, IR7 is lowest, status reads give the IRR (datasheet, "Initialization command words"). */
  #forget(): void {
    this.#imr = 0;
    this.#isr = 0;
    this.#edges = 0;
    this.#lowest = 7;
    this.#rotateOnAutoEoi = false;
    this.#specialMask = false;
    this.#readIsr = false;
    this.#poll = false;
  }

  #initialize(icw1: number): void {
    this.#forget();
    this.#icw1 = icw1;
    if ((icw1 & ICW1_SNGL) !== 0) this.#cascade = 0;
    if ((icw1 & ICW1_IC4) === 0) this.#icw4 = 0;
    this.#step = 'icw2';
  }

  #writeOdd(value: number): void {
    const afterIcw3 = (this.#icw1 & ICW1_IC4) !== 0 ? 'icw4' : 'ready';
    switch (this.#step) {
      case 'icw2':
        this.#vectorBase = value & 0xf8;
        this.#step = (this.#icw1 & ICW1_SNGL) === 0 ? 'icw3' : afterIcw3;
        break;
      case 'icw3':
        this.#cascade = value;
        this.#step = afterIcw3;
        break;
      case 'icw4':
        this.#icw4 = value & 0x1f;
        this.#step = 'ready';
        break;
      case 'off':
      case 'ready':
        this.#imr = value; // OCW1
        break;
    }
  }

  /** OCW2: end of interrupt and rotation, by the bits R, SL, EOI. */
  #writeOcw2(value: number): void {
    const level = value & 7;
    switch (value >> 5) {
      case 0b000:
        this.#rotateOnAutoEoi = false;
        break;
      case 0b100:
        this.#rotateOnAutoEoi = true;
        break;
      case 0b001:
        this.#endHighest();
        break;
      case 0b101: {
        const ended = this.#endHighest();
        if (ended >= 0) this.#lowest = ended;
        break;
      }
      case 0b011:
        this.#isr &= ~(1 << level);
        break;
      case 0b111:
        this.#isr &= ~(1 << level);
        this.#lowest = level;
        break;
      case 0b110:
        this.#lowest = level;
        break;
      case 0b010:
        break; // no operation
    }
  }

  /** Non-specific EOI: ends the highest level in service; in special mask mode, not one that is masked. */
  #endHighest(): number {
    const inService = this.#specialMask ? this.#isr & ~this.#imr : this.#isr;
    for (let i = 1; i <= 8; i++) {
      const level = (this.#lowest + i) & 7;
      if ((inService & (1 << level)) !== 0) {
        this.#isr &= ~(1 << level);
        return level;
      }
    }
    return -1;
  }

  #writeOcw3(value: number): void {
    if ((value & OCW3_ESMM) !== 0) this.#specialMask = (value & OCW3_SMM) !== 0;
    if ((value & OCW3_POLL) !== 0) this.#poll = true;
    else if ((value & OCW3_RR) !== 0) this.#readIsr = (value & OCW3_RIS) !== 0;
  }
}
