import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rtc, type RtcOptions } from './rtc.ts';
import { Bench, checkRestore, checkSnapshots, type MakeSubject, TestLine } from './testing/bench.ts';

const SECOND = 1_000_000_000;
/** Friday, 2024-03-15 13:59:58 UTC. */
const START = Date.UTC(2024, 2, 15, 13, 59, 58) / 1000;

function maker(options: Partial<RtcOptions> = {}): MakeSubject {
  return clock => {
    const line = new TestLine(clock);
    return {
      device: new Rtc({ clock, line, startTime: START, memoryBytes: 2 ** 28, ...options }),
      lines: [line],
      said: [],
    };
  };
}

class RtcBench extends Bench {
  constructor(options: Partial<RtcOptions> = {}) {
    super(maker(options));
  }

  get(index: number): number {
    this.out(0x70, index);
    return this.in(0x71);
  }

  set(index: number, value: number): void {
    this.out(0x70, index);
    this.out(0x71, value);
  }

  /** Century, year, month, day, weekday, hour, minute, second as the registers have them, in hexadecimal. */
  get shown(): string {
    return [0x32, 9, 8, 7, 6, 4, 2, 0].map(index => this.get(index).toString(16).padStart(2, '0')).join(' ');
  }

  get line(): TestLine {
    return this.subject.lines[0];
  }
}

describe('MC146818A time', () => {
  test('starts at the start time in BCD, 24 hours', () => {
    expect(new RtcBench().shown).toBe('20 24 03 15 06 13 59 58');
    expect(new RtcBench().get(0x0b)).toBe(0x02);
    expect(new RtcBench().get(0x0d)).toBe(0x80);
  });

  test('counts whole seconds', () => {
    const bench = new RtcBench();
    bench.wait(2 * SECOND - 1);
    expect(bench.shown).toBe('20 24 03 15 06 13 59 59');
    bench.wait(1);
    expect(bench.shown).toBe('20 24 03 15 06 14 00 00');
    bench.wait(10 * 3600 * SECOND);
    expect(bench.shown).toBe('20 24 03 16 07 00 00 00');
  });

  test('looking often or seldom shows the same', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5e9), { maxLength: 20 }), fc.constantFrom(0, 2, 4, 6), (waits, format) => {
        const often = new RtcBench();
        const seldom = new RtcBench();
        for (const bench of [often, seldom]) {
          bench.set(0x0b, format);
          for (const [index, value] of [
            [0, 5],
            [2, 5],
            [4, 5],
            [7, 5],
            [8, 5],
            [9, 5],
          ])
            bench.set(index, value);
        }
        for (const wait of waits) {
          often.wait(wait);
          often.get(0);
          seldom.wait(wait);
        }
        expect(often.shown).toBe(seldom.shown);
      }),
    );
  });

  test('binary and 12-hour formats', () => {
    const bench = new RtcBench();
    const set = (b: number, hour: number) => {
      bench.set(0x0b, b | 0x80);
      for (const [index, value] of [
        [0, 0],
        [2, 0],
        [4, hour],
        [6, 1],
        [7, 1],
        [8, 1],
        [9, 1],
      ])
        bench.set(index, value);
      bench.set(0x0b, b);
    };
    set(0x00, 0x12); // 12-hour BCD: midnight
    bench.wait(3600 * SECOND);
    expect(bench.get(4)).toBe(0x01);
    set(0x00, 0x11);
    bench.wait(3600 * SECOND);
    expect(bench.get(4)).toBe(0x92); // noon
    bench.wait(3600 * SECOND);
    expect(bench.get(4)).toBe(0x81);
    set(0x04, 0x8b); // 12-hour binary: 11 pm
    bench.wait(3600 * SECOND);
    expect([bench.get(4), bench.get(7)]).toEqual([12, 2]);
    set(0x06, 23); // 24-hour binary
    bench.wait(3600 * SECOND);
    expect([bench.get(4), bench.get(7)]).toEqual([0, 2]);
  });

  test('UIP is up for 244 + 1984 us before the registers change', () => {
    const bench = new RtcBench();
    const turns: number[] = [];
    let last = 0;
    bench.out(0x70, 0x0a);
    for (; bench.clock.time < 2.1 * SECOND; bench.clock.time += 20_000) {
      const uip = bench.bus.read(0x71, 1) & 0x80;
      if (uip !== last) turns.push(Math.round(bench.clock.time / 1e5) / 10);
      last = uip;
    }
    expect(turns).toEqual([997.8, 1000, 1997.8, 2000]);
  });

  test('SET stops updates and UIP, and clears UIE', () => {
    const bench = new RtcBench();
    bench.set(0x0b, 0x12);
    bench.set(0x0b, 0x92);
    expect(bench.get(0x0b)).toBe(0x82);
    bench.wait(SECOND - 1_000_000);
    expect(bench.get(0x0a)).toBe(0x26);
    bench.wait(5 * SECOND);
    expect(bench.shown).toBe('20 24 03 15 06 13 59 58');
    bench.set(0x0b, 0x02);
    bench.wait(SECOND);
    expect(bench.shown).toBe('20 24 03 15 06 13 59 59');
  });

  test('a divider that is let go makes its first update after half a second', () => {
    const bench = new RtcBench();
    bench.wait(300_000_000);
    bench.set(0x0a, 0x76);
    bench.wait(3 * SECOND);
    expect(bench.get(0)).toBe(0x58);
    bench.set(0x0a, 0x26);
    bench.wait(499_000_000);
    expect(bench.get(0)).toBe(0x58);
    bench.wait(2_000_000);
    expect(bench.get(0)).toBe(0x59);
    bench.wait(SECOND);
    expect(bench.get(0)).toBe(0x00);
  });
});

