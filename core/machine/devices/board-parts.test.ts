import { describe, expect, test } from 'vitest';
import { PortBus } from './bus.ts';
import { DebugExit } from './debug-exit.ts';
import { DebugPort } from './debugport.ts';
import { Dma } from './dma.ts';
import { FastA20 } from './fast-a20.ts';
import { FwCfg } from './fw-cfg.ts';
import { Pci } from './pci.ts';
import { Power } from './power.ts';
import { TestDevice } from './test-device.ts';
import { Bench, checkRestore, checkSnapshots, type MakeSubject, TestLine } from './testing/bench.ts';

describe('debug port', () => {
  const make: MakeSubject = () => {
    const said: string[] = [];
    return { device: new DebugPort({ onPost: code => said.push(`${code}`) }), lines: [], said };
  };

  test('remembers and reports codes', () => {
    const bench = new Bench(make);
    bench.out(0x80, 0x12);
    bench.out(0x80, 0xff);
    expect(bench.in(0x80)).toBe(0xff);
    expect(bench.subject.said).toEqual(['18', '255']);
    expect(new DebugPort().code).toBe(0);
  });

  test('snapshots', () => checkSnapshots(make, [0x80]));
  test('restore takes every field and refuses what it did not save', () => checkRestore(make));
});

describe('port 92h', () => {
  const make: MakeSubject = () => {
    const said: string[] = [];
    const device = new FastA20({ onA20: enabled => said.push(`A20 ${enabled}`), onReset: () => said.push('reset') });
    return { device, lines: [], said };
  };

  test('A20 on changes, reset on its rise', () => {
    const bench = new Bench(make);
    for (const value of [0x02, 0x02, 0xfe, 0x00, 0x01, 0x01, 0x00, 0x03]) bench.out(0x92, value);
    expect(bench.in(0x92)).toBe(0x03);
    expect(bench.subject.said).toEqual(['A20 true', 'A20 false', 'reset', 'A20 true', 'reset']);
    bench.subject.device.reset();
    expect(bench.in(0x92)).toBe(0x00);
    expect(bench.subject.said.at(-1)).toBe('A20 false');
  });

  test('snapshots', () => checkSnapshots(make, [0x92]));
  test('restore takes every field and refuses what it did not save', () => checkRestore(make));
});

describe('power', () => {
  const make: MakeSubject = () => {
    const said: string[] = [];
    return { device: new Power({ onPowerOff: () => said.push('off') }), lines: [], said };
  };

  test('2000h turns off, and only that', () => {
    const bench = new Bench(make);
    bench.out(0x604, 0x0001, 2);
    bench.out(0x604, 0x3401, 2); // S1 or deeper: not wired
    expect(bench.in(0x604, 2)).toBe(0x1401);
    expect(bench.subject.said).toEqual([]);
    bench.out(0x604, 0x2000, 2);
    expect(bench.subject.said).toEqual(['off']);
    expect(bench.in(0x604, 2)).toBe(1);
    bench.out(0x605, 0x20);
    expect(bench.subject.said).toEqual(['off', 'off']);
  });

  test('snapshots', () => checkSnapshots(make, [0x604, 0x605], [1, 2]));
  test('restore takes every field and refuses what it did not save', () => checkRestore(make));
});

test('the debug exit reports the value in any width', () => {
  const values: number[] = [];
  const bus = new PortBus();
  bus.attach(new DebugExit(value => values.push(value)));
  bus.write(0xf4, 0x10, 1);
  bus.write(0xf4, 0x12345678, 4);
  expect(values).toEqual([0x10, 0x12345678]);
});

