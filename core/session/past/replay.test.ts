/**
 * What the journal holds is all that came from outside: replayed from power-on or from a checkpoint, the machine is the same bit for bit.
 * RINGSIDE_SEED=n repeats the random choices of a run.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as L from '../../machine/cpu/layout.ts';
import type { MachineState } from '../../machine/pc.ts';
import { dword, STI, storeValue, x } from '../../machine/testing/code.ts';
import type { EditableRegister } from '../../protocol/messages.ts';
import { type Guest, Session } from '../session.ts';
import { Journal } from './journal.ts';
import { type Checkpoint, type Mark, POWER_ON } from './replay.ts';

const FOREVER = Number.POSITIVE_INFINITY;
const seed = Number(process.env['RINGSIDE_SEED'] ?? Math.floor(Math.random() * 0x100000000)) >>> 0;

const primer: Guest = {
  name: 'primer',
  kernel: new Uint8Array(readFileSync('public/guests/primer.elf')),
  initrd: null,
  symbols: null,
  commandLine: '',
  memoryMib: 8,
};

/** The flat code segment that a multiboot guest starts in. */
const CODE_SELECTOR = 8;

/** Sends a byte to a port: MOV DX, port; MOV AL, byte; OUT DX, AL. */
const out = (port: number, byte: number) => [0x66, 0xba, port & 0xff, port >> 8, 0xb0, byte, 0xee];

/** A kernel that sleeps in HLT but for the timer, every 10 ms, and the serial port, whose bytes it echoes. Time passes without steps. */
function sleeper(): Guest {
  const start = 0x100020;
  const handler = [
    ...x('50 52'), // push eax; push edx
    ...x('66 ba fd 03 ec a8 01 74 06'), // mov dx,0x3fd; in al,dx; test al,1; jz over the echo
    ...x('66 ba f8 03 ec ee'), // mov dx,0x3f8; in al,dx; out dx,al
    ...x('ff 05 00 70 00 00'), // inc dword [0x7000]
    ...x('b0 20 e6 20'), // mov al,0x20; out 0x20,al
    ...x('5a 58 cf'), // pop edx; pop eax; iret
  ];
  const gate = (vector: number) => [
    ...storeValue(0x6000 + vector * 8, (CODE_SELECTOR << 16) | (start & 0xffff)),
    ...storeValue(0x6004 + vector * 8, (start & 0xffff0000) | 0x8e00),
  ];
  const code = [
    ...x('bc 00 90 00 00'), // mov esp,0x9000
    ...[...gate(0x20), ...gate(0x24)],
    ...storeValue(0x5000, 0x600003ff),
    ...storeValue(0x5004, 0),
    ...x('0f 01 1d 00 50 00 00'), // lidt [0x5000]
    ...[...out(0x20, 0x11), ...out(0x21, 0x20), ...out(0x21, 4), ...out(0x21, 1), ...out(0x21, 0xee)],
    ...[...out(0x43, 0x34), ...out(0x40, 0x9c), ...out(0x40, 0x2e)],
    ...[...out(0x3f9, 1), ...out(0x3fc, 8)],
    ...STI,
    ...x('f4 eb fd'), // hlt; jmp to the hlt
  ];
  const end = start + handler.length + code.length;
  const header = [0x1badb002, 0x10000, -(0x1badb002 + 0x10000), 0x100000, 0x100000, end, end, start + handler.length];
  return { ...primer, name: 'sleeper', kernel: Uint8Array.from([...header.flatMap(dword), ...handler, ...code]) };
}

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
  readonly console: number[];
}

function open(guest: Guest = primer, startTime = 1_700_000_000): Open {
  const console: number[] = [];
  const session = new Session(guest, { startTime, rate: 1e7, onConsole: byte => console.push(byte) });
  session.begin('run');
  return { session, console };
}

/**
 * All of a state, short enough to be read when two differ. The operand size of lazy flags is left out while there are none: nobody reads
 * it, and a restore gives it a valid value where a reset leaves 0.
 */
function summary(state: MachineState) {
  const words = new Uint32Array(state.processor.slice().buffer);
  const { processor, tlb, pages, bytes, ...rest } = state;
  const hash = (data: Uint8Array) => createHash('sha256').update(data).digest('hex').slice(0, 16);
  return {
    ...rest,
    processor: Array.from(words, (word, n) => `${n}: ${word.toString(16)}`).filter(
      (word, n) => !word.endsWith(': 0') && !(n === L.W_FLAGS_SIZE && words[L.W_FLAGS_KIND] === L.LAZY_NONE),
    ),
    tlb: [tlb.local, tlb.global].map(side => [Array.from(side.words), Array.from(side.entries)].map(String)),
    largeRegions: hash(tlb.largeRegions),
    contents: Array.from(pages, (page, n) => `${page}: ${hash(bytes.subarray(n * 4096, (n + 1) * 4096))}`),
  };
}

