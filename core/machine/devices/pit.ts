import type { PortRange } from './bus.ts';
import type { Clock, Device, DeviceState, InterruptLine, PortHandler } from './device.ts';
import { I8254Counter } from './i8254.ts';
import { StateReader } from './state.ts';
import { ticksAt, timeOfTick } from './ticks.ts';

/** The PC's timer clock: 14.31818 MHz / 12. */
const HERTZ = 1_193_182;

const COUNTERS = 0x40;
const CONTROL = 0x43;
const PORT_B = 0x61;

/** Bits of port 61h (82371, "NMI status and control"). */
const GATE2 = 0x01;
const PORT_B_WRITABLE = 0x0f;
const REFRESH_TOGGLE = 0x10;
const OUT2 = 0x20;
/** Memory refresh comes every 18 pulses, 15.09 microseconds, whatever counter 1 says. */
const REFRESH_PULSES = 18;

export interface PitOptions {
  readonly clock: Clock;
  /** IRQ 0, driven by OUT 0. */
  readonly line: InterruptLine;
}

/**
 * The 8254 interval timer at 40h-43h and port 61h, which gates counter 2 and shows its output. Counters 0 and 1 have
 * their gates tied high. There is no speaker behind counter 2 yet.
 */
export class Pit implements Device, PortHandler {
  readonly name = 'pit';
  readonly ports: readonly PortRange[] = [
    [COUNTERS, 4],
    [PORT_B, 1],
  ];
  readonly #clock: Clock;
  readonly #line: InterruptLine;
  readonly #counters = [new I8254Counter(true), new I8254Counter(true), new I8254Counter(false)];
  #portB = 0;
  /** Pulse up to which the interrupt line is right. */
  #seen = 0;
  #deadline = Number.POSITIVE_INFINITY;

  constructor(options: PitOptions) {
    this.#clock = options.clock;
    this.#line = options.line;
    this.#powerOn(this.#pulses());
    this.#plan(false);
  }

  readPort(port: number): number {
    const t = this.#pulses();
    if (port === PORT_B) {
      const refresh = Math.floor(t / REFRESH_PULSES) % 2 === 0 ? 0 : REFRESH_TOGGLE;
      return this.#portB | refresh | (this.#counters[2].out(t) ? OUT2 : 0);
    }
    if (port === CONTROL) return 0xff; // no read at this address: the bus floats (datasheet, "Read operations")
    if (port === COUNTERS) this.#drive(t); // reading settles the counter, so the line comes first
    return this.#counters[port - COUNTERS].read(t);
  }

  writePort(port: number, value: number): void {
    const t = this.#pulses();
    if (port === PORT_B) {
      this.#portB = value & PORT_B_WRITABLE;
      this.#counters[2].setGate(t, (value & GATE2) !== 0);
      return;
    }
    this.#drive(t);
    if (port === CONTROL) this.#writeControl(t, value);
    else this.#counters[port - COUNTERS].write(t, value);
    this.#drive(t);
    this.#plan(true);
  }

  deadline(): number {
    return this.#deadline;
  }

  advance(now: number): void {
    this.#drive(ticksAt(now, HERTZ));
    this.#plan(false);
  }

  reset(): void {
    const t = this.#pulses();
    this.#powerOn(t);
    this.#drive(t);
    this.#plan(true);
  }

  save(): DeviceState {
    return { portB: this.#portB, seen: this.#seen, counters: this.#counters.map(counter => counter.save()) };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#portB = from.uint('portB', PORT_B_WRITABLE);
    this.#seen = from.uint('seen', Number.MAX_SAFE_INTEGER);
    from.parts('counters', 3).forEach((part, i) => {
      this.#counters[i].restore(part);
    });
    from.end();
    this.#plan(true);
  }

  #pulses(): number {
    return ticksAt(this.#clock.now(), HERTZ);
  }

  #powerOn(t: number): void {
    this.#portB = 0;
    for (let i = 0; i < 3; i++) this.#counters[i].reset(t, i !== 2);
    this.#seen = t;
  }

  #writeControl(t: number, word: number): void {
    const select = word >> 6;
    if (select === 3) {
      // Read-back: bits 5 and 4 are low to latch count and status, bits 3-1 select the counters.
      for (let i = 0; i < 3; i++) {
        if ((word & (2 << i)) === 0) continue;
        if ((word & 0x20) === 0) this.#counters[i].latchCount(t);
        if ((word & 0x10) === 0) this.#counters[i].latchStatus(t);
      }
    } else if ((word & 0x30) === 0) {
      this.#counters[select].latchCount(t);
    } else {
      this.#counters[select].writeControl(t, word);
    }
  }

  /** Brings IRQ 0 to OUT 0 at `t`; a pulse that began and ended since the last time is not lost. */
  #drive(t: number): void {
    const counter = this.#counters[0];
    const rose = counter.rises(this.#seen, t);
    const out = counter.out(t);
    if (rose) {
      this.#line.set(false);
      this.#line.set(true);
    }
    this.#line.set(out);
    this.#seen = t;
  }

  #plan(outside: boolean): void {
    const deadline = timeOfTick(this.#counters[0].nextEdge(this.#seen), HERTZ);
    if (deadline === this.#deadline) return;
    this.#deadline = deadline;
    if (outside) this.#clock.reschedule();
  }
}