describe('fw_cfg', () => {
  const make: MakeSubject = () => ({
    device: new FwCfg({ memoryBytes: 0x8000000, processors: 1 }),
    lines: [],
    said: [],
  });

  const read = (key: number, size: number): readonly number[] => {
    const bench = new Bench(make);
    bench.out(0x510, key, 2);
    return Array.from({ length: size }, () => bench.in(0x511));
  };

  test('tells what QEMU would tell', () => {
    expect(String.fromCharCode(...read(0, 4))).toBe('QEMU');
    expect(read(1, 4)).toEqual([1, 0, 0, 0]);
    expect(read(3, 8)).toEqual([0, 0, 0, 8, 0, 0, 0, 0]);
    expect(read(5, 2)).toEqual([1, 0]);
    expect(read(0x0f, 2)).toEqual([1, 0]);
    expect(read(0x19, 4)).toEqual([0, 0, 0, 0]);
  });

  test('reads 0 behind an item, where there is none, and at the selector', () => {
    expect(read(0, 20).slice(4)).toEqual(Array(16).fill(0));
    expect(read(0x8001, 2)).toEqual([0, 0]);
    expect(new Bench(make).in(0x510)).toBe(0);
  });

  test('snapshots', () => checkSnapshots(make, [0x510, 0x511], [1, 2]));
  test('restore takes every field and refuses what it did not save', () => checkRestore(make));
});

describe('the test device', () => {
  const make: MakeSubject = clock => {
    const line = new TestLine(clock);
    return { device: new TestDevice(irq => (irq === 5 ? line : null)), lines: [line], said: [] };
  };

  test('gives back what was written, in any width', () => {
    const bench = new Bench(make);
    bench.out(0xe0, 0x12345678, 4);
    expect([bench.in(0xe0, 4), bench.in(0xe0, 2), bench.in(0xe3)]).toEqual([0x12345678, 0x5678, 0x12]);
    bench.out(0xe9, 0xaa);
    expect([bench.in(0xe0, 4), bench.in(0xe8, 4)]).toEqual([0x1234aa78, 0x1234aa78]);
  });

  test('keeps its memory', () => {
    const device = new TestDevice(() => null);
    device.writeMemory(0xff000ffe, 4, 0x12345678);
    const copy = new TestDevice(() => null);
    copy.writeMemory(0xff00ffff, 1, 1);
    copy.restore(device.save());
    expect([copy.readMemory(0xff001000, 2), copy.readMemory(0xff00ffff, 1)]).toEqual([0x1234, 0]);
  });

  test('drives an interrupt line', () => {
    const bench = new Bench(make);
    bench.out(0x2005, 1);
    bench.out(0x2004, 1);
    bench.out(0x2005, 0);
    expect(bench.subject.lines[0].edges).toEqual(['up 0', 'down 0']);
  });

  test('snapshots', () => checkSnapshots(make, [0xe0, 0xe1, 0xe4, 0xe8, 0xea, 0x2002, 0x2005], [1, 2, 4]));
  test('restore takes every field and refuses what it did not save', () => checkRestore(make));
});

