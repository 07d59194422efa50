import { beforeEach, describe, expect, it } from 'vitest';
import { PAGE } from '../../../machine/mmu/walk.ts';
import { Caller, error, HOLE, READ_ONLY, UNMAPPED } from '../../testing/para/caller.ts';
import { BASE, DATA_PAGE, MAPPED_PAGES, TABLES_PAGE } from '../../testing/para/kernel.ts';
import { DOMID_IO, DOMID_SELF, DOMID_XEN } from '../abi.ts';

const RW = PAGE.present | PAGE.writable;
const RO = PAGE.present;

let guest: Caller;
beforeEach(() => {
  guest = new Caller();
});

/** Machine address of the L1 entry for a pseudo-physical page of the start-of-day region. */
function entryOf(page: number): number {
  const table = guest.frame(TABLES_PAGE + 2 + (page >>> 9));
  return table * 4096 + (page & 511) * 8;
}

function update(pointer: number, low: number, high = 0, domain = DOMID_SELF): number {
  return guest.call('mmu_update', guest.put(pointer, 0, low, high), 1, 0, domain);
}

function remap(page: number, frame: number, bits: number): number {
  return update(entryOf(page), (frame * 4096) | bits);
}

describe('mmu_update', () => {
  it('maps a frame of the guest anew, and tells how many updates were done', () => {
    const done = guest.put(77);
    const list = guest.put(entryOf(0x200), 0, (guest.frame(0x201) * 4096) | RW, 0, entryOf(0x202), 0, 0, 0);
    expect(guest.call('mmu_update', list, 2, done, DOMID_SELF)).toBe(0);
    expect(guest.read(done)).toBe(2);
    expect(guest.domain.vcpu.lookUp((BASE + 0x200 * 4096) | 0) >>> 12).toBe(guest.frame(0x201));
    expect(guest.domain.vcpu.lookUp((BASE + 0x202 * 4096) | 0)).toBe(-1);
  });

  it('stops at the first update that is refused, and says how far it came', () => {
    const done = guest.put(77);
    const list = guest.put(entryOf(0x200), 0, 0, 0, 1 << 30, 0, 0, 0, entryOf(0x201), 0, 0, 0);
    expect(guest.call('mmu_update', list, 3, done, DOMID_SELF)).toBe(error('EINVAL'));
    expect(guest.read(done)).toBe(1);
    expect(guest.domain.vcpu.lookUp((BASE + 0x201 * 4096) | 0)).not.toBe(-1);
  });

  it.each([
    ['a page table', () => remap(0x200, guest.frame(TABLES_PAGE + 2), RW)],
    ['a frame of the monitor', () => remap(0x200, guest.domain.tables.frames.size - 1 - findForeign(), RO)],
    ['a frame that there is not', () => remap(0x200, 0xfffff, RO)],
    ['a frame beyond 4 GB', () => update(entryOf(0x200), RW, 1)],
    ['a large page', () => update(guest.frame(TABLES_PAGE + 1) * 4096, RW | PAGE.large)],
    ["an entry of the monitor's", () => update(guest.frame(TABLES_PAGE + 1) * 4096 + 428 * 8, 0)],
    ['the fourth L3 entry', () => update(guest.frame(TABLES_PAGE) * 4096 + 24, 0)],
    ['half an entry', () => update(entryOf(0x200) + 4, 0)],
    ['a table beyond 4 GB', () => guest.call('mmu_update', guest.put(0, 1, 0, 0), 1, 0, DOMID_SELF)],
  ])('refuses %s', (_, act) => {
    const before = guest.domain.vcpu.lookUp((BASE + 0x200 * 4096) | 0);
    expect(act()).toBe(error('EINVAL'));
    expect(guest.domain.vcpu.lookUp((BASE + 0x200 * 4096) | 0)).toBe(before);
  });

  /** How far from the end of memory a frame lies that is not the guest's. */
  function findForeign(): number {
    const { frames } = guest.domain.tables;
    let n = 0;
    while (frames.isVisible(frames.size - 1 - n)) n++;
    return n;
  }

  it('maps a page table read-only', () => {
    expect(remap(0x200, guest.frame(TABLES_PAGE + 2), RO)).toBe(0);
  });

  it('keeps accessed and dirty bits when it is asked to', () => {
    const entry = entryOf(0x200);
    const frame = guest.frame(0x200) * 4096;
    expect(update(entry | 2, frame | PAGE.present)).toBe(0);
    const low = guest.domain.host.memory.read(entry, 4);
    expect(low & (PAGE.accessed | PAGE.dirty | PAGE.writable)).toBe(PAGE.accessed | PAGE.dirty);
    expect(update(entry, frame | PAGE.present)).toBe(0);
    expect(guest.domain.host.memory.read(entry, 4) & (PAGE.accessed | PAGE.dirty)).toBe(0);
  });

  it('writes into memory that is no table as it is', () => {
    const frame = guest.frame(DATA_PAGE + 1);
    expect(update(frame * 4096 + 8, 0x12345677, 0x89abcdef)).toBe(0);
    expect(guest.read(BASE + (DATA_PAGE + 1) * 4096 + 12)).toBe(0x89abcdef);
  });

  it('changes the machine-to-physical table, for frames of the guest', () => {
    const frame = guest.frame(0x200);
    expect(update((frame * 4096) | 1, 0x777)).toBe(0);
    expect(guest.domain.physical.get(frame)).toBe(0x777);
    expect(update(1, 0x777)).toBe(error('EINVAL'));
  });

  it('knows this domain only', () => {
    expect(update(entryOf(0x200), 0, 0, 5)).toBe(error('ESRCH'));
    expect(update(entryOf(0x200), 0, 0, DOMID_IO)).toBe(error('EPERM'));
    expect(update(entryOf(0x200), 0, 0, DOMID_XEN)).toBe(error('EPERM'));
    expect(update(entryOf(0x200), 0, 0, (6 << 16) | DOMID_SELF)).toBe(error('ESRCH'));
    expect(update(entryOf(0x200), 0, 0, 1)).toBe(0);
  });

  it.each([
    ['not mapped', UNMAPPED],
    ["the monitor's", HOLE],
    ['at the end of memory', 0xfffffff8],
  ])('answers EFAULT for a list that is %s', (_, list) => {
    expect(guest.call('mmu_update', list, 2, 0, DOMID_SELF)).toBe(error('EFAULT'));
  });

  it('answers EFAULT for a count that cannot be written', () => {
    expect(guest.call('mmu_update', 0, 0, READ_ONLY, DOMID_SELF)).toBe(error('EFAULT'));
    expect(guest.call('mmu_update', 0, 0, UNMAPPED, DOMID_SELF)).toBe(error('EFAULT'));
  });
});

