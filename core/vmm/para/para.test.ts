import { describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { CS, DS, EAX, ECX, ESP } from '../../ia32/registers.ts';
import * as H from '../host/layout.ts';
import { Caller, HOLE, UNMAPPED } from '../testing/para/caller.ts';
import {
  ascii,
  BASE,
  bytesOf,
  CODE,
  call,
  DATA,
  FOREVER,
  HANDLER,
  little,
  move,
  SPIN,
  startWorld,
} from '../testing/para/kernel.ts';
import {
  increment,
  iretByPage,
  kernelData,
  load,
  mapUser,
  OTHER,
  popTo,
  powerOff,
  prepare,
  program,
  push,
  put,
  RESULT,
  run,
  SHARED,
  store,
  USER_CODE,
  userData,
} from '../testing/para/program.ts';
import { FLAT, VCPU_INFO } from './abi.ts';
import { cacheOf } from './descriptors.ts';

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
  });

  it('starts in ring 1 with what the interface promises', () => {
    const { vcpu, shared } = new Caller().domain;
    expect([vcpu.cpl, vcpu.selector(CS), vcpu.selector(DS)]).toEqual([1, 0xe019, 0xe021]);
    expect(shared.upcallMask).toBe(1);
  });

  it('reads start_info, the frame list and the machine-to-physical table', () => {
    const guest = new Caller();
    const info = BASE + 0x120 * 4096;
    expect(new TextDecoder().decode(guest.domain.access.bytes(info, 15))).toBe('xen-3.0-x86_32p');
    expect(guest.read(info + 32)).toBe(guest.pages);
    expect(guest.read(info + 60)).toBe(BASE + 0x123 * 4096);
    expect(guest.read(BASE + 0x110 * 4096 + 0x200 * 4)).toBe(guest.frame(0x200));
    expect(guest.domain.physical.get(guest.frame(0x200))).toBe(0x200);
    // The guest's own eyes: a load from the table in the hole.
    const code = program([load(EAX, HOLE + 4 * guest.frame(0x200)), store(EAX, RESULT), powerOff]);
    const other = new Caller(code);
    expect(other.frame(0x200)).toBe(guest.frame(0x200));
    expect(run(other)).toBe('powerOff');
    expect(other.read(RESULT)).toBe(0x200);
  });
});

