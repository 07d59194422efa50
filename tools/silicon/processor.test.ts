/**
 * The emulated processor against the vectors: a sample of the cases that differs from run to run. SILICON_SEED=n repeats one,
 * SILICON=all takes every case, as all.ts does.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openProcessor } from './driver.ts';
import { inWords, runVectors } from './run.ts';

/** One case of so many is in the sample. */
const ONE_OF = 4;

const all = process.env['SILICON'] === 'all';
const seed = Number(process.env['SILICON_SEED'] ?? Math.floor(Math.random() * 0x100000000)) >>> 0;
const directory = join(import.meta.dirname, 'vectors');
const families = readdirSync(directory).map(name => name.replace('.vec.gz', ''));

/** Marsaglia's xorshift32. */
function random(start: number): () => number {
  let state = start || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const name = all ? 'all cases' : `a sample, SILICON_SEED=${seed}`;
test.each(families)(
  `%s: ${name}`,
  family => {
    const next = random(seed);
    const reports = runVectors([join(directory, `${family}.vec.gz`)], openProcessor, {
      include: () => all || next() % ONE_OF === 0,
    });
    expect(reports.reduce((sum, report) => sum + report.run, 0)).toBeGreaterThan(100);
    expect(
      reports.some(report => report.failed > 0),
      inWords(reports),
    ).toBe(false);
  },
  60_000,
);
