import { describe, expect, test } from 'vitest';
import { LocalApic } from './local-apic.ts';
import { checkRestore, checkSnapshots, type MakeSubject, TestClock } from './testing/bench.ts';
import { asPorts } from './testing/memory-ports.ts';

const BASE = 0xfee00000;
const ID = 0x20;
const TPR = 0x80;
const APR = 0x90;
const PPR = 0xa0;
const EOI = 0xb0;
const LDR = 0xd0;
const DFR = 0xe0;
const SVR = 0xf0;
const ISR = 0x100;
const TMR = 0x180;
const IRR = 0x200;
const ESR = 0x280;
const ICR = 0x300;
const ICR_HIGH = 0x310;
const LVT_TIMER = 0x320;
const LINT0 = 0x350;
const LINT1 = 0x360;
const LVT_ERROR = 0x370;
const INITIAL = 0x380;
const CURRENT = 0x390;
const DIVIDE = 0x3e0;
const MASKED = 0x10000;
const SELF = 0x40000;

/** A local APIC with an 8259A pair that has nothing but a level and a vector. */
class Apic {
  readonly clock = new TestClock();
  readonly said: string[] = [];
  readonly pic = { level: false, pending: () => this.pic.level, acknowledge: () => 0x77 };
  readonly apic = new LocalApic({
    clock: this.clock,
    pic: this.pic,
    onInterrupt: () => this.said.push(`interrupt ${this.apic.pending()}`),
    onNmi: () => this.said.push('NMI'),
    onInit: () => this.said.push('INIT'),
    onEnd: vector => this.said.push(`end ${vector.toString(16)}`),
    onRelocate: () => this.said.push('relocated'),
  });

  constructor() {
    this.apic.reset();
    this.said.length = 0;
  }

  read(register: number): number {
    return this.apic.readMemory(BASE + register, 4) >>> 0;
  }

  write(register: number, value: number): void {
    this.apic.writeMemory(BASE + register, 4, value | 0);
  }

  enable(): this {
    this.write(SVR, 0x1ff);
    return this;
  }

  setPic(level: boolean): void {
    this.pic.level = level;
    this.apic.setPin(0, level);
  }

  /** Sends itself vectors. */
  self(...vectors: readonly number[]): void {
    for (const vector of vectors) this.write(ICR, SELF | vector);
  }

  take(): number {
    expect(this.apic.pending()).toBe(true);
    return this.apic.acknowledge();
  }

  wait(nanoseconds: number): void {
    const end = this.clock.time + nanoseconds;
    while (this.apic.deadline() <= end) {
      this.clock.time = this.apic.deadline();
      this.apic.advance(this.clock.time);
      expect(this.apic.deadline()).toBeGreaterThan(this.clock.time);
    }
    this.clock.time = end;
  }
}

