import { describe, expect, test } from 'vitest';
import { I8042 } from './i8042.ts';
import { Bench, checkRestore, checkSnapshots, type MakeSubject, TestLine } from './testing/bench.ts';

const MILLISECOND = 1_000_000;
const KEYS: readonly (readonly number[])[] = [[0x1c], [0xf0, 0x1c], [0xe0, 0x75], [0xe0, 0xf0, 0x75], [0x83]];

const make: MakeSubject = clock => {
  const said: string[] = [];
  const keyboardLine = new TestLine(clock);
  const auxLine = new TestLine(clock);
  const device = new I8042({
    clock,
    keyboardLine,
    auxLine,
    onA20: enabled => said.push(`A20 ${enabled}`),
    onReset: () => said.push('reset'),
  });
  const poke = (number: number) => [device.key(Uint8Array.from(KEYS[number % KEYS.length])), device.leds, device.a20];
  return { device, lines: [keyboardLine, auxLine], said, poke };
};

class KeyboardBench extends Bench {
  readonly controller: I8042;

  constructor() {
    super(make);
    const { device } = this.subject;
    if (!(device instanceof I8042)) throw new Error('no controller');
    this.controller = device;
  }

  status(): number {
    return this.in(0x64);
  }

  command(...bytes: number[]): void {
    this.out(0x64, bytes[0]);
    for (const byte of bytes.slice(1)) this.out(0x60, byte);
  }

  /** A command and its answer, which comes at once. */
  ask(...bytes: number[]): number {
    this.command(...bytes);
    expect(this.status() & 0x01).toBe(0x01);
    return this.in(0x60);
  }

  /** Everything that comes until the keyboard is silent. */
  drain(): number[] {
    const bytes: number[] = [];
    for (let silent = 0; silent < 4; ) {
      if ((this.status() & 0x01) !== 0) {
        bytes.push(this.in(0x60));
        silent = 0;
      } else {
        this.wait(MILLISECOND);
        silent++;
      }
    }
    return bytes;
  }

  type(...codes: number[]): boolean {
    const taken = this.controller.key(Uint8Array.from(codes));
    this.checkDeadline();
    return taken;
  }
}

