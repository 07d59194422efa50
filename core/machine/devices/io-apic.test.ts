import { describe, expect, test } from 'vitest';
import { IoApic } from './io-apic.ts';
import { checkRestore, checkSnapshots, type MakeSubject } from './testing/bench.ts';
import { asPorts } from './testing/memory-ports.ts';

const BASE = 0xfec00000;
const MASKED = 0x10000;
const LEVEL = 0x8000;
const REMOTE_IRR = 0x4000;
const ACTIVE_LOW = 0x2000;

class Chip {
  readonly said: string[] = [];
  accepts = true;
  readonly io = new IoApic({
    send: ({ destination, isLogical, deliveryMode, vector, isLevel }) => {
      const kind = `${isLogical ? 'logical' : 'physical'} ${destination.toString(16)}`;
      this.said.push(`${vector.toString(16)} mode ${deliveryMode} ${isLevel ? 'level' : 'edge'} to ${kind}`);
      return this.accepts;
    },
    onExtInt: asks => this.said.push(`ExtINT ${asks}`),
  });

  read(register: number): number {
    this.io.writeMemory(BASE, 4, register);
    return this.io.readMemory(BASE + 0x10, 4) >>> 0;
  }

  write(register: number, value: number): void {
    this.io.writeMemory(BASE, 4, register);
    this.io.writeMemory(BASE + 0x10, 4, value);
  }

  entry(pin: number): number {
    return this.read(0x10 + 2 * pin);
  }

  setEntry(pin: number, low: number, destination = 0): void {
    this.write(0x11 + 2 * pin, destination << 24);
    this.write(0x10 + 2 * pin, low);
  }

  pulse(pin: number): void {
    this.io.line(pin).set(true);
    this.io.line(pin).set(false);
  }
}

test('registers', () => {
  const c = new Chip();
  expect(c.read(0)).toBe(0);
  expect(c.read(1)).toBe(0x00170011);
  c.write(0, -1);
  c.write(1, -1);
  expect(c.read(0)).toBe(0x0f000000);
  expect(c.read(1)).toBe(0x00170011);
  expect(c.read(2)).toBe(0x0f000000);
  for (let pin = 0; pin < 24; pin++) {
    expect(c.entry(pin)).toBe(MASKED);
    c.setEntry(pin, -1, 0xa5);
    expect(c.entry(pin)).toBe(0x1afff);
    expect(c.read(0x11 + 2 * pin)).toBe(0xa5000000);
  }
  expect(c.read(0x40)).toBe(0);
  expect(c.io.readMemory(BASE, 4)).toBe(0x40);
  expect(c.io.readMemory(BASE + 0x20, 4)).toBe(0);
  c.io.writeMemory(BASE + 0x10, 1, 0);
  c.io.reset();
  expect(c.entry(23)).toBe(MASKED);
  expect(() => c.io.line(24)).toThrow(RangeError);
});

describe('edges', () => {
  test('are sent as the entry says, once each', () => {
    const c = new Chip();
    c.setEntry(4, 0x34, 2);
    c.setEntry(5, 0x0900 | 0x35, 0x0f);
    c.pulse(4);
    c.pulse(5);
    c.io.line(4).set(true);
    c.io.line(4).set(true);
    c.io.endOfInterrupt(0x34);
    expect(c.said).toEqual([
      '34 mode 0 edge to physical 2',
      '35 mode 1 edge to logical f',
      '34 mode 0 edge to physical 2',
    ]);
    expect(c.entry(4)).toBe(0x34);
  });

  test('that come while masked are lost', () => {
    const c = new Chip();
    c.setEntry(4, MASKED | 0x34);
    c.io.line(4).set(true);
    c.setEntry(4, 0x34);
    expect(c.said).toEqual([]);
  });

  test('are those of the polarity', () => {
    const c = new Chip();
    c.io.line(6).set(true);
    c.setEntry(6, ACTIVE_LOW | 0x36);
    expect(c.said).toEqual([]);
    c.io.line(6).set(false);
    c.io.line(6).set(true);
    expect(c.said).toEqual(['36 mode 0 edge to physical 0']);
  });
});

describe('levels', () => {
  test('set remote IRR, and come again at the end while the wire asks', () => {
    const c = new Chip();
    c.setEntry(9, LEVEL | 0x39);
    c.io.line(9).set(true);
    expect(c.entry(9)).toBe(LEVEL | REMOTE_IRR | 0x39);
    c.io.line(9).set(false);
    c.io.line(9).set(true);
    c.io.endOfInterrupt(0x38);
    expect(c.said.length).toBe(1);
    c.io.endOfInterrupt(0x39);
    expect(c.said.length).toBe(2);
    c.io.line(9).set(false);
    c.io.endOfInterrupt(0x39);
    expect(c.said.length).toBe(2);
    expect(c.entry(9)).toBe(LEVEL | 0x39);
  });

  test('are seen when the mask goes', () => {
    const c = new Chip();
    c.setEntry(9, LEVEL | MASKED | 0x39);
    c.io.line(9).set(true);
    expect(c.said).toEqual([]);
    c.setEntry(9, LEVEL | 0x39);
    expect(c.said).toEqual(['39 mode 0 level to physical 0']);
  });

  test('that nobody took set nothing; an entry made edge-triggered has no remote IRR', () => {
    const c = new Chip();
    c.accepts = false;
    c.setEntry(9, LEVEL | 0x39);
    c.io.line(9).set(true);
    expect(c.entry(9)).toBe(LEVEL | 0x39);
    c.accepts = true;
    c.setEntry(9, LEVEL | 0x39);
    expect(c.entry(9)).toBe(LEVEL | REMOTE_IRR | 0x39);
    c.setEntry(9, MASKED | 0x39);
    c.setEntry(9, MASKED | LEVEL | 0x39);
    expect(c.entry(9)).toBe(MASKED | LEVEL | 0x39);
  });
});

test('NMI and ExtINT', () => {
  const c = new Chip();
  c.setEntry(2, 0x400 | LEVEL);
  expect(c.io.hasNmiWire).toBe(true);
  c.pulse(2);
  expect(c.said).toEqual(['0 mode 4 edge to physical 0']);
  c.said.length = 0;
  c.setEntry(2, MASKED);
  expect(c.io.hasNmiWire).toBe(false);
  c.io.line(0).set(true);
  c.setEntry(0, 0x700);
  c.io.line(0).set(false);
  c.io.line(0).set(true);
  c.setEntry(0, MASKED | 0x700);
  expect(c.said.filter(line => line.startsWith('ExtINT'))).toEqual([
    'ExtINT true',
    'ExtINT false',
    'ExtINT true',
    'ExtINT false',
  ]);
});

describe('snapshots', () => {
  const make: MakeSubject = () => {
    const said: string[] = [];
    const io = new IoApic({
      send: message => {
        said.push(JSON.stringify(message));
        return (message.vector & 1) === 0;
      },
      onExtInt: asks => said.push(`ExtINT ${asks}`),
    });
    const poke = (number: number) => {
      if ((number & 0x80) !== 0) io.endOfInterrupt(number >> 8);
      else io.line(number % 5).set((number & 0x40) !== 0);
    };
    return { device: asPorts(io, BASE, 2), lines: [], said, poke };
  };

  test('go on as if nothing had been', () => checkSnapshots(make, [0, 1, 1], [1]));
  test('restore takes every field and refuses what it did not save', () => checkRestore(make));
});
