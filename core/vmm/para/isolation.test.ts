import { describe, expect, it } from 'vitest';
import { Caller } from '../testing/para/caller.ts';
import { runHostile } from '../testing/para/hostile.ts';

/** A sample of what `npm run test:monitor` does at length. A failing guest is run again by its seed: GUESTS_SEED=n GUESTS=1. */
const SEED = Number(process.env['GUESTS_SEED'] ?? 1);
const GUESTS = Number(process.env['GUESTS'] ?? 16);

describe('hostile kernels', () => {
  it(`never get beyond their own memory (seeds from ${SEED})`, () => {
    const probe = new Caller();
    const runs = Array.from({ length: GUESTS }, (_, n) => runHostile(SEED + n, probe));
    runs.forEach(({ wrong }, n) => {
      expect(wrong, `seed ${SEED + n}`).toEqual([]);
    });
    const sum = (of: 'calls' | 'refused' | 'validations') => runs.reduce((total, run) => total + run[of], 0);
    expect(sum('calls')).toBeGreaterThan(GUESTS * 5);
    expect(sum('refused')).toBeLessThan(sum('calls'));
    expect(sum('validations')).toBeGreaterThan(GUESTS);
    // Not all of them crash at once.
    expect(runs.filter(({ end }) => end === 'went on').length).toBeGreaterThan(GUESTS / 8);
  });
});