describe('8042 controller', () => {
  test('self test, port tests and the command byte', () => {
    const bench = new KeyboardBench();
    expect(bench.ask(0xaa)).toBe(0x55);
    expect(bench.ask(0xab)).toBe(0x00);
    expect(bench.ask(0xa9)).toBe(0x00);
    expect(bench.ask(0xa4)).toBe(0xf1);
    expect(bench.ask(0x20)).toBe(0x65);
    bench.command(0x60, 0x47);
    expect(bench.ask(0x20)).toBe(0x47);
    bench.command(0x7f, 0x99);
    expect(bench.ask(0x3f)).toBe(0x99);
    expect(bench.ask(0xe0)).toBe(0x03);
  });

  test('enabling and disabling ports shows in the command byte', () => {
    const bench = new KeyboardBench();
    bench.command(0xa8);
    expect(bench.ask(0x20) & 0x30).toBe(0x00);
    bench.command(0xa7);
    bench.command(0xad);
    expect(bench.ask(0x20) & 0x30).toBe(0x30);
    bench.command(0xae);
    expect(bench.ask(0x20) & 0x30).toBe(0x20);
  });

  test('status: command or data was written last, buffer full, system flag', () => {
    const bench = new KeyboardBench();
    bench.command(0xae);
    expect(bench.status()).toBe(0x1c);
    bench.command(0x60, 0x41);
    expect(bench.status()).toBe(0x10);
    bench.command(0xd2, 0x12);
    expect(bench.status()).toBe(0x11);
    expect(bench.in(0x60)).toBe(0x12);
    expect(bench.status()).toBe(0x10);
    expect(bench.in(0x60)).toBe(0x12);
  });

  test('an interrupt for each byte, if enabled', () => {
    const bench = new KeyboardBench();
    const [keyboard, aux] = bench.subject.lines;
    bench.command(0xd2, 0x12);
    expect([keyboard.level, aux.level]).toEqual([true, false]);
    bench.in(0x60);
    expect(keyboard.level).toBe(false);
    bench.command(0x60, 0x46);
    bench.command(0xd2, 0x12);
    expect(keyboard.level).toBe(false);
    bench.command(0xd3, 0x34);
    expect([keyboard.level, aux.level]).toEqual([false, true]);
    expect(bench.status() & 0x21).toBe(0x21);
    expect(bench.in(0x60)).toBe(0x34);
    expect(aux.level).toBe(false);
  });

  test('a byte that replaces an unread one is an edge of its own', () => {
    const bench = new KeyboardBench();
    bench.command(0xd2, 0x12);
    bench.command(0xd2, 0x34);
    expect(bench.subject.lines[0].edges).toEqual(['up 0', 'down 0', 'up 0']);
    expect(bench.in(0x60)).toBe(0x34);
  });

  test('the auxiliary port is there with nothing plugged in', () => {
    const bench = new KeyboardBench();
    expect(bench.ask(0xd3, 0x5a)).toBe(0x5a);
    bench.command(0xd4, 0xf2);
    expect(bench.status()).toBe(0x75);
    expect(bench.in(0x60)).toBe(0xfe);
    expect(bench.ask(0xaa)).toBe(0x55);
    expect(bench.status() & 0x40).toBe(0);
  });

  test('output port: A20 and reset', () => {
    const bench = new KeyboardBench();
    expect(bench.controller.a20).toBe(true);
    expect(bench.ask(0xd0)).toBe(0xcf);
    bench.command(0xd1, 0xdd);
    expect(bench.ask(0xd0)).toBe(0xcd);
    bench.command(0xd1, 0xdd);
    bench.command(0xd1, 0xdf);
    bench.command(0xdd);
    bench.command(0xdf);
    expect(bench.subject.said).toEqual(['A20 false', 'A20 true', 'A20 false', 'A20 true']);
    bench.subject.said.length = 0;
    bench.command(0xfe);
    bench.command(0xd1, 0xde);
    bench.command(0xff);
    bench.command(0xf1);
    expect(bench.subject.said).toEqual(['reset', 'reset']);
    expect(bench.ask(0xd0)).toBe(0xcf);
  });

  test('reset() puts A20 back on', () => {
    const bench = new KeyboardBench();
    bench.command(0xdd);
    bench.type(0x1c);
    bench.controller.reset();
    bench.checkDeadline();
    expect(bench.subject.said).toEqual(['A20 false', 'A20 true']);
    expect(bench.drain()).toEqual([]);
  });

  test('unknown commands do nothing', () => {
    const bench = new KeyboardBench();
    for (const command of [0x00, 0x80, 0xb0, 0xc5, 0xe5]) bench.command(command);
    expect(bench.status() & 0x01).toBe(0);
    expect(bench.subject.said).toEqual([]);
  });
});

