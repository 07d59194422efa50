/** The random tests' sums as Bochs had them: npm run test:fuzz -- --seed 1 --cases 200 --record made them. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { differingCases } from './differences.ts';
import { runHere } from './machine.ts';

test('random instructions in random states come to what they come to on Bochs', () => {
  const [commandLine = '', ...lines] = readFileSync('tools/fuzz/recorded/sums.txt', 'utf8').split('\n');
  const judged = lines.join('\n');
  const ours = runHere(readFileSync('tools/fuzz/recorded/fuzz.elf'), commandLine, 1e9);
  expect(differingCases(ours, judged)).toEqual({ compared: 200, cases: [] });
  expect(ours.endsWith('end\n')).toBe(true);
});