describe('MC146818A interrupts', () => {
  test('periodic at 1024 Hz, acknowledged by reading C', () => {
    const bench = new RtcBench();
    bench.set(0x0b, 0x42);
    let count = 0;
    for (;;) {
      const at = bench.subject.device.deadline();
      if (at > SECOND) break;
      bench.wait(at - bench.clock.time);
      expect(bench.line.level).toBe(true);
      expect(bench.get(0x0c)).toBe(at === SECOND ? 0xf0 & ~0x20 : 0xc0);
      expect(bench.line.level).toBe(false);
      count++;
    }
    expect(count).toBe(1024);
  });

  test('all periodic rates', () => {
    const rates: number[] = [];
    for (let rate = 1; rate < 16; rate++) {
      const bench = new RtcBench();
      bench.set(0x0a, 0x20 | rate);
      bench.set(0x0b, 0x42);
      rates.push(Math.round(SECOND / bench.subject.device.deadline()));
    }
    expect(rates).toEqual([256, 128, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2]);
    const none = new RtcBench();
    none.set(0x0a, 0x20);
    none.set(0x0b, 0x42);
    expect(none.subject.device.deadline()).toBe(Number.POSITIVE_INFINITY);
  });

  test('update-ended every second', () => {
    const bench = new RtcBench();
    bench.get(0x0c);
    bench.set(0x0b, 0x12);
    bench.wait(SECOND - 1);
    expect(bench.line.level).toBe(false);
    bench.wait(1);
    expect(bench.line.level).toBe(true);
    bench.wait(5 * SECOND); // nobody acknowledges: one interrupt
    expect(bench.line.edges.length).toBe(1);
    expect(bench.get(0x0c) & 0xb0).toBe(0x90);
    bench.wait(SECOND);
    expect(bench.line.edges.length).toBe(3);
  });

  test('alarm at a time, every hour, and every second', () => {
    const fires = (hour: number, minute: number, second: number, b = 0x22) => {
      const bench = new RtcBench();
      [hour, minute, second].forEach((value, i) => {
        bench.set(5 - 2 * i, value);
      });
      bench.set(0x0b, b);
      const seconds: number[] = [];
      for (let i = 0; i < 2; i++) {
        const at = bench.subject.device.deadline();
        if (at === Number.POSITIVE_INFINITY) break;
        bench.wait(at - bench.clock.time);
        expect(bench.get(0x0c) & 0xa0).toBe(0xa0);
        seconds.push(at / SECOND);
      }
      return seconds;
    };
    expect(fires(0x14, 0x00, 0x05)).toEqual([7, 7 + 86_400]);
    expect(fires(0xff, 0x00, 0x05)).toEqual([7, 7 + 3600]);
    expect(fires(0xff, 0xff, 0xc0)).toEqual([1, 2]);
    expect(fires(0x13, 0x59, 0x58)).toEqual([86_400, 2 * 86_400]);
    expect(fires(0x25, 0x00, 0x00)).toEqual([]);
  });

  test('flags go up without an enable, and enabling one afterwards interrupts', () => {
    const bench = new RtcBench();
    bench.wait(SECOND);
    bench.set(0x0b, 0x12);
    expect(bench.line.level).toBe(true);
    expect(bench.get(0x0c)).toBe(0xd0);
    expect(bench.get(0x0c)).toBe(0);
  });

  test('reset turns interrupts off and keeps time and memory', () => {
    const bench = new RtcBench();
    bench.set(0x0f, 0x0a);
    bench.set(0x0b, 0x72);
    bench.wait(3 * SECOND);
    bench.subject.device.reset();
    bench.checkDeadline();
    expect(bench.line.level).toBe(false);
    expect(bench.get(0x0b)).toBe(0x02);
    expect(bench.get(0x0f)).toBe(0x0a);
    expect(bench.get(0x00)).toBe(0x01);
  });
});

