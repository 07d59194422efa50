import type { PortRange } from './bus.ts';
import type { Clock, Device, DeviceState, InterruptLine, PortHandler } from './device.ts';
import { ByteFifo } from './fifo.ts';
import {
  EDSSI,
  ELSI,
  ERBFI,
  ETBEI,
  FCR_CLEAR_RECEIVER,
  FCR_CLEAR_TRANSMITTER,
  FCR_ENABLE,
  IIR_FIFOS,
  IIR_LINE_STATUS,
  IIR_MODEM_STATUS,
  IIR_NONE,
  IIR_RECEIVED,
  IIR_THR_EMPTY,
  IIR_TIMEOUT,
  LCR_DLAB,
  LCR_LENGTH,
  LCR_PARITY,
  LCR_STOP,
  LSR_DATA_READY,
  LSR_OVERRUN,
  LSR_TEMT,
  LSR_THRE,
  MCR_DTR,
  MCR_LOOP,
  MCR_OUT1,
  MCR_OUT2,
  MCR_RTS,
  MCR_WRITABLE,
  MSR_CTS,
  MSR_DCD,
  MSR_DELTA_RI,
  MSR_DSR,
  MSR_RI,
  TERMINAL,
  TRIGGERS,
} from './ns16550.ts';
import { StateReader, saveMoment } from './state.ts';

const NEVER = Number.POSITIVE_INFINITY;
const CRYSTAL = 1_843_200;
const FIFO_SIZE = 16;
const QUEUE_SIZE = 64 * 1024;

/** What the transmitter is doing until the moment in #transmitAt. */
type Transmitter = 'idle' | 'starting' | 'shifting';
const TRANSMITTER: readonly Transmitter[] = ['idle', 'starting', 'shifting'];

export interface UartOptions {
  /** Unique on the board: "uart0". */
  readonly name: string;
  /** First of its eight ports: 0x3f8 for COM1. */
  readonly base: number;
  readonly clock: Clock;
  readonly line: InterruptLine;
  /** Takes each byte as the guest hands it over. */
  readonly onTransmit: (byte: number) => void;
  /**
   * On a PC, OUT2 of the modem control register opens the way of the interrupt to the line. False wires it through, as
   * QEMU does, for guests that rely on that. Default true.
   */
  readonly out2GatesInterrupt?: boolean;
  /** Hertz of the baud rate generator's clock; a PC's is 1.8432 MHz, which is the default. */
  readonly crystal?: number;
}

/**
 * A National NS16550AF UART (datasheet TL/C/8652) with a terminal at the other end, as a PC wires it.
 *
 * Bytes take their time: the baud rate generator's, from divisor and line control. The terminal is polite: it sends at
 * the line rate and waits while the receiver is full, so nothing is lost without loopback. It hears each byte at the
 * moment the guest writes it, not a character time later, so that a guest that turns itself off right after its last
 * line has still said it. There are no parity, framing or break errors. A transmitter that is idle starts after one bit
 * time (tSTI).
 */
export class Uart implements Device, PortHandler {
  readonly name: string;
  readonly ports: readonly PortRange[];
  readonly #base: number;
  readonly #clock: Clock;
  readonly #line: InterruptLine;
  readonly #onTransmit: (byte: number) => void;
  readonly #out2Gates: boolean;

  #ier = 0;
  #lcr = 0;
  #mcr = 0;
  readonly #crystal: number;
  #divisor = 0;
  #scratch = 0;
  #fifos = false;
  #trigger = 1;
  #overrun = false;
  /** Modem inputs and their delta bits, as the register shows them. */
  #msr = TERMINAL;
  /** The transmitter holding register ran empty and nobody has been told. */
  #thrInterrupt = false;