const COMMANDS = ['ps\r', 'mem\r', 'fault\r', 'fork\r', 'help\r', '\r', 'reboot\r'];
const REGISTERS: readonly EditableRegister[] = [
  'eax',
  'ecx',
  'edx',
  'ebx',
  'esp',
  'ebp',
  'esi',
  'edi',
  'eip',
  'eflags',
];

/** What may be done to a running machine. Edits that are `wild` are likely to crash the guest sooner or later. */
function disturb({ session }: Open, next: (bound: number) => number, wild: boolean): void {
  switch (next(wild ? 7 : 6)) {
    case 0:
    case 1:
      session.input(new TextEncoder().encode(COMMANDS[next(COMMANDS.length)]));
      return;
    case 2:
      // Longer than the FIFO, and not a command.
      session.input(Uint8Array.from({ length: 1 + next(60) }, () => 32 + next(95)));
      return;
    case 3:
      session.setRate(1e6 + next(5e7));
      return;
    case 4: {
      // The same bytes again: on pages with code this drops what was decoded, which nobody must see.
      const { cpu } = session.pc;
      const at = next(2) === 0 ? cpu.lookUp(cpu.linearEip) : 0x100000 + next(0x20000);
      const bytes = session.readMemory('physical', at, 1 + next(64));
      if (at >= 0 && !bytes.includes(-1)) session.writeMemory('physical', at, Uint8Array.from(bytes));
      return;
    }
    case 5:
      if (next(6) === 0) session.reset();
      else session.writeMemory('physical', 0x600000 + next(0x100000), Uint8Array.of(next(256), next(256)));
      return;
    default:
      if (next(2) === 0) session.writeRegister(REGISTERS[next(REGISTERS.length)], next(0x10000) * next(0x10000));
      else session.writeMemory('physical', 0x100000 + next(0x20000), Uint8Array.of(next(256)));
  }
}

interface Look {
  readonly mark: Mark;
  readonly state: MachineState;
  readonly printed: number;
}

/** A run with inputs at random, and looks at it on the way. */
function course(guest: Guest, start: number, slices: number, wild: boolean): { live: Open; looks: Look[] } {
  const next = random(start);
  const live = open(guest);
  const { session } = live;
  const looks: Look[] = [];
  for (let n = 0; n < slices && !session.ended; n++) {
    // Now and then by time, so that a halted processor is met in the middle of its sleep.
    const until = guest.name === 'sleeper' || next(3) === 0 ? session.pc.clock.now() + next(30_000_000) : FOREVER;
    if (next(5) === 0) session.begin('into');
    else session.run(1 + next(next(3) === 0 ? 400_000 : 3000), until);
    session.begin('run');
    for (let inputs = next(3); inputs > 0 && !session.ended; inputs--) disturb(live, next, wild);
    if (next(slices) < 6 || n === slices - 1 || session.ended) {
      looks.push({ mark: session.mark(), state: session.save(), printed: live.console.length });
    }
  }
  return { live, looks };
}

/** The state of a checkpoint that was taken of a machine, which is more than power-on. */
function stateOf({ state }: Checkpoint): MachineState {
  if (state === null) throw new Error('This checkpoint holds no state.');
  return state;
}

function expectReplay({ session, console }: Open, from: Checkpoint, printed: number, to: Look): void {
  const again: number[] = [];
  const reached = session.stateAt(to.mark, from, byte => again.push(byte));
  const where = `from step ${from.at.step} to ${to.mark.at.step}`;
  expect({ at: reached.at, position: reached.position }, where).toEqual(to.mark);
  expect(summary(stateOf(reached)), where).toEqual(summary(to.state));
  const original = console.slice(printed, to.printed);
  expect(Buffer.from(again).toString('latin1'), where).toBe(Buffer.from(original).toString('latin1'));
}

