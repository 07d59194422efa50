import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Pit } from './pit.ts';
import { Bench, checkRestore, checkSnapshots, type MakeSubject, TestLine } from './testing/bench.ts';
import { ticksAt, timeOfTick } from './ticks.ts';

const HERTZ = 1_193_182;
const PORTS = [0x40, 0x41, 0x42, 0x43, 0x61];

const make: MakeSubject = clock => {
  const line = new TestLine(clock);
  return { device: new Pit({ clock, line }), lines: [line], said: [] };
};

class PitBench extends Bench {
  constructor() {
    super(make);
  }

  get pulse(): number {
    return ticksAt(this.clock.time, HERTZ);
  }

  /** To the start of a pulse, counted from power-on. */
  to(pulse: number): this {
    this.wait(timeOfTick(pulse, HERTZ) - this.clock.time);
    return this;
  }

  next(pulses = 1): this {
    return this.to(this.pulse + pulses);
  }

  count(counter: number): number {
    this.out(0x43, counter << 6);
    return this.in(0x40 + counter) | (this.in(0x40 + counter) << 8);
  }

  status(counter: number): number {
    this.out(0x43, 0xe0 | (2 << counter));
    return this.in(0x40 + counter);
  }

  program(counter: number, mode: number, count: number, bcd = 0): this {
    this.out(0x43, (counter << 6) | 0x30 | (mode << 1) | bcd);
    this.out(0x40 + counter, count & 0xff);
    this.out(0x40 + counter, count >> 8);
    return this;
  }

  /** OUT 2 as port 61h shows it. */
  get out2(): number {
    return (this.in(0x61) >> 5) & 1;
  }

  gate(level: number): void {
    this.out(0x61, level);
  }

  /** The next `n` values of [count, OUT] of counter 2, one per pulse. */
  trace(n: number): string {
    const seen: string[] = [];
    for (let i = 0; i < n; i++) {
      this.next();
      seen.push(`${this.count(2)}${this.out2 === 1 ? '' : '_'}`);
    }
    return seen.join(' ');
  }
}

