import { expect, test } from 'vitest';
import { readSettings } from './settings.ts';

const defaults = { theme: 'system', language: null, until: 'exit', layouts: {}, closed: [], toured: false, recent: [] };

test('what was stored comes back', () => {
  const stored = {
    theme: 'dark',
    language: 'zh',
    until: 'exit cli',
    layouts: { columns: { left: 20, middle: 55, right: 25 } },
    closed: ['left'],
    toured: true,
    recent: ['step', 'symbol main'],
  };
  expect(readSettings(JSON.stringify(stored))).toEqual(stored);
});

test.each([
  null,
  '',
  '{',
  'null',
  '[]',
  '"dark"',
  '7',
  '{"theme":"pink"}',
  '{"language":"tlh"}',
  '{"layouts":{"a":{"b":"wide"}}}',
  '{"layouts":3}',
  '{"closed":["middle"]}',
  '{"recent":[5]}',
  '{"closed":"left"}',
])('nonsense in storage (%s) gives the defaults', stored => {
  expect(readSettings(stored)).toEqual(defaults);
});

test('one bad field falls back alone', () => {
  expect(readSettings('{"theme":"light","layouts":{"columns":{"left":900}}}')).toEqual({ ...defaults, theme: 'light' });
});
