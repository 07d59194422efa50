import { beforeEach, describe, expect, it } from 'vitest';
import { CR0, EAX, ESP } from '../../../ia32/registers.ts';
import * as L from '../../../machine/cpu/layout.ts';
import { Random } from '../../../machine/testing/random.ts';
import { Caller, error, HOLE, READ_ONLY, UNMAPPED } from '../../testing/para/caller.ts';
import { ascii, BASE, TABLES_PAGE } from '../../testing/para/kernel.ts';
import { DOMID_SELF, type Errno, HYPERCALL, type HypercallName, VCPU_INFO } from '../abi.ts';
import { perform } from './table.ts';

/** A failing sequence is run again by its seed: CALLS_SEED=n. */
const SEED = Number(process.env['CALLS_SEED'] ?? 1);
const CALLS = Number(process.env['CALLS'] ?? 3000);

let guest: Caller;
beforeEach(() => {
  guest = new Caller();
});

type Make = (guest: Caller) => readonly number[];
type Case = readonly [HypercallName, string, Errno, Make];

function afterAWhile(guest: Caller): Caller {
  guest.world.monitor.run(1000, Number.POSITIVE_INFINITY, false);
  return guest;
}

/** What each hypercall answers to wrong arguments. */
const WRONG: readonly Case[] = [
  ['set_trap_table', 'a table that is not mapped', 'EFAULT', () => [UNMAPPED]],
  ['set_trap_table', 'a table in the monitor', 'EFAULT', () => [HOLE]],
  ['set_trap_table', 'a table without an end', 'EINVAL', g => [g.put(...Array(1030).fill(0x01010101))]],
  ['mmu_update', 'a list that is not mapped', 'EFAULT', () => [UNMAPPED, 1, 0, DOMID_SELF]],
  ['set_gdt', 'too many entries', 'EINVAL', g => [g.put(0), 7169]],
  ['set_gdt', 'a list that is not mapped', 'EFAULT', () => [UNMAPPED, 8]],
  ['set_gdt', 'a frame that is not there', 'EINVAL', g => [g.put(0xffffff), 8]],
  ['set_gdt', 'a page that the guest can write', 'EINVAL', g => [g.put(g.frame(0x200)), 8]],
  ['set_gdt', 'a page table', 'EINVAL', g => [g.put(g.frame(TABLES_PAGE)), 8]],
  ['set_debugreg', 'a register that is not there', 'EINVAL', () => [8, 0]],
  ['set_debugreg', "an address of the monitor's", 'EPERM', () => [0, HOLE]],
  ['get_debugreg', 'a register that is not there', 'EINVAL', () => [9]],
  ['update_descriptor', 'an address that is not aligned', 'EINVAL', g => [g.frame(0x200) * 4096 + 4, 0, 0, 0]],
  ['update_descriptor', 'a frame beyond 4 GB', 'EINVAL', g => [g.frame(0x200) * 4096, 1, 0, 0]],
  ['update_descriptor', 'a page table', 'EINVAL', g => [g.frame(TABLES_PAGE) * 4096, 0, 0, 0]],
  ['update_descriptor', "a frame of nobody's", 'EINVAL', () => [0, 0, 0, 0]],
  ['update_descriptor', 'a TSS', 'EINVAL', g => [g.frame(0x200) * 4096, 0, 0x67, 0x8900]],
  ['update_descriptor', 'a gate to the monitor', 'EINVAL', g => [g.frame(0x200) * 4096, 0, 0xe0080000, 0xec00]],
  ['update_descriptor', 'a segment in the monitor', 'EINVAL', g => [g.frame(0x200) * 4096, 0, 0xffff, 0xffcfb3c0]],
  ['memory_op', 'no operation', 'ENOSYS', () => [77, 0]],
  ['memory_op', 'a structure that is not mapped', 'EFAULT', () => [1, UNMAPPED]],
  ['memory_op', 'another domain', 'ESRCH', g => [3, g.put(9)]],
  ['memory_op', 'the monitor’s domain', 'EPERM', g => [4, g.put(0x7ff2)]],
  ['memory_op', 'extents of more than a frame', 'EPERM', g => [0, g.put(0, 1, 3, 0, DOMID_SELF)]],
  ['memory_op', 'no room for the memory map', 'EINVAL', g => [9, g.put(0, 0)]],
  ['memory_op', 'a memory map that cannot be written', 'EFAULT', g => [9, g.put(1, READ_ONLY)]],
  ['multicall', 'a list that is not mapped', 'EFAULT', () => [UNMAPPED, 1]],
  ['multicall', 'a list that cannot be written', 'EFAULT', () => [READ_ONLY, 1]],
  ['update_va_mapping', "an address of the monitor's", 'EINVAL', () => [HOLE, 0, 0, 0]],
  ['update_va_mapping_otherdomain', 'another domain', 'ESRCH', () => [BASE, 0, 0, 0, 12]],
  ['xen_version', 'no item', 'ENOSYS', () => [99, 0]],
  ['xen_version', 'a place that cannot be written', 'EFAULT', () => [3, READ_ONLY]],
  ['xen_version', 'features beyond the first 32', 'EINVAL', g => [6, g.put(1, 0)]],
  ['xen_version', 'the command line', 'EPERM', g => [9, g.put(0)]],
  ['console_io', 'a buffer that is not mapped', 'EFAULT', () => [0, 4, UNMAPPED]],
  ['console_io', 'a buffer that wraps around', 'EFAULT', () => [0, 0xffffffff, BASE]],
  ['console_io', 'more than a hypercall may ask for', 'E2BIG', () => [0, 0x20000, BASE]],
  ['console_io', 'no operation', 'ENOSYS', () => [2, 0, 0]],
  ['vm_assist', 'no command', 'ENOSYS', () => [2, 2]],
  ['vm_assist', 'no type', 'EINVAL', () => [0, 55]],
  ['vcpu_op', 'another processor', 'ENOENT', () => [3, 1, 0]],
  ['vcpu_op', 'no operation', 'ENOSYS', () => [99, 0, 0]],
  ['vcpu_op', 'the processor that runs', 'EEXIST', () => [0, 0, 0]],
  ['vcpu_op', 'a period that is too short', 'EINVAL', g => [6, 0, g.put(1000, 0)]],
  ['vcpu_op', 'a time that is over', 'ETIME', g => [8, 0, afterAWhile(g).put(1, 0, 1)]],
  ['vcpu_op', 'a structure across two pages', 'EINVAL', g => [10, 0, g.put(g.frame(0x200), 0, 4090, 0)]],
  ['vcpu_op', 'a structure in a page table', 'EINVAL', g => [10, 0, g.put(g.frame(TABLES_PAGE), 0, 0, 0)]],
  ['vcpu_op', 'a structure in no frame', 'EINVAL', g => [10, 0, g.put(0xffffff, 0, 0, 0)]],
  ['mmuext_op', 'a list that is not mapped', 'EFAULT', () => [UNMAPPED, 1, 0, DOMID_SELF]],
  ['mmuext_op', 'no operation', 'ENOSYS', g => [g.put(44, 0, 0), 1, 0, DOMID_SELF]],
  ['nmi_op', 'anything', 'EINVAL', () => [0, 0]],
  ['sched_op', 'no operation', 'ENOSYS', () => [9, 0]],
  ['sched_op', 'a reason that is not mapped', 'EFAULT', () => [2, UNMAPPED]],
  ['sched_op', 'no reason', 'EINVAL', g => [2, g.put(17)]],
  ['sched_op', 'another domain', 'EPERM', g => [4, g.put(0, 0)]],
  ['sched_op', 'too many ports', 'EINVAL', g => [3, g.put(0, 129, 0, 0)]],
  ['sched_op', 'a port that is not there', 'EINVAL', g => [3, g.put(g.put(4096), 1, 0, 0)]],
  ['sched_op', 'ports that are not mapped', 'EFAULT', g => [3, g.put(UNMAPPED, 1, 0, 0)]],
  ['sched_op_compat', 'no operation', 'ENOSYS', () => [3, 0]],
  ['callback_op', 'no operation', 'ENOSYS', () => [2, 0]],
  ['callback_op', 'no type', 'ENOSYS', g => [0, g.put(9, 0, 0)]],
  ['callback_op', 'a callback that has to stay', 'EINVAL', g => [1, g.put(0)]],
  ['callback_op', 'a structure that is not mapped', 'EFAULT', () => [0, UNMAPPED]],
  ['event_channel_op', 'no operation', 'ENOSYS', () => [11, 0]],
  ['event_channel_op', 'a structure that is not mapped', 'EFAULT', () => [1, UNMAPPED]],
  ['event_channel_op', 'a device', 'EPERM', g => [2, g.put(1, 0, 0)]],
  ['event_channel_op', 'no virtual interrupt', 'EINVAL', g => [1, g.put(24, 0, 0)]],
  ['event_channel_op', 'the timer of another processor', 'ENOENT', g => [1, g.put(0, 1, 0)]],
  ['event_channel_op', 'the console of another processor', 'EINVAL', g => [1, g.put(2, 1, 0)]],
  ['event_channel_op', 'a port that is closed', 'EINVAL', g => [3, g.put(9)]],
  ['event_channel_op', 'port 0', 'EINVAL', g => [3, g.put(0)]],
  ['event_channel_op', 'a port beyond the last', 'EINVAL', g => [4, g.put(1024)]],
  ['event_channel_op', 'a status beyond the last port', 'EINVAL', g => [5, g.put(DOMID_SELF, 1024, 0, 0, 0, 0)]],
  ['event_channel_op', 'the status of domain 0', 'EPERM', g => [5, g.put(0, 1, 0, 0, 0, 0)]],
  ['event_channel_op', 'a channel between others', 'EPERM', g => [6, g.put(0, 0)]],
  ['event_channel_op', 'a remote that is not there', 'ESRCH', g => [0, g.put(7, 1, 0)]],
  ['event_channel_op', 'a remote that does not listen', 'EINVAL', g => [0, g.put(0, 1, 0)]],
  ['event_channel_op', 'an interrupt for another processor', 'ENOENT', g => [7, g.put(1, 0)]],
  ['event_channel_op', 'unmasking a closed port', 'EINVAL', g => [9, g.put(8)]],
  ['event_channel_op_compat', 'a structure that is not mapped', 'EFAULT', () => [UNMAPPED]],
  ['physdev_op', 'no operation', 'ENOSYS', () => [1, 0]],
  ['physdev_op', 'no privilege level', 'EINVAL', g => [6, g.put(4)]],
  ['physdev_op_compat', 'anything', 'ENOSYS', () => []],
  ['grant_table_op', 'anything', 'ENOSYS', () => [0, 0, 0]],
  ['platform_op', 'anything', 'EPERM', () => []],
  ['sysctl', 'anything', 'EPERM', () => []],
  ['domctl', 'anything', 'EPERM', () => []],
  ['xsm_op', 'anything', 'ENOSYS', () => []],
  ['hvm_op', 'anything', 'ENOSYS', () => []],
];

