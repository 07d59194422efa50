import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { MachineState } from '../../machine/pc.ts';
import { Session } from '../session.ts';
import { History, type HistoryOptions, stateOf } from './history.ts';

/** What the checkpoints of a long run cost, and which of them are kept. */

const guest = {
  name: 'primer',
  kernel: new Uint8Array(readFileSync('public/guests/primer.elf')),
  initrd: null,
  symbols: null,
  commandLine: '',
  memoryMib: 8,
};
const OPTIONS: HistoryOptions = { bytes: 3 << 20, share: 0.02, interval: 1000, monitored: 500 };

function open(history = OPTIONS): Session {
  return new Session(guest, { startTime: 0, rate: 1e7, onConsole: () => {}, history });
}

describe('the history', () => {
  test('stays within its budget over a long run, and still reaches back to power-on', () => {
    const session = open();
    session.begin('run');
    let most = 0;
    for (let n = 0; n < 300; n++) {
      session.run(20_000, Number.POSITIVE_INFINITY);
      session.remember(OPTIONS.interval, () => 0);
      most = Math.max(most, session.history?.bytes ?? 0);
    }
    expect(most).toBeLessThanOrEqual(OPTIONS.bytes);
    expect(most).toBeGreaterThan(OPTIONS.bytes / 2);
    expect(session.history?.from).toBe(0);
    expect(session.history?.checkpoints).toBeGreaterThan(10);
    expect(session.history?.checkpoints).toBeLessThan(300);
    const before = session.steps;
    session.beginBack('step');
    while (session.run(100_000, Number.POSITIVE_INFINITY));
    expect(session.steps).toBe(before - 1);
  });

  test('takes its checkpoints as often as their cost allows', () => {
    const history = new History(OPTIONS, { mode: 'bare', paging: 'nested' });
    expect(history.isDue(999, false)).toBe(false);
    expect(history.isDue(1, false)).toBe(true);
    history.took(100);
    expect(history.isDue(4999, false)).toBe(false);
    expect(history.isDue(1, false)).toBe(true);
    expect(history.spent).toBe(100);
  });

  test('pages that did not change are kept once, and each checkpoint is whole', () => {
    const history = new History({ ...OPTIONS, bytes: 64 << 20 }, { mode: 'bare', paging: 'nested' });
    const session = open();
    session.begin('run');
    const states: MachineState[] = [];
    for (let n = 0; n < 4; n++) {
      session.run(200_000, Number.POSITIVE_INFINITY);
      const { state } = session.checkpoint();
      if (state === null) throw new Error('no state');
      states.push(state);
      history.keep({ ...session.mark(), setting: session.setting, counts: null, printed: 0 }, state);
    }
    const all = states.reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(history.bytes).toBeLessThan(all);
    history.kept.slice(1).forEach((kept, n) => {
      expect(stateOf(kept)).toEqual(states[n]);
    });
  });
});
