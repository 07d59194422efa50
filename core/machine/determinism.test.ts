/**
 * The same machine with the same input at the same counts is the same machine: run twice, run in slices, run on from a
 * snapshot. RINGSIDE_SEED=n repeats the random choices of a run.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadImage } from '../guests/load.ts';
import { type MachineState, Pc } from './pc.ts';

const MEMORY = 32 << 20;
const image = new Uint8Array(readFileSync(new URL('../../public/guests/primer.elf', import.meta.url)));

/** What somebody types, at which step. Each fits into the serial port's FIFO. */
const INPUT: readonly (readonly [count: number, text: string])[] = [
  [820_123, 'ps\r'],
  [900_000, 'fault\r'],
  [1_200_001, 'fork\r'],
  [1_500_000, 'mem\r'],
];
const END = 2_200_000;

const seed = Number(process.env['RINGSIDE_SEED'] ?? Math.floor(Math.random() * 0x100000000)) >>> 0;

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

interface Machine {
  readonly pc: Pc;
  readonly console: number[];
}

function open(): Machine {
  const console: number[] = [];
  const pc = new Pc({
    memoryBytes: MEMORY,
    startTime: 1_000_000_000,
    rate: 1e7,
    onConsole: byte => console.push(byte),
  });
  return { pc, console };
}

function start(machine: Machine): Machine {
  machine.pc.start(loadImage(image, { memoryBytes: MEMORY, commandLine: '', initrd: null }));
  return machine;
}

/** Runs to a count, with what is typed on the way. `slice` says how many steps the next call of run() gets. */
function runTo({ pc }: Machine, target: number, slice: () => number = () => END): void {
  for (;;) {
    const { count } = pc.cpu;
    for (const [at, text] of INPUT) {
      if (at === count) expect(pc.input(new TextEncoder().encode(text))).toBe(text.length);
    }
    if (count >= target) return;
    const next = INPUT.find(([at]) => at > count)?.[0] ?? END;
    const end = pc.run(Math.min(slice(), next - count, target - count), Number.POSITIVE_INFINITY, false);
    expect(end).toBe('steps');
  }
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** All of a state, short enough to be read when two differ. */
function summary(state: MachineState) {
  const { processor, tlb, pages, bytes, ...rest } = state;
  const words = (array: Int32Array | Uint32Array) =>
    `${array.length} words ${hash(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))}`;
  const entries = (side: MachineState['tlb']['local']) => [words(side.words), words(side.entries)];
  return {
    ...rest,
    processor: Array.from(new Uint32Array(processor.slice().buffer), (word, n) => `${n}: ${word.toString(16)}`).filter(
      word => !word.endsWith(': 0'),
    ),
    tlb: { local: entries(tlb.local), global: entries(tlb.global), largeRegions: hash(tlb.largeRegions) },
    pages: words(pages),
    contents: Array.from(pages, (page, n) => `${page}: ${hash(bytes.subarray(n * 4096, (n + 1) * 4096))}`),
  };
}

const text = ({ console }: Machine): string => Buffer.from(console).toString('latin1');

describe(`a machine that runs primer, RINGSIDE_SEED=${seed}`, () => {
  const once = start(open());
  runTo(once, END);
  const expected = summary(once.pc.save());
  const output = text(once);

  it('does what was typed', () => {
    expect(output).toContain('page fault at');
    expect(output).toContain('process 4 has ended');
    expect(output.match(/primer\$ /g)?.length).toBe(INPUT.length + 1);
  });

  it('is the same again', () => {
    const again = start(open());
    runTo(again, END);
    expect(text(again)).toBe(output);
    expect(summary(again.pc.save())).toEqual(expected);
  });

  it('is the same after a power cycle of one that ran before', () => {
    const again = start(open());
    runTo(again, 950_000);
    start(again);
    again.console.length = 0;
    runTo(again, END);
    expect(text(again)).toBe(output);
    expect(summary(again.pc.save())).toEqual(expected);
  });

  it('is the same in slices of random size', () => {
    const next = random(seed);
    const sliced = start(open());
    // Mostly short ones, now and then a long one.
    runTo(sliced, END, () => 1 + next(next(4) === 0 ? 100_000 : 300));
    expect(text(sliced)).toBe(output);
    expect(summary(sliced.pc.save())).toEqual(expected);
  });

  it('is the same when single steps are taken around what happens', () => {
    const sliced = start(open());
    runTo(sliced, END, () => {
      const { count } = sliced.pc.cpu;
      return INPUT.some(([at]) => count >= at && count < at + 10_000) ? 1 : END;
    });
    expect(text(sliced)).toBe(output);
    expect(summary(sliced.pc.save())).toEqual(expected);
  });

  it('goes on from a snapshot in a fresh machine as if nothing had been', () => {
    const next = random(seed + 1);
    for (let n = 0; n < 4; n++) {
      const at = next(END);
      const first = start(open());
      runTo(first, at);
      const state = first.pc.save();
      const second = open();
      second.pc.restore(structuredClone(state));
      expect(summary(second.pc.save()), `restored at ${at}`).toEqual(summary(state));
      runTo(second, END);
      expect(text(first) + text(second), `from ${at}`).toBe(output);
      expect(summary(second.pc.save()), `from ${at}`).toEqual(expected);
    }
  });

  it('a snapshot does not disturb', () => {
    const next = random(seed + 2);
    const saved = start(open());
    for (let at = next(300_000); at < END; at += 1 + next(400_000)) {
      runTo(saved, at);
      saved.pc.save();
    }
    runTo(saved, END);
    expect(summary(saved.pc.save())).toEqual(expected);
  });
});
