import { expect, test } from 'vitest';
import type { Account } from '../../../core/protocol/monitor.ts';
import { exitTable, percent, sums } from './exit-table.ts';

const account: Account = {
  user: { direct: 900, emulated: 0 },
  kernel: { direct: 90, emulated: 10 },
  monitor: 500,
  injected: 2,
  exits: [
    { reason: 'cli', kind: 'protection', count: 6, monitor: 60 },
    { reason: 'out', kind: 'protection', count: 4, monitor: 340 },
  ],
};

test('shares are of the sums, and the largest comes first by what is asked for', () => {
  const byCount = exitTable(account, 'count');
  expect(byCount).toMatchObject({ count: 10, monitor: 400 });
  expect(byCount.lines.map(line => [line.reason, line.countShare, line.monitorShare, line.each])).toEqual([
    ['cli', 0.6, 0.15, 10],
    ['out', 0.4, 0.85, 85],
  ]);
  expect(exitTable(account, 'monitor').lines.map(line => line.reason)).toEqual(['out', 'cli']);
});

test('an account of nothing has no shares', () => {
  const empty: Account = {
    ...account,
    user: { direct: 0, emulated: 0 },
    kernel: { direct: 0, emulated: 0 },
    exits: [],
  };
  expect(exitTable(empty, 'count')).toEqual({ lines: [], count: 0, monitor: 0 });
  expect(sums(empty).share).toBeNull();
});

test('what the guest executed is summed over its rings', () => {
  expect(sums(account)).toEqual({ guest: 1000, direct: 990, share: 0.99 });
});

test('percent keeps what is nearly all apart from all', () => {
  expect([0, 0.0001, 0.0345, 0.9, 0.99999, 1].map(percent)).toEqual([
    '0 %',
    '< 0.1 %',
    '3.5 %',
    '90.0 %',
    '> 99.9 %',
    '100 %',
  ]);
});