test('switched off and on again, the clock goes on from where it was', () => {
  const bench = new RtcBench();
  bench.set(0x0a, 0x76);
  bench.wait(3.2 * SECOND);
  bench.set(0x0a, 0x26); // the next second in half a second
  bench.wait(0.2 * SECOND);
  bench.get(0);
  bench.clock.time = 0;
  bench.subject.device.reset();
  bench.wait(0.29 * SECOND);
  expect([bench.get(0), bench.get(0x0a) & 0x80]).toEqual([0x58, 0]);
  bench.wait(0.009 * SECOND);
  expect([bench.get(0), bench.get(0x0a) & 0x80]).toEqual([0x58, 0x80]);
  bench.wait(0.002 * SECOND);
  expect([bench.get(0), bench.get(0x0a) & 0x80]).toEqual([0x59, 0]);
});

describe('CMOS RAM of a PC', () => {
  const sizes = (memoryBytes: number) => {
    const bench = new RtcBench({ memoryBytes });
    return [0x15, 0x17, 0x30, 0x34].map(index => bench.get(index) | (bench.get(index + 1) << 8));
  };

  test('memory sizes', () => {
    expect(sizes(2 ** 20)).toEqual([640, 0, 0, 0]);
    expect(sizes(8 * 2 ** 20)).toEqual([640, 7168, 7168, 0]);
    expect(sizes(2 ** 28)).toEqual([640, 65_535, 65_535, 240 * 16]);
  });

  test('the index register has seven bits, bit 7 masks NMI, and it cannot be read', () => {
    const bench = new RtcBench();
    const { device } = bench.subject;
    bench.set(0x8f, 0x5a);
    expect(device instanceof Rtc && device.nmiMasked).toBe(true);
    expect(bench.get(0x0f)).toBe(0x5a);
    expect(device instanceof Rtc && device.nmiMasked).toBe(false);
    expect(bench.in(0x70)).toBe(0xff);
  });

  test('C and D are read-only', () => {
    const bench = new RtcBench();
    bench.set(0x0c, 0xff);
    bench.set(0x0d, 0x00);
    expect([bench.get(0x0c), bench.get(0x0d)]).toEqual([0, 0x80]);
  });

  test('snapshots', () => checkSnapshots(maker(), [0x70, 0x71]));
  test('restore takes every field and refuses what it did not save', () => checkRestore(maker()));
});
