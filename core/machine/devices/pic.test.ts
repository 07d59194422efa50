import { describe, expect, test } from 'vitest';
import { Pic } from './pic.ts';
import { Bench, checkRestore, checkSnapshots, type MakeSubject } from './testing/bench.ts';

const PORTS = [0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1];

const make: MakeSubject = () => {
  const said: string[] = [];
  const pic: Pic = new Pic({ onInterrupt: () => said.push(`INTR ${pic.pending()}`) });
  const poke = (number: number) => {
    const irq = number & 15;
    if (irq === 2) return pic.acknowledge();
    pic.line(irq).set((number & 16) !== 0);
    return pic.pending();
  };
  return { device: pic, lines: [], said, poke };
};

class PicBench extends Bench {
  readonly pic: Pic;

  constructor() {
    let pic: Pic | undefined;
    super(clock => {
      const subject = make(clock);
      if (subject.device instanceof Pic) pic = subject.device;
      return subject;
    });
    if (pic === undefined) throw new Error('no PIC');
    this.pic = pic;
  }

  /** As every PC sets it up: vectors 20h and 28h, cascade on 2. */
  initialize(masterIcw4 = 0x01, slaveIcw4 = 0x01, icw1 = 0x11): this {
    for (const [base, vectors, icw3, icw4] of [
      [0x20, 0x20, 0x04, masterIcw4],
      [0xa0, 0x28, 0x02, slaveIcw4],
    ]) {
      this.out(base, icw1);
      this.out(base + 1, vectors);
      this.out(base + 1, icw3);
      this.out(base + 1, icw4);
    }
    return this;
  }

  raise(...irqs: number[]): void {
    for (const irq of irqs) this.pic.line(irq).set(true);
  }

  lower(...irqs: number[]): void {
    for (const irq of irqs) this.pic.line(irq).set(false);
  }

  isr(base = 0x20): number {
    this.out(base, 0x0b);
    return this.in(base);
  }

  irr(base = 0x20): number {
    this.out(base, 0x0a);
    return this.in(base);
  }
}