// The traces are the waveforms of the datasheet, one count for each pulse; _ marks OUT low.
describe('8254 modes on counter 2', () => {
  function counter2(gate = 1): PitBench {
    const bench = new PitBench();
    bench.gate(gate);
    bench.to(100);
    return bench;
  }

  test('mode 0: OUT rises N + 1 pulses after the write and stays', () => {
    const bench = counter2().program(2, 0, 4);
    expect(bench.out2).toBe(0);
    expect(bench.trace(8)).toBe('4_ 3_ 2_ 1_ 0 65535 65534 65533');
  });

  test('mode 0: GATE low stops the count', () => {
    const bench = counter2().program(2, 0, 3);
    expect(bench.trace(2)).toBe('3_ 2_');
    bench.gate(0);
    expect(bench.trace(2)).toBe('2_ 2_');
    bench.gate(1);
    expect(bench.trace(3)).toBe('1_ 0 65535');
  });

  test('mode 0: the first byte of a new count stops it with OUT low, the second loads', () => {
    const bench = counter2().program(2, 0, 3);
    expect(bench.trace(5)).toBe('3_ 2_ 1_ 0 65535');
    bench.out(0x42, 2);
    expect(bench.trace(2)).toBe('65535_ 65535_');
    bench.out(0x42, 0);
    expect(bench.trace(4)).toBe('2_ 1_ 0 65535');
  });

  test('mode 0: a load happens with GATE low', () => {
    const bench = counter2(0).program(2, 0, 3);
    expect(bench.trace(2)).toBe('3_ 3_');
    bench.gate(1);
    expect(bench.trace(3)).toBe('2_ 1_ 0');
  });

  test('mode 1: a trigger makes a low pulse of N, another one begins it anew', () => {
    const bench = counter2(0).program(2, 1, 3);
    expect(bench.out2).toBe(1);
    bench.next(5);
    expect(bench.out2).toBe(1);
    bench.gate(1);
    expect(bench.trace(5)).toBe('3_ 2_ 1_ 0 65535');
    bench.gate(0);
    bench.gate(1);
    expect(bench.trace(2)).toBe('3_ 2_');
    bench.gate(0);
    bench.gate(1);
    expect(bench.trace(4)).toBe('3_ 2_ 1_ 0');
  });

  test('mode 1: a new count waits for the next trigger', () => {
    const bench = counter2(0).program(2, 1, 2);
    bench.gate(1);
    expect(bench.trace(1)).toBe('2_');
    bench.out(0x42, 4);
    bench.out(0x42, 0);
    expect(bench.trace(3)).toBe('1_ 0 65535');
    bench.gate(0);
    bench.gate(1);
    expect(bench.trace(5)).toBe('4_ 3_ 2_ 1_ 0');
  });

  test('mode 2: low for the last pulse of every N', () => {
    expect(counter2().program(2, 2, 3).trace(7)).toBe('3 2 1_ 3 2 1_ 3');
  });

  test('mode 2: GATE low raises OUT and stops, its rise starts a new period', () => {
    const bench = counter2().program(2, 2, 3);
    expect(bench.trace(3)).toBe('3 2 1_');
    bench.gate(0);
    expect(bench.trace(2)).toBe('1 1');
    bench.gate(1);
    expect(bench.out2).toBe(1);
    expect(bench.trace(4)).toBe('3 2 1_ 3');
  });

  test('mode 2: a new count comes with the next period', () => {
    const bench = counter2().program(2, 2, 4);
    expect(bench.trace(2)).toBe('4 3');
    bench.out(0x42, 5);
    bench.out(0x42, 0);
    expect(bench.trace(8)).toBe('2 1_ 5 4 3 2 1_ 5');
  });

  test('mode 2: GATE low holds a new count back until it rises', () => {
    const bench = counter2().program(2, 2, 4);
    expect(bench.trace(1)).toBe('4');
    bench.out(0x42, 3);
    bench.out(0x42, 0);
    bench.gate(0);
    expect(bench.trace(6)).toBe('4 4 4 4 4 4');
    bench.gate(1);
    expect(bench.trace(4)).toBe('3 2 1_ 3');
  });

  test('mode 3: even and odd counts', () => {
    expect(counter2().program(2, 3, 4).trace(9)).toBe('4 2 4_ 2_ 4 2 4_ 2_ 4');
    expect(counter2().program(2, 3, 5).trace(11)).toBe('4 2 0 4_ 2_ 4 2 0 4_ 2_ 4');
  });

  test('mode 3: a new count comes with the next half cycle', () => {
    const bench = counter2().program(2, 3, 4);
    expect(bench.trace(1)).toBe('4');
    bench.out(0x42, 6);
    bench.out(0x42, 0);
    expect(bench.trace(8)).toBe('2 6_ 4_ 2_ 6 4 2 6_');
  });

  test('mode 3: GATE low raises OUT at once, its rise starts with a high half', () => {
    const bench = counter2().program(2, 3, 4);
    expect(bench.trace(3)).toBe('4 2 4_');
    bench.gate(0);
    expect(bench.out2).toBe(1);
    bench.next(3);
    bench.gate(1);
    expect(bench.trace(5)).toBe('4 2 4_ 2_ 4');
  });

  test('mode 4: one low pulse N + 1 pulses after the write', () => {
    expect(counter2().program(2, 4, 3).trace(6)).toBe('3 2 1 0_ 65535 65534');
  });

  test('mode 4: GATE low stops the count, a new count begins anew', () => {
    const bench = counter2().program(2, 4, 3);
    expect(bench.trace(2)).toBe('3 2');
    bench.gate(0);
    expect(bench.trace(2)).toBe('2 2');
    bench.gate(1);
    expect(bench.trace(1)).toBe('1');
    bench.out(0x42, 2);
    bench.out(0x42, 0);
    expect(bench.trace(4)).toBe('2 1 0_ 65535');
  });

  test('mode 5: a trigger starts the count to one low pulse', () => {
    const bench = counter2(0).program(2, 5, 2);
    bench.next(4);
    expect(bench.out2).toBe(1);
    bench.gate(1);
    expect(bench.trace(5)).toBe('2 1 0_ 65535 65534');
    bench.gate(0);
    bench.gate(1);
    expect(bench.trace(3)).toBe('2 1 0_');
  });

  test('mode bits 110 and 111 are modes 2 and 3, and the status shows them as written', () => {
    const bench = counter2().program(2, 6, 3);
    expect(bench.trace(4)).toBe('3 2 1_ 3');
    expect(bench.status(2) & 0x3f).toBe(0x3c);
    expect(counter2().program(2, 7, 2).trace(3)).toBe('2 2_ 2');
  });

  test('BCD counts in four digits, and 0 is 10,000', () => {
    const bench = counter2().program(2, 0, 0x0100, 1);
    bench.next();
    expect(bench.count(2)).toBe(0x0100);
    bench.next();
    expect(bench.count(2)).toBe(0x0099);
    bench.next(99);
    expect([bench.count(2), bench.out2]).toEqual([0, 1]);
    bench.next();
    expect(bench.count(2)).toBe(0x9999);
    const full = counter2().program(2, 2, 0, 1);
    full.next();
    expect(full.count(2)).toBe(0);
    full.next();
    expect(full.count(2)).toBe(0x9999);
    full.next(9998);
    expect([full.count(2), full.out2]).toEqual([0x0001, 0]);
  });
});

