import type { PortRange } from './bus.ts';
import { type CalendarTime, calendarOf, later } from './calendar.ts';
import type { Clock, Device, DeviceState, InterruptLine, PortHandler } from './device.ts';
import { StateReader } from './state.ts';
import { ticksAt, timeOfTick } from './ticks.ts';

const INDEX = 0x70;
const NMI_MASK = 0x80;
/** The crystal of a PC's clock. */
const HERTZ = 32_768;

/** The registers, by index (MC146818A datasheet, "Address map"); CENTURY and the sizes are the PC's use of the RAM. */
const SECONDS = 0x00;
const SECONDS_ALARM = 0x01;
const MINUTES = 0x02;
const MINUTES_ALARM = 0x03;
const HOURS = 0x04;
const HOURS_ALARM = 0x05;
const WEEKDAY = 0x06;
const DAY = 0x07;
const MONTH = 0x08;
const YEAR = 0x09;
const REGISTER_A = 0x0a;
const REGISTER_B = 0x0b;
const REGISTER_C = 0x0c;
const REGISTER_D = 0x0d;
const EQUIPMENT = 0x14;
const BASE_MEMORY = 0x15;
const EXTENDED_MEMORY = 0x17;
const EXTENDED_MEMORY_BY_TEST = 0x30;
const CENTURY = 0x32;
const MEMORY_ABOVE_16M = 0x34;

/** Register A. */
const UIP = 0x80;
const DIVIDER = 0x70;
const DIVIDER_32K = 0x20;
const RATE = 0x0f;
/** Register B; the interrupt enables have the places of their flags in register C. */
const SET = 0x80;
const PIE_PF = 0x40;
const AIE_AF = 0x20;
const UIE_UF = 0x10;
const SQWE = 0x08;
const BINARY = 0x04;
const HOURS_24 = 0x02;
/** Register C. */
const IRQF = 0x80;
/** Register D: the battery is good. */
const VRT = 0x80;

/** In an hours register, 12-hour mode. */
const PM = 0x80;
/** An alarm byte from C0h to FFh matches always. */
const ALARM_ANY = 0xc0;

/** UIP goes up 244 us before an update cycle of 1984 us (datasheet, "Update cycle"): 8 and 65 crystal pulses. */
const UPDATE_PULSES = 8 + 65;
/** The first update comes half a second after the divider has been let go. */
const DIVIDER_RELEASE = HERTZ / 2;

export interface RtcOptions {
  readonly clock: Clock;
  /** IRQ 8. */
  readonly line: InterruptLine;
  /** What the clock shows at virtual time 0: seconds since 1970-01-01 00:00:00 UTC. */
  readonly startTime: number;
  /** Installed RAM, from which the firmware's size bytes in CMOS follow. */
  readonly memoryBytes: number;
}

/**
 * The MC146818A real-time clock and CMOS RAM behind ports 70h and 71h; bit 7 of port 70h masks the NMI. The date and
 * time registers are real bytes; the seconds that have passed are added when somebody looks or an interrupt is due.
 * The daylight saving bit is kept and does nothing. Only the 32,768 Hz divider setting runs the clock.
 */
export class Rtc implements Device, PortHandler {
  readonly name = 'rtc';
  readonly ports: readonly PortRange[] = [[INDEX, 2]];
  readonly #clock: Clock;
  readonly #line: InterruptLine;
  readonly #bytes = new Uint8Array(128);
  #index = 0;
  #nmiMasked = false;
  /** Crystal pulse up to which the registers are right. */
  #seen = 0;
  /** What the divider was ahead of the crystal at pulse 0: their sum is a multiple of 32,768 when a second ends. */
  #phase = 0;
  #deadline = Number.POSITIVE_INFINITY;

  constructor(options: RtcOptions) {
    this.#clock = options.clock;
    this.#line = options.line;
    this.#bytes[REGISTER_A] = DIVIDER_32K | 6;
    this.#bytes[REGISTER_B] = HOURS_24;
    this.#bytes[REGISTER_D] = VRT;
    this.#storeTime(calendarOf(Math.floor(options.startTime)));
    this.#bytes[EQUIPMENT] = 0x02; // a coprocessor, no floppy drive
    this.#storeMemorySize(options.memoryBytes);
  }

  /** Bit 7 of the last write to port 70h: NMI does not reach the processor. */
  get nmiMasked(): boolean {
    return this.#nmiMasked;
  }

  readPort(port: number): number {
    if (port === INDEX) return 0xff; // write-only
    this.#sync(this.#clock.now());
    const index = this.#index;
    if (index === REGISTER_A) return this.#bytes[REGISTER_A] | (this.#updateInProgress() ? UIP : 0);
    const value = this.#bytes[index];
    if (index === REGISTER_C) {
      this.#bytes[REGISTER_C] = 0;
      this.#settle(true);
    }
    return value;
  }

