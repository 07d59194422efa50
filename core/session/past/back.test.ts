/**
 * Stepping back in time: what was is what is come back to, byte for byte, and going forward is the same course again. RINGSIDE_SEED=n repeats
 * the random choices of a run.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseRun } from '../../cli/arguments.ts';
import { openGuest } from '../../cli/images.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { MachineState } from '../../machine/pc.ts';
import type { BackKind } from '../../protocol/messages.ts';
import type { Setting } from '../../protocol/monitor.ts';
import { type Guest, Session } from '../session.ts';
import { HISTORY, type HistoryOptions } from './history.ts';
import { BackError } from './past.ts';

const FOREVER = Number.POSITIVE_INFINITY;
const seed = Number(process.env['RINGSIDE_SEED'] ?? Math.floor(Math.random() * 0x100000000)) >>> 0;
const BARE: Setting = { mode: 'bare', paging: 'nested' };
const MONITORED: readonly Setting[] = [
  { mode: 'trap', paging: 'shadow' },
  { mode: 'translate', paging: 'shadow' },
  { mode: 'patch', paging: 'shadow' },
  { mode: 'hardware', paging: 'nested' },
  { mode: 'hardware', paging: 'shadow' },
];

const primer: Guest = {
  name: 'primer',
  kernel: new Uint8Array(readFileSync('public/guests/primer.elf')),
  initrd: null,
  symbols: null,
  commandLine: '',
  memoryMib: 8,
};

/** Marsaglia's xorshift32: numbers from 0 to below the bound. */
function random(start: number): (bound: number) => number {
  let state = start || 1;
  return bound => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

interface Open {
  readonly session: Session;
  /** What stands on the console. */
  text: string;
}

function open(setting: Setting = BARE, guest = primer, history: HistoryOptions = HISTORY): Open {
  const opened: Open = {
    text: '',
    session: new Session(guest, {
      startTime: 1_700_000_000,
      rate: 1e7,
      onConsole: byte => {
        opened.text += String.fromCharCode(byte);
      },
      onRewind: printed => {
        opened.text = opened.text.slice(0, printed);
      },
      history,
      ...setting,
    }),
  };
  opened.session.begin('run');
  return opened;
}

/** So many steps in pieces, with a checkpoint after every `every` of them, as if each took a second. */
function run(session: Session, steps: number, every = FOREVER): void {
  session.begin('run');
  const end = session.steps + steps;
  let last = session.steps;
  while (session.steps < end && session.run(Math.min(10_000, end - session.steps), FOREVER)) {
    if (session.steps - last < every) continue;
    last = session.steps;
    session.remember(HISTORY.interval, () => 0);
  }
}

function back(session: Session, kind: BackKind = 'step', address = 0): void {
  session.beginBack(kind, address);
  for (let n = 0; session.run(100_000, FOREVER); n++) if (n > 100_000) throw new Error('It does not come back.');
}

function type(session: Session, text: string): void {
  session.input(new TextEncoder().encode(text));
}

const hash = (data: Uint8Array) => createHash('sha256').update(data).digest('hex').slice(0, 16);

/** All of a machine's state; see replay.test.ts for what is left out. */
function summary(state: MachineState) {
  const { processor, tlb, pages, bytes, ...rest } = state;
  const words = new Uint32Array(processor.slice().buffer);
  if (words[L.W_FLAGS_KIND] === L.LAZY_NONE) words[L.W_FLAGS_SIZE] = 0;
  return {
    ...rest,
    registers: Array.from(words.subarray(0, 200)),
    processor: hash(new Uint8Array(words.buffer)),
    tlb: [tlb.local, tlb.global].map(side => [Array.from(side.words), Array.from(side.entries)].map(String)),
    largeRegions: hash(tlb.largeRegions),
    pages: hash(new Uint8Array(pages.buffer, pages.byteOffset, pages.byteLength)),
    bytes: hash(bytes),
  };
}

/** The guest as it can be seen without taking it off the processor, and where the machine is. */
function look({ session, text }: Open) {
  const cpu = session.processor;
  const memory = session.monitor?.vm.memory ?? session.pc.physical;
  const page = (n: number) => Uint8Array.from({ length: 4096 }, (_, at) => memory.peekByte(n * 4096 + at));
  return {
    mark: session.mark(),
    general: Array.from(cpu.i32.subarray(0, 8), value => (value >>> 0).toString(16)),
    eip: (cpu.linearEip >>> 0).toString(16),
    cpl: cpu.cpl,
    flags: cpu.eflags(),
    controls: [L.W_CR0, L.W_CR2, L.W_CR3, L.W_CR4].map(word => cpu.i32[word] >>> 0),
    text,
    // The kernel, and somewhat behind it.
    memory: Array.from({ length: 48 }, (_, n) => hash(page(0x100 + n))).join(),
  };
}

describe('a pause under the monitor', () => {
  for (const setting of [MONITORED[0], MONITORED[3]]) {
    test(`'${setting.mode}': is between two instructions, and those before it are come back to without a search`, () => {
      const steps = 700_000 + random(seed)(100_000);
      const stepped = open(setting);
      run(stepped.session, steps, 250_000);
      const looks = [];
      for (let n = 0; n < 8; n++) {
        stepped.session.begin('into');
        looks.push(look(stepped));
      }
      const paused = open(setting);
      run(paused.session, steps, 250_000);
      paused.session.pause();
      expect(paused.session.stop).toEqual({ kind: 'pause' });
      expect(look(paused)).toEqual(looks[7]);
      for (const n of [6, 5]) {
        while (paused.session.steps > looks[n].mark.at.step) back(paused.session);
        expect(look(paused), `behind ${n + 1}`).toEqual(looks[n]);
      }
    });
  }
});

describe(`back and forward on the bare machine, RINGSIDE_SEED=${seed}`, () => {
  const next = random(seed);

  test('ten steps back and ten forward are the same machine, byte for byte', () => {
    const opened = open();
    const { session } = opened;
    run(session, 1_000_000 + next(1_000_000), 300_000);
    const states = [summary(session.save())];
    for (let n = 0; n < 10; n++) {
      session.begin('into');
      states.push(summary(session.save()));
    }
    for (let n = 9; n >= 0; n--) {
      back(session);
      expect(session.isPast).toBe(true);
      expect(summary(session.save()), `${n} steps on`).toEqual(states[n]);
    }
    for (let n = 1; n <= 10; n++) {
      session.begin('into');
      expect(summary(session.save()), `${n} steps on again`).toEqual(states[n]);
    }
    expect(session.isPast).toBe(false);
  });

  test('from power-on when no checkpoint was taken, and no further than that', () => {
    const { session } = open();
    const first = summary(session.save());
    session.begin('into');
    session.begin('into');
    back(session);
    back(session);
    expect(summary(session.save())).toEqual(first);
    expect(() => session.beginBack('step')).toThrow(BackError);
  });

  test('over typed input, whose echo goes from the console, and comes again at its step', () => {
    const opened = open();
    const { session } = opened;
    run(session, 2_000_000, 500_000);
    const before = opened.text;
    const typed = session.steps;
    type(session, 'x');
    while (opened.text === before) run(session, 20);
    const after = opened.text;
    run(session, 100_000);
    const end = { step: session.steps, state: summary(session.save()), text: opened.text };
    session.begin('run');
    for (let n = 0; n < 200 && session.steps >= typed; n++) back(session, 'trap');
    expect(session.steps).toBeLessThan(typed);
    expect(opened.text).toBe(before);
    expect(session.isPast).toBe(true);
    while (opened.text === before) run(session, 20);
    expect(opened.text).toBe(after);
    run(session, end.step - session.steps);
    expect({ step: session.steps, state: summary(session.save()), text: opened.text }).toEqual(end);
  });

  test('to before each delivery, an interrupt as well, and again the same way', () => {
    const opened = open();
    const { session } = opened;
    run(session, 1_500_000 + next(100_000), 400_000);
    const end = summary(session.save());
    const last = session.steps;
    const stops: number[] = [];
    for (let n = 0; n < 5; n++) {
      back(session, 'trap');
      stops.push(session.steps);
    }
    expect(stops).toEqual([...stops].sort((a, b) => b - a));
    // Forward, the machine stops behind each of them.
    for (const stop of [...stops].reverse()) {
      expect(session.steps).toBeLessThanOrEqual(stop + 1);
      session.begin('trap');
      while (session.run(100_000, FOREVER));
      expect(session.steps - stop).toBeGreaterThan(0);
      expect(session.steps - stop).toBeLessThanOrEqual(2);
    }
    run(session, last - session.steps);
    expect(summary(session.save())).toEqual(end);
  });

  test('to before the last change of a word', () => {
    const { session } = open();
    const data = () => session.readMemory('linear', 0xc0100000, 0x30000);
    run(session, 1_200_000, 300_000);
    const old = data();
    run(session, 200_000);
    const at = data().findIndex((byte, n) => byte !== old[n]);
    expect(at).toBeGreaterThan(0);
    const address = 0xc0100000 + (at & ~3);
    const word = () => session.readMemory('linear', address, 4).join();
    const now = word();
    const end = session.steps;
    back(session, 'write', address);
    expect(end - session.steps).toBeLessThan(200_000);
    expect(word()).not.toBe(now);
    session.begin('into');
    expect(word()).toBe(now);
    while (session.steps < end) {
      run(session, 50);
      expect(word()).toBe(now);
    }
  });

  test('something new in the past is another course from there', () => {
    const opened = open();
    const { session } = opened;
    run(session, 2_000_000, 500_000);
    type(session, 'ps\r');
    run(session, 1_000_000, 200_000);
    const late = session.steps;
    for (let n = 0; n < 3; n++) back(session, 'trap');
    session.writeRegister('eax', 0x12345678);
    expect(session.isPast).toBe(false);
    run(session, 1_000_000, 200_000);
    const end = summary(session.save());
    expect(session.steps).toBeGreaterThan(late);
    for (let n = 0; n < 3; n++) session.begin('into');
    for (let n = 0; n < 3; n++) back(session);
    expect(summary(session.save())).toEqual(end);
  });

  test('over power cycles', () => {
    const { session } = open();
    run(session, 700_000, 200_000);
    session.reset();
    run(session, 5, FOREVER);
    const end = summary(session.save());
    for (let n = 0; n < 10; n++) back(session);
    expect(session.mark().at.boot).toBe(0);
    for (let n = 0; n < 10; n++) session.begin('into');
    expect(session.mark().at.boot).toBe(1);
    expect(summary(session.save())).toEqual(end);
  });

  test('what is not there is said, and nothing changes', () => {
    const { session } = open();
    run(session, 5000);
    const before = summary(session.save());
    expect(() => back(session, 'trap')).toThrow(BackError);
    expect(() => session.beginBack('write', 0xfff00000)).toThrow(BackError);
    expect(summary(session.save())).toEqual(before);
    const bare = new Session(primer, { startTime: 0, rate: 1e7, onConsole: () => {} });
    expect(() => bare.beginBack('step')).toThrow(BackError);
  });

  test('a search that is given up leaves the machine as it is', () => {
    const { session } = open();
    run(session, 900_000);
    const before = summary(session.save());
    session.beginBack('step');
    expect(session.run(1000, FOREVER)).toBe(true);
    session.abandon();
    expect(summary(session.save())).toEqual(before);
  });
});

describe('under a monitor', () => {
  test.each(MONITORED)('$mode, $paging: back and forward are one course, also over checkpoints and input', setting => {
    const opened = open(setting);
    const { session } = opened;
    run(session, 300_000, 100_000);
    type(session, 'ps\r');
    run(session, 100_000, 60_000);
    expect(session.history?.checkpoints).toBeGreaterThan(3);
    session.begin('into');
    const looks = [look(opened)];
    for (let n = 0; n < 4; n++) {
      session.begin('into');
      looks.push(look(opened));
    }
    for (let n = 3; n >= 0; n--) {
      back(session);
      expect(look(opened), `${n} steps on`).toEqual(looks[n]);
    }
    for (let n = 1; n <= 4; n++) {
      session.begin('into');
      expect(look(opened), `${n} steps on again`).toEqual(looks[n]);
    }
    expect(session.isPast).toBe(false);
    // To before an exit, and through it again.
    back(session, 'trap');
    const before = session.steps;
    session.begin('trap');
    while (session.run(100_000, FOREVER));
    expect(session.steps).toBeGreaterThan(before);
    expect(session.steps).toBeLessThanOrEqual(looks[4].mark.at.step);
    run(session, looks[4].mark.at.step - session.steps);
    expect(look(opened)).toEqual(looks[4]);
    // From power-on it is the same course as by way of the checkpoints.
    const again = session.stateAt(session.mark()).state;
    expect(again === null ? null : summary(again)).toEqual(summary(session.save()));
  });
});

describe('a paravirtualized guest', () => {
  test('goes back by way of power-on, with what was typed', () => {
    const opened = open({ mode: 'para', paging: 'nested' }, openGuest(parseRun(['primer', '--mode', 'para'])));
    const { session } = opened;
    run(session, 300_000, 50_000);
    type(session, 'ps\r');
    run(session, 100_000);
    expect(session.history?.checkpoints).toBe(1);
    session.begin('into');
    const looks = [look(opened)];
    for (let n = 0; n < 3; n++) {
      session.begin('into');
      looks.push(look(opened));
    }
    for (let n = 2; n >= 0; n--) {
      back(session);
      expect(look(opened), `${n} steps on`).toEqual(looks[n]);
    }
    run(session, looks[3].mark.at.step - session.steps);
    expect(look(opened)).toEqual(looks[3]);
  });
});
