import { expect, test } from 'vitest';
import type { StopReason, View } from '../../core/protocol/messages.ts';
import type { Happening } from '../../core/protocol/monitor.ts';
import { happeningOf } from '../testing/happening.ts';
import { bareMonitor } from '../testing/monitor.ts';
import { happenings, NONE, neighbour, shownHappening, withHappening } from './happenings.ts';

const step: StopReason = { kind: 'step' };

/** Only what the store looks at. */
function view(instructions: number, happening: Happening | null, stop: StopReason = step): View {
  return {
    type: 'view',
    serial: 1,
    running: false,
    halted: false,
    stop,
    instructions,
    rate: 0,
    seconds: 0,
    registers: {
      general: new Uint32Array(8),
      eip: 0,
      eflags: 2,
      cr0: 0,
      cr2: 0,
      cr3: 0,
      cr4: 0,
      cpl: 0,
      segments: [],
      gdtr: { base: 0, limit: 0 },
      idtr: { base: 0, limit: 0 },
    },
    monitor: { ...bareMonitor, setting: { mode: 'trap', paging: 'nested' }, happening },
    code: null,
    memory: null,
    console: new Uint8Array(0),
    consoleDropped: 0,
  };
}

test('a happening belongs to the step that it came with, and no longer after the next', () => {
  const first = withHappening(NONE, view(10, happeningOf()));
  expect(shownHappening(first)?.serial).toBe(1);
  expect(withHappening(first, view(10, happeningOf()))).toBe(first);
  const later = withHappening(first, view(11, happeningOf()));
  expect(shownHappening(later)).toBeNull();
  expect(later.list).toHaveLength(1);
});

test('after a run it is kept, but is not what just happened', () => {
  const state = withHappening(NONE, view(500, happeningOf({ serial: 40 }), { kind: 'pause' }));
  expect(shownHappening(state)).toBeNull();
  expect(state.list).toHaveLength(1);
});

test('the cost that comes later is taken over', () => {
  const first = withHappening(NONE, view(10, happeningOf({ cost: 0 })));
  const later = withHappening(first, view(11, happeningOf({ cost: 60 })));
  expect(later.list.map(({ cost }) => cost)).toEqual([60]);
});

test('another mode shows nothing of the last', () => {
  const first = withHappening(NONE, view(10, happeningOf({ serial: 9 })));
  const bare = { ...view(10, null), monitor: bareMonitor };
  expect(shownHappening(withHappening(first, bare))).toBeNull();
});

test('going back forgets nothing, and what comes again is there once', () => {
  let state = NONE;
  for (const serial of [1, 2, 3])
    state = withHappening(state, view(serial * 10, happeningOf({ serial, step: serial })));
  state = withHappening(state, view(15, null, { kind: 'pause' }));
  expect(state.list).toHaveLength(3);
  expect(shownHappening(state)).toBeNull();
  state = withHappening(state, view(20, happeningOf({ serial: 4, step: 2 })));
  expect(state.list.map(({ serial }) => serial)).toEqual([1, 3, 4]);
  // The same step in another mode is another one.
  const bare = { mode: 'patch', paging: 'nested' } as const;
  state = withHappening(state, view(20, happeningOf({ serial: 5, step: 2, setting: bare })));
  expect(state.list.map(({ serial }) => serial)).toEqual([1, 3, 4, 5]);
});

test('a stop at an exit shows that exit', () => {
  const hit = { id: 1, on: { kind: 'exit', reason: null }, before: null, after: null, reason: 'cli' } as const;
  const stop = (by: number): StopReason => ({ kind: 'breakpoint', address: 0, hit: { ...hit, by } });
  expect(shownHappening(withHappening(NONE, view(10, happeningOf(), stop(0xc0101000))))?.serial).toBe(1);
  expect(shownHappening(withHappening(NONE, view(10, happeningOf(), stop(0xc0101004))))).toBeNull();
});

test('the reader goes back and forth over what was seen', () => {
  let state = NONE;
  for (const serial of [1, 2, 3])
    state = withHappening(state, view(serial * 10, happeningOf({ serial, step: serial })));
  happenings.setState(state);
  expect(neighbour(happenings.getState(), 1)).toBeNull();
  neighbour(happenings.getState(), -1)?.();
  expect(shownHappening(happenings.getState())?.serial).toBe(2);
  neighbour(happenings.getState(), -1)?.();
  expect(neighbour(happenings.getState(), -1)).toBeNull();
  neighbour(happenings.getState(), 1)?.();
  neighbour(happenings.getState(), 1)?.();
  expect(happenings.getState().shown).toBeNull();
  expect(shownHappening(happenings.getState())?.serial).toBe(3);
});

test('only so many are kept', () => {
  let state = NONE;
  for (let serial = 1; serial <= 80; serial++)
    state = withHappening(state, view(serial, happeningOf({ serial, step: serial })));
  expect(state.list).toHaveLength(50);
  expect(state.list[0].serial).toBe(31);
});