describe('the keyboard', () => {
  test('keys come translated to set 1', () => {
    const bench = new KeyboardBench();
    bench.type(0x1c); // A
    bench.type(0xf0, 0x1c);
    bench.type(0xe0, 0x75); // up
    bench.type(0xe0, 0xf0, 0x75);
    bench.type(0x83); // F7
    bench.type(0xf0, 0x83);
    expect(bench.drain()).toEqual([0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8, 0x41, 0xc1]);
  });

  test('without translation they are set 2', () => {
    const bench = new KeyboardBench();
    bench.command(0x60, 0x05);
    bench.type(0xe0, 0xf0, 0x75);
    expect(bench.drain()).toEqual([0xe0, 0xf0, 0x75]);
  });

  test('a byte takes most of a millisecond, and the next waits until this one has been read', () => {
    const bench = new KeyboardBench();
    const line = bench.subject.lines[0];
    bench.type(0x1c);
    bench.type(0x32);
    bench.wait(879_999);
    expect(bench.status() & 1).toBe(0);
    bench.wait(1);
    expect(line.edges).toEqual(['up 880000']);
    bench.wait(5 * MILLISECOND);
    expect(bench.in(0x60)).toBe(0x1e);
    expect(bench.in(0x60)).toBe(0x1e); // a second reader sees it too
    expect(bench.status() & 1).toBe(0);
    bench.wait(MILLISECOND);
    expect(line.edges.length).toBe(3);
    expect(bench.in(0x60)).toBe(0x30);
  });

  test('a disabled port keeps the byte until it is enabled', () => {
    const bench = new KeyboardBench();
    bench.command(0xad);
    bench.type(0x1c);
    expect(bench.drain()).toEqual([]);
    bench.command(0xae);
    expect(bench.drain()).toEqual([0x1e]);
  });

  test('its buffer has 16 bytes, and a key that does not fit is not taken', () => {
    const bench = new KeyboardBench();
    bench.command(0xad);
    for (let i = 0; i < 15; i++) expect(bench.type(0x1c)).toBe(true);
    expect(bench.type(0xf0, 0x1c)).toBe(false);
    expect(bench.type(0x1c)).toBe(true);
    expect(bench.type(0x1c)).toBe(false);
  });

  test('commands: reset, identify, lights, typematic, echo, resend', () => {
    const bench = new KeyboardBench();
    bench.command(0x60, 0x05); // no translation
    const tell = (...bytes: number[]) =>
      bytes.flatMap(byte => {
        bench.out(0x60, byte);
        return bench.drain();
      });
    expect(tell(0xff)).toEqual([0xfa, 0xaa]);
    expect(tell(0xf2)).toEqual([0xfa, 0xab, 0x83]);
    expect(tell(0xfe)).toEqual([0x83]);
    expect(tell(0xed, 0x05)).toEqual([0xfa, 0xfa]);
    expect(bench.controller.leds).toBe(5);
    expect(tell(0xf3, 0x00)).toEqual([0xfa, 0xfa]);
    expect(tell(0xee)).toEqual([0xee]);
    expect(tell(0xed, 0xee)).toEqual([0xfa, 0xee]); // a command instead of the argument
    expect(tell(0xf7, 0xfb, 0x1c)).toEqual([0xfa, 0xfa, 0xfa]);
    expect(tell(0x00)).toEqual([0xfe]);
  });

  test('with translation, its identity is AB 41', () => {
    const bench = new KeyboardBench();
    bench.out(0x60, 0xf2);
    expect(bench.drain()).toEqual([0xfa, 0xab, 0x41]);
  });

  test('scan code sets', () => {
    const bench = new KeyboardBench();
    bench.command(0x60, 0x05);
    const tell = (...bytes: number[]) =>
      bytes.flatMap(byte => {
        bench.out(0x60, byte);
        return bench.drain();
      });
    expect(tell(0xf0, 0x00)).toEqual([0xfa, 0xfa, 0x02]);
    expect(tell(0xf0, 0x03)).toEqual([0xfa, 0xfe]);
    expect(tell(0xf0, 0x01)).toEqual([0xfa, 0xfa]);
    bench.type(0xe0, 0xf0, 0x75);
    expect(bench.drain()).toEqual([0xe0, 0xc8]);
    expect(tell(0xf6)).toEqual([0xfa]);
    bench.type(0x1c);
    expect(bench.drain()).toEqual([0x1c]);
  });

  test('switched off it takes no keys', () => {
    const bench = new KeyboardBench();
    bench.out(0x60, 0xf5);
    expect(bench.drain()).toEqual([0xfa]);
    expect(bench.type(0x1c)).toBe(false);
    bench.out(0x60, 0xf4);
    expect(bench.drain()).toEqual([0xfa]);
    expect(bench.type(0x1c)).toBe(true);
  });

  test('a byte for the keyboard opens its port', () => {
    const bench = new KeyboardBench();
    bench.command(0xad);
    bench.out(0x60, 0xee);
    expect(bench.drain()).toEqual([0xee]);
  });

  test('snapshots', () => checkSnapshots(make, [0x60, 0x64]));
  test('restore takes every field and refuses what it did not save', () => checkRestore(make));
});
