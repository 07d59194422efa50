/** A machine that is saved and restored at random points goes on as if nothing had been. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadImage } from '../../core/guests/load.ts';
import { MEMORY_BYTES, planOf, recorded } from '../fuzz/machine.ts';
import { difference, randomSteps, run, type Subject } from './course.ts';

const MEMORY = 32 << 20;

function subject(image: string, commandLine: string, rest: Partial<Subject>): Subject {
  const start = loadImage(readFileSync(image), { memoryBytes: MEMORY, commandLine, initrd: null });
  return { start, memoryBytes: MEMORY, rate: 1e7, steps: 1e8, engine: 'execute', ...rest };
}

function randomTests(): Subject {
  const { kernel, tests } = recorded();
  const start = planOf(kernel, tests, 'sums');
  return { start, memoryBytes: MEMORY_BYTES, rate: 1e6, steps: 1e8, engine: 'execute' };
}

/** RINGSIDE_SEED=n repeats the random choices of a run. */
const seed = Number(process.env['RINGSIDE_SEED'] ?? Math.floor(Math.random() * 0x100000000)) >>> 0;

test.each([
  [
    "primer's commands",
    subject('public/guests/primer.elf', '', {
      input: { after: 'primer$ ', text: 'ps\nfault\nsensitive\necho end\n' },
      until: 'echo end',
    }),
    'seen',
  ],
  ['vmxtest', subject('public/guests/vmxtest.elf', '', { steps: 1.5e6 }), 'steps'],
  ['random instructions', randomTests(), 'powerOff'],
] as const)(`%s, RINGSIDE_SEED=${seed}`, (_, guest, end) => {
  const whole = run(guest);
  expect(difference(whole, run(guest, randomSteps(seed, 3, whole.steps)))).toBeNull();
  expect(whole.end).toBe(end);
});
