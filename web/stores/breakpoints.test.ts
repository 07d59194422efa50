import { expect, test } from 'vitest';
import { dotOf, isSameEvent, newBreakpoint, toggled } from './breakpoints.ts';

const at = (address: number) => ({ kind: 'execute', address }) as const;

test('toggling sets one, and takes away all that are there', () => {
  const one = toggled([], at(0x1000));
  expect(one.map(({ on }) => on)).toEqual([at(0x1000)]);
  const two = [...one, newBreakpoint(at(0x1000), 'eax == 1'), newBreakpoint(at(0x2000))];
  expect(toggled(two, at(0x1000)).map(({ on }) => on)).toEqual([at(0x2000)]);
  expect(new Set(two.map(({ id }) => id)).size).toBe(3);
});

test('events are the same by what they say, not by the order in which it is said', () => {
  expect(isSameEvent({ kind: 'write', address: 4, length: 4 }, { length: 4, address: 4, kind: 'write' })).toBe(true);
  expect(isSameEvent({ kind: 'write', address: 4, length: 4 }, { kind: 'access', address: 4, length: 4 })).toBe(false);
  expect(isSameEvent({ kind: 'ring', to: null }, { kind: 'ring', to: 3 })).toBe(false);
});

test('the dot tells a plain breakpoint from one with a condition and one that is off', () => {
  const plain = newBreakpoint(at(8));
  const conditional = newBreakpoint(at(8), 'eax == 1');
  expect(dotOf([], 8)).toBe('none');
  expect(dotOf([newBreakpoint({ kind: 'write', address: 8, length: 4 })], 8)).toBe('none');
  expect(dotOf([plain], 8)).toBe('plain');
  expect(dotOf([conditional], 8)).toBe('conditional');
  expect(dotOf([newBreakpoint(at(8), '', 3)], 8)).toBe('conditional');
  expect(dotOf([conditional, plain], 8)).toBe('plain');
  expect(dotOf([{ ...plain, enabled: false }], 8)).toBe('off');
});
