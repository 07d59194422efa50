import { expect, test } from 'vitest';
import type { RegionPart } from '../../../core/protocol/questions.ts';
import { rowsOf } from './rows.ts';

function part(kind: RegionPart['kind'], address: number): RegionPart {
  return { kind, address, row: null, text: '' };
}

test('instructions are numbered, and one that goes on has the number that it had', () => {
  const parts = [
    part('enter', 0x10),
    part('block', 0x10),
    part('instruction', 0x10),
    part('instruction', 0x12),
    part('block', 0x20),
    part('instruction', 0x20),
    part('instruction', 0x12),
    part('leave', 0x10),
  ];
  expect(rowsOf(parts).map(({ number, isAgain }) => [number, isAgain])).toEqual([
    [0, false],
    [0, false],
    [1, false],
    [2, false],
    [0, false],
    [3, false],
    [2, true],
    [0, false],
  ]);
  expect(rowsOf([])).toEqual([]);
});
