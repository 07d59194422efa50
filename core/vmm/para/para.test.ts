import { beforeEach, describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { CS, DS, EAX, EBX, ECX, EDX, ESP } from '../../ia32/registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import { PAGE } from '../../machine/mmu/walk.ts';
import { OutOfFrames } from '../memory/frames.ts';
import { CONSOLE_RING, DOMID_SELF, FLAT, HYPERCALL, SHARED_INFO, VCPU_INFO } from './abi.ts';
import { Caller, HOLE, UNMAPPED } from './testing/caller.ts';
import { ascii, BASE, bytesOf, CODE, call, DATA, HYPERCALL_PAGE, move, SPIN, startWorld } from './testing/kernel.ts';

const FOREVER = Number.POSITIVE_INFINITY;
/** Where tests put things: linear addresses of the start-of-day region. */
const RESULT = BASE + 0x108 * 4096;
const SHARED = BASE + 0x200 * 4096;
const USER_CODE = 0x08000000;
/** Parts of the code page. */
const HANDLER = CODE + 0x400;
const OTHER = CODE + 0x800;
const POWER_OFF_ARGUMENT = RESULT + 0x800;

function little(value: number): readonly number[] {
  return [0, 8, 16, 24].map(shift => (value >>> shift) & 0xff);
}

/** POP [address]; MOV [address], register; INC [address]; MOV [address], value. */
const popTo = (at: number) => [0x8f, 0x05, ...little(at)];
const store = (register: number, at: number) => [0x89, 0x05 | (register << 3), ...little(at)];
const load = (register: number, at: number) => [0x8b, 0x05 | (register << 3), ...little(at)];
const increment = (at: number) => [0xff, 0x05, ...little(at)];
const put = (at: number, value: number) => [0xc7, 0x05, ...little(at), ...little(value)];
const push = (value: number) => [0x68, ...little(value)];
/** DS as a kernel's entry from ring 3 has to load it. */
const kernelData = [0x8c, 0xd0, 0x8e, 0xd8];
const userData = [...push(FLAT.ring3Data), 0x1f];
/** Jumps to the stub of HYPERVISOR_iret, as a kernel does. */
const iretByPage = [...move(EDX, BASE + HYPERCALL_PAGE * 4096 + HYPERCALL.iret * 32), 0xff, 0xe2];
const powerOff = call('sched_op', 2, POWER_OFF_ARGUMENT);

/** Code with handlers at their places. */
function program(
  main: readonly (readonly number[])[],
  ...handlers: readonly (readonly [number, readonly number[]])[]
): Uint8Array {
  const bytes = new Uint8Array(0x1000).fill(0xf4);
  bytes.set(bytesOf(...main));
  for (const [at, code] of handlers) bytes.set(code, at - CODE);
  return bytes;
}

/** A guest whose shared page is mapped, and whose trap table has these entries: vector, flags, address. */
function prepare(code: Uint8Array, traps: readonly (readonly [number, number, number])[] = []): Caller {
  const guest = new Caller(code);
  const { shared } = guest.domain;
  expect(guest.call('update_va_mapping', SHARED, shared.address | PAGE.present | PAGE.writable, 0, 2)).toBe(0);
  const words = traps.flatMap(([vector, flags, address]) => [vector | (flags << 8) | (FLAT.ring1Code << 16), address]);
  expect(guest.call('set_trap_table', guest.put(...words, 0, 0))).toBe(0);
  return guest;
}

/** A page for ring 3 with code. */
function mapUser(guest: Caller, code: Uint8Array): void {
  const { memory } = guest.world.monitor.vm;
  const tables = [0x210, 0x211, 0x212].map(page => {
    expect(guest.call('update_va_mapping', BASE + page * 4096, 0, 0, 2)).toBe(0);
    return guest.frame(page);
  });
  const [directory, table, page] = tables;
  memory.machine.load(page * 4096, code);
  const bits = PAGE.present | PAGE.writable | PAGE.user;
  const entry = (at: number, value: number) => guest.put(at, 0, value, 0);
  const root = guest.domain.tables.root;
  const at = table * 4096 + ((USER_CODE >>> 12) & 511) * 8;
  for (const request of [
    entry(at, (page * 4096) | bits),
    entry(directory * 4096 + (USER_CODE >>> 21) * 8, (table * 4096) | bits),
    entry(root * 4096, (directory * 4096) | PAGE.present),
  ]) {
    expect(guest.call('mmu_update', request, 1, 0, DOMID_SELF)).toBe(0);
  }
}

/** Frames that the machine has left. */
function countFree({ domain: { host } }: Caller): number {
  const taken: number[] = [];
  try {
    for (;;) taken.push(host.allocate());
  } catch (thrown) {
    if (!(thrown instanceof OutOfFrames)) throw thrown;
  }
  for (const frame of taken) host.free(frame);
  return taken.length;
}

function run(guest: Caller, steps = 200_000) {
  return guest.world.monitor.run(steps, FOREVER, false);
}

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
    expect(guest.domain.traps.counts.bounces).toBe(0);
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
    expect(guest.domain.traps.counts.bounces).toBe(1);
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
    expect(guest.domain.traps.counts.upcalls).toBe(5);
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
    guest.world.monitor.run(50_000, FOREVER, false);
    expect(free()).toBe(first);
  });
});

