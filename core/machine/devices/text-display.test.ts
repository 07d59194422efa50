import { describe, expect, test } from 'vitest';
import { Bench, checkRestore, checkSnapshots, type MakeSubject } from './testing/bench.ts';
import { TextDisplay } from './text-display.ts';

const make: MakeSubject = clock => ({ device: new TextDisplay(clock), lines: [], said: [] });

class Display extends Bench {
  constructor() {
    super(make);
  }

  read(register: number): number {
    this.out(0x3d4, register);
    return this.in(0x3d5);
  }

  write(register: number, value: number): void {
    this.out(0x3d4, register);
    this.out(0x3d5, value);
  }
}

describe('the text display', () => {
  test('is set up for 80 by 25 characters, with the cursor in the corner', () => {
    const bench = new Display();
    expect([1, 0x12, 0x13].map(register => bench.read(register))).toEqual([79, 0x8f, 40]);
    expect([0x0e, 0x0f].map(register => bench.read(register))).toEqual([0, 0]);
  });

  test('moves its cursor; index and data go as one word, too', () => {
    const bench = new Display();
    bench.out(0x3d4, 0x070e, 2);
    bench.write(0x0f, 0xcf);
    expect([bench.read(0x0e), bench.read(0x0f), bench.in(0x3d4)]).toEqual([7, 0xcf, 0x0f]);
  });

  test('timing registers are locked until software opens them', () => {
    const bench = new Display();
    bench.write(0, 0);
    bench.write(7, 0);
    expect([bench.read(0), bench.read(7)]).toEqual([0x5f, 0x0f]);
    bench.write(0x11, 0x0e);
    bench.write(0, 1);
    expect(bench.read(0)).toBe(1);
  });

  test('what is not there reads as 0 and takes nothing', () => {
    const bench = new Display();
    bench.write(0x19, 0xff);
    bench.write(0xff, 0xff);
    expect([bench.read(0x19), bench.read(0xff)]).toEqual([0, 0]);
  });

  test('it goes back to the top 7 times in a tenth of a second', () => {
    const bench = new Display();
    let retraces = 0;
    let before = 0;
    for (let n = 0; n < 10_000; n++) {
      bench.wait(10_000);
      const now = bench.in(0x3da);
      if ((now & ~before & 8) !== 0) retraces++;
      expect(now & 0xf6).toBe(0);
      before = now;
    }
    expect(retraces).toBe(7);
  });

  test('snapshots', () => checkSnapshots(make, [0x3d4, 0x3d5, 0x3da], [1, 2]));
  test('restore takes every field and refuses what it did not save', () => checkRestore(make));
});
