/** The random tests' sums as Bochs had them: npm run test:fuzz -- --seed 1 --cases 12 --record made them. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { differingCases } from './differences.ts';
import { recorded, runHere } from './machine.ts';

test('random instructions in random states come to what they come to on Bochs', () => {
  const sums = readFileSync('tools/fuzz/recorded/sums.txt', 'utf8');
  const { kernel, tests } = recorded();
  const ours = runHere(kernel, tests, 'sums', { engine: 'execute', mostSteps: 1e8 });
  expect(differingCases(ours, sums)).toEqual({ compared: 12, cases: [] });
  expect(ours.endsWith('end\n')).toBe(true);
});
