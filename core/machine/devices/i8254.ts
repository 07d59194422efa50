import type { DeviceState } from './device.ts';
import { type StateReader, saveMoment } from './state.ts';

const NEVER = Number.POSITIVE_INFINITY;
const LONGEST = Number.MAX_SAFE_INTEGER;

/** Bits of the status byte of the read-back command. */
const STATUS_OUT = 0x80;
const STATUS_NULL_COUNT = 0x40;

/** The six modes; 6 and 7 in the control word are 2 and 3 (datasheet, "Control word format"). */
type Mode = 0 | 1 | 2 | 3 | 4 | 5;
const MODES: readonly Mode[] = [0, 1, 2, 3, 4, 5, 2, 3];

/**
 * One counter of an Intel 8254 (datasheet 231164), as a function of the clock: `t` is always the number of CLK pulses
 * that have come so far, and never decreases from call to call. Nothing is counted down; the state keeps when the count
 * was loaded, and the counting element, OUT and the next edge of OUT follow from that.
 *
 * A count of 1 is illegal in modes 2 and 3; here it keeps OUT high.
 */
export class I8254Counter {
  /** The low six bits of the control word: access (RW1, RW0), mode, BCD. */
  #control = 0;
  #gate: boolean;
  /** The count register: what the next load takes. 1 to 65536 (10000 in BCD). */
  #register = 0x10000;
  #registerFull = false;
  /** Pulse at which the counting element takes the count register. */
  #loadAt = NEVER;
  /** Mode 3: that load comes in the middle of the square wave, so it starts with the low half. */
  #loadsLowHalf = false;
  #nullCount = true;
  /** The count that was loaded; 0 when none has been since the control word. */
  #count = 0;
  /** Pulses counted since the load, up to #since when counting, for good when not. */
  #elapsed = 0;
  #since = 0;
  #counting = false;
  /** Mode 0: the first byte of a new count has come, counting stops and OUT is low until the load. */
  #halted = false;
  /** What the counting element held when the control word came. */
  #residue = 0;
  /** The byte order flip-flops. */
  #writeMsb = false;
  #readMsb = false;
  #writtenLsb = 0;
  /** Latches, -1 when empty. */
  #latchedCount = -1;
  #latchedStatus = -1;

  constructor(gate: boolean) {
    this.#gate = gate;
  }

  /** What the firmware of a PC leaves: mode 3, full count. The chip itself has no reset pin and wakes up undefined. */
  reset(t: number, gate: boolean): void {
    this.#gate = gate;
    this.#count = 0;
    this.#since = 0;
    this.#loadAt = NEVER;
    this.#residue = 0;
    this.writeControl(t, 0x36);
    this.write(t, 0);
    this.write(t, 0);
  }

  /** A control word for this counter that is neither a latch nor a read-back command. */
  writeControl(t: number, word: number): void {
    this.#settle(t);
    this.#residue = this.#element(t);
    this.#control = word & 0x3f;
    this.#registerFull = false;
    this.#loadAt = NEVER;
    this.#loadsLowHalf = false;
    this.#nullCount = true;
    this.#count = 0;
    this.#elapsed = 0;
    this.#counting = false;
    this.#halted = false;
    this.#writeMsb = false;
    this.#readMsb = false;
    this.#latchedCount = -1;
    this.#latchedStatus = -1;
  }

