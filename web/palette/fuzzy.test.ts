import { expect, test } from 'vitest';
import { fuzzy } from './fuzzy.ts';

function best(typed: string, names: readonly string[]): readonly string[] {
  return names
    .flatMap(name => {
      const match = fuzzy(typed, name);
      return match === null ? [] : [{ name, score: match.score }];
    })
    .sort((a, b) => b.score - a.score)
    .map(({ name }) => name);
}

test('letters in order match, others do not', () => {
  expect(fuzzy('swsp', 'switch_space')?.places).toEqual([0, 1, 7, 8]);
  expect(fuzzy('xyz', 'switch_space')).toBeNull();
  expect(fuzzy('', 'anything')?.places).toEqual([]);
  expect(fuzzy('ecaps', 'switch_space')).toBeNull();
});

test('beginnings of words and runs of letters come first', () => {
  expect(best('ss', ['process_start', 'switch_space', 'sense_popf'])[0]).toBe('switch_space');
  expect(best('space', ['special_place', 'kernel_space', 'space_fork'])[0]).toBe('space_fork');
  expect(best('step', ['Stop everything please', 'Machine step', 'Step'])[0]).toBe('Step');
});

test('words match in any order', () => {
  expect(fuzzy('dark theme', 'Theme: Dark')).not.toBeNull();
  expect(fuzzy('nested mode', 'Mode: Nested paging')).not.toBeNull();
  expect(fuzzy('theme purple', 'Theme: Dark')).toBeNull();
});

test('other scripts match, too', () => {
  expect(fuzzy('嵌套', '模式：嵌套分页')?.places).toEqual([3, 4]);
});

test('a place is that of the letter', () => {
  for (const [typed, name] of [
    ['rc', 'reverse-continue'],
    ['mem', 'machine_memory'],
  ] as const) {
    const letters = fuzzy(typed, name)?.places.map(place => name[place]);
    expect(letters?.join('')).toBe(typed);
  }
});
