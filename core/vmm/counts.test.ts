import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadImage } from '../guests/load.ts';
import { Pc } from '../machine/pc.ts';
import { Counts, directShare } from './counts.ts';
import { MONITOR_MEMORY, Monitor } from './monitor.ts';
import type { MonitorMode } from './technique.ts';

describe('Counts', () => {
  it('keeps places apart and sums them by reason, the most frequent first', () => {
    const counts = new Counts();
    counts.exit('protection', 'cli', 0x1000).monitor += 5;
    counts.exit('protection', 'cli', 0x2000).guest += 7;
    counts.exit('protection', 'cli', 0x2000);
    counts.exit('protection', 'sti', 0x1000);
    expect(counts.exits.map(({ reason, address, count }) => [reason, address, count])).toEqual([
      ['cli', 0x2000, 2],
      ['cli', 0x1000, 1],
      ['sti', 0x1000, 1],
    ]);
    expect(counts.byReason()).toEqual({
      cli: { count: 3, monitor: 5, guest: 7 },
      sti: { count: 1, monitor: 0, guest: 0 },
    });
  });

  it('does not grow without end: what comes after many places is counted, but without its place', () => {
    const counts = new Counts();
    for (let address = 0; address < 10_000; address++) counts.exit('callout', 'ret', address);
    expect(counts.exits.length).toBeLessThan(5000);
    expect(counts.byReason()['ret'].count).toBe(10_000);
  });

  it('adds up user and kernel', () => {
    const counts = new Counts();
    Object.assign(counts.user, { direct: 990, emulated: 10 });
    Object.assign(counts.kernel, { direct: 10, emulated: 90 });
    expect([counts.direct, counts.emulated]).toEqual([1000, 100]);
    expect([directShare(counts.user), directShare(counts.kernel)]).toEqual([0.99, 0.1]);
    expect(directShare({ direct: 0, emulated: 0 })).toBe(1);
  });
});

const MEMORY = 16 << 20;
const image = new Uint8Array(readFileSync('public/guests/primer.elf'));
const start = loadImage(image, { memoryBytes: MEMORY, commandLine: '', initrd: null });

function monitored(mode: MonitorMode): Monitor {
  const options = { memoryBytes: MEMORY, startTime: 0, onConsole: () => {} };
  const pc = new Pc({ ...options, memoryBytes: MEMORY + MONITOR_MEMORY, rate: 1e7 });
  return new Monitor(pc, { ...options, mode, paging: 'nested' }, start);
}

/** Runs on, and takes the guest off the machine, so that nothing is under way. */
function run(monitor: Monitor, steps: number): void {
  monitor.run(steps, Number.POSITIVE_INFINITY, false);
  monitor.interrupt();
  monitor.run(0, Number.POSITIVE_INFINITY, false);
}

describe.each(['trap', 'translate', 'patch', 'hardware'] as const)('the counts of %s', mode => {
  it('begin with nothing but what it took to build the machine', () => {
    const { counts } = monitored(mode);
    expect([counts.direct, counts.emulated, counts.monitor, counts.exits.length]).toEqual([0, 0, 0, 0]);
    expect(counts.setup).toBeGreaterThan(0);
  });

  it('have every exit pay for all that the monitor does', () => {
    const monitor = monitored(mode);
    run(monitor, 600_000);
    const { counts } = monitor;
    const paid = counts.exits.reduce((sum, exit) => sum + exit.monitor, 0);
    const ran = counts.exits.reduce((sum, exit) => sum + exit.guest, 0);
    expect(ran).toBe(counts.direct);
    // The first entry is not for an exit, nor is what comes while the guest waits.
    expect(paid).toBeLessThanOrEqual(counts.monitor);
    expect(paid).toBeGreaterThan(counts.monitor * 0.9);
  });

  it('go on after a snapshot was restored, without the steps of its past', () => {
    const monitor = monitored(mode);
    run(monitor, 600_000);
    const state = monitor.save();
    const other = monitored(mode);
    other.restore(state);
    const { counts } = other;
    expect(counts.direct).toBe(0);
    run(other, 100_000);
    expect(counts.direct).toBeGreaterThan(10_000);
    expect(counts.direct).toBeLessThanOrEqual(200_000);
    const steps = other.pc.cpu.count - state.count;
    expect(counts.monitor).toBeLessThan(steps * 10);
  });
});
