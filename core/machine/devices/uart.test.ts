import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bench, checkRestore, checkSnapshots, type MakeSubject, TestLine } from './testing/bench.ts';
import { Uart, type UartOptions } from './uart.ts';

const BASE = 0x3f8;
/** One 8N1 character at 115,200 baud, rounded up to a nanosecond, and one bit. */
const CHARACTER = 86_806;
const BIT = 8_681;

function maker(options: Partial<UartOptions> = {}): MakeSubject {
  return clock => {
    const line = new TestLine(clock);
    const said: string[] = [];
    const device = new Uart({
      name: 'uart0',
      base: BASE,
      clock,
      line,
      onTransmit: byte => said.push(String.fromCharCode(byte)),
      ...options,
    });
    const poke = (number: number) => device.receive(Uint8Array.from({ length: number % 40 }, (_, i) => number + i));
    return { device, lines: [line], said, poke };
  };
}

class UartBench extends Bench {
  readonly uart: Uart;

  constructor(options: Partial<UartOptions> = {}) {
    super(maker(options));
    const { device } = this.subject;
    if (!(device instanceof Uart)) throw new Error('no UART');
    this.uart = device;
  }

  get(register: number): number {
    return this.in(BASE + register);
  }

  set(register: number, value: number): void {
    this.out(BASE + register, value);
  }

  /** As a driver opens it: divisor, 8N1, FIFOs with a trigger of 8 unless said, DTR, RTS, OUT2. */
  open(ier = 0, fcr = 0x87, divisor = 1): this {
    this.set(3, 0x83);
    this.set(0, divisor & 0xff);
    this.set(1, divisor >> 8);
    this.set(3, 0x03);
    this.set(2, fcr);
    this.set(4, 0x0b);
    this.set(1, ier);
    return this;
  }

  type(text: string): number {
    const taken = this.uart.receive(new TextEncoder().encode(text));
    this.checkDeadline();
    return taken;
  }

  get said(): string {
    return this.subject.said.join('');
  }

  get irq(): boolean {
    return this.subject.lines[0].level;
  }
}

describe('16550A registers', () => {
  test('after reset', () => {
    const bench = new UartBench();
    expect([1, 2, 3, 4, 5, 6, 7].map(register => bench.get(register))).toEqual([0, 0x01, 0x03, 0, 0x60, 0xb0, 0]);
  });

  test('Linux finds a 16550A: IER, scratch, FIFOs, loopback, no extensions', () => {
    const bench = new UartBench();
    bench.set(1, 0x0f);
    expect(bench.get(1)).toBe(0x0f);
    bench.set(1, 0xf0);
    expect(bench.get(1)).toBe(0x00);
    bench.set(4, 0x1a); // loopback with RTS and OUT2
    expect(bench.get(6) & 0xf0).toBe(0x90);
    bench.set(4, 0x00);
    bench.set(2, 0x01);
    expect(bench.get(2) >> 6).toBe(3);
    bench.set(3, 0xbf);
    expect(bench.get(2)).not.toBe(0); // no enhanced features register
    bench.set(3, 0x83);
    bench.set(2, 0x21);
    expect(bench.get(2) & 0x20).toBe(0); // no 64-byte FIFO
    bench.set(3, 0x03);
    bench.set(7, 0xa5);
    expect(bench.get(7)).toBe(0xa5);
    bench.set(2, 0x00);
    expect(bench.get(2) >> 6).toBe(0);
  });

  test('the divisor hides behind DLAB', () => {
    const bench = new UartBench();
    bench.set(3, 0x80);
    expect(bench.get(0) | (bench.get(1) << 8)).toBe(12);
    bench.set(0, 0x34);
    bench.set(1, 0x12);
    expect(bench.get(0) | (bench.get(1) << 8)).toBe(0x1234);
    bench.set(3, 0x03);
    expect(bench.get(1)).toBe(0);
    expect(bench.said).toBe('');
  });
});