describe('exceptions', () => {
  it('come through the trap table, with the address of a page fault and the mask of events in CS', () => {
    const code = program(
      [load(ECX, UNMAPPED)],
      [HANDLER, [...popTo(RESULT), ...popTo(RESULT + 4), ...popTo(RESULT + 8), ...popTo(RESULT + 12), ...powerOff]],
    );
    const guest = prepare(code, [[14, 4, HANDLER]]);
    expect(run(guest)).toBe('powerOff');
    expect(guest.read(RESULT)).toBe(0);
    expect(guest.read(RESULT + 4)).toBe(CODE);
    expect(guest.read(RESULT + 8)).toBe(0x10000 | FLAT.ring1Code);
    expect(guest.read(RESULT + 12) & FLAG.IF).toBe(0);
    expect(guest.read(SHARED + VCPU_INFO.cr2)).toBe(UNMAPPED);
  });

  it('show events let through as a set interrupt flag, and mask them where the table says so', () => {
    for (const [flags, mask] of [
      [0, 0],
      [4, 1],
    ] as const) {
      const code = program(
        [put(SHARED, 0), [0x0f, 0x0b]],
        [HANDLER, [...popTo(RESULT), ...popTo(RESULT + 4), ...popTo(RESULT + 8), ...powerOff]],
      );
      const guest = prepare(code, [[6, flags, HANDLER]]);
      expect(run(guest)).toBe('powerOff');
      expect(guest.read(RESULT + 4)).toBe(FLAT.ring1Code);
      expect(guest.read(RESULT + 8) & FLAG.IF).toBe(FLAG.IF);
      expect(guest.domain.shared.upcallMask).toBe(mask);
    }
  });

  it('end the guest if it has no handler, with the reason', () => {
    const guest = prepare(program([load(EAX, UNMAPPED)]));
    expect(() => run(guest)).toThrow(/the guest crashed: #PF at c0100000 for address 10000000/);
  });

  it('end the guest if its stack is not there', () => {
    const guest = prepare(program([move(ESP, UNMAPPED), [0x0f, 0x0b]]), [[6, 0, HANDLER]]);
    expect(() => run(guest)).toThrow(/kernel stack/);
  });

  it('end the guest when it says so', () => {
    const guest = prepare(program([put(RESULT, 3), call('sched_op', 2, RESULT)]));
    expect(() => run(guest)).toThrow(/the guest crashed: it says so itself/);
  });

  it('are called by INT n only by rings that may', () => {
    const code = program(
      [
        [0xcd, 0x90],
        [0xcd, 0x91],
      ],
      [HANDLER, [...increment(RESULT), 0xcf]],
      [OTHER, [...popTo(RESULT + 4), ...popTo(RESULT + 8), ...powerOff]],
    );
    const guest = prepare(code, [
      [0x90, 1, HANDLER],
      [0x91, 0, HANDLER],
      [13, 0, OTHER],
    ]);
    expect(run(guest)).toBe('powerOff');
    expect(guest.read(RESULT)).toBe(1);
    expect(guest.read(RESULT + 4)).toBe(0x91 * 8 + 2);
    expect(guest.read(RESULT + 8)).toBe(CODE + 2);
  });
});

describe('ring 3', () => {
  const stack = USER_CODE + 0x1000;
  const enterUser = [push(FLAT.ring3Data), push(stack), push(FLAG.IF), push(FLAT.ring3Code), push(USER_CODE)];

  it('is entered by the iret hypercall, which lets events through, and calls the kernel without the monitor', () => {
    const code = program(
      [...enterUser, iretByPage],
      [
        HANDLER,
        [
          ...kernelData,
          0x83,
          0x3d,
          ...little(RESULT),
          3,
          0x74,
          7,
          ...increment(RESULT),
          0xcf,
          ...store(ESP, RESULT + 4),
          ...powerOff,
        ],
      ],
    );
    const guest = prepare(code, [[0x80, 3, HANDLER]]);
    guest.call('stack_switch', FLAT.ring1Data, BASE + 0x131 * 4096);
    mapUser(guest, bytesOf([0xcd, 0x80, 0xeb, 0xfc]));
    expect(run(guest)).toBe('powerOff');
    expect(guest.read(RESULT)).toBe(3);
    expect(guest.read(RESULT + 4)).toBe(BASE + 0x131 * 4096 - 20);
    expect(guest.domain.shared.upcallMask).toBe(0);
    expect(guest.domain.counts.bounces).toBe(0);
    const kinds = guest.world.monitor.counts.exits
      .filter(({ kind }) => kind !== 'interrupt')
      .map(({ reason }) => reason);
    expect(kinds.sort()).toEqual(['iret', 'sched_op']);
  });

  it('calls through the monitor if the handler masks events', () => {
    const code = program(
      [...enterUser, iretByPage],
      [HANDLER, [...kernelData, ...popTo(RESULT), ...popTo(RESULT + 4), ...powerOff]],
    );
    const guest = prepare(code, [[0x80, 7, HANDLER]]);
    guest.call('stack_switch', FLAT.ring1Data, BASE + 0x131 * 4096);
    mapUser(guest, bytesOf([0xcd, 0x80]));
    expect(run(guest)).toBe('powerOff');
    expect(guest.read(RESULT)).toBe(USER_CODE + 2);
    expect(guest.read(RESULT + 4)).toBe(FLAT.ring3Code);
    expect(guest.domain.counts.bounces).toBe(1);
  });

  it('makes no hypercalls, and no privileged instruction', () => {
    for (const bytes of [[0xcd, 0x82], [0xfa], [0x0f, 0x06], [0xf4]]) {
      const code = program(
        [...enterUser, iretByPage],
        [HANDLER, [...kernelData, ...popTo(RESULT), ...popTo(RESULT + 4), ...powerOff]],
      );
      const guest = prepare(code, [[13, 0, HANDLER]]);
      guest.call('stack_switch', FLAT.ring1Data, BASE + 0x131 * 4096);
      mapUser(guest, bytesOf(bytes));
      expect(run(guest)).toBe('powerOff');
      expect(guest.read(RESULT)).toBe(bytes[0] === 0xcd ? 0x82 * 8 + 2 : 0);
      expect(guest.read(RESULT + 4)).toBe(USER_CODE);
    }
  });

  it('cannot read the machine-to-physical table', () => {
    const code = program([...enterUser, iretByPage], [HANDLER, [...kernelData, ...popTo(RESULT), ...powerOff]]);
    const guest = prepare(code, [[14, 0, HANDLER]]);
    guest.call('stack_switch', FLAT.ring1Data, BASE + 0x131 * 4096);
    mapUser(guest, bytesOf(userData, load(EAX, HOLE)));
    expect(run(guest)).toBe('powerOff');
    expect(guest.read(RESULT)).toBe(5);
  });
});

describe('the monitor in the guest’s address space', () => {
  it('is out of reach of its segments', () => {
    for (const address of [0xffc00000, 0xffc20000, 0xfffffffc]) {
      const code = program([load(EAX, address)], [HANDLER, [...popTo(RESULT), ...popTo(RESULT + 4), ...powerOff]]);
      const guest = prepare(code, [[13, 0, HANDLER]]);
      expect(run(guest)).toBe('powerOff');
      expect(guest.read(RESULT)).toBe(0);
      expect(guest.read(RESULT + 4)).toBe(CODE);
    }
  });

  it('leaves the guest no descriptor that reaches it', () => {
    const { host } = new Caller().domain;
    const found: number[] = [];
    for (let selector = 0; selector < 0x10000; selector += 8) {
      const [low, high] = [host.read(H.GDT + selector, 4), host.read(H.GDT + selector + 4, 4)];
      if ((high & 0x9000) !== 0x9000 || ((high >>> 13) & 3) === 0) continue;
      found.push(selector);
      const { base, limit } = cacheOf(low, high);
      expect((base >>> 0) + (limit >>> 0)).toBeLessThan(H.MONITOR_BASE);
    }
    expect(found).toEqual([0xe018, 0xe020, 0xe028, 0xe030]);
  });

  it('shows nothing but the machine-to-physical table, and that cannot be written', () => {
    for (const [address, instruction, expected] of [
      [HOLE, store(EAX, HOLE), 3],
      [0xf6800000, load(EAX, 0xf6800000), 0],
      [0xffbffffc, load(EAX, 0xffbffffc), 0],
    ] as const) {
      const code = program([instruction], [HANDLER, [...popTo(RESULT), ...powerOff]]);
      const guest = prepare(code, [[14, 0, HANDLER]]);
      expect(run(guest)).toBe('powerOff');
      expect(guest.read(RESULT)).toBe(expected);
      expect(guest.read(SHARED + VCPU_INFO.cr2)).toBe(address);
    }
  });
});