describe('8254 reading and writing', () => {
  test('a latched count stays until it has been read, and a second latch is ignored', () => {
    const bench = new PitBench().to(10).program(0, 2, 1000);
    bench.next(11);
    bench.out(0x43, 0x00);
    bench.next(5);
    bench.out(0x43, 0x00);
    expect(bench.in(0x40) | (bench.in(0x40) << 8)).toBe(990);
    expect(bench.in(0x40) | (bench.in(0x40) << 8)).toBe(985);
  });

  test('unlatched bytes are read as they run', () => {
    const bench = new PitBench().to(10).program(0, 2, 0x0101);
    bench.next(1);
    expect(bench.in(0x40)).toBe(0x01);
    bench.next(2);
    expect(bench.in(0x40)).toBe(0x00); // high byte of 00FF
  });

  test('one-byte access', () => {
    const bench = new PitBench().to(10);
    bench.out(0x43, 0x14); // low byte only, mode 2
    bench.out(0x40, 9);
    bench.next(1);
    expect([bench.in(0x40), bench.in(0x40)]).toEqual([9, 9]);
    bench.out(0x43, 0x24); // high byte only
    bench.out(0x40, 9);
    bench.next(2);
    expect([bench.in(0x40), bench.in(0x40)]).toEqual([8, 8]); // of 08FF
    bench.out(0x43, 0x00);
    expect(bench.in(0x40)).toBe(8);
  });

  test('read-back latches status and count; the status comes first', () => {
    const bench = new PitBench().to(10).program(0, 2, 1000);
    bench.out(0x43, 0xc2);
    bench.next(7);
    expect(bench.in(0x40)).toBe(0xf4); // OUT high, null count (not yet loaded), low and high byte, mode 2
    bench.in(0x40);
    bench.in(0x40);
    bench.out(0x43, 0xc2);
    bench.next(3);
    expect(bench.in(0x40)).toBe(0xb4);
    expect(bench.in(0x40) | (bench.in(0x40) << 8)).toBe(994);
  });

  test('read-back of several counters at once', () => {
    const bench = new PitBench().to(10).program(0, 2, 1000).program(1, 2, 500);
    bench.next(1);
    bench.out(0x43, 0xd6); // counts of 0 and 1
    bench.next(100);
    expect(bench.in(0x40) | (bench.in(0x40) << 8)).toBe(1000);
    expect(bench.in(0x41) | (bench.in(0x41) << 8)).toBe(500);
  });

  test('the null count bit is up from the write to the load', () => {
    const bench = new PitBench().to(10).program(0, 2, 10);
    expect(bench.status(0) & 0x40).toBe(0x40);
    bench.next(1);
    expect(bench.status(0) & 0x40).toBe(0);
    bench.out(0x40, 20);
    bench.out(0x40, 0);
    expect(bench.status(0) & 0x40).toBe(0x40);
    bench.next(9);
    expect(bench.status(0) & 0x40).toBe(0x40);
    bench.next(1);
    expect(bench.status(0) & 0x40).toBe(0);
  });

  test('the control word port cannot be read', () => {
    expect(new PitBench().in(0x43)).toBe(0xff);
  });
});

