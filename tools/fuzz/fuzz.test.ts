/** The random tests' sums as Bochs had them: npm run test:fuzz -- --seed 1 --cases 200 --record made them. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { differingCases } from './differences.ts';
import { runHere } from './machine.ts';

/** Of those that are recorded: 64 instructions each, in a few seconds. */
const CASES = 40;

test('random instructions in random states come to what they come to on Bochs', () => {
  const [commandLine = '', ...sums] = readFileSync('tools/fuzz/recorded/sums.txt', 'utf8').split('\n');
  const line = commandLine.replace(/count=\d+/, `count=${CASES}`);
  const ours = runHere(readFileSync('tools/fuzz/recorded/fuzz.elf'), line, 1e9);
  expect(differingCases(ours, sums.join('\n'))).toEqual({ compared: CASES, cases: [] });
  expect(ours.endsWith('end\n')).toBe(true);
});
