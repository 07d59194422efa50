import { describe, expect, test } from 'vitest';
import { PmTimer } from './pm-timer.ts';
import { Bench, checkRestore, checkSnapshots, type MakeSubject, TestLine } from './testing/bench.ts';

const make: MakeSubject = clock => {
  const line = new TestLine(clock);
  return { device: new PmTimer({ clock, line }), lines: [line], said: [] };
};
/** The counter's highest bit changes with this pulse, in nanoseconds. */
const HALF = Math.ceil((0x800000 * 1e9) / 3_579_545);

describe('the power management timer', () => {
  test('counts 3,579,545 times a second in 24 bits', () => {
    const bench = new Bench(make);
    expect(bench.in(0x608, 4)).toBe(0);
    bench.wait(1e9);
    expect(bench.in(0x608, 4)).toBe(3_579_545);
    expect(bench.in(0x609, 1)).toBe((3_579_545 >> 8) & 0xff);
    bench.wait(9e9);
    expect(bench.in(0x608, 4)).toBe(35_795_450 & 0xffffff);
  });

  test('sets its status when the highest bit changes, and interrupts if it may', () => {
    const bench = new Bench(make);
    expect(bench.in(0x600, 2)).toBe(0);
    bench.wait(HALF);
    expect(bench.in(0x600, 2)).toBe(1);
    bench.out(0x602, 0x0001, 2);
    expect(bench.subject.lines[0].level).toBe(true);
    bench.out(0x600, 0x0001, 2);
    expect(bench.in(0x600, 2)).toBe(0);
    expect(bench.subject.lines[0].level).toBe(false);
    bench.wait(HALF);
    expect(bench.subject.lines[0].edges.length).toBe(3);
    expect(bench.subject.lines[0].level).toBe(true);
    bench.out(0x602, 0);
    expect(bench.subject.lines[0].level).toBe(false);
  });

  test('the enable register keeps what it knows', () => {
    const bench = new Bench(make);
    bench.out(0x602, 0xffff, 2);
    expect(bench.in(0x602, 2)).toBe(0x0721);
    bench.out(0x603, 0x01, 1);
    expect(bench.in(0x602, 2)).toBe(0x0121);
    expect(bench.in(0x603, 1)).toBe(0x01);
  });

  test('snapshots', () => checkSnapshots(make, [0x600, 0x601, 0x602, 0x603, 0x608], [1, 2]));
  test('restore takes every field and refuses what it did not save', () => checkRestore(make));
});
