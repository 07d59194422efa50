import { describe, expect, it } from 'vitest';
import { EAX } from '../../ia32/registers.ts';
import { Caller } from '../testing/para/caller.ts';
import { ascii, BASE, bytesOf, call, FOREVER, HANDLER, little, move, SPIN } from '../testing/para/kernel.ts';
import {
  countFree,
  increment,
  OTHER,
  popTo,
  powerOff,
  prepare,
  program,
  put,
  RESULT,
  run,
  SHARED,
} from '../testing/para/program.ts';
import { CONSOLE_RING, FLAT, HYPERCALL, SHARED_INFO, TIME_INFO, VCPU_INFO } from './abi.ts';

describe('events', () => {
  const port = 3;
  const clear = [...put(SHARED + VCPU_INFO.pendingSelector, 0), ...put(SHARED + SHARED_INFO.pending, 0)];
  /** Counts, and ends after so many; then goes back by the iret stub. */
  const countTo = (most: number) => [
    ...[0xc6, 0x05, ...little(SHARED), 0],
    ...clear,
    ...increment(RESULT),
    ...[0x83, 0x3d, ...little(RESULT), most, 0x75, powerOff.length],
    ...powerOff,
    ...[0x83, 0xc4, 0],
    0x50,
    ...move(EAX, HYPERCALL.iret),
    0xcd,
    0x82,
  ];

  it('wake a guest that waits, a hundred times a second', () => {
    const code = program(
      [call('sched_op', 1, 0), SPIN.map((b, n) => (n === 1 ? -2 - call('sched_op', 1, 0).length : b) & 0xff)],
      [HANDLER, countTo(5)],
    );
    const guest = prepare(code);
    expect(guest.call('event_channel_op', 1, guest.put(0, 0, 0))).toBe(0);
    expect(guest.call('set_callbacks', FLAT.ring1Code, HANDLER, FLAT.ring1Code, OTHER)).toBe(0);
    expect(run(guest, 10_000_000)).toBe('powerOff');
    expect(guest.read(RESULT)).toBe(5);
    expect(guest.domain.counts.upcalls).toBe(5);
    const now = guest.world.pc.clock.now();
    expect(now).toBeGreaterThan(50e6);
    expect(now).toBeLessThan(51e6);
  });

  it('wait while they are masked, and come with the next entry after', () => {
    const code = program(
      [[0x90, 0x90], put(SHARED, 0x00000001), call('xen_version', 0, 0), SPIN],
      [HANDLER, [...popTo(RESULT), ...popTo(RESULT + 4), ...powerOff]],
    );
    const guest = prepare(code);
    expect(guest.call('event_channel_op', 7, guest.put(0, 0))).toBe(0);
    expect(guest.call('set_callbacks', FLAT.ring1Code, HANDLER, FLAT.ring1Code, OTHER)).toBe(0);
    expect(guest.call('event_channel_op', 4, guest.put(port))).toBe(0);
    expect(guest.domain.shared.upcallPending).toBe(true);
    expect(run(guest)).toBe('powerOff');
    expect(guest.read(RESULT + 4)).toBe(FLAT.ring1Code);
    expect(guest.domain.shared.upcallMask).toBe(1);
  });
});

describe('time', () => {
  it('follows from the time-stamp counter by what the shared page says', () => {
    const guest = prepare(bytesOf(SPIN));
    const { vcpu, time } = guest.domain;
    const at = SHARED + VCPU_INFO.time;
    for (let n = 0; n < 3; n++) {
      guest.world.monitor.run(1_200_000, FOREVER, false);
      guest.world.monitor.interrupt();
      const version = guest.read(at + TIME_INFO.version);
      expect(version & 1).toBe(0);
      const long = (offset: number) => guest.domain.access.long(at + offset);
      const ticks = vcpu.timeStamp() - long(TIME_INFO.timeStamp);
      const shift = guest.domain.access.read(at + TIME_INFO.shift, 1);
      const scaled = Math.floor((ticks * 2 ** shift * guest.read(at + TIME_INFO.multiplier)) / 2 ** 32);
      expect(Math.abs(long(TIME_INFO.systemTime) + scaled - time.now())).toBeLessThan(3);
    }
    expect(guest.read(at + TIME_INFO.version)).toBeGreaterThan(2);
  });

  it('has the date at which it began', () => {
    const guest = prepare(bytesOf(SPIN));
    expect(guest.read(SHARED + SHARED_INFO.wallVersion) & 1).toBe(0);
    expect(guest.read(SHARED + SHARED_INFO.wallSeconds)).toBe(1_000_000_000);
  });
});

describe('the console', () => {
  const ring = BASE + 0x122 * 4096;
  const port = 2;

  it('prints what the guest puts into its ring and sends', () => {
    const guest = new Caller();
    guest.domain.access.putBytes(ring + CONSOLE_RING.out, ascii('ring!'));
    guest.domain.access.write(ring + CONSOLE_RING.outProduced, 4, 5);
    expect(guest.world.output()).toBe('');
    expect(guest.call('event_channel_op', 4, guest.put(port))).toBe(0);
    expect(guest.world.output()).toBe('ring!');
    expect(guest.read(ring + CONSOLE_RING.outConsumed)).toBe(5);
  });

  it('takes what a person types, and says so by an event', () => {
    const guest = new Caller();
    expect(guest.world.monitor.input(ascii('ls\n'))).toBe(3);
    guest.world.monitor.run(100_000, FOREVER, false);
    expect(guest.read(ring + CONSOLE_RING.inProduced)).toBe(3);
    expect(new TextDecoder().decode(guest.domain.access.bytes(ring, 3))).toBe('ls\n');
    expect(guest.domain.shared.isPending(port)).toBe(true);
  });

  it('survives indexes that make no sense', () => {
    const guest = new Caller();
    guest.domain.access.write(ring + CONSOLE_RING.outProduced, 4, -5);
    expect(guest.call('event_channel_op', 4, guest.put(port))).toBe(0);
    expect(guest.world.output()).toBe('');
    guest.domain.access.write(ring + CONSOLE_RING.inConsumed, 4, 1);
    guest.world.monitor.input(ascii('x'));
    guest.world.monitor.run(100_000, FOREVER, false);
    expect(guest.read(ring + CONSOLE_RING.inProduced)).toBe(0);
  });
});

describe('a reboot', () => {
  it('starts the guest anew and leaves the machine alone', () => {
    const code = program([increment(RESULT), put(RESULT + 4, 1), call('sched_op', 2, RESULT + 4), SPIN]);
    const guest = new Caller(code);
    const before = guest.domain;
    guest.world.monitor.run(1000, FOREVER, false);
    expect(guest.domain).not.toBe(before);
    guest.check();
    expect(guest.world.pc.cpu.count).toBeGreaterThan(0);
    // Every frame that the monitor took for a domain it has given back.
    const free = () => countFree(guest);
    const first = free();
    guest.world.monitor.run(10_000, FOREVER, false);
    expect(free()).toBe(first);
  });
});