  /** Received, not read. Without FIFOs it holds one byte. */
  readonly #received = new ByteFifo(FIFO_SIZE);
  /** What an empty receiver reads. */
  #lastRead = 0;
  /** When the receive timeout expires; never without FIFOs or data. */
  #timeoutAt = NEVER;
  /** Typed at the terminal, not yet on the line. */
  readonly #queue = new ByteFifo(QUEUE_SIZE);
  /** When the next byte from the terminal has arrived whole. */
  #arrivesAt = NEVER;

  /** Written, not in the shift register. Without FIFOs it holds one byte. */
  readonly #holding = new ByteFifo(FIFO_SIZE);
  #shift = 0;
  #transmitter: Transmitter = 'idle';
  #transmitAt = NEVER;

  #deadline = NEVER;

  constructor(options: UartOptions) {
    this.name = options.name;
    this.#base = options.base;
    this.ports = [[options.base, 8]];
    this.#clock = options.clock;
    this.#line = options.line;
    this.#onTransmit = options.onTransmit;
    this.#crystal = options.crystal ?? CRYSTAL;
    this.#out2Gates = options.out2GatesInterrupt ?? true;
    this.#powerOn();
  }

  /** Types bytes at the terminal. Returns how many fitted into its queue (64 KiB). */
  receive(bytes: Uint8Array): number {
    const now = this.#clock.now();
    this.#sync(now);
    const count = Math.min(bytes.length, this.#queue.room);
    for (let i = 0; i < count; i++) this.#queue.push(bytes[i]);
    this.#sendNext(now);
    this.#settle(now, true);
    return count;
  }

  /** How many more bytes can be typed. */
  get room(): number {
    return this.#queue.room;
  }

  /** What was typed and the guest has not read. */
  get typed(): readonly number[] {
    return [...this.#received.save(), ...this.#queue.save()];
  }

  readPort(port: number): number {
    const now = this.#clock.now();
    this.#sync(now);
    const value = this.#read(port - this.#base, now);
    this.#settle(now, true);
    return value;
  }

  writePort(port: number, value: number): void {
    const now = this.#clock.now();
    this.#sync(now);
    this.#write(port - this.#base, value, now);
    this.#settle(now, true);
  }

  deadline(): number {
    return this.#deadline;
  }

  advance(now: number): void {
    this.#sync(now);
    this.#settle(now, false);
  }

  /** Master reset. The terminal keeps what has been typed. */
  reset(): void {
    this.#powerOn();
    const now = this.#clock.now();
    this.#sendNext(now);
    this.#settle(now, true);
  }

  /** `typed`: as if these bytes were typed now, behind what is already; as many as there is room for. */
  save(typed: readonly number[] = []): DeviceState {
    const queue = [...this.#queue.save(), ...typed];
    const begins = typed.length > 0 && this.#arrivesAt === NEVER && this.#canTake();
    const arrivesAt = begins ? this.#clock.now() + this.#characterTime() : this.#arrivesAt;
    return {
      ier: this.#ier,
      lcr: this.#lcr,
      mcr: this.#mcr,
      divisor: this.#divisor,
      scratch: this.#scratch,
      fifos: this.#fifos,
      trigger: this.#trigger,
      overrun: this.#overrun,
      msr: this.#msr,
      thrInterrupt: this.#thrInterrupt,
      received: this.#received.save(),
      lastRead: this.#lastRead,
      timeoutAt: saveMoment(this.#timeoutAt),
      queue,
      arrivesAt: saveMoment(arrivesAt),
      holding: this.#holding.save(),
      shift: this.#shift,
      transmitter: this.#transmitter,
      transmitAt: saveMoment(this.#transmitAt),
    };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#ier = from.uint('ier', 0x0f);
    this.#lcr = from.byte('lcr');
    this.#mcr = from.uint('mcr', MCR_WRITABLE);
    this.#divisor = from.uint('divisor', 0xffff);
    this.#scratch = from.byte('scratch');
    this.#fifos = from.flag('fifos');
    this.#trigger = from.uint('trigger', 14);
    this.#overrun = from.flag('overrun');
    this.#msr = from.byte('msr');
    this.#thrInterrupt = from.flag('thrInterrupt');
    this.#received.restore(from, 'received');
    this.#lastRead = from.byte('lastRead');
    this.#timeoutAt = from.moment('timeoutAt');
    this.#queue.restore(from, 'queue');
    this.#arrivesAt = from.moment('arrivesAt');
    this.#holding.restore(from, 'holding');
    this.#shift = from.byte('shift');
    this.#transmitter = from.oneOf('transmitter', TRANSMITTER);
    this.#transmitAt = from.moment('transmitAt');
    from.end();
    this.#plan(this.#clock.now(), true);
  }

  /** After master reset, LCR and divisor are what the firmware of a PC leaves: 9600 baud, 8N1. */
  #powerOn(): void {
    this.#ier = 0;
    this.#lcr = 0x03;
    this.#mcr = 0;
    this.#divisor = 12;
    this.#scratch = 0;
    this.#fifos = false;
    this.#trigger = 1;
    this.#overrun = false;
    this.#msr = TERMINAL;
    this.#thrInterrupt = false;
    this.#received.clear();
    this.#lastRead = 0;
    this.#timeoutAt = NEVER;
    this.#arrivesAt = NEVER;
    this.#holding.clear();
    this.#shift = 0;
    this.#transmitter = 'idle';
    this.#transmitAt = NEVER;
  }

  #read(register: number, now: number): number {
    const dlab = (this.#lcr & LCR_DLAB) !== 0;
    switch (register) {
      case 0:
        return dlab ? this.#divisor & 0xff : this.#readReceiver(now);
      case 1:
        return dlab ? this.#divisor >> 8 : this.#ier;
      case 2: {
        const source = this.#source(now);
        if (source === IIR_THR_EMPTY) this.#thrInterrupt = false;
        return source | (this.#fifos ? IIR_FIFOS : 0);
      }
      case 3:
        return this.#lcr;
      case 4:
        return this.#mcr;
      case 5: {
        const status = this.#lineStatus();
        this.#overrun = false;
        return status;
      }
      case 6: {
        const status = this.#msr;
        this.#msr &= 0xf0;
        return status;
      }
      default:
        return this.#scratch;
    }
  }

  #write(register: number, value: number, now: number): void {
    const dlab = (this.#lcr & LCR_DLAB) !== 0;
    switch (register) {
      case 0:
        if (dlab) this.#setDivisor((this.#divisor & 0xff00) | value, now);
        else this.#writeTransmitter(value, now);
        break;
      case 1:
        if (dlab) this.#setDivisor((this.#divisor & 0xff) | (value << 8), now);
        else this.#writeInterruptEnable(value);
        break;
      case 2:
        this.#writeFifoControl(value, now);
        break;
      case 3:
        this.#lcr = value;
        break;
      case 4:
        this.#mcr = value & MCR_WRITABLE;
        this.#updateModemInputs();
        this.#sendNext(now);
        break;
      case 7:
        this.#scratch = value;
        break;
      default:
        break; // LSR is for the factory, MSR read-only
    }
  }

  #loopback(): boolean {
    return (this.#mcr & MCR_LOOP) !== 0;
  }

  /** Nanoseconds of one bit; the generator divides the crystal by 16 times the divisor and stands still at 0. */
  #bitTime(): number {
    return this.#divisor === 0 ? NEVER : (this.#divisor * 16 * 1e9) / this.#crystal;
  }

  /** Whole nanoseconds of a character: start bit, data, parity, one stop bit or more. */
  #characterTime(): number {
    const length = (this.#lcr & LCR_LENGTH) + 5;
    const stop = (this.#lcr & LCR_STOP) === 0 ? 1 : length === 5 ? 1.5 : 2;
    return Math.ceil(this.#bitTime() * (1 + length + ((this.#lcr & LCR_PARITY) !== 0 ? 1 : 0) + stop));
  }

  #dataMask(): number {
    return 0xff >> (3 - (this.#lcr & LCR_LENGTH));
  }

  #capacity(): number {
    return this.#fifos ? FIFO_SIZE : 1;
  }

  /** Does everything that has come due, in the order of time. */
  #sync(now: number): void {
    while (this.#transmitAt <= now || this.#arrivesAt <= now) {
      if (this.#transmitAt <= this.#arrivesAt) this.#stepTransmitter();
      else this.#arrive();
    }
  }

  #stepTransmitter(): void {
    const at = this.#transmitAt;
    const done = this.#transmitter === 'shifting';
    if (done && this.#loopback()) this.#take(this.#shift, at);
    if (this.#holding.length === 0) {
      this.#transmitter = 'idle';
      this.#transmitAt = NEVER;
      return;
    }
    this.#shift = this.#holding.shift();
    this.#transmitter = 'shifting';
    this.#transmitAt = at + this.#characterTime();
    if (this.#holding.length === 0) this.#thrInterrupt = true;
  }

  /** A byte from the terminal is complete. */
  #arrive(): void {
    const at = this.#arrivesAt;
    this.#arrivesAt = NEVER;
    this.#take(this.#queue.shift() & this.#dataMask(), at);
    this.#sendNext(at);
  }

  /** A byte enters the receiver. A full FIFO keeps what it has, a full buffer register is overwritten (overrun error). */
  #take(byte: number, at: number): void {
    if (this.#received.length < this.#capacity()) {
      this.#received.push(byte);
    } else {
      this.#overrun = true;
      if (!this.#fifos) {
        this.#received.clear();
        this.#received.push(byte);
      }
    }
    this.#restartTimeout(at);
  }

  /** The receive timeout: four character times without a byte in or out (datasheet, "FIFO interrupt mode operation"). */
  #restartTimeout(now: number): void {
    this.#timeoutAt = this.#fifos && this.#received.length > 0 ? now + 4 * this.#characterTime() : NEVER;
  }

  /** Lets the terminal start its next byte if it has one, the receiver has room and the loop is open. */
  #sendNext(now: number): void {
    if (this.#loopback()) this.#arrivesAt = NEVER;
    else if (this.#arrivesAt === NEVER && this.#queue.length > 0 && this.#canTake()) {
      this.#arrivesAt = now + this.#characterTime();
    }
  }

  /** Whether the terminal's next byte would find room. */
  #canTake(): boolean {
    return !this.#loopback() && this.#received.length < this.#capacity();
  }

  #readReceiver(now: number): number {
    if (this.#received.length > 0) {
      this.#lastRead = this.#received.shift();
      this.#restartTimeout(now);
      this.#sendNext(now);
    }
    return this.#lastRead;
  }

  #writeTransmitter(value: number, now: number): void {
    this.#thrInterrupt = false;
    const byte = value & this.#dataMask();
    if (this.#fifos && this.#holding.room === 0) return; // lost
    if (!this.#fifos) this.#holding.clear();
    this.#holding.push(byte);
    if (!this.#loopback()) this.#onTransmit(byte);
    if (this.#transmitter === 'idle') {
      this.#transmitter = 'starting';
      this.#transmitAt = now + Math.ceil(this.#bitTime());
    }
  }

  #setDivisor(divisor: number, now: number): void {
    this.#divisor = divisor;
    // A generator that stood still begins a new bit when it is given a rate.
    if (this.#transmitter !== 'idle' && this.#transmitAt === NEVER) {
      this.#transmitAt = now + (this.#transmitter === 'shifting' ? this.#characterTime() : Math.ceil(this.#bitTime()));
    }
    this.#sendNext(now);
  }

  /** Enabling the transmitter interrupt while the holding register is empty raises it. */
  #writeInterruptEnable(value: number): void {
    const enabled = value & ~this.#ier;
    this.#ier = value & 0x0f;
    if ((enabled & ETBEI) !== 0 && this.#holding.length === 0) this.#thrInterrupt = true;
  }

  #writeFifoControl(value: number, now: number): void {
    const enable = (value & FCR_ENABLE) !== 0;
    const changed = enable !== this.#fifos;
    this.#fifos = enable;
    if (changed || (enable && (value & FCR_CLEAR_RECEIVER) !== 0)) this.#received.clear();
    if (changed || (enable && (value & FCR_CLEAR_TRANSMITTER) !== 0)) {
      if (this.#holding.length > 0) this.#thrInterrupt = true;
      this.#holding.clear();
    }
    // The other bits count only while bit 0 is written as one.
    this.#trigger = enable ? TRIGGERS[value >> 6] : 1;
    if (this.#received.length === 0) this.#timeoutAt = NEVER;
    this.#sendNext(now);
  }

  /** In loopback, the modem control outputs are the modem status inputs. */
  #updateModemInputs(): void {
    const mcr = this.#mcr;
    const inputs = this.#loopback()
      ? ((mcr & MCR_RTS) !== 0 ? MSR_CTS : 0) |
        ((mcr & MCR_DTR) !== 0 ? MSR_DSR : 0) |
        ((mcr & MCR_OUT1) !== 0 ? MSR_RI : 0) |
        ((mcr & MCR_OUT2) !== 0 ? MSR_DCD : 0)
      : TERMINAL;
    const changed = inputs ^ (this.#msr & 0xf0);
    // The ring indicator reports only its end (TERI).
    const deltas = ((changed & ~MSR_RI) >> 4) | ((changed & MSR_RI & ~inputs) !== 0 ? MSR_DELTA_RI : 0);
    this.#msr = inputs | (this.#msr & 0x0f) | deltas;
  }

  #lineStatus(): number {
    const empty = this.#holding.length === 0;
    return (
      (this.#received.length > 0 ? LSR_DATA_READY : 0) |
      (this.#overrun ? LSR_OVERRUN : 0) |
      (empty ? LSR_THRE : 0) |
      (empty && this.#transmitter === 'idle' ? LSR_TEMT : 0)
    );
  }

  /** The pending interrupt of highest priority (datasheet, table "Interrupt control functions"). */
  #source(now: number): number {
    const ier = this.#ier;
    if ((ier & ELSI) !== 0 && this.#overrun) return IIR_LINE_STATUS;
    if ((ier & ERBFI) !== 0) {
      // Bit 3 is set whenever a timeout is pending, at the trigger level too.
      if (this.#timeoutAt <= now) return IIR_TIMEOUT;
      if (this.#received.length >= this.#trigger) return IIR_RECEIVED;
    }
    if ((ier & ETBEI) !== 0 && this.#thrInterrupt) return IIR_THR_EMPTY;
    if ((ier & EDSSI) !== 0 && (this.#msr & 0x0f) !== 0) return IIR_MODEM_STATUS;
    return IIR_NONE;
  }

  #settle(now: number, outside: boolean): void {
    // In loopback the OUT2 pin is inactive (datasheet, "Modem control register").
    const open = !this.#out2Gates || (this.#mcr & (MCR_OUT2 | MCR_LOOP)) === MCR_OUT2;
    this.#line.set(open && this.#source(now) !== IIR_NONE);
    this.#plan(now, outside);
  }

  /** The next moment at which an enabled interrupt may come up. With all of them off, reads catch up by themselves. */
  #plan(now: number, outside: boolean): void {
    let deadline = NEVER;
    if (this.#ier !== 0) deadline = Math.min(this.#transmitAt, this.#arrivesAt);
    if ((this.#ier & ERBFI) !== 0 && this.#timeoutAt > now) deadline = Math.min(deadline, this.#timeoutAt);
    if (deadline === this.#deadline) return;
    this.#deadline = deadline;
    if (outside) this.#clock.reschedule();
  }
}