describe('instructions that the monitor emulates', () => {
  let results: number[];
  function record(code: readonly (readonly number[])[], ...stores: readonly number[]): Caller {
    const guest = prepare(
      program([...code, ...stores.map((register, n) => store(register, RESULT + n * 4)), powerOff]),
    );
    expect(run(guest)).toBe('powerOff');
    results = stores.map((_, n) => guest.read(RESULT + n * 4));
    return guest;
  }
  beforeEach(() => {
    results = [];
  });

  it('CPUID behind the prefix tells of the monitor', () => {
    const prefixed = [0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2];
    record([move(EAX, 0x40000000), prefixed], EBX, ECX, EDX);
    const text = results.map(word => String.fromCharCode(...little(word))).join('');
    expect(text).toBe('XenVMMXenVMM');
    record([move(EAX, 1), prefixed], ECX);
    expect(results[0] >>> 31).toBe(1);
  });

  it('MOV from CR0, CR3 and CR4', () => {
    const guest = record(
      [
        [0x0f, 0x20, 0xc1],
        [0x0f, 0x20, 0xdb],
        [0x0f, 0x20, 0xe2],
      ],
      ECX,
      EBX,
      EDX,
    );
    expect(results[0]).toBe(0x80010033);
    expect(results[1]).toBe(guest.domain.tables.root * 4096);
    expect(results[2] & 0x20).toBe(0x20);
  });

  it('MOV to CR0 and CLTS change TS, which makes x87 instructions trap once', () => {
    const code = program(
      [[0x0f, 0x20, 0xc0], [0x83, 0xc8, 0x08], [0x0f, 0x22, 0xc0], [0xd9, 0xe8], powerOff],
      [HANDLER, [...increment(RESULT), 0xcf]],
    );
    const guest = prepare(code, [[7, 0, HANDLER]]);
    expect(run(guest)).toBe('powerOff');
    expect(guest.read(RESULT)).toBe(1);
    expect(guest.domain.vcpu.i32[L.W_CR0] & 8).toBe(0);
  });

  it('and no other: the guest sees #GP', () => {
    for (const bytes of [
      [0xfa],
      [0xf4],
      [0x0f, 0x22, 0xe0],
      [0xe4, 0x60],
      [0x0f, 0x30],
      [0x0f, 0x01, 0x15, 0, 0, 0, 0],
    ]) {
      const guest = prepare(program([bytes]), [[13, 0, HANDLER]]);
      guest.domain.vcpu.i32[ECX] = 0x10;
      const code = bytesOf(popTo(RESULT), popTo(RESULT + 4), powerOff);
      guest.domain.access.putBytes(HANDLER, code);
      expect(run(guest)).toBe('powerOff');
      expect(guest.read(RESULT + 4)).toBe(CODE);
    }
  });
});

describe('selectors that cannot be loaded', () => {
  it('go to the failsafe callback', () => {
    // The GDT that holds the selector is taken away while DS uses it.
    const flatData = [0x0000ffff, 0x00cfb300];
    const code = program(
      [[0xb8, 8 | 1, 0, 0, 0], [0x8e, 0xd8], call('set_gdt', 0, 0), SPIN],
      [OTHER, [0x36, ...popTo(RESULT), 0x36, ...popTo(RESULT + 4), 0x36, ...popTo(RESULT + 8), ...powerOff]],
    );
    const guest = prepare(code);
    const table = guest.frame(0x230);
    guest.domain.access.putBytes(BASE + 0x230 * 4096 + 8, Uint8Array.from(flatData.flatMap(word => [...little(word)])));
    expect(guest.call('update_va_mapping', BASE + 0x230 * 4096, 0, 0, 2)).toBe(0);
    expect(guest.call('set_gdt', guest.put(table), 16)).toBe(0);
    expect(guest.call('set_callbacks', FLAT.ring1Code, HANDLER, FLAT.ring1Code, OTHER)).toBe(0);
    expect(run(guest)).toBe('powerOff');
    expect(guest.domain.traps.counts.failsafes).toBe(1);
    const [ds, es, fs] = [RESULT, RESULT + 4, RESULT + 8].map(at => guest.domain.access.word(at));
    expect([ds, es, fs]).toEqual([9, FLAT.ring1Data, FLAT.ring1Data]);
  });
});
