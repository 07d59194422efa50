import { expect, test } from 'vitest';
import { choiceOf, eventOf, UNTIL_KINDS } from './until.ts';

test('every choice is remembered as the event that it was', () => {
  for (const kind of UNTIL_KINDS) expect(eventOf(choiceOf(kind)).kind).toBe(kind);
  expect(eventOf(choiceOf('exit', 'mov to CR3'))).toEqual({ kind: 'exit', reason: 'mov to CR3' });
  expect(eventOf('nonsense')).toEqual({ kind: 'exit', reason: null });
});
