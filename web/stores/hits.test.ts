import { expect, test } from 'vitest';
import type { PastView, StopReason, View } from '../../core/protocol/messages.ts';
import { view } from '../verbs/testing.ts';
import { withStop } from './hits.ts';

const past: PastView = { from: 0, isPast: false, isSearching: false, bytes: 0 };

function at(instructions: number, kind: 'breakpoint' | 'step' | 'pause', more: Partial<View> = {}): View {
  const stop: StopReason = kind === 'breakpoint' ? { kind, address: 0 } : { kind };
  return { ...view, running: false, instructions, stop, past, ...more };
}

test('stops at breakpoints are kept in order, each once', () => {
  const first = withStop([], at(100, 'breakpoint'));
  expect(first).toEqual([100]);
  expect(withStop(first, at(100, 'breakpoint'))).toBe(first);
  expect(withStop(first, at(150, 'step'))).toBe(first);
  expect(withStop(first, at(300, 'breakpoint'))).toEqual([100, 300]);
});

test('in the past later ones stay; a machine that goes another way has not come to them', () => {
  const steps = [100, 300];
  expect(withStop(steps, at(200, 'pause', { past: { ...past, isPast: true } }))).toBe(steps);
  expect(withStop(steps, at(200, 'pause', { past: { ...past, isSearching: true }, running: true }))).toBe(steps);
  expect(withStop(steps, at(200, 'step'))).toEqual([100]);
});