describe('registers', () => {
  test('after reset (10.4.7.1)', () => {
    const a = new Apic();
    const zero = [ID, TPR, APR, PPR, LDR, ESR, ICR, ICR_HIGH, INITIAL, CURRENT, DIVIDE, ISR, TMR, IRR, 0xc0];
    for (const register of zero) expect(a.read(register), register.toString(16)).toBe(0);
    expect(a.read(0x30)).toBe(0x00050014);
    expect(a.read(DFR)).toBe(0xffffffff);
    expect(a.read(SVR)).toBe(0xff);
    for (let register = LVT_TIMER; register <= LVT_ERROR; register += 16) expect(a.read(register)).toBe(MASKED);
  });

  test('keep the bits that are there', () => {
    const a = new Apic().enable();
    const kept: readonly (readonly [number, number])[] = [
      [ID, 0xff000000],
      [TPR, 0xff],
      [LDR, 0xff000000],
      [DFR, 0xffffffff],
      [SVR, 0x3ff],
      [ICR_HIGH, 0xff000000],
      [LVT_TIMER, 0x300ff],
      [0x330, 0x107ff],
      [0x340, 0x107ff],
      [LINT0, 0x1a7ff],
      [LINT1, 0x1a7ff],
      [LVT_ERROR, 0x100ff],
      [INITIAL, 0xffffffff],
      [DIVIDE, 0xb],
    ];
    for (const [register, value] of kept) {
      a.write(register, -1);
      expect(a.read(register), register.toString(16)).toBe(value);
    }
    for (const register of [0x30, APR, PPR, ISR, TMR, IRR + 0x70, 0xc0]) {
      const before = a.read(register);
      a.write(register, 0x12345678);
      expect(a.read(register)).toBe(before);
    }
  });

  test('a part of one can be read; only a whole one is written', () => {
    const a = new Apic();
    expect(a.apic.readMemory(BASE + 0x32, 1)).toBe(5);
    expect(a.apic.readMemory(BASE + 0x30, 2)).toBe(0x14);
    expect(a.apic.readMemory(BASE + 0x34, 4)).toBe(0);
    a.apic.writeMemory(BASE + TPR, 1, 0x55);
    a.apic.writeMemory(BASE + TPR + 4, 4, 0x55);
    expect(a.read(TPR)).toBe(0);
  });

  test('IA32_APIC_BASE moves it and turns it off (10.4.3 and 10.4.5)', () => {
    const a = new Apic().enable();
    expect(a.apic.base >>> 0).toBe(0xfee00900);
    expect(a.apic.writeBase(0xfee00c00 | 0, 0)).toBe(false); // x2APIC is not there
    expect(a.apic.writeBase(0xfee00900 | 0, 1)).toBe(false);
    expect(a.apic.writeBase(0x12345900, 0)).toBe(true);
    expect([a.apic.first, a.apic.last]).toEqual([0x12345000, 0x12345fff]);
    expect(a.apic.holeIn(0x20000000)).toBe(0x12345000);
    expect(a.apic.holeIn(0x10000000)).toBe(-1);
    expect(a.apic.writeBase(0x12345100, 0)).toBe(true);
    expect(a.apic.isEnabled).toBe(false);
    expect(a.apic.first > a.apic.last).toBe(true);
    // INTR is the processor's own pin now.
    a.setPic(true);
    expect(a.take()).toBe(0x77);
    expect(a.apic.writeBase(0xfee00900 | 0, 0)).toBe(true);
    expect(a.read(SVR)).toBe(0xff);
  });
});

describe('priorities', () => {
  test('the highest class goes first, and holds off its own and those below', () => {
    const a = new Apic().enable();
    a.self(0x31, 0x45, 0x42);
    expect(a.read(IRR + 0x10)).toBe(1 << 17);
    expect(a.read(IRR + 0x20)).toBe((1 << 5) | (1 << 2));
    expect(a.take()).toBe(0x45);
    expect(a.read(PPR)).toBe(0x40);
    expect(a.apic.pending()).toBe(false);
    a.self(0x51);
    expect(a.take()).toBe(0x51);
    expect(a.read(ISR + 0x20)).toBe((1 << 5) | (1 << 17));
    a.write(EOI, 0);
    expect(a.apic.pending()).toBe(false);
    a.write(EOI, 0);
    expect(a.take()).toBe(0x42);
    a.write(EOI, 0);
    expect(a.take()).toBe(0x31);
    a.write(EOI, 0);
    a.write(EOI, 0);
    expect(a.apic.pending()).toBe(false);
    expect(a.said.filter(line => line.startsWith('end'))).toEqual([]);
  });

  test('one vector waits once while it is served', () => {
    const a = new Apic().enable();
    a.self(0x60);
    a.take();
    a.self(0x60, 0x60);
    a.write(EOI, 0);
    expect(a.take()).toBe(0x60);
    a.write(EOI, 0);
    expect(a.apic.pending()).toBe(false);
  });

  test('the task priority holds off its class and those below (10.8.3.1)', () => {
    const a = new Apic().enable();
    a.write(TPR, 0x50);
    a.self(0x5f);
    expect(a.apic.pending()).toBe(false);
    expect(a.read(PPR)).toBe(0x50);
    expect(a.read(APR)).toBe(0x50);
    a.write(TPR, 0x4f);
    expect(a.said).toEqual(['interrupt true']);
    a.write(TPR, 0x5a);
    expect(a.said).toEqual(['interrupt true', 'interrupt false']);
    a.self(0x60);
    expect(a.read(APR)).toBe(0x60);
    expect(a.take()).toBe(0x60);
    expect(a.read(PPR)).toBe(0x60);
    a.write(TPR, 0x6c);
    expect(a.read(PPR)).toBe(0x6c);
    a.write(EOI, 0);
    a.write(TPR, 0);
    expect(a.take()).toBe(0x5f);
  });

  test('what has gone away gives the spurious vector, which is not served (10.9)', () => {
    const a = new Apic();
    a.write(SVR, 0x1e3);
    a.self(0x44);
    a.write(TPR, 0xf0);
    expect(a.apic.acknowledge()).toBe(0xe3);
    for (let n = 0; n < 8; n++) expect(a.read(ISR + 16 * n)).toBe(0);
    a.write(TPR, 0);
    expect(a.take()).toBe(0x44);
  });
});