describe('PCI', () => {
  const make: MakeSubject = () => ({ device: new Pci(), lines: [], said: [] });

  class PciBench extends Bench {
    constructor() {
      super(make);
    }

    config(device: number, offset: number, size: 1 | 2 | 4 = 4): number {
      this.out(0xcf8, (0x80000000 | (device << 11) | (offset & 0xfc)) >>> 0, 4);
      return this.in(0xcfc + (offset & 3), size);
    }
  }

  test('Linux finds configuration mechanism 1, and not 2', () => {
    const bench = new PciBench();
    bench.out(0xcfb, 0x01);
    bench.out(0xcf8, 0x80000000, 4);
    expect(bench.in(0xcf8, 4)).toBe(0x80000000);
    bench.out(0xcfb, 0);
    bench.out(0xcf8, 0);
    bench.out(0xcfa, 0);
    expect(bench.in(0xcf8)).toBe(0xff);
    expect(bench.in(0xcf8, 4)).toBe(0x80000000);
    bench.out(0xcf8, 0xffffffff, 4);
    expect(bench.in(0xcf8, 4)).toBe(0x80fffffc);
  });

  test('one host bridge, nothing else', () => {
    const bench = new PciBench();
    expect(bench.config(0, 0x00)).toBe(0x12378086);
    expect(bench.config(0, 0x02, 2)).toBe(0x1237);
    expect(bench.config(0, 0x04)).toBe(0x02800006);
    expect(bench.config(0, 0x08)).toBe(0x06000002);
    expect(bench.config(0, 0x0e, 1)).toBe(0x00);
    for (let device = 1; device < 32; device++) expect(bench.config(device, 0x00)).toBe(0xffffffff);
    bench.out(0xcf8, 0x80000100, 4); // function 1
    expect(bench.in(0xcfc, 4)).toBe(0xffffffff);
    bench.out(0xcf8, 0x80010000, 4); // bus 1
    expect(bench.in(0xcfe, 2)).toBe(0xffff);
    bench.out(0xcf8, 0x00000000, 4); // not enabled
    expect(bench.in(0xcfc, 4)).toBe(0xffffffff);
  });

  test('only the writable bits change', () => {
    const bench = new PciBench();
    for (let offset = 0; offset < 256; offset += 4) {
      bench.out(0xcf8, 0x80000000 + offset, 4);
      bench.out(0xcfc, 0xffffffff, 4);
    }
    expect(bench.config(0, 0x00)).toBe(0x12378086);
    expect(bench.config(0, 0x04)).toBe(0x02800146);
    expect(bench.config(0, 0x0c)).toBe(0x0000f800);
    expect(bench.config(0, 0x10)).toBe(0);
    bench.config(0, 0x04);
    bench.out(0xcfd, 0x00);
    expect(bench.config(0, 0x04)).toBe(0x02800046);
  });

  const ports = [0xcf8, 0xcfb, 0xcfc, 0xcfd, 0xcfe];
  test('snapshots', () => checkSnapshots(make, ports, [1, 2, 4]));
  test('restore takes every field and refuses what it did not save', () => checkRestore(make));
});

describe('DMA', () => {
  const make: MakeSubject = () => ({ device: new Dma(), lines: [], said: [] });

  test('16-bit registers through the flip-flop, on both controllers', () => {
    const bench = new Bench(make);
    for (const [first, clear, step] of [
      [0x00, 0x0c, 1],
      [0xc0, 0xd8, 2],
    ]) {
      bench.out(clear, 0);
      for (let i = 0; i < 8; i++) {
        bench.out(first + i * step, 0x10 + i);
        bench.out(first + i * step, 0x20 + i);
      }
      for (let i = 0; i < 8; i++) {
        expect(bench.in(first + i * step)).toBe(0x10 + i);
        expect(bench.in(first + i * step)).toBe(0x20 + i);
      }
      bench.out(first, 0xaa);
      bench.out(clear, 0);
      expect(bench.in(first)).toBe(0xaa);
      expect(bench.in(first)).toBe(0x20);
    }
  });

  test('masks, requests and master clear', () => {
    const bench = new Bench(make);
    expect(bench.in(0x0f)).toBe(0x0f);
    bench.out(0x0a, 0x02);
    expect(bench.in(0x0f)).toBe(0x0b);
    bench.out(0x0e, 0);
    expect(bench.in(0x0f)).toBe(0x00);
    bench.out(0x0f, 0x05);
    bench.out(0x0a, 0x07);
    expect(bench.in(0x0f)).toBe(0x0d);
    bench.out(0x09, 0x06);
    expect(bench.in(0x08)).toBe(0x40);
    bench.out(0x0d, 0);
    expect([bench.in(0x08), bench.in(0x0f)]).toEqual([0, 0x0f]);
  });

  test('page registers read back', () => {
    const bench = new Bench(make);
    for (let port = 0x81; port < 0x90; port++) bench.out(port, port ^ 0xff);
    for (let port = 0x81; port < 0x90; port++) expect(bench.in(port)).toBe(port ^ 0xff);
  });

  const ports = [0, 1, 2, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x81, 0x8f, 0xc0, 0xc1, 0xc2, 0xd0, 0xd4, 0xd8, 0xda, 0xde];
  test('snapshots', () => checkSnapshots(make, ports));
  test('restore takes every field and refuses what it did not save', () => checkRestore(make));
});
