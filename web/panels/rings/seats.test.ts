import { expect, test } from 'vitest';
import type { Seat } from '../../../core/protocol/monitor.ts';
import { MODES } from '../../modes.ts';
import { happeningOf } from '../../testing/happening.ts';
import { circlesOf, pointOf } from './geometry.ts';
import { guestPlace, monitorPlace, placeOf, RING_SETS, whoIsAt } from './seats.ts';
import { ofHappening } from './transition.ts';

const seat: Seat = { ring: 1, nonRoot: false, inMonitor: false, guestRing: 0, translated: false };

test.each(MODES)('in %s the kernel, its processes and the monitor have seats of their own', mode => {
  expect(whoIsAt(mode, guestPlace(mode, false))).toBe('kernel');
  expect(whoIsAt(mode, guestPlace(mode, true))).toBe('processes');
  const monitor = monitorPlace(mode);
  if (mode === 'bare') expect(monitor).toBeNull();
  else expect(monitor !== null && whoIsAt(mode, monitor)).toBe('monitor');
});

test('the seat is that of the machine, and the monitor’s where it works for the guest', () => {
  expect(placeOf('trap', seat)).toEqual({ operation: 'only', ring: 1 });
  expect(placeOf('trap', { ...seat, inMonitor: true })).toEqual({ operation: 'only', ring: 0 });
  expect(placeOf('nested', { ...seat, ring: 3, nonRoot: true })).toEqual({ operation: 'nonRoot', ring: 3 });
  expect(placeOf('nested', { ...seat, ring: 0, nonRoot: false, inMonitor: true })).toEqual({
    operation: 'root',
    ring: 0,
  });
});

test('places of one drawing do not lie on each other', () => {
  for (const mode of MODES) {
    const circles = circlesOf(RING_SETS[mode]);
    const points = RING_SETS[mode].flatMap(({ operation }) =>
      ([0, 1, 2, 3] as const).map(ring => pointOf(circles, { operation, ring })),
    );
    expect(new Set(points.map(({ x, y }) => `${x} ${y}`)).size).toBe(points.length);
  }
});

test('a trap leads to the monitor, and back when the guest runs again', () => {
  const there = ofHappening(happeningOf(), { ...seat, ring: 0, inMonitor: true }, 0);
  expect(there).toEqual({
    from: { operation: 'only', ring: 1 },
    to: { operation: 'only', ring: 0 },
    cause: '#GP(0)',
    back: false,
  });
  expect(ofHappening(happeningOf(), seat, 0)?.back).toBe(true);
});

test('without a monitor only a change of ring is one', () => {
  const bare = { setting: { mode: 'bare', paging: 'nested' }, kind: 'delivered' } as const;
  const inKernel = happeningOf({ ...bare, saved: [{ name: 'CS', value: 8 }] });
  expect(ofHappening(inKernel, { ...seat, ring: 0 }, 0)).toBeNull();
  const fromUser = happeningOf({ ...bare, saved: [{ name: 'CS', value: 0x1b }] });
  expect(ofHappening(fromUser, { ...seat, ring: 0 }, 0)).toMatchObject({ from: { ring: 3 }, to: { ring: 0 } });
});
