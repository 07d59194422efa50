import { describe, expect, it } from 'vitest';
import { ascii, bytesOf, call, DATA, move, SPIN, startWorld } from './testing/kernel.ts';

const FOREVER = Number.POSITIVE_INFINITY;

describe('a paravirtualized kernel', () => {
  it('prints through the monitor and ends', () => {
    const text = 'hello from ring 1\n';
    const code = bytesOf(call('console_io', 0, text.length, DATA), call('sched_op', 2, DATA + 64), SPIN);
    const data = new Uint8Array(128);
    data.set(ascii(text));
    const { monitor, output } = startWorld(code, data);
    expect(monitor.run(100_000, FOREVER, false)).toBe('powerOff');
    expect(output()).toBe(text);
    expect(monitor.counts.byReason()).toMatchObject({ console_io: { count: 1 }, sched_op: { count: 1 } });
    expect(move(0, 1).length).toBe(5);
  });
});