describe('messages', () => {
  test('by physical and by logical destination', () => {
    const a = new Apic().enable();
    a.write(ID, 3 << 24);
    a.write(LDR, 0x24 << 24);
    const arrives = (high: number, low: number) => {
      a.write(ICR_HIGH, high << 24);
      a.write(ICR, low);
      const came = a.apic.pending();
      if (came) a.take();
      a.write(EOI, 0);
      return came;
    };
    expect(arrives(3, 0x60)).toBe(true);
    expect(arrives(0, 0x60)).toBe(false);
    expect(arrives(0xff, 0x60)).toBe(true);
    expect(arrives(0x04, 0x860)).toBe(true);
    expect(arrives(0x28, 0x960)).toBe(true);
    expect(arrives(0x18, 0x860)).toBe(false);
    a.write(DFR, 0);
    expect(arrives(0x24, 0x860)).toBe(true);
    expect(arrives(0x2c, 0x860)).toBe(true);
    expect(arrives(0x28, 0x860)).toBe(false);
    expect(arrives(0x34, 0x860)).toBe(false);
    expect(arrives(9, 0x80060)).toBe(true); // all including self
    expect(arrives(3, 0xc0060)).toBe(false); // all but self
    expect(a.read(ICR)).toBe(0xc0060);
  });

  test('NMI and INIT go past priorities and the enable bit; a start-up message is for others', () => {
    const a = new Apic();
    a.write(ICR, 0x400);
    a.write(ICR, 0x4500);
    a.write(ICR, 0x8500); // INIT level de-assert
    a.write(ICR, 0x4611);
    a.write(ICR, 0x200);
    expect(a.said).toEqual(['NMI', 'INIT']);
    a.self(0x50);
    expect(a.apic.pending()).toBe(false);
  });

  test('disabled by software, it holds what it has and takes no more (10.4.7.2)', () => {
    const a = new Apic().enable();
    a.write(LINT0, 0x700);
    a.self(0x50);
    a.write(SVR, 0xff);
    expect(a.read(LINT0)).toBe(MASKED | 0x700);
    a.write(LINT0, 0x700);
    expect(a.read(LINT0)).toBe(MASKED | 0x700);
    a.self(0x90);
    expect(a.take()).toBe(0x50);
    a.write(EOI, 0);
    expect(a.apic.pending()).toBe(false);
  });
});

describe('errors', () => {
  test('are seen after a write to the ESR, once', () => {
    const a = new Apic().enable();
    a.read(0x3f0);
    expect(a.read(ESR)).toBe(0);
    a.write(ESR, 0);
    expect(a.read(ESR)).toBe(0x80);
    a.write(ESR, 0);
    expect(a.read(ESR)).toBe(0);
    a.write(0x10, 1);
    a.self(0x0f);
    a.write(ICR, 0x0e); // to itself by its ID
    a.write(ESR, 0xffffffff);
    expect(a.read(ESR)).toBe(0xe0);
  });

  test('raise their interrupt with the first of them', () => {
    const a = new Apic().enable();
    a.write(LVT_ERROR, 0xfe);
    a.write(ICR_HIGH, 7 << 24);
    a.write(ICR, 0x05); // to nobody
    expect(a.take()).toBe(0xfe);
    a.write(EOI, 0);
    a.read(0x3f0);
    expect(a.apic.pending()).toBe(false);
    a.write(ESR, 0);
    expect(a.read(ESR)).toBe(0xa0);
    a.read(0x3f0);
    expect(a.take()).toBe(0xfe);
  });

  test('an illegal vector in the local vector table is not delivered', () => {
    const a = new Apic().enable();
    a.write(DIVIDE, 0xb);
    a.write(LVT_TIMER, 0x0a);
    a.write(INITIAL, 100);
    a.wait(1000);
    expect(a.apic.pending()).toBe(false);
    a.write(ESR, 0);
    expect(a.read(ESR)).toBe(0x40);
  });
});

