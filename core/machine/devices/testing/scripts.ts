import { TestBoard } from './board.ts';
import { Dice, type PortStep, ScriptWriter } from './port-script.ts';

/**
 * Scripts whose answers do not depend on how fast the machine is, so that any PC gives the same ones. They also keep to
 * what the datasheets define.
 */
export const SCRIPTS: Readonly<Record<string, () => readonly PortStep[]>> = {
  'pic: commands and registers': () => picScript(1, false),
  'pic: special mask mode': () => picScript(2, true),
  'pit: programming, latches and status': () => pitScript(3),
  'rtc: registers and memory': () => rtcScript(4),
  'uart: registers and loopback': () => uartScript(5),
  'dma: registers': () => dmaScript(6),
  'pci: configuration': () => pciScript(),
  'i8042: controller and keyboard': () => keyboardScript(),
};

function initializePics(script: ScriptWriter, masterIcw4: number, slaveIcw4: number): void {
  script.out(0x20, 0x11).out(0x21, 0x20, 0x04, masterIcw4);
  script.out(0xa0, 0x11).out(0xa1, 0x28, 0x02, slaveIcw4);
}

/** Lines that a program can drive by itself, and how. */
const LINES: readonly {
  readonly irq: number;
  readonly up: (s: ScriptWriter) => void;
  readonly down: (s: ScriptWriter) => void;
}[] = [
  { irq: 0, up: s => s.out(0x43, 0x36).out(0x40, 0, 0), down: s => s.out(0x43, 0x30).out(0x40, 0, 0) },
  { irq: 4, up: s => s.out(0x3f9, 0x02), down: s => s.out(0x3f9, 0x00) },
  { irq: 1, up: s => s.out(0x64, 0xd2).out(0x60, 0x55), down: s => s.in(0x60) },
];

/**
 * Random commands to both controllers, with three lines that go up and down. Two things QEMU does in its own way stay
 * out: it keeps an edge whose line has gone down, and in special mask mode its non-specific EOI ends a masked level.
 */
function picScript(seed: number, specialMask: boolean): readonly PortStep[] {
  const dice = new Dice(seed);
  const board = new TestBoard();
  const script = new ScriptWriter();
  let played = 0;
  const play = () => {
    while (played < script.steps.length) board.step(script.steps[played++]);
  };
  const up = new Set<number>();
  script.out(0x43, 0x30).out(0x64, 0x60).out(0x60, 0x21).out(0x3fc, 0x0b).out(0x3f9, 0x00);
  initializePics(script, 0x01, 0x01);
  for (let i = 0; i < 500; i++) {
    play();
    const base = dice.pick([0x20, 0x20, 0xa0]);
    switch (dice.below(10)) {
      case 0:
      case 1:
      case 2: {
        const { irq, up: raise, down: lower } = dice.pick(LINES);
        if (!up.has(irq)) {
          up.add(irq);
          raise(script);
        } else if (!requests(board, irq)) {
          up.delete(irq);
          lower(script);
        }
        break;
      }
      case 3:
        script.out(base + 1, dice.below(256) & dice.below(256));
        break;
      case 4:
        script.out(base, 0x0c).in(base); // poll
        break;
      case 5:
        if (!specialMask) script.out(base, dice.pick([0x20, 0x20, 0xa0]));
        else script.out(base, 0x60 | dice.below(8)); // specific
        break;
      case 6:
        script.out(base, (dice.pick([0x60, 0xe0, 0xc0]) | dice.below(8)) & 0xe7);
        break;
      case 7:
        if (specialMask) script.out(base, dice.pick([0x48, 0x68]));
        break;
      default:
        break;
    }
    script
      .out(base, 0x0a)
      .in(base)
      .out(base, 0x0b)
      .in(base, base + 1);
  }
  return script.steps;
}

/** Whether an edge on this line waits to be served. */
function requests(board: TestBoard, irq: number): boolean {
  const { master } = board.pic.save();
  if (typeof master !== 'object' || master === null || !('edges' in master)) throw new Error('no master');
  return ((Number(master.edges) >> irq) & 1) !== 0;
}