describe('16550A transmitter', () => {
  test('a byte: holding register for a bit time, shift register for a character', () => {
    const bench = new UartBench().open(0, 0);
    bench.set(0, 0x41);
    expect(bench.said).toBe('A');
    expect(bench.get(5) & 0x60).toBe(0x00);
    bench.wait(BIT);
    expect(bench.get(5) & 0x60).toBe(0x20);
    bench.wait(CHARACTER - 1);
    expect(bench.get(5) & 0x60).toBe(0x20);
    bench.wait(1);
    expect(bench.get(5) & 0x60).toBe(0x60);
  });

  test('polled output runs at the line rate', () => {
    const bench = new UartBench().open(0, 0, 12);
    for (const byte of new TextEncoder().encode('Hello, world!')) {
      while ((bench.get(5) & 0x20) === 0) bench.wait(10_000);
      bench.set(0, byte);
    }
    while ((bench.get(5) & 0x40) === 0) bench.wait(10_000);
    expect(bench.said).toBe('Hello, world!');
    expect(bench.clock.time / 1e6).toBeCloseTo(13 * (10 / 9600) * 1000, 0);
  });

  test('16 bytes fit into the FIFO, and THRE interrupts when they have gone', () => {
    const bench = new UartBench().open(0x02);
    expect(bench.irq).toBe(true);
    expect(bench.get(2)).toBe(0xc2);
    expect(bench.irq).toBe(false);
    expect(bench.get(2)).toBe(0xc1);
    for (let i = 0; i < 16; i++) bench.set(0, 0x61 + i);
    expect(bench.get(5) & 0x60).toBe(0);
    bench.wait(BIT + 15 * CHARACTER - 1);
    expect(bench.irq).toBe(false);
    bench.wait(1);
    expect(bench.irq).toBe(true);
    expect(bench.get(5) & 0x60).toBe(0x20);
    expect(bench.said).toBe('abcdefghijklmnop');
    bench.set(0, 0x21); // writing acknowledges too
    expect(bench.irq).toBe(false);
  });

  test('a full FIFO loses what is written to it', () => {
    const bench = new UartBench().open();
    for (let i = 0; i < 18; i++) bench.set(0, 0x61 + i);
    expect(bench.said).toBe('abcdefghijklmnop');
  });

  test('enabling the interrupt again while THRE is up raises it again', () => {
    const bench = new UartBench().open(0x02);
    bench.get(2);
    bench.set(1, 0);
    bench.set(1, 2);
    expect(bench.get(2) & 0x0f).toBe(0x02);
    bench.set(1, 2);
    expect(bench.get(2) & 0x0f).toBe(0x01);
  });

  test('a short word has fewer bits and takes less time', () => {
    const bench = new UartBench().open(0, 0);
    bench.set(3, 0x00); // 5N1
    bench.set(0, 0xff);
    expect(bench.subject.said).toEqual(['\x1f']);
    bench.wait(BIT + 60_763);
    expect(bench.get(5) & 0x40).toBe(0);
    bench.wait(1);
    expect(bench.get(5) & 0x40).toBe(0x40);
  });

  test('without a rate nothing moves', () => {
    const bench = new UartBench().open(2, 0, 0);
    bench.set(0, 0x41);
    bench.wait(1e9);
    expect(bench.get(5) & 0x60).toBe(0);
    expect(bench.subject.device.deadline()).toBe(Number.POSITIVE_INFINITY);
    bench.set(3, 0x83);
    bench.set(0, 1);
    bench.set(3, 0x03);
    bench.wait(1e6);
    expect(bench.get(5) & 0x60).toBe(0x60);
  });
});