/** These have no wrong arguments, or end the guest by them. */
const NEVER_WRONG: readonly HypercallName[] = [
  'stack_switch',
  'set_callbacks',
  'fpu_taskswitch',
  'set_timer_op',
  'iret',
];

describe('wrong arguments', () => {
  it.each(WRONG)('%s: %s answers %s', (name, _what, errno, make) => {
    const args = make(guest);
    expect(guest.call(name, ...args)).toBe(error(errno));
    expect(guest.domain.counts.refused).toBeGreaterThan(0);
    expect(guest.domain.lastRefusal).toContain(name);
  });

  it('are known for every hypercall', () => {
    const known = new Set([...WRONG.map(([name]) => name), ...NEVER_WRONG]);
    expect(Object.keys(HYPERCALL).filter(name => !known.has(name as HypercallName))).toEqual([]);
  });

  it('and a number that is none answer ENOSYS', () => {
    for (const number of [11, 25, 37, 63, 0xffffffff]) {
      expect(perform(guest.domain, number, [0, 0, 0, 0, 0, 0])).toBe(error('ENOSYS'));
    }
  });
});

describe('small hypercalls', () => {
  it('xen_version tells of the monitor', () => {
    const at = guest.put(...Array(256).fill(0));
    expect(guest.call('xen_version', 0, 0) >>> 16).toBe(4);
    expect(guest.call('xen_version', 5, at)).toBe(0);
    expect(guest.read(at)).toBe(HOLE);
    expect(guest.call('xen_version', 3, at)).toBe(0);
    expect(new TextDecoder().decode(guest.domain.access.bytes(at, 15))).toBe('xen-3.0-x86_32p');
    expect(guest.call('xen_version', 7, 0)).toBe(4096);
    guest.domain.access.write(at, 4, 0);
    expect(guest.call('xen_version', 6, at)).toBe(0);
    for (const item of [1, 2, 4, 8]) expect(guest.call('xen_version', item, at)).toBe(0);
  });

  it('fpu_taskswitch sets TS', () => {
    guest.call('fpu_taskswitch', 1);
    expect(guest.domain.vcpu.i32[L.W_CR0] & CR0.TS).toBe(CR0.TS);
    guest.call('fpu_taskswitch', 0);
    expect(guest.domain.vcpu.i32[L.W_CR0] & CR0.TS).toBe(0);
  });

  it('debug registers keep what they are given; 4 and 5 are 6 and 7', () => {
    expect(guest.call('set_debugreg', 3, 0x1234)).toBe(0);
    expect(guest.call('get_debugreg', 3)).toBe(0x1234);
    expect(guest.call('get_debugreg', 4)).toBe(guest.call('get_debugreg', 6));
  });

  it('multicall does one after the other, and goes on behind an error', () => {
    const text = guest.put(0x21);
    const entry = (name: HypercallName, ...args: number[]) => [
      HYPERCALL[name],
      77,
      ...args,
      ...Array(6 - args.length).fill(0),
    ];
    const list = guest.put(
      ...entry('console_io', 0, 1, text),
      ...entry('console_io', 9, 0, 0),
      ...entry('multicall', 0, 0),
      ...entry('console_io', 0, 1, text),
    );
    expect(guest.call('multicall', list, 4)).toBe(0);
    const results = [0, 1, 2, 3].map(n => guest.read(list + n * 32 + 4) | 0);
    expect(results).toEqual([0, error('ENOSYS'), error('EINVAL'), 0]);
    expect(guest.world.output()).toBe('!!');
  });

  it('vcpu_op places struct vcpu_info, once, in a page that then stays writable', () => {
    const frame = guest.frame(0x200);
    expect(guest.call('vcpu_op', 10, 0, guest.put(frame, 0, 0x100, 0))).toBe(0);
    expect(guest.domain.access.read(BASE + 0x200 * 4096 + 0x100 + VCPU_INFO.upcallMask, 1)).toBe(1);
    expect(guest.call('vcpu_op', 10, 0, guest.put(frame, 0, 0x200, 0))).toBe(error('EINVAL'));
    expect(guest.call('update_va_mapping', BASE + 0x200 * 4096, 0, 0, 2)).toBe(0);
    expect(guest.call('mmuext_op', guest.put(0, frame, 0), 1, 0, DOMID_SELF)).toBe(error('EINVAL'));
  });

  it('vcpu_op and set_timer_op set timers', () => {
    expect(guest.call('vcpu_op', 7, 0, 0)).toBe(0);
    expect(guest.domain.time.advance()).toBe(Number.POSITIVE_INFINITY);
    expect(guest.call('set_timer_op', 5_000_000, 0)).toBe(0);
    expect(guest.domain.time.advance()).toBe(5_000_000);
    expect(guest.call('vcpu_op', 8, 0, guest.put(7_000_000, 0, 0))).toBe(0);
    expect(guest.domain.time.advance()).toBe(7_000_000);
    expect(guest.call('vcpu_op', 9, 0, 0)).toBe(0);
    expect(guest.call('vcpu_op', 6, 0, guest.put(2_000_000, 0))).toBe(0);
    expect(guest.domain.time.advance()).toBe(2_000_000);
    expect(guest.call('vcpu_op', 3, 0, 0)).toBe(1);
  });

  it('sched_op refuses to suspend by saying that it was cancelled, and polls', () => {
    expect(guest.call('sched_op', 2, guest.put(2))).toBe(1);
    expect(guest.call('sched_op', 0, 0)).toBe(0);
    const port = guest.put(2);
    expect(guest.call('sched_op', 3, guest.put(port, 1, 3_000_000, 0))).toBe(0);
    expect(guest.domain.wait).toEqual({ ports: [2], until: 3_000_000 });
    guest.domain.events.raise(2);
    guest.domain.wakeIfDue();
    expect(guest.domain.wait).toBe(null);
    expect(guest.call('sched_op', 3, guest.put(port, 1, 0, 0))).toBe(0);
    expect(guest.domain.wait).toBe(null);
  });

  it('physdev_op gives I/O privilege over ports that are not there', () => {
    expect(guest.call('physdev_op', 6, guest.put(1))).toBe(0);
    expect(guest.domain.iopl).toBe(1);
  });

  it('console_io prints', () => {
    const text = guest.put(0x0a6b6f);
    expect(guest.call('console_io', 0, 3, text)).toBe(0);
    expect(guest.world.output()).toBe('ok\n');
    expect(guest.call('console_io', 1, 10, text)).toBe(0);
    expect(ascii('ok\n')).toHaveLength(3);
  });
});