  latchCount(t: number): void {
    this.#settle(t);
    if (this.#latchedCount < 0) this.#latchedCount = this.#reading(t);
  }

  latchStatus(t: number): void {
    this.#settle(t);
    if (this.#latchedStatus >= 0) return;
    const out = this.out(t) ? STATUS_OUT : 0;
    this.#latchedStatus = out | (this.#nullCount ? STATUS_NULL_COUNT : 0) | this.#control;
  }

  /** A byte from the counter's port: the latched status first, then the latched or the running count. */
  read(t: number): number {
    this.#settle(t);
    if (this.#latchedStatus >= 0) {
      const status = this.#latchedStatus;
      this.#latchedStatus = -1;
      return status;
    }
    const value = this.#latchedCount >= 0 ? this.#latchedCount : this.#reading(t);
    const access = this.#control >> 4;
    const msb = access === 2 || (access === 3 && this.#readMsb);
    if (access === 3) this.#readMsb = !this.#readMsb;
    if (access !== 3 || msb) this.#latchedCount = -1;
    return msb ? value >> 8 : value & 0xff;
  }

  /** A byte of a new count. */
  write(t: number, value: number): void {
    this.#settle(t);
    const access = this.#control >> 4;
    if (access === 1) this.#writeCount(t, value);
    else if (access === 2) this.#writeCount(t, value << 8);
    else if (this.#writeMsb) {
      this.#writeMsb = false;
      this.#writeCount(t, (value << 8) | this.#writtenLsb);
    } else {
      this.#writeMsb = true;
      this.#writtenLsb = value;
      if (this.#mode() === 0) {
        this.#freeze(t);
        this.#halted = true;
        this.#loadAt = NEVER;
      }
    }
  }

  /** The GATE input (datasheet, "Gate pin operations summary"). */
  setGate(t: number, level: boolean): void {
    this.#settle(t);
    if (level === this.#gate) return;
    this.#gate = level;
    switch (this.#mode()) {
      case 0:
      case 4:
        if (!level) this.#freeze(t);
        else if (this.#count !== 0 && !this.#halted) this.#resume(t);
        break;
      case 2:
      case 3:
        if (!level) {
          this.#freeze(t);
          if (this.#count !== 0) this.#loadAt = NEVER;
        } else if (this.#registerFull) {
          this.#loadAt = t + 1;
          this.#loadsLowHalf = false;
        }
        break;
      case 1:
      case 5:
        if (level && this.#registerFull) this.#loadAt = t + 1;
        break;
    }
  }

  out(t: number): boolean {
    this.#settle(t);
    const elapsed = this.#elapsedAt(t);
    switch (this.#mode()) {
      case 0:
        return this.#count !== 0 && !this.#halted && elapsed >= this.#count;
      case 1:
        return this.#count === 0 || elapsed >= this.#count;
      case 2:
        return !this.#counting || this.#count === 1 || elapsed % this.#count !== this.#count - 1;
      case 3:
        return !this.#counting || this.#count === 1 || elapsed % this.#count < this.#highHalf();
      case 4:
      case 5:
        return this.#count === 0 || elapsed !== this.#count;
    }
  }

  /** The next pulse after `t` at which OUT may change if nobody writes; Infinity when it will not. */
  nextEdge(t: number): number {
    this.#settle(t);
    return Math.min(this.#nextEdgeOfCount(t), this.#loadAt);
  }

  /** Whether OUT rises at a pulse after `from`, not later than `to`. Settles the counter at `to`. */
  rises(from: number, to: number): boolean {
    let level = this.out(from);
    // After a pending load the wave is regular, so a rise comes within three edges or not at all.
    for (let i = 0, t = from; i < 4; i++) {
      t = this.nextEdge(t);
      if (t > to) return false;
      const next = this.out(t);
      if (next && !level) return true;
      level = next;
    }
    return false;
  }

  save(): DeviceState {
    return {
      control: this.#control,
      gate: this.#gate,
      register: this.#register,
      registerFull: this.#registerFull,
      loadAt: saveMoment(this.#loadAt),
      loadsLowHalf: this.#loadsLowHalf,
      nullCount: this.#nullCount,
      count: this.#count,
      elapsed: this.#elapsed,
      since: this.#since,
      counting: this.#counting,
      halted: this.#halted,
      residue: this.#residue,
      writeMsb: this.#writeMsb,
      readMsb: this.#readMsb,
      writtenLsb: this.#writtenLsb,
      latchedCount: this.#latchedCount,
      latchedStatus: this.#latchedStatus,
    };
  }

  restore(from: StateReader): void {
    this.#control = from.uint('control', 0x3f);
    this.#gate = from.flag('gate');
    this.#register = from.integer('register', 1, 0x10000);
    this.#registerFull = from.flag('registerFull');
    this.#loadAt = from.moment('loadAt');
    this.#loadsLowHalf = from.flag('loadsLowHalf');
    this.#nullCount = from.flag('nullCount');
    this.#count = from.uint('count', 0x10000);
    this.#elapsed = from.uint('elapsed', LONGEST);
    this.#since = from.uint('since', LONGEST);
    this.#counting = from.flag('counting');
    this.#halted = from.flag('halted');
    this.#residue = from.uint('residue', 0xffff);
    this.#writeMsb = from.flag('writeMsb');
    this.#readMsb = from.flag('readMsb');
    this.#writtenLsb = from.byte('writtenLsb');
    this.#latchedCount = from.integer('latchedCount', -1, 0xffff);
    this.#latchedStatus = from.integer('latchedStatus', -1, 0xff);
    from.end();
  }

  #mode(): Mode {
    return MODES[(this.#control >> 1) & 7];
  }

  #bcd(): boolean {
    return (this.#control & 1) !== 0;
  }

  /** A whole new count: who takes it when depends on the mode (datasheet, "Mode definitions"). */
  #writeCount(t: number, raw: number): void {
    const value = this.#bcd() ? fromBcd(raw) : raw;
    this.#register = value === 0 ? this.#modulus() : value;
    this.#registerFull = true;
    this.#nullCount = true;
    switch (this.#mode()) {
      case 0:
      case 4:
        this.#loadAt = t + 1;
        break;
      case 2:
        if (this.#count === 0) this.#loadAt = t + 1;
        else if (this.#counting) this.#loadAt = t + this.#count - (this.#elapsedAt(t) % this.#count);
        break;
      case 3:
        if (this.#count === 0) this.#loadAt = t + 1;
        else if (this.#counting) {
          const phase = this.#elapsedAt(t) % this.#count;
          const high = phase < this.#highHalf();
          this.#loadsLowHalf = high && this.#count > 1;
          this.#loadAt = t + (high ? this.#highHalf() : this.#count) - phase;
        }
        break;
      case 1:
      case 5:
        break; // waits for the trigger
    }
  }

  /** Does a load that has come due. */
  #settle(t: number): void {
    if (this.#loadAt > t) return;
    const triggered = this.#mode() === 1 || this.#mode() === 5;
    this.#count = this.#register;
    this.#elapsed = this.#loadsLowHalf ? this.#highHalf() : 0;
    this.#since = this.#loadAt;
    this.#counting = triggered || this.#gate;
    this.#loadAt = NEVER;
    this.#loadsLowHalf = false;
    this.#nullCount = false;
    this.#halted = false;
  }

  #freeze(t: number): void {
    this.#elapsed = this.#elapsedAt(t);
    this.#counting = false;
  }

  #resume(t: number): void {
    this.#since = t;
    this.#counting = true;
  }

  #elapsedAt(t: number): number {
    return this.#counting ? this.#elapsed + t - this.#since : this.#elapsed;
  }

  /** Pulses of the high half of mode 3's square wave: an odd count gives it the extra one. */
  #highHalf(): number {
    return (this.#count + 1) >> 1;
  }

  #modulus(): number {
    return this.#bcd() ? 10_000 : 0x10000;
  }

  #nextEdgeOfCount(t: number): number {
    if (this.#count === 0 || !this.#counting) return NEVER;
    const elapsed = this.#elapsedAt(t);
    switch (this.#mode()) {
      case 0:
      case 1:
        return elapsed < this.#count ? t + this.#count - elapsed : NEVER;
      case 2: {
        if (this.#count === 1) return NEVER;
        const phase = elapsed % this.#count;
        return phase < this.#count - 1 ? t + this.#count - 1 - phase : t + 1;
      }
      case 3: {
        if (this.#count === 1) return NEVER;
        const phase = elapsed % this.#count;
        return phase < this.#highHalf() ? t + this.#highHalf() - phase : t + this.#count - phase;
      }
      case 4:
      case 5:
        return elapsed < this.#count ? t + this.#count - elapsed : elapsed === this.#count ? t + 1 : NEVER;
    }
  }

  /** The counting element as the port shows it: 16 bits, four digits in BCD. */
  #reading(t: number): number {
    const value = this.#element(t);
    return this.#bcd() ? toBcd(value) : value;
  }

  /** The counting element, 0 to modulus - 1 (the full count shows as 0). */
  #element(t: number): number {
    // Until its first load, up to a pulse away, the element holds no count of its own. A pending one already shows: kernels
    // expect it, since on a PC a bus cycle takes longer than a pulse.
    if (this.#count === 0) return (this.#loadAt === NEVER ? this.#residue : this.#register) % this.#modulus();
    const elapsed = this.#elapsedAt(t);
    const modulus = this.#modulus();
    switch (this.#mode()) {
      case 0:
      case 1:
      case 4:
      case 5: {
        const left = (this.#count - elapsed) % modulus;
        return left < 0 ? left + modulus : left;
      }
      case 2:
        return (this.#count - (elapsed % this.#count)) % modulus;
      case 3: {
        // By twos from the count, less one if odd, in each half.
        const phase = elapsed % this.#count;
        const steps = phase < this.#highHalf() ? phase : phase - this.#highHalf();
        return ((this.#count & ~1) - 2 * steps) % modulus;
      }
    }
  }
}

function fromBcd(raw: number): number {
  return ((raw >> 12) * 1000 + ((raw >> 8) & 15) * 100 + ((raw >> 4) & 15) * 10 + (raw & 15)) % 10_000;
}

function toBcd(value: number): number {
  const thousands = Math.floor(value / 1000);
  const hundreds = Math.floor(value / 100) % 10;
  const tens = Math.floor(value / 10) % 10;
  return (thousands << 12) | (hundreds << 8) | (tens << 4) | (value % 10);
}