  writePort(port: number, value: number): void {
    if (port === INDEX) {
      this.#index = value & 0x7f;
      this.#nmiMasked = (value & NMI_MASK) !== 0;
      return;
    }
    this.#sync(this.#clock.now());
    switch (this.#index) {
      case REGISTER_A:
        this.#writeRegisterA(value & ~UIP);
        break;
      case REGISTER_B:
        // A SET that goes high clears UIE (datasheet, "Register B").
        this.#bytes[REGISTER_B] = (value & ~this.#bytes[REGISTER_B] & SET) !== 0 ? value & ~UIE_UF : value;
        break;
      case REGISTER_C:
      case REGISTER_D:
        break; // read-only
      default:
        this.#bytes[this.#index] = value;
    }
    this.#settle(true);
  }

  deadline(): number {
    return this.#deadline;
  }

  advance(now: number): void {
    this.#sync(now);
    this.#settle(false);
  }

  /** The RESET pin: interrupts go off. Time and RAM live on the battery. */
  reset(): void {
    this.#sync(this.#clock.now());
    this.#index = 0;
    this.#nmiMasked = false;
    this.#bytes[REGISTER_B] &= ~(PIE_PF | AIE_AF | UIE_UF | SQWE);
    this.#bytes[REGISTER_C] = 0;
    this.#settle(true);
  }

  save(): DeviceState {
    return {
      bytes: Array.from(this.#bytes),
      index: this.#index,
      nmiMasked: this.#nmiMasked,
      seen: this.#seen,
      phase: this.#phase,
    };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#bytes.set(from.bytes('bytes', 128, 128));
    this.#index = from.uint('index', 0x7f);
    this.#nmiMasked = from.flag('nmiMasked');
    this.#seen = from.uint('seen', Number.MAX_SAFE_INTEGER);
    this.#phase = from.uint('phase', HERTZ - 1);
    from.end();
    this.#plan(true);
  }

  #running(): boolean {
    return (this.#bytes[REGISTER_A] & DIVIDER) === DIVIDER_32K;
  }

  #updating(): boolean {
    return this.#running() && (this.#bytes[REGISTER_B] & SET) === 0;
  }