describe('16550A receiver', () => {
  test('bytes arrive at the line rate', () => {
    const bench = new UartBench().open(0x01, 0);
    bench.type('ab');
    bench.wait(CHARACTER - 1);
    expect([bench.get(5) & 1, bench.irq]).toEqual([0, false]);
    bench.wait(1);
    expect([bench.get(5) & 1, bench.irq]).toEqual([1, true]);
    expect(bench.get(2)).toBe(0x04);
    expect(bench.get(0)).toBe(0x61);
    expect([bench.get(5) & 1, bench.irq]).toEqual([0, false]);
    bench.wait(CHARACTER);
    expect(bench.get(0)).toBe(0x62);
    bench.wait(CHARACTER);
    expect(bench.get(5) & 1).toBe(0);
    expect(bench.get(0)).toBe(0x62);
  });

  test('nothing is lost, however slow the reader, and the order stays', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 80 }),
        fc.nat(2_000_000),
        fc.constantFrom(0, 0x01, 0xc7),
        (text, pause, fcr) => {
          const bench = new UartBench().open(0, fcr);
          const bytes = new TextEncoder().encode(text);
          bench.type(text);
          const got: number[] = [];
          for (let i = 0; i < 10_000 && got.length < bytes.length; i++) {
            bench.wait(pause + 1000);
            const status = bench.get(5);
            expect(status & 0x02).toBe(0);
            if ((status & 0x01) !== 0) got.push(bench.get(0));
          }
          expect(got).toEqual(Array.from(bytes));
        },
      ),
      { numRuns: 30 },
    );
  });

  test('the trigger level interrupts, the rest comes by timeout', () => {
    const bench = new UartBench().open(0x01);
    bench.type('0123456789');
    bench.wait(7 * CHARACTER);
    expect(bench.irq).toBe(false);
    bench.wait(CHARACTER);
    expect([bench.irq, bench.get(2)]).toEqual([true, 0xc4]);
    for (let i = 0; i < 8; i++) bench.get(0);
    expect(bench.irq).toBe(false);
    bench.wait(2 * CHARACTER);
    expect(bench.irq).toBe(false);
    bench.wait(4 * CHARACTER - 1);
    expect(bench.irq).toBe(false);
    bench.wait(1);
    expect([bench.irq, bench.get(2)]).toEqual([true, 0xcc]);
    expect(bench.get(0)).toBe(0x38);
    expect([bench.irq, bench.get(2)]).toEqual([false, 0xc1]);
    expect(bench.get(0)).toBe(0x39);
    bench.wait(1e9);
    expect(bench.irq).toBe(false);
  });

  test('the queue is bounded and says what it took', () => {
    const bench = new UartBench().open();
    expect(bench.uart.receive(new Uint8Array(70_000))).toBe(65_536);
    expect(bench.uart.receive(new Uint8Array(1))).toBe(0);
    bench.checkDeadline();
    bench.wait(20 * CHARACTER);
    expect(bench.uart.receive(new Uint8Array(100))).toBe(16);
  });

  test('clearing the receiver FIFO makes room for what waits', () => {
    const bench = new UartBench().open();
    bench.type('0123456789abcdefXY');
    bench.wait(1e9);
    bench.set(2, 0x83);
    expect(bench.get(5) & 1).toBe(0);
    bench.wait(CHARACTER);
    expect(bench.get(0)).toBe(0x58);
  });
});