describe('pins', () => {
  test('ExtINT goes past the priorities to the 8259A pair (virtual wire)', () => {
    const a = new Apic();
    a.setPic(true);
    expect(a.apic.pending()).toBe(false);
    a.apic.setVirtualWire();
    expect([a.read(SVR), a.read(LINT0), a.read(LINT1)]).toEqual([0x1ff, 0x8700, 0x8400]);
    a.write(TPR, 0xff);
    expect(a.take()).toBe(0x77);
    a.setPic(false);
    expect(a.apic.pending()).toBe(false);
    a.setPic(true);
    a.write(LINT0, MASKED | 0x700);
    expect(a.apic.pending()).toBe(false);
    a.apic.setExtInt(true);
    expect(a.take()).toBe(0x77);
  });

  test('LINT0 as a fixed interrupt: by edges', () => {
    const a = new Apic().enable();
    a.write(LINT0, 0x62);
    a.setPic(true);
    expect(a.take()).toBe(0x62);
    a.write(EOI, 0);
    expect(a.apic.pending()).toBe(false);
    a.setPic(false);
    expect(a.apic.pending()).toBe(false);
    a.setPic(true);
    expect(a.take()).toBe(0x62);
    expect(a.said.some(line => line.startsWith('end'))).toBe(false);
  });

  test('LINT0 as a fixed interrupt: by level, with remote IRR', () => {
    const a = new Apic().enable();
    a.write(LINT0, 0x8062);
    a.setPic(true);
    expect(a.read(LINT0)).toBe(0xc062);
    expect(a.take()).toBe(0x62);
    expect(a.read(TMR + 0x30)).toBe(4);
    a.write(EOI, 0);
    expect(a.take()).toBe(0x62);
    a.setPic(false);
    a.write(EOI, 0);
    expect(a.read(LINT0)).toBe(0x8062);
    expect(a.apic.pending()).toBe(false);
    a.write(LINT0, 0xa062); // active low
    expect(a.take()).toBe(0x62);
  });

  test('NMI comes with an edge', () => {
    const a = new Apic().enable();
    a.write(LINT1, 0x400);
    a.apic.setPin(1, true);
    a.apic.setPin(1, true);
    a.apic.setPin(1, false);
    expect(a.said).toEqual(['NMI']);
    expect(a.apic.hasNmiWire).toBe(false);
    a.write(LINT0, 0x400);
    expect(a.apic.hasNmiWire).toBe(true);
    a.setPic(true);
    expect(a.said).toEqual(['NMI', 'NMI']);
  });
});

describe('level-triggered messages', () => {
  test('end on the bus', () => {
    const a = new Apic().enable();
    const message = { destination: 0, isLogical: false, deliveryMode: 0, vector: 0x71, isLevel: true };
    expect(a.apic.receive({ ...message, destination: 1 })).toBe(false);
    expect(a.apic.receive(message)).toBe(true);
    expect(a.apic.receive({ ...message, vector: 0x72, isLevel: false, deliveryMode: 1 })).toBe(true);
    expect(a.take()).toBe(0x72);
    a.write(EOI, 0);
    expect(a.take()).toBe(0x71);
    a.write(EOI, 0);
    expect(a.said.filter(line => line.startsWith('end'))).toEqual(['end 71']);
    // The same vector by an edge is no longer level-triggered.
    a.self(0x71);
    expect(a.read(TMR + 0x30)).toBe(0);
  });
});