  #updateInProgress(): boolean {
    return this.#updating() && (this.#seen + this.#phase) % HERTZ >= HERTZ - UPDATE_PULSES;
  }

  /** Crystal pulses between periodic interrupts, 0 for none (datasheet, table 5). */
  #period(): number {
    const rate = this.#bytes[REGISTER_A] & RATE;
    if (rate === 0) return 0;
    return 1 << (rate < 3 ? rate + 6 : rate - 1);
  }

  #writeRegisterA(value: number): void {
    const was = this.#running();
    this.#bytes[REGISTER_A] = value;
    if (!was && this.#running()) this.#phase = (DIVIDER_RELEASE + HERTZ - (this.#seen % HERTZ)) % HERTZ;
  }

  /** Brings the registers to now: flags of what has happened, and the seconds that have passed. */
  #sync(time: number): void {
    const now = ticksAt(time, HERTZ);
    // A board that has been switched off and on counts from zero; the divider on its battery keeps its phase.
    if (now < this.#seen) this.#phase = (this.#phase + this.#seen - now) % HERTZ;
    const from = this.#seen + this.#phase;
    const to = now + this.#phase;
    this.#seen = now;
    if (!this.#running() || to <= from) return;
    const period = this.#period();
    if (period !== 0 && Math.floor(to / period) > Math.floor(from / period)) this.#bytes[REGISTER_C] |= PIE_PF;
    const seconds = Math.floor(to / HERTZ) - Math.floor(from / HERTZ);
    if (seconds === 0 || !this.#updating()) return;
    this.#bytes[REGISTER_C] |= UIE_UF;
    if (this.#secondsToAlarm() <= seconds) this.#bytes[REGISTER_C] |= AIE_AF;
    this.#storeTime(later(this.#time(), seconds));
  }

  #settle(outside: boolean): void {
    const raised = this.#bytes[REGISTER_C] & this.#bytes[REGISTER_B] & (PIE_PF | AIE_AF | UIE_UF);
    if (raised !== 0) this.#bytes[REGISTER_C] |= IRQF;
    else this.#bytes[REGISTER_C] &= ~IRQF;
    this.#line.set(raised !== 0);
    this.#plan(outside);
  }

  /** The next moment at which an enabled flag that is still down will go up. */
  #plan(outside: boolean): void {
    const deadline = timeOfTick(this.#nextInterrupt(), HERTZ);
    if (deadline === this.#deadline) return;
    this.#deadline = deadline;
    if (outside) this.#clock.reschedule();
  }

  #nextInterrupt(): number {
    const wanted = this.#bytes[REGISTER_B] & ~this.#bytes[REGISTER_C];
    let next = Number.POSITIVE_INFINITY;
    if (!this.#running()) return next;
    const divider = this.#seen + this.#phase;
    const period = this.#period();
    if ((wanted & PIE_PF) !== 0 && period !== 0) next = (Math.floor(divider / period) + 1) * period;
    if (this.#updating()) {
      const second = Math.floor(divider / HERTZ);
      if ((wanted & UIE_UF) !== 0) next = Math.min(next, (second + 1) * HERTZ);
      if ((wanted & AIE_AF) !== 0) next = Math.min(next, (second + this.#secondsToAlarm()) * HERTZ);
    }
    return next - this.#phase;
  }

  /** How many updates until the alarm matches, 1 to 86,400; Infinity when its bytes match no time. */
  #secondsToAlarm(): number {
    const { hour, minute, second } = this.#time();
    const start = (hour * 60 + minute) * 60 + second;
    for (let wait = 1; wait <= 86_400; ) {
      const time = (start + wait) % 86_400;
      const secondOfHour = time % 3600;
      if (!this.#alarmMatches(HOURS_ALARM, this.#encodeHour(Math.floor(time / 3600)))) wait += 3600 - secondOfHour;
      else if (!this.#alarmMatches(MINUTES_ALARM, this.#encode(Math.floor(secondOfHour / 60))))
        wait += 60 - (time % 60);
      else if (!this.#alarmMatches(SECONDS_ALARM, this.#encode(time % 60))) wait++;
      else return wait;
    }
    return Number.POSITIVE_INFINITY;
  }

  #alarmMatches(index: number, time: number): boolean {
    const alarm = this.#bytes[index];
    return alarm === time || (alarm & ALARM_ANY) === ALARM_ANY;
  }

  #time(): CalendarTime {
    const bytes = this.#bytes;
    return {
      year: this.#decode(bytes[CENTURY]) * 100 + this.#decode(bytes[YEAR]),
      month: this.#decode(bytes[MONTH]),
      day: this.#decode(bytes[DAY]),
      weekday: this.#decode(bytes[WEEKDAY]),
      hour: this.#decodeHour(bytes[HOURS]),
      minute: this.#decode(bytes[MINUTES]),
      second: this.#decode(bytes[SECONDS]),
    };
  }

  #storeTime(time: CalendarTime): void {
    const bytes = this.#bytes;
    bytes[SECONDS] = this.#encode(time.second);
    bytes[MINUTES] = this.#encode(time.minute);
    bytes[HOURS] = this.#encodeHour(time.hour);
    bytes[WEEKDAY] = this.#encode(time.weekday);
    bytes[DAY] = this.#encode(time.day);
    bytes[MONTH] = this.#encode(time.month);
    bytes[YEAR] = this.#encode(time.year % 100);
    bytes[CENTURY] = this.#encode(Math.floor(time.year / 100) % 100);
  }

  #encode(value: number): number {
    return (this.#bytes[REGISTER_B] & BINARY) !== 0 ? value : (Math.floor(value / 10) << 4) | (value % 10);
  }

  #decode(byte: number): number {
    return (this.#bytes[REGISTER_B] & BINARY) !== 0 ? byte : (byte >> 4) * 10 + (byte & 15);
  }

  #encodeHour(hour: number): number {
    if ((this.#bytes[REGISTER_B] & HOURS_24) !== 0) return this.#encode(hour);
    return this.#encode(hour % 12 === 0 ? 12 : hour % 12) | (hour >= 12 ? PM : 0);
  }

  #decodeHour(byte: number): number {
    if ((this.#bytes[REGISTER_B] & HOURS_24) !== 0) return this.#decode(byte);
    return (this.#decode(byte & ~PM) % 12) + ((byte & PM) !== 0 ? 12 : 0);
  }

  /** What the firmware leaves about memory: KiB below 640K, KiB above 1M (twice, at most 63M), 64 KiB units above 16M. */
  #storeMemorySize(memoryBytes: number): void {
    const kib = Math.floor(memoryBytes / 1024);
    const extended = Math.min(Math.max(kib - 1024, 0), 0xffff);
    this.#storeWord(BASE_MEMORY, Math.min(kib, 640));
    this.#storeWord(EXTENDED_MEMORY, extended);
    this.#storeWord(EXTENDED_MEMORY_BY_TEST, extended);
    this.#storeWord(MEMORY_ABOVE_16M, Math.min(Math.max(Math.floor((kib - 16_384) / 64), 0), 0xffff));
  }

  #storeWord(index: number, value: number): void {
    this.#bytes[index] = value & 0xff;
    this.#bytes[index + 1] = value >> 8;
  }
}