describe('8259A pair', () => {
  test('asserts nothing before it is initialized', () => {
    const bench = new PicBench();
    bench.raise(0);
    expect(bench.pic.pending()).toBe(false);
  });

  test('an edge raises INTR, the acknowledge gives the vector and puts the level in service', () => {
    const bench = new PicBench().initialize();
    bench.raise(4);
    expect(bench.subject.said).toEqual(['INTR true']);
    expect(bench.irr()).toBe(0x10);
    expect(bench.pic.acknowledge()).toBe(0x24);
    expect(bench.pic.pending()).toBe(false);
    expect(bench.irr()).toBe(0);
    expect(bench.isr()).toBe(0x10);
    bench.out(0x20, 0x20);
    expect(bench.isr()).toBe(0);
    // The line is still high: no new edge, no new request.
    expect(bench.pic.pending()).toBe(false);
    bench.lower(4);
    bench.raise(4);
    expect(bench.pic.pending()).toBe(true);
  });

  test('fully nested: a higher level interrupts a lower one, not the other way round', () => {
    const bench = new PicBench().initialize();
    bench.raise(3);
    expect(bench.pic.acknowledge()).toBe(0x23);
    bench.raise(5);
    expect(bench.pic.pending()).toBe(false);
    bench.raise(1);
    expect(bench.pic.acknowledge()).toBe(0x21);
    bench.out(0x20, 0x20); // ends 1, the highest
    expect(bench.isr()).toBe(0x08);
    expect(bench.pic.pending()).toBe(false);
    bench.out(0x20, 0x63); // specific: ends 3
    expect(bench.pic.acknowledge()).toBe(0x25);
  });

  test('the mask holds a request back and keeps it', () => {
    const bench = new PicBench().initialize();
    bench.out(0x21, 0x40);
    bench.raise(6);
    expect(bench.in(0x21)).toBe(0x40);
    expect(bench.irr()).toBe(0x40);
    expect(bench.pic.pending()).toBe(false);
    bench.out(0x21, 0x00);
    expect(bench.pic.acknowledge()).toBe(0x26);
  });

  test('a request that goes away before the acknowledge is the spurious IRQ 7, with nothing in service', () => {
    const bench = new PicBench().initialize();
    bench.raise(1);
    bench.lower(1);
    expect(bench.pic.pending()).toBe(false);
    expect(bench.pic.acknowledge()).toBe(0x27);
    expect(bench.isr()).toBe(0);
  });

  test("a slave's request that goes away takes the master's with it", () => {
    const bench = new PicBench().initialize();
    bench.raise(9);
    expect(bench.irr()).toBe(0x04);
    bench.lower(9);
    expect(bench.irr()).toBe(0);
    expect(bench.pic.acknowledge()).toBe(0x27);
    expect(bench.isr(0xa0)).toBe(0);
  });

  test('the slave answers through the cascade with its own vector, and both need an EOI', () => {
    const bench = new PicBench().initialize();
    bench.raise(12);
    expect(bench.pic.acknowledge()).toBe(0x2c);
    expect(bench.isr()).toBe(0x04);
    expect(bench.isr(0xa0)).toBe(0x10);
    bench.raise(8); // higher on the slave, but the master's level 2 is in service
    expect(bench.pic.pending()).toBe(false);
    bench.out(0xa0, 0x20);
    expect(bench.pic.pending()).toBe(false);
    bench.out(0x20, 0x20);
    expect(bench.pic.acknowledge()).toBe(0x28);
  });

  test('special fully nested mode lets a higher level of the slave in', () => {
    const bench = new PicBench().initialize(0x11);
    bench.raise(12);
    expect(bench.pic.acknowledge()).toBe(0x2c);
    bench.raise(14);
    expect(bench.pic.pending()).toBe(false);
    bench.raise(8);
    expect(bench.pic.acknowledge()).toBe(0x28);
    expect(bench.isr(0xa0)).toBe(0x11);
  });

  test('slave levels sit between 1 and 3', () => {
    const bench = new PicBench().initialize();
    bench.raise(3, 15, 1);
    const order: number[] = [];
    while (bench.pic.pending()) {
      order.push(bench.pic.acknowledge());
      bench.out(0xa0, 0x20);
      bench.out(0x20, 0x20);
    }
    expect(order).toEqual([0x21, 0x2f, 0x23]);
  });

  test('auto EOI leaves nothing in service', () => {
    const bench = new PicBench().initialize(0x03);
    bench.raise(1, 3);
    expect(bench.pic.acknowledge()).toBe(0x21);
    expect(bench.isr()).toBe(0);
    expect(bench.pic.acknowledge()).toBe(0x23);
  });

  test('a slave in auto EOI mode asks again for what still waits', () => {
    const bench = new PicBench().initialize(0x01, 0x03);
    bench.raise(9, 10);
    expect(bench.pic.acknowledge()).toBe(0x29);
    expect(bench.pic.pending()).toBe(false);
    bench.out(0x20, 0x20);
    expect(bench.pic.acknowledge()).toBe(0x2a);
  });

  test('rotation in auto EOI mode makes the served level the lowest', () => {
    const bench = new PicBench().initialize(0x03);
    bench.out(0x20, 0x80);
    bench.raise(0, 1);
    expect(bench.pic.acknowledge()).toBe(0x20);
    bench.lower(0);
    bench.raise(0);
    expect(bench.pic.acknowledge()).toBe(0x21);
    bench.out(0x20, 0x00); // no rotation any more; level 1 stays lowest
    expect(bench.pic.acknowledge()).toBe(0x20);
  });

  test('rotate on non-specific EOI: the datasheet example with 4 and 6 in service', () => {
    const bench = new PicBench().initialize();
    bench.raise(6);
    bench.pic.acknowledge();
    bench.raise(4);
    bench.pic.acknowledge();
    bench.out(0x20, 0xa0); // ends 4, which becomes the lowest; 5 is now the highest
    expect(bench.isr()).toBe(0x40);
    bench.raise(3);
    expect(bench.pic.pending()).toBe(false); // 3 is below 6 now
    bench.raise(5);
    expect(bench.pic.acknowledge()).toBe(0x25);
  });

  test('set priority and rotate on specific EOI', () => {
    const bench = new PicBench().initialize();
    bench.out(0x20, 0xc5); // 5 lowest, 6 highest
    bench.raise(0, 7, 6, 5);
    expect(bench.pic.acknowledge()).toBe(0x26);
    bench.out(0x20, 0xe6); // ends 6 and makes it the lowest: 7 is highest
    expect(bench.isr()).toBe(0);
    expect(bench.pic.acknowledge()).toBe(0x27);
    bench.out(0x20, 0x40); // no operation
    expect(bench.isr()).toBe(0x80);
  });

  test('special mask mode lets lower levels interrupt a masked one in service', () => {
    const bench = new PicBench().initialize();
    bench.raise(3);
    bench.pic.acknowledge();
    bench.raise(6);
    bench.out(0x21, 0x08);
    expect(bench.pic.pending()).toBe(false);
    bench.out(0x20, 0x68);
    expect(bench.pic.acknowledge()).toBe(0x26);
    bench.out(0x20, 0x20); // non-specific EOI passes over the masked 3
    expect(bench.isr()).toBe(0x08);
    bench.out(0x20, 0x48);
    bench.out(0x20, 0x20);
    expect(bench.isr()).toBe(0);
  });

  test('poll acknowledges by a read', () => {
    const bench = new PicBench().initialize();
    bench.out(0x20, 0x0c);
    expect(bench.in(0x20) & 0x80).toBe(0);
    bench.raise(5);
    bench.out(0x20, 0x0c);
    expect(bench.in(0x20)).toBe(0x85);
    expect(bench.isr()).toBe(0x20);
    expect(bench.pic.pending()).toBe(false);
    expect(bench.subject.said).toEqual(['INTR true', 'INTR false']);
  });

  test('polling master, then slave', () => {
    const bench = new PicBench().initialize();
    bench.raise(14);
    bench.out(0x20, 0x0c);
    expect(bench.in(0x20)).toBe(0x82);
    bench.out(0xa0, 0x0c);
    expect(bench.in(0xa0)).toBe(0x86);
    expect(bench.isr(0xa0)).toBe(0x40);
  });

  test('the edge/level registers make an input follow its level', () => {
    const bench = new PicBench().initialize();
    bench.out(0x4d0, 0xff);
    bench.out(0x4d1, 0xff);
    expect(bench.in(0x4d0)).toBe(0xf8);
    expect(bench.in(0x4d1)).toBe(0xde);
    bench.raise(5);
    expect(bench.pic.acknowledge()).toBe(0x25);
    bench.out(0x20, 0x20);
    expect(bench.pic.acknowledge()).toBe(0x25); // still high
    bench.lower(5);
    bench.out(0x20, 0x20);
    expect(bench.pic.pending()).toBe(false);
  });

  test('level triggering by ICW1', () => {
    const bench = new PicBench().initialize(0x01, 0x01, 0x19);
    bench.raise(0);
    bench.pic.acknowledge();
    bench.out(0x20, 0x20);
    expect(bench.pic.pending()).toBe(true);
  });

  test('initialization forgets edges, mask and service, and selects the IRR', () => {
    const bench = new PicBench().initialize();
    bench.raise(1);
    bench.pic.acknowledge();
    bench.raise(0);
    bench.out(0x21, 0xaa);
    bench.out(0x20, 0x0b);
    bench.initialize();
    expect(bench.in(0x21)).toBe(0);
    expect(bench.in(0x20)).toBe(0);
    expect(bench.isr()).toBe(0);
    expect(bench.pic.pending()).toBe(false);
    bench.lower(0);
    bench.raise(0);
    expect(bench.pic.acknowledge()).toBe(0x20);
  });

  test('ICW1 without ICW3 and ICW4', () => {
    const bench = new PicBench();
    bench.out(0x20, 0x12);
    bench.out(0x21, 0x47);
    bench.out(0x21, 0xfe); // already OCW1
    bench.raise(0);
    expect(bench.pic.acknowledge()).toBe(0x40);
  });

  test('ICW1 without ICW4 takes back what an earlier ICW4 said', () => {
    const bench = new PicBench().initialize(0x03);
    bench.out(0x20, 0x12);
    bench.out(0x21, 0x20);
    bench.raise(0);
    bench.pic.acknowledge();
    expect(bench.isr()).toBe(0x01);
  });

  test('there is no input 2', () => {
    const { pic } = new PicBench();
    expect(() => pic.line(2)).toThrow(RangeError);
    expect(() => pic.line(16)).toThrow(RangeError);
  });

  test('reset keeps the wires', () => {
    const bench = new PicBench().initialize();
    bench.raise(5);
    bench.pic.reset();
    expect(bench.pic.pending()).toBe(false);
    bench.initialize();
    bench.out(0x4d0, 0x20);
    expect(bench.pic.pending()).toBe(true);
  });

  test('snapshots', () => checkSnapshots(make, PORTS));
  test('restore takes every field and refuses what it did not save', () => checkRestore(make));
});