describe('timer', () => {
  const start = (lvt: number, divide: number, count: number) => {
    const a = new Apic().enable();
    a.write(DIVIDE, divide);
    a.write(LVT_TIMER, lvt);
    a.write(INITIAL, count);
    return a;
  };

  test.each([
    [0b0000, 2],
    [0b0001, 4],
    [0b0010, 8],
    [0b0011, 16],
    [0b1000, 32],
    [0b1001, 64],
    [0b1010, 128],
    [0b1011, 1],
  ])('divider %i counts down once in %i pulses', (divide, pulses) => {
    const a = start(0x40, divide, 1000);
    a.wait(10 * pulses);
    expect(a.read(CURRENT)).toBe(990);
    a.wait(990 * pulses - 1);
    expect(a.read(CURRENT)).toBe(1);
    expect(a.apic.pending()).toBe(false);
    a.wait(1);
    expect(a.read(CURRENT)).toBe(0);
    expect(a.take()).toBe(0x40);
    a.write(EOI, 0);
    a.wait(1e9);
    expect(a.apic.pending()).toBe(false);
  });

  test('periodic: it starts again from the initial count', () => {
    const a = start(0x20040, 0xb, 1000);
    a.wait(1500);
    expect(a.take()).toBe(0x40);
    a.write(EOI, 0);
    expect(a.read(CURRENT)).toBe(500);
    expect(a.apic.deadline()).toBe(2000);
    a.wait(10_000);
    expect(a.take()).toBe(0x40);
    a.write(EOI, 0);
    expect(a.apic.pending()).toBe(false);
    expect(a.read(CURRENT)).toBe(500);
    a.write(INITIAL, 0);
    expect(a.read(CURRENT)).toBe(0);
    expect(a.apic.deadline()).toBe(Number.POSITIVE_INFINITY);
  });

  test('masked, it counts but does not interrupt', () => {
    const a = start(MASKED | 0x20040, 0xb, 1000);
    expect(a.apic.deadline()).toBe(Number.POSITIVE_INFINITY);
    a.clock.time = 3700;
    expect(a.read(CURRENT)).toBe(300);
    a.write(LVT_TIMER, 0x20040);
    expect(a.apic.pending()).toBe(false);
    expect(a.clock.rescheduled).toBe(true);
    expect(a.apic.deadline()).toBe(4000);
  });

  test('another divider goes on from the count; another mode holds at the end', () => {
    const a = start(0x40, 0xb, 1000);
    a.wait(600);
    a.write(DIVIDE, 0);
    expect(a.read(CURRENT)).toBe(400);
    a.wait(400);
    expect(a.read(CURRENT)).toBe(200);
    a.write(LVT_TIMER, 0x20040);
    a.wait(400);
    expect(a.read(CURRENT)).toBe(1000);
    expect(a.apic.deadline()).toBe(1400 + 2000);
  });

  test('a count read at its end brings the interrupt at once', () => {
    const a = start(0x40, 0xb, 1000);
    a.clock.time = 1200.5;
    expect(a.read(CURRENT)).toBe(0);
    expect(a.take()).toBe(0x40);
  });
});

describe('snapshots', () => {
  const make: MakeSubject = clock => {
    const said: string[] = [];
    let level = false;
    const apic: LocalApic = new LocalApic({
      clock,
      pic: { pending: () => level, acknowledge: () => 0x77 },
      onInterrupt: () => said.push(`interrupt ${apic.pending()}`),
      onNmi: () => said.push('NMI'),
      onInit: () => said.push('INIT'),
      onEnd: vector => said.push(`end ${vector}`),
      onRelocate: () => said.push('relocated'),
    });
    apic.reset();
    apic.setVirtualWire();
    // The level of the pair's INTR is the pair's to save.
    const poke = (number: number) => {
      level = (number & 1) !== 0;
      if ((number & 6) === 0) apic.setPin(0, level);
      if ((number & 6) === 2) apic.setPin(1, level);
      if ((number & 6) === 4 && apic.pending()) return apic.acknowledge();
      const message = { destination: 0xff, isLogical: false, deliveryMode: 0, vector: number >> 8, isLevel: true };
      if ((number & 6) === 6) apic.receive(message);
      return apic.pending();
    };
    return { device: asPorts(apic, BASE, 0x40), lines: [], said, poke };
  };
  const registers = [2, 8, 0xa, 0xb, 0xd, 0xe, 0xf, 0x14, 0x22, 0x28, 0x30, 0x30, 0x31, 0x32, 0x32, 0x35, 0x36, 0x37];

  test('go on as if nothing had been', () => checkSnapshots(make, [...registers, 0x38, 0x38, 0x39, 0x3e]));
  test('restore takes every field and refuses what it did not save', () => checkRestore(make));
});
