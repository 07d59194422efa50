import { expect, test } from 'vitest';
import type { BreakOn } from '../../../core/protocol/breakpoints.ts';
import { newBreakpoint } from '../../stores/breakpoints.ts';
import { draftOf, EMPTY, make } from './draft.ts';
import { inWords, vectorOf } from './words.ts';

const EVENTS: readonly BreakOn[] = [
  { kind: 'execute', address: 0xc0101234 },
  { kind: 'write', address: 0x1000, length: 2 },
  { kind: 'access', address: 0x1003, length: 1 },
  { kind: 'exit', reason: null },
  { kind: 'exit', reason: 'cli' },
  { kind: 'hypercall', name: null },
  { kind: 'hypercall', name: 'mmu_update' },
  { kind: 'delivery', vector: null },
  { kind: 'delivery', vector: 14 },
  { kind: 'delivery', vector: 0x80 },
  { kind: 'pageFault', address: null },
  { kind: 'pageFault', address: 0xbfff0000 },
  { kind: 'cr3' },
  { kind: 'ring', to: null },
  { kind: 'ring', to: 0 },
];

test('every breakpoint goes through the form unchanged, and has words of its own', () => {
  for (const on of EVENTS) {
    const one = newBreakpoint(on, 'eax == 1', 7);
    expect(make(draftOf(one))).toEqual({ on, condition: 'eax == 1', ignore: 7 });
  }
  expect(new Set(EVENTS.map(inWords)).size).toBe(EVENTS.length);
});

test('what is wrong is said of the field that it is in', () => {
  expect(make(EMPTY)).toMatchObject({ field: 'address' });
  expect(make({ ...EMPTY, address: 'no such symbol' })).toMatchObject({ field: 'address' });
  expect(make({ ...EMPTY, kind: 'pageFault' })).toMatchObject({ on: { kind: 'pageFault', address: null } });
  expect(make({ ...EMPTY, kind: 'delivery', vector: 'xyz' })).toMatchObject({ field: 'vector' });
  expect(make({ ...EMPTY, kind: 'cr3', ignore: '-1' })).toMatchObject({ field: 'ignore' });
  expect(make({ ...EMPTY, kind: 'cr3', ignore: 'x' })).toMatchObject({ field: 'ignore' });
});

test('vectors have names and numbers', () => {
  expect(vectorOf('#PF')).toBe(14);
  expect(vectorOf('pf')).toBe(14);
  expect(vectorOf('nmi')).toBe(2);
  expect(vectorOf('20')).toBe(0x20);
  expect(vectorOf('80h')).toBe(0x80);
  expect(vectorOf('100')).toBeNull();
  expect(vectorOf('')).toBeNull();
});