/** The high byte of a count moves too slowly to tell one machine from another, if the low byte starts in the middle. */
function pitScript(seed: number): readonly PortStep[] {
  const dice = new Dice(seed);
  const script = new ScriptWriter();
  script.out(0x61, 0x01);
  for (let i = 0; i < 150; i++) {
    const mode = dice.pick([0, 2, 3, 4]);
    const access = dice.pick([2, 3]);
    script.out(0x43, 0x80 | (access << 4) | (mode << 1));
    if (access === 3) script.out(0x42, 0xc0);
    // With no low byte the count starts at a multiple of 256, from which it falls at once.
    script.out(0x42, 2 + dice.below(100)).us(10);
    for (let j = 0; j < 3; j++) {
      const what = dice.pick([0x80, 0xc8, 0xd8, 0xe8]);
      script.out(0x43, what);
      // QEMU has OUT upside down in modes 2 and 4.
      if (what === 0xc8 || what === 0xe8) script.masked(0x42, mode === 0 || mode === 3 ? 0xff : 0x7f);
      if (what !== 0xe8 && access === 3) script.masked(0x42, 0);
      if (what !== 0xe8) script.in(0x42);
    }
    if (access === 3) script.masked(0x42, 0);
    script.in(0x42);
  }
  return script.steps;
}

function rtcScript(seed: number): readonly PortStep[] {
  const dice = new Dice(seed);
  const script = new ScriptWriter();
  const set = (index: number, value: number) => script.out(0x70, index).out(0x71, value);
  const get = (index: number) => script.out(0x70, index).in(0x71);
  set(0x0b, 0x82);
  for (let i = 0; i < 100; i++) {
    const index = dice.pick([...Array(10).keys(), 0x0f, 0x10, 0x40, 0x7f]);
    set(index, (dice.below(4) << 4) | dice.below(10));
    get(index);
    get(0x0d);
    set(0x0b, 0x80 | dice.pick([0x00, 0x02, 0x04, 0x06]));
    get(0x0b);
  }
  // The clock counts from the last second of a month, a year, a February, in all formats.
  for (const b of [0x02, 0x06, 0x00, 0x04]) {
    for (const [month, day, year] of [
      [12, 31, 99],
      [2, 28, 24],
      [2, 28, 23],
      [4, 30, 5],
    ]) {
      const code = (value: number) => ((b & 4) !== 0 ? value : (Math.floor(value / 10) << 4) | (value % 10));
      set(0x0a, 0x76);
      set(0x0b, 0x80 | b);
      set(0x32, code(20));
      set(9, code(year));
      set(8, code(month));
      set(7, code(day));
      set(6, 7);
      set(4, (b & 2) !== 0 ? code(23) : code(11) | 0x80);
      set(2, code(59));
      set(0, code(59));
      set(0x0b, b);
      set(0x0a, 0x26);
      script.us(600_000);
      for (const index of [0, 2, 4, 7, 8, 9]) get(index);
    }
  }
  return script.steps;
}

function uartScript(seed: number): readonly PortStep[] {
  const dice = new Dice(seed);
  const script = new ScriptWriter();
  const port = (register: number) => 0x3f8 + register;
  script.out(port(1), 0).out(port(3), 0x83).out(port(0), 1).out(port(1), 0).out(port(3), 0x03);
  script.out(port(4), 0x00).masked(port(6), 0xf0).in(port(6), port(5));
  for (let i = 0; i < 200; i++) {
    switch (dice.below(5)) {
      case 0:
        script.out(port(7), dice.below(256)).in(port(7));
        break;
      case 1:
        script
          .out(port(4), 0x10 | dice.below(16))
          .in(port(4))
          .masked(port(6), 0xf0)
          .in(port(6));
        break;
      case 2: {
        script.out(port(3), 0x83).out(port(0), dice.below(256)).out(port(1), dice.below(256));
        script.in(port(0), port(1), port(3)).out(port(0), 1).out(port(1), 0).out(port(3), 0x03);
        break;
      }
      case 3:
        script.out(port(1), dice.below(16)).in(port(1)).out(port(1), 0);
        break;
      case 4: {
        // Loopback through the FIFOs: as many bytes as they hold, with time to go round.
        const count = 1 + dice.below(16);
        script.out(port(4), 0x10).out(port(2), dice.pick([0x01, 0x41, 0x81, 0xc1]) | 0x06);
        for (let byte = 0; byte < count; byte++) script.out(port(0), dice.below(256)).us(200);
        script.us(1000).in(port(5)).out(port(1), 0x01).in(port(2)).out(port(1), 0);
        for (let byte = 0; byte < count; byte++) script.in(port(0));
        script.in(port(5));
        break;
      }
    }
  }
  return script.steps;
}