describe(`a replay, RINGSIDE_SEED=${seed}`, () => {
  for (const [name, guest, wild] of [
    ['of primer', primer, false],
    ['of primer with edits that break it', primer, true],
    ['of a guest that sleeps', sleeper(), false],
  ] as const) {
    test.each([0, 1])(`${name} is the same from power-on and from any look on the way (%i)`, n => {
      const { live, looks } = course(guest, seed + n, 60, wild);
      const last = looks[looks.length - 1];
      expectReplay(live, POWER_ON, 0, last);
      looks.forEach(({ mark, state, printed }, at) => {
        const checkpoint = { ...mark, state: structuredClone(state) };
        expectReplay(live, checkpoint, printed, looks[Math.min(at + 1, looks.length - 1)]);
        if (at % 3 === 0) expectReplay(live, checkpoint, printed, last);
      });
    });
  }

  test('the guest that sleeps takes input and time, and hardly a step', () => {
    const { session, console } = open(sleeper());
    session.run(1e6, 105_000_000);
    expect(session.pc.cpu.halted).toBe(true);
    expect(session.readMemory('physical', 0x7000, 1)[0]).toBe(10);
    session.input(Uint8Array.of(65, 66));
    session.run(1e6, 115_000_000);
    expect(String.fromCharCode(...console)).toBe('AB');
    expect(session.mark().at.time).toBe(115_000_000);
    expect(session.steps).toBeLessThan(400);
  });

  test('comes to any step, which is a checkpoint to go on from', () => {
    const { live } = course(primer, seed + 10, 40, false);
    const { session } = live;
    const next = random(seed + 11);
    const end = summary(session.save());
    for (let n = 0; n < 4; n++) {
      const between = session.stateAt(next(session.steps + 1));
      const { at, position } = between;
      const later = session.journal.since(position);
      expect(later.every(entry => entry.at.step > at.step)).toBe(true);
      expect(session.journal.since(0)[position - 1]?.at.step ?? 0).toBeLessThanOrEqual(at.step);
      expect(summary(stateOf(session.stateAt(session.mark(), between))), `from step ${at.step}`).toEqual(end);
    }
  });
});

describe('the journal', () => {
  const at = (step: number) => ({ boot: 0, step, time: step });
  const typed = (length: number) => ({ kind: 'console', bytes: new Uint8Array(length) }) as const;

  test('drops its oldest half when it has too many entries, and says what is gone', () => {
    const journal = new Journal({ entries: 8, bytes: 100 });
    for (let step = 0; step < 9; step++) journal.record(at(step), { kind: 'rate', rate: 1e6 + step });
    expect(journal.first).toBe(5);
    expect(journal.end).toBe(9);
    expect(journal.since(5).map(entry => entry.at.step)).toEqual([5, 6, 7, 8]);
    expect(journal.since(9)).toEqual([]);
    expect(() => journal.since(4)).toThrow(RangeError);
    expect(() => journal.since(10)).toThrow(RangeError);
  });

  test('drops its oldest entries when they hold too many bytes, one that is too large alone as well', () => {
    const journal = new Journal({ entries: 8, bytes: 100 });
    for (let step = 0; step < 4; step++) journal.record(at(step), typed(30));
    expect(journal.since(journal.first).map(entry => entry.at.step)).toEqual([3]);
    journal.record(at(4), typed(101));
    expect(journal.first).toBe(5);
    expect(journal.end).toBe(5);
  });

  test('keeps its own copy of what was typed, and only what the port took', () => {
    const { session } = open();
    const bytes = new Uint8Array(70_000).fill(120);
    const taken = session.input(bytes);
    bytes.fill(0);
    expect(taken).toBeLessThan(70_000);
    expect(session.journal.since(0)).toEqual([
      { at: { boot: 0, step: 0, time: 0 }, input: { kind: 'console', bytes: new Uint8Array(taken).fill(120) } },
    ]);
  });

  test('has no entry of an edit that was refused', () => {
    const { session } = open();
    expect(() => session.writeMemory('physical', 0x7ffffff0, Uint8Array.of(1))).toThrow(/no memory/);
    expect(session.journal.end).toBe(0);
  });
});

describe('what cannot be replayed is refused', () => {
  test('a target before the checkpoint, or one that the machine never reaches', () => {
    const { session } = open();
    session.run(1000, FOREVER);
    const checkpoint = session.checkpoint();
    expect(() => session.stateAt(999, checkpoint)).toThrow(RangeError);
    expect(summary(stateOf(session.stateAt(1000, checkpoint)))).toEqual(summary(session.save()));
    expect(session.stateAt(1001, checkpoint).at.step).toBe(1001);
  });

  test('power-on, after another machine was restored; a checkpoint of the new course is taken', () => {
    const other = open();
    other.session.run(500_000, FOREVER);
    const { session } = open();
    session.input(Uint8Array.of(13));
    const old = session.checkpoint();
    session.restore(other.session.save());
    expect(() => session.stateAt(600_000)).toThrow(RangeError);
    expect(() => session.stateAt(600_000, old)).toThrow(RangeError);
    const checkpoint = session.checkpoint();
    session.run(1000, FOREVER);
    session.input(Uint8Array.of(13));
    session.run(200_000, FOREVER);
    expect(summary(stateOf(session.stateAt(session.mark(), checkpoint)))).toEqual(summary(session.save()));
  });
});