describe('the PC around the 8254', () => {
  test('IRQ 0 at 100 Hz has no drift', () => {
    const bench = new PitBench().program(0, 2, 11932);
    const line = bench.subject.lines[0];
    line.edges.length = 0;
    bench.wait(10_000_000_000);
    const ups = line.edges.filter(edge => edge.startsWith('up')).map(edge => Number(edge.slice(3)));
    expect(ups.length).toBe(999);
    ups.forEach((at, i) => {
      expect(at).toBe(timeOfTick(1 + 11932 * (i + 1), HERTZ));
    });
  });

  test('mode 0 raises IRQ 0 once', () => {
    const bench = new PitBench();
    bench.to(5).program(0, 0, 1000);
    expect(bench.subject.lines[0].level).toBe(false);
    expect(bench.subject.device.deadline()).toBe(timeOfTick(6, HERTZ));
    bench.next(1);
    expect(bench.subject.device.deadline()).toBe(timeOfTick(1006, HERTZ));
    bench.wait(1e9);
    expect(bench.subject.lines[0].edges.at(-1)).toBe(`up ${timeOfTick(1006, HERTZ)}`);
    expect(bench.subject.device.deadline()).toBe(Number.POSITIVE_INFINITY);
  });

  test('a whole pulse between two looks is still an edge', () => {
    const bench = new PitBench().program(0, 2, 100);
    const { device, lines } = bench.subject;
    bench.next(2);
    lines[0].edges.length = 0;
    bench.clock.time = timeOfTick(150, HERTZ); // a slow board: it comes late, when OUT is high again
    device.advance(bench.clock.time);
    expect(lines[0].edges).toEqual([`down ${bench.clock.time}`, `up ${bench.clock.time}`]);
    expect(device.deadline()).toBe(timeOfTick(200, HERTZ));
  });

  test('Linux calibrates its clock: mode 0 on counter 2, port 61h shows the end after 50 ms', () => {
    const bench = new PitBench();
    bench.out(0x61, (bench.in(0x61) & ~0x02) | 0x01);
    const latch = Math.floor(HERTZ / 20);
    const start = bench.clock.time;
    bench.program(2, 0, latch);
    while ((bench.in(0x61) & 0x20) === 0) bench.wait(1000);
    expect((bench.clock.time - start) / 1e6).toBeCloseTo(50, 1);
  });

  test('port 61h keeps its low bits and toggles with the refresh every 15 us', () => {
    const bench = new PitBench();
    bench.out(0x61, 0xff);
    expect(bench.in(0x61) & 0xcf).toBe(0x0f);
    let toggles = 0;
    let last = bench.in(0x61) & 0x10;
    for (let i = 0; i < 1000; i++) {
      bench.wait(1000);
      const now = bench.in(0x61) & 0x10;
      if (now !== last) toggles++;
      last = now;
    }
    expect(toggles).toBe(66);
  });

  test('reset forgets everything, also when the clock starts over', () => {
    const used = new PitBench().to(1000).program(0, 2, 77).program(2, 5, 300);
    used.gate(1);
    used.next(40);
    used.clock.time = 0;
    used.subject.device.reset();
    expect(used.subject.device.save()).toEqual(new PitBench().subject.device.save());
  });

  test('an illegal count of 1 interrupts nobody', () => {
    for (const mode of [2, 3]) {
      const bench = new PitBench().program(0, mode, 1);
      bench.next(3);
      expect(bench.subject.device.deadline()).toBe(Number.POSITIVE_INFINITY);
      expect(bench.status(0) & 0x80).toBe(0x80);
    }
  });

  test('however it is programmed, the line is OUT at every pulse', () => {
    // The reference counts pulse by pulse with nobody looking but at the end of each pulse.
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ mode: fc.nat(5), count: fc.nat(20), bcd: fc.nat(1), run: fc.integer({ min: 1, max: 60 }) }),
          {
            minLength: 1,
            maxLength: 4,
          },
        ),
        programs => {
          const watched = new PitBench();
          const left = new PitBench();
          for (const { mode, count, bcd, run } of programs) {
            watched.program(0, mode, count, bcd);
            left.program(0, mode, count, bcd);
            for (let i = 0; i < run; i++) {
              watched.next();
              const level = watched.subject.lines[0].level ? 0x80 : 0;
              expect(watched.status(0) & 0x80).toBe(level);
            }
            left.next(run);
            expect(left.subject.lines[0].level).toBe(watched.subject.lines[0].level);
          }
          expect(left.subject.lines[0].edges).toEqual(watched.subject.lines[0].edges);
        },
      ),
    );
  });

  test('snapshots', () => checkSnapshots(make, PORTS));
  test('restore takes every field and refuses what it did not save', () => checkRestore(make));
});