describe('update_va_mapping', () => {
  const linear = BASE + 0x200 * 4096;

  it('changes the entry of an address', () => {
    expect(guest.call('update_va_mapping', linear, (guest.frame(0x201) * 4096) | RW, 0, 2)).toBe(0);
    expect(guest.domain.vcpu.lookUp(linear | 0) >>> 12).toBe(guest.frame(0x201));
  });

  it.each([
    ["the monitor's address", HOLE, RO, 0],
    ['an address without a table', UNMAPPED, RO, 0],
    ['no such flush', linear, 0, 3],
    ['a frame beyond the end', linear, 0xfffff001, 0],
  ])('refuses %s', (_, address, entry, flags) => {
    expect(guest.call('update_va_mapping', address, entry, 0, flags)).toBe(error('EINVAL'));
  });

  it('knows this domain only', () => {
    expect(guest.call('update_va_mapping_otherdomain', linear, 0, 0, 0, 9)).toBe(error('ESRCH'));
    expect(guest.call('update_va_mapping_otherdomain', linear, 0, 0, 0, DOMID_SELF)).toBe(0);
  });
});

describe('mmuext_op', () => {
  function extended(command: number, argument = 0, second = 0, domain = DOMID_SELF): number {
    return guest.call('mmuext_op', guest.put(command, argument, second), 1, 0, domain);
  }

  /** Takes every mapping of a page away, so that its frame can become a table. */
  function unmap(page: number): number {
    expect(update(entryOf(page), 0)).toBe(0);
    return guest.frame(page);
  }

  it('pins a table, once, and gives it free again', () => {
    const frame = unmap(0x200);
    expect(extended(0, frame)).toBe(0);
    expect(guest.domain.tables.frames.type(frame)).toBe('l1');
    expect(extended(0, frame)).toBe(error('EINVAL'));
    expect(extended(1, frame)).toBe(error('EINVAL'));
    expect(remap(0x200, frame, RW)).toBe(error('EINVAL'));
    expect(extended(4, frame)).toBe(0);
    expect(extended(4, frame)).toBe(error('EINVAL'));
    expect(remap(0x200, frame, RW)).toBe(0);
  });

  it('does not make a table of a page that the guest can write', () => {
    expect(extended(0, guest.frame(0x200))).toBe(error('EINVAL'));
  });

  it('takes another root whose fourth directory is its own', () => {
    const [root, directory] = [0x300, 0x301].map(page => {
      const { memory } = guest.world.monitor.vm;
      const from = page === 0x300 ? TABLES_PAGE : TABLES_PAGE + 1;
      for (let at = 0; at < 428 * 8; at += 4) {
        memory.machine.write(guest.frame(page) * 4096 + at, 4, memory.machine.read(guest.frame(from) * 4096 + at, 4));
      }
      return unmap(page);
    });
    // It shares the directory of the first root: refused.
    expect(extended(2, root)).toBe(error('EINVAL'));
    expect(update(root * 4096 + 24, (directory * 4096) | PAGE.present)).toBe(0);
    expect(extended(5, root)).toBe(0);
    expect(guest.domain.vcpu.cr3).toBe(root * 4096);
    expect(guest.domain.tables.frames.type(directory)).toBe('l2Top');
    expect(guest.domain.vcpu.lookUp(BASE | 0) >>> 12).toBe(guest.frame(0));
  });

  it('refuses roots that are none', () => {
    expect(extended(5, guest.frame(0x200))).toBe(error('EINVAL'));
    expect(extended(5, 0xffffffff)).toBe(error('EINVAL'));
    expect(extended(2, unmap(0x200))).toBe(error('EINVAL'));
    expect(guest.domain.vcpu.cr3).toBe(guest.frame(TABLES_PAGE) * 4096);
  });

  it('clears and copies frames that are no tables', () => {
    const source = guest.frame(DATA_PAGE);
    const target = guest.frame(DATA_PAGE + 1);
    guest.put(0xfeed);
    expect(extended(17, target, source)).toBe(0);
    expect(guest.read(BASE + (DATA_PAGE + 1) * 4096)).toBe(0xfeed);
    expect(extended(16, target)).toBe(0);
    expect(guest.read(BASE + (DATA_PAGE + 1) * 4096)).toBe(0);
    expect(extended(16, guest.frame(TABLES_PAGE))).toBe(error('EINVAL'));
    expect(extended(17, target, 0xfffff)).toBe(error('EINVAL'));
    expect(extended(17, guest.frame(TABLES_PAGE), source)).toBe(error('EINVAL'));
  });

  it('has an LDT at a page, and checks its place', () => {
    expect(extended(13, BASE + 0x200 * 4096, 16)).toBe(0);
    expect(extended(13, BASE + 4, 16)).toBe(error('EINVAL'));
    expect(extended(13, HOLE, 16)).toBe(error('EINVAL'));
    expect(extended(13, BASE, 8193)).toBe(error('EINVAL'));
    expect(extended(13, 0, 0)).toBe(0);
  });

  it.each([6, 7, 8, 9, 10, 11, 12, 18])('flushes: command %i', command => {
    expect(extended(command, BASE)).toBe(0);
    expect(extended(command, HOLE)).toBe(0);
  });

  it('has three levels', () => {
    expect(extended(3, guest.frame(TABLES_PAGE))).toBe(error('EINVAL'));
    expect(extended(15, guest.frame(TABLES_PAGE))).toBe(error('EINVAL'));
    expect(extended(99)).toBe(error('ENOSYS'));
    expect(extended(6, 0, 0, 5)).toBe(error('ESRCH'));
    expect(guest.call('mmuext_op', UNMAPPED, 1, 0, DOMID_SELF)).toBe(error('EFAULT'));
  });

  it('maps the monitor nowhere', () => {
    const { vcpu, tables } = guest.domain;
    for (let page = 0; page < MAPPED_PAGES; page++) {
      const address = vcpu.lookUp((BASE + page * 4096) | 0);
      expect(tables.frames.isOwned(address >>> 12)).toBe(true);
    }
  });
});