describe('memory_op', () => {
  it('takes frames back and gives others', () => {
    const [first, second] = [guest.frame(0x200), guest.frame(0x201)];
    for (const page of [0x200, 0x201]) guest.call('update_va_mapping', BASE + page * 4096, 0, 0, 2);
    const before = guest.domain.tables.frames;
    expect(guest.call('memory_op', 1, guest.put(guest.put(first, second), 2, 0, 0, DOMID_SELF))).toBe(2);
    expect([before.isVisible(first), before.isVisible(second)]).toEqual([false, false]);
    expect(guest.domain.physical.get(first)).toBe(0xffffffff);
    expect(guest.call('memory_op', 3, guest.put(DOMID_SELF))).toBe(guest.pages - 2);
    const pages = guest.put(0x200, 0x201);
    expect(guest.call('memory_op', 6, guest.put(pages, 2, 0, 0, DOMID_SELF))).toBe(2);
    expect(guest.domain.physical.get(guest.read(pages))).toBe(0x200);
    expect(guest.frame(0x201)).toBe(guest.read(pages + 4));
    // It has all that it may have.
    expect(guest.call('memory_op', 0, guest.put(pages, 1, 0, 0, DOMID_SELF))).toBe(0);
  });

  it('lets a frame go only when its last mapping goes', () => {
    const frame = guest.frame(0x200);
    expect(guest.call('memory_op', 1, guest.put(guest.put(frame), 1, 0, 0, DOMID_SELF))).toBe(1);
    expect(guest.domain.tables.frames.isVisible(frame)).toBe(true);
    expect(guest.domain.tables.frames.isOwned(frame)).toBe(false);
    expect(guest.call('update_va_mapping', BASE + 0x201 * 4096, (frame * 4096) | 1, 0, 2)).toBe(error('EINVAL'));
    expect(guest.call('update_va_mapping', BASE + 0x200 * 4096, 0, 0, 2)).toBe(0);
    expect(guest.domain.tables.frames.isVisible(frame)).toBe(false);
  });

  it('stops at the first frame that cannot be taken', () => {
    const list = guest.put(guest.frame(TABLES_PAGE), guest.frame(0x200));
    expect(guest.call('memory_op', 1, guest.put(list, 2, 0, 0, DOMID_SELF))).toBe(0);
    const shared = Math.floor(guest.domain.shared.address / 4096);
    expect(guest.call('memory_op', 1, guest.put(guest.put(shared), 1, 0, 0, DOMID_SELF))).toBe(0);
  });

  it('tells the memory map and the machine-to-physical table', () => {
    const buffer = guest.put(...Array(6).fill(0));
    const map = guest.put(4, buffer);
    expect(guest.call('memory_op', 9, map)).toBe(0);
    expect(guest.read(map)).toBe(1);
    expect(guest.read(buffer + 8)).toBe(guest.pages * 4096);
    const mapping = guest.put(0, 0, 0);
    expect(guest.call('memory_op', 12, mapping)).toBe(0);
    expect([guest.read(mapping), guest.read(mapping + 4)]).toEqual([0xf5800000, 0xf6800000]);
    expect(guest.call('memory_op', 2, 0)).toBe(guest.read(mapping + 8));
    expect(guest.call('memory_op', 4, guest.put(DOMID_SELF))).toBe(guest.pages);
    expect(guest.call('memory_op', 14, guest.put(1))).toBe(guest.pages - 1);
  });
});