describe('16550A interrupts and modem', () => {
  test('OUT2 opens the way to the line; the identification shows the interrupt anyway', () => {
    const bench = new UartBench().open(0x02);
    expect(bench.irq).toBe(true);
    bench.set(4, 0x03);
    expect(bench.irq).toBe(false);
    bench.set(4, 0x0b);
    expect(bench.irq).toBe(true);
    bench.set(4, 0x1b); // loopback takes the pin away
    expect(bench.irq).toBe(false);
    expect(bench.get(2) & 0x0f).toBe(0x02);
  });

  test('without the gate the line follows the interrupt', () => {
    const bench = new UartBench({ out2GatesInterrupt: false }).open(0x02);
    bench.set(4, 0x00);
    expect(bench.irq).toBe(true);
  });

  test('priorities: line status, received data, THRE, modem status', () => {
    const bench = new UartBench().open(0x00, 0);
    bench.set(4, 0x10); // loopback: all modem inputs fall
    bench.set(0, 0x41);
    bench.wait(2 * CHARACTER);
    bench.set(0, 0x42); // overruns 41
    bench.wait(2 * CHARACTER);
    bench.set(1, 0x0f);
    expect(bench.get(2)).toBe(0x06);
    expect(bench.get(5)).toBe(0x63);
    expect(bench.get(2)).toBe(0x04);
    expect(bench.get(0)).toBe(0x42);
    expect(bench.get(2)).toBe(0x02);
    expect(bench.get(2)).toBe(0x00);
    expect(bench.get(6)).toBe(0x0b);
    expect(bench.get(2)).toBe(0x01);
    expect(bench.said).toBe('');
  });

  test('an overrun with FIFOs keeps what was there', () => {
    const bench = new UartBench().open();
    bench.set(4, 0x10);
    for (let i = 0; i < 20; i++) {
      bench.set(0, i);
      bench.wait(2 * CHARACTER);
    }
    expect(bench.get(5)).toBe(0x63);
    expect(bench.get(5)).toBe(0x61);
    expect(Array.from({ length: 16 }, () => bench.get(0))).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(bench.get(5)).toBe(0x60);
  });

  test('the terminal waits during loopback', () => {
    const bench = new UartBench().open();
    bench.set(4, 0x1b);
    bench.type('x');
    bench.wait(1e9);
    expect(bench.get(5) & 1).toBe(0);
    bench.set(4, 0x0b);
    bench.wait(CHARACTER);
    expect(bench.get(0)).toBe(0x78);
  });

  test('modem inputs in loopback and their deltas', () => {
    const bench = new UartBench();
    bench.set(4, 0x1f);
    bench.get(6);
    const answer = (mcr: number) => {
      bench.set(4, mcr);
      return bench.get(6);
    };
    expect(answer(0x1f)).toBe(0xf0);
    expect(answer(0x1e)).toBe(0xd2); // DTR -> DSR
    expect(answer(0x1c)).toBe(0xc1); // RTS -> CTS
    expect(answer(0x18)).toBe(0x84); // OUT1 -> RI, trailing edge
    expect(answer(0x10)).toBe(0x08); // OUT2 -> DCD
    expect(answer(0x14)).toBe(0x40); // RI rising: no delta
    bench.set(1, 0x08);
    expect(answer(0x00)).toBe(0xbf);
    expect(bench.get(6)).toBe(0xb0);
  });

  test('reset', () => {
    const bench = new UartBench().open(0x0f);
    bench.set(0, 0x41);
    bench.type('queued');
    bench.uart.reset();
    bench.checkDeadline();
    expect(bench.irq).toBe(false);
    expect([1, 2, 3, 4, 5, 6].map(register => bench.get(register))).toEqual([0, 0x01, 0x03, 0, 0x60, 0xb0]);
    bench.wait(1e8);
    expect(bench.get(0)).toBe(0x71); // the terminal is outside
  });

  test('seen often or seldom, the line moves at the same moments', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0x01, 0x02, 0x03, 0x07, 0x0f),
        fc.constantFrom(0, 0x01, 0x41, 0x81),
        fc.string({ maxLength: 30 }),
        (ier, fcr, text) => {
          const often = new UartBench().open(ier, fcr);
          const seldom = new UartBench().open(ier, fcr);
          for (const bench of [often, seldom]) {
            bench.type(text);
            for (let i = 0; i < 5; i++) bench.set(0, i);
          }
          for (let i = 0; i < 200; i++) {
            often.wait(10_000);
            often.get(3);
          }
          seldom.wait(2_000_000);
          expect(seldom.subject.lines[0].edges).toEqual(often.subject.lines[0].edges);
        },
      ),
      { numRuns: 50 },
    );
  });

  const ports = [0, 1, 2, 3, 4, 5, 6, 7].map(register => BASE + register);
  test('snapshots', () => checkSnapshots(maker(), ports));
  test('restore takes every field and refuses what it did not save', () => checkRestore(maker()));
});
