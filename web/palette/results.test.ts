import { expect, test } from 'vitest';
import type { Command } from './commands.ts';
import { resultsFor } from './results.ts';

const command = (id: string, group: Command['group'], label: string): Command => ({
  id,
  group,
  label,
  run: () => undefined,
});
const commands = [
  command('step', 'run', 'Step'),
  command('machine-step', 'run', 'Machine step'),
  command('mode-nested', 'mode', 'Mode: Nested paging'),
  command('theme-dark', 'look', '主题：深色'),
];

function labels(typed: string, recent: readonly string[] = []): readonly string[] {
  return resultsFor(typed, commands, recent).map(
    ({ group, results }) => `${group}: ${results.map(result => result.command.label).join(', ')}`,
  );
}

test('without letters the recent ones come first, and none comes twice', () => {
  expect(labels('')).toEqual(['run: Step, Machine step', 'mode: Mode: Nested paging', 'look: 主题：深色']);
  expect(labels('', ['mode-nested', 'gone', 'verb si 3'])).toEqual([
    'recent: Mode: Nested paging, si 3',
    'run: Step, Machine step',
    'look: 主题：深色',
  ]);
});

test('what matches best comes first; ids count in every language', () => {
  expect(labels('nested')[0]).toBe('mode: Mode: Nested paging');
  expect(labels('theme')).toEqual(['look: 主题：深色']);
  expect(labels('qqqq')).toEqual([]);
});

test('a line for the console comes first when it is one, and behind the commands when it is a word', () => {
  expect(labels('x/8xw $esp')[0]).toBe('verb: x/8xw $esp');
  expect(labels('si 3')[0]).toBe('verb: si 3');
  const found = labels('step');
  expect(found[0]).toBe('run: Step, Machine step');
  expect(found.at(-1)).toBe('verb: step');
});