describe('random hypercalls', () => {
  it(`leave every frame in order and answer with an error number or a result (seed ${SEED})`, () => {
    const random = new Random(SEED);
    const names = (Object.keys(HYPERCALL) as HypercallName[]).filter(name => name !== 'iret');
    let answered = 0;
    for (let n = 0; n < CALLS; n++) {
      const word = (): number => {
        switch (random.below(8)) {
          case 0:
            return random.below(8);
          case 1:
            return random.below(40);
          case 2:
            return guest.frame(random.below(guest.pages));
          case 3:
            return guest.frame(random.below(guest.pages)) * 4096 + random.below(512) * 8 + random.below(4);
          case 4:
            return BASE + random.below(0x400) * 4096 + random.below(1024) * 4;
          case 5:
            return random.pick([HOLE, UNMAPPED, READ_ONLY, 0xfffffffc, DOMID_SELF, 1, 0]);
          case 6:
            return (guest.frame(random.below(guest.pages)) * 4096) | random.pick([1, 3, 7, 0x63, 0x67]);
          default:
            return random.word() >>> 0;
        }
      };
      const list = BASE + 0x240 * 4096;
      for (let at = 0; at < 64; at += 4) {
        try {
          guest.domain.access.write(list + at, 4, word() | 0);
        } catch {
          // The guest has unmapped its own list: then it tries with other arguments.
        }
      }
      const name = random.pick(names);
      const pointers = [list, list + 16, word()];
      const args = [
        random.pick([...pointers, random.below(40)]),
        random.pick([random.below(4), random.pick(pointers)]),
      ];
      args.push(random.pick([0, 0, list + 48, word()]), random.pick([DOMID_SELF, word()]), word());
      let answer = 0;
      const words = args.map(value => value >>> 0);
      try {
        answer = perform(guest.domain, HYPERCALL[name], [words[0], words[1], words[2], words[3], words[4], 0]);
      } catch (thrown) {
        if (!(thrown instanceof Error) || !thrown.message.includes('says so itself')) throw thrown;
      }
      if (answer >= 0) answered++;
      guest.domain.wait = null;
      guest.world.monitor.vm.requested = null;
      if (n % 20 === 0) guest.check();
    }
    guest.check();
    expect(answered).toBeGreaterThan(CALLS / 20);
    expect(guest.domain.vcpu.i32[ESP]).not.toBe(0);
    expect(guest.domain.vcpu.i32[EAX]).toBe(0);
  });
});