function dmaScript(seed: number): readonly PortStep[] {
  const dice = new Dice(seed);
  const script = new ScriptWriter();
  script.out(0x0d, 0).out(0xda, 0);
  for (let i = 0; i < 200; i++) {
    const register = dice.below(8);
    const second = dice.below(2) === 1;
    const port = second ? 0xc0 + register * 2 : register;
    script.out(second ? 0xd8 : 0x0c, 0).out(port, dice.below(256), dice.below(256));
    script.out(second ? 0xd8 : 0x0c, 0).in(port, port);
    const page = dice.pick([0x81, 0x82, 0x83, 0x87, 0x89, 0x8a, 0x8b, 0x8f]);
    script.out(page, dice.below(256)).in(page);
  }
  return script.steps;
}

function pciScript(): readonly PortStep[] {
  const script = new ScriptWriter();
  const config = (offset: number) => script.out4(0xcf8, 0x80000000 + offset);
  script.out4(0xcf8, 0x80000000).in4(0xcf8);
  script.out(0xcfb, 0x01).in4(0xcf8);
  config(0x00).in4(0xcfc).in(0xcfc, 0xcfd, 0xcfe, 0xcff);
  config(0x08).in4(0xcfc);
  config(0x0c).in(0xcfe); // header type
  for (const device of [5, 17, 31])
    config(device << 11)
      .in4(0xcfc)
      .in(0xcfe);
  script.out4(0xcf8, 0x00000000).in4(0xcfc);
  script.out4(0xcf8, 0x80030000).in4(0xcfc);
  return script.steps;
}

function keyboardScript(): readonly PortStep[] {
  const script = new ScriptWriter();
  const ask = (...bytes: number[]) => {
    script.out(0x64, bytes[0]);
    for (const byte of bytes.slice(1)) script.out(0x60, byte);
    script.us(2000).masked(0x64, 0xf7).in(0x60).masked(0x64, 0xf7);
  };
  const tell = (byte: number, answers: number) => {
    script.out(0x60, byte);
    for (let i = 0; i < answers; i++) script.us(2000).masked(0x64, 0xf7).in(0x60);
    script.masked(0x64, 0xf7);
  };
  ask(0xaa);
  ask(0xab);
  ask(0xa9);
  script.out(0x64, 0x60).out(0x60, 0x65);
  ask(0x20);
  script.out(0x64, 0xa8);
  ask(0x20);
  script.out(0x64, 0xad);
  ask(0x20);
  script.out(0x64, 0xae).out(0x64, 0xa7);
  ask(0x20);
  script.out(0x64, 0xa8);
  ask(0xd3, 0x5a);
  ask(0xd2, 0x3c);
  script.out(0x64, 0x60).out(0x60, 0x25); // no translation
  tell(0xff, 2);
  tell(0xf2, 3);
  tell(0xee, 1);
  tell(0xed, 1);
  tell(0x02, 1);
  tell(0xf3, 1);
  tell(0x20, 1);
  tell(0xf0, 1);
  tell(0x00, 2);
  tell(0xf5, 1);
  tell(0xf4, 1);
  script.out(0x64, 0x60).out(0x60, 0x65);
  tell(0xf2, 3);
  return script.steps;
}
