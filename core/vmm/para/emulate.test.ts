import { beforeEach, describe, expect, it } from 'vitest';
import { EAX, EBX, ECX, EDX } from '../../ia32/registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import { PAGE } from '../../machine/mmu/walk.ts';
import { Caller, error } from '../testing/para/caller.ts';
import { BASE, bytesOf, CODE, call, HANDLER, little, move, SPIN } from '../testing/para/kernel.ts';
import {
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
  store,
} from '../testing/para/program.ts';
import { DOMID_SELF, FLAT, VCPU_INFO } from './abi.ts';

describe('writable page tables', () => {
  const page = 0x240;
  /** Where the guest sees the L1 table with that page's entry: it is mapped read-only. */
  const entry = BASE + (0x125 + (page >>> 9)) * 4096 + (page & 511) * 8;

  function guestWith(store: readonly number[], assist: boolean): Caller {
    const guest = prepare(program([store, powerOff]), [[14, 0, HANDLER]]);
    guest.domain.access.putBytes(HANDLER, bytesOf(popTo(RESULT), popTo(RESULT + 4), powerOff));
    if (assist) expect(guest.call('vm_assist', 0, 2)).toBe(0);
    return guest;
  }

  it('change an entry by an ordinary store, if the guest asked for that', () => {
    const guest = guestWith(put(entry, 0), true);
    expect(run(guest)).toBe('powerOff');
    expect(guest.read(RESULT + 4)).toBe(0);
    expect(guest.domain.vcpu.lookUp((BASE + page * 4096) | 0)).toBe(-1);
    expect(guest.domain.counts.tableWrites).toBe(1);
    guest.check();
  });

  it('and fault if it did not', () => {
    const guest = guestWith(put(entry, 0), false);
    expect(run(guest)).toBe('powerOff');
    expect(guest.read(RESULT)).toBe(3);
    expect(guest.read(RESULT + 4)).toBe(CODE);
  });

  it('look at what is stored: what the guest may not have faults, and changes nothing', () => {
    const table = new Caller().frame(0x125) * 4096;
    for (const store of [
      put(entry, table | PAGE.present | PAGE.writable),
      put(entry, 0xfffff001),
      put(entry + 6, 0),
      put(BASE + 0x124 * 4096, 0),
      [0xff, 0x05, ...little(entry)],
    ]) {
      const guest = guestWith(store, true);
      expect(run(guest)).toBe('powerOff');
      expect(guest.read(RESULT)).toBe(3);
      expect(guest.read(RESULT + 4)).toBe(CODE);
      expect(guest.domain.vcpu.lookUp((BASE + page * 4096) | 0) >>> 12).toBe(guest.frame(page));
      guest.check();
    }
  });

  it('know the instructions that kernels use', () => {
    for (const [setUp, store, bits] of [
      [[], [0x83, 0x25, ...little(entry), 0xfd], 0],
      [[], [0xf0, 0x0f, 0xba, 0x35, ...little(entry), 1], 0],
      [move(EAX, 0), [0x87, 0x05, ...little(entry)], null],
      [move(EAX, 0), [0x88, 0x05, ...little(entry)], null],
    ] as const) {
      const guest = guestWith([...setUp, ...store], true);
      expect(run(guest)).toBe('powerOff');
      expect(guest.domain.counts.tableWrites).toBe(1);
      const after = guest.read(entry);
      if (bits === null) expect(after & PAGE.present).toBe(0);
      else expect(after & PAGE.writable).toBe(bits);
      guest.check();
    }
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
    expect(guest.domain.counts.failsafes).toBe(1);
    const [ds, es, fs] = [RESULT, RESULT + 4, RESULT + 8].map(at => guest.domain.access.word(at));
    expect([ds, es, fs]).toEqual([9, FLAT.ring1Data, FLAT.ring1Data]);
  });
});

describe('an LDT', () => {
  const table = BASE + 0x230 * 4096;
  const flatData = [0x0000ffff, 0x00cfb300];

  function guestWithLdt(selector: number): Caller {
    const guest = prepare(
      program(
        [move(EAX, selector), [0x8e, 0xe0], put(RESULT + 16, 1), powerOff],
        [HANDLER, popTo(RESULT)],
        [OTHER, []],
      ),
      [[14, 0, HANDLER]],
    );
    guest.domain.access.putBytes(HANDLER, bytesOf(popTo(RESULT), powerOff));
    guest.domain.access.putBytes(table, Uint8Array.from(flatData.flatMap(word => [...little(word)])));
    const frame = guest.frame(0x230);
    expect(guest.call('update_va_mapping', table, (frame * 4096) | PAGE.present, 0, 2)).toBe(0);
    expect(guest.call('mmuext_op', guest.put(13, table, 1024), 1, 0, DOMID_SELF)).toBe(0);
    return guest;
  }

  it('comes page by page when it is used, and its pages cannot be written', () => {
    const guest = guestWithLdt(5);
    const frame = guest.frame(0x230);
    expect(guest.domain.descriptors.held).toEqual([]);
    expect(run(guest)).toBe('powerOff');
    expect(guest.read(RESULT + 16)).toBe(1);
    expect(guest.domain.descriptors.held).toEqual([frame]);
    guest.check();
    const entry = (frame * 4096) | PAGE.present | PAGE.writable;
    expect(guest.call('update_va_mapping', table, entry, 0, 2)).toBe(error('EINVAL'));
    expect(guest.call('mmuext_op', guest.put(13, 0, 0), 1, 0, DOMID_SELF)).toBe(0);
    expect(guest.domain.descriptors.held).toEqual([]);
    expect(guest.call('update_va_mapping', table, entry, 0, 2)).toBe(0);
  });

  it('shows a page that is not there as a page fault at the guest’s own address', () => {
    // The second page of the table is still writable for the guest: it cannot become one.
    const guest = guestWithLdt(0x1005);
    expect(run(guest)).toBe('powerOff');
    expect(guest.read(RESULT + 16)).toBe(0);
    expect(guest.read(SHARED + VCPU_INFO.cr2)).toBe(table + 0x1000);
  });
});
