import { describe, expect, it } from 'vitest';
import { Random } from '../../../machine/testing/random.ts';
import { BareSubject, difference, type MonitorSubject } from '../../testing/subjects.ts';
import { dress, type Piece } from '../../testing/world.ts';
import { createProgram, dataFor } from './testing/program.ts';
import { createSubject } from './testing/subject.ts';

/** Steps of the stub's way back into the guest: four POPs, POPA, ADD, IRET. */
const RETURN_STEPS = 7;

/** A failing program is run again by its seed: PROGRAM_SEED=n, with PROGRAMS=1. */
const SEED = Number(process.env['PROGRAM_SEED'] ?? 1);
const PROGRAMS = Number(process.env['PROGRAMS'] ?? 250);
/** Steps for the machine, and for the machine with a monitor. */
const STEPS = 5_000;
const MONITORED_STEPS = 1_000_000;

function pieceFor(random: Random): Piece | null {
  const paging = random.pick(['none', '32-bit', 'pae'] as const);
  const program = createProgram(random, paging);
  return program && { ...dress(random, program.bytes, 0, paging), data: dataFor(program) };
}

/**
 * Has the monitor take the guest off the machine again and again, wherever it is: often within a sequence that stands for one guest
 * instruction.
 */
function interruptOften({ monitor }: MonitorSubject, random: Random): void {
  monitor.pc.clock.setRate(1e5);
  const run = monitor.run.bind(monitor);
  monitor.run = (steps, until, passBreakpoint) => {
    const last = monitor.pc.cpu.count + steps;
    for (;;) {
      const end = run(RETURN_STEPS + 1 + random.below(30), until, passBreakpoint);
      if (end !== 'steps' || monitor.pc.cpu.count >= last) return end;
      monitor.interrupt();
    }
  };
}

function compare(subject: MonitorSubject): number {
  const bare = new BareSubject();
  let compared = 0;
  for (let seed = SEED; seed < SEED + PROGRAMS; seed++) {
    const piece = pieceFor(new Random(seed));
    if (piece === null) continue;
    const expected = bare.run(piece, STEPS);
    if (expected.end === 'steps') continue;
    expect(difference(expected, subject.run(piece, MONITORED_STEPS)), `seed ${seed}`).toEqual([]);
    compared++;
  }
  return compared;
}

describe('a kernel under binary translation', () => {
  it('computes what it computes on the bare machine', () => {
    const { subject, technique } = createSubject();
    expect(compare(subject)).toBeGreaterThan(PROGRAMS / 2);
    const { chains, misses, invalidations, elided, callouts } = technique.counts;
    for (const count of [chains, misses, invalidations, elided, callouts['iret']]) expect(count).toBeGreaterThan(0);
  });

  it('does so wherever it is interrupted', () => {
    const { subject } = createSubject();
    interruptOften(subject, new Random(SEED));
    expect(compare(subject)).toBeGreaterThan(PROGRAMS / 2);
  });
});
