import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseRun } from '../../cli/arguments.ts';
import { openGuest } from '../../cli/images.ts';
import { ESP } from '../../ia32/registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Setting, TableName, TableView } from '../../protocol/monitor.ts';
import { Session } from '../session.ts';
import { spacesOf } from './address-spaces.ts';
import { addressView } from './address-view.ts';
import { accountOf } from './monitor-view.ts';
import { tablesView } from './tables-view.ts';
import { translationView } from './translation-view.ts';

/** What the page shows of page tables and translations, on primer in every mode. */

const primer = {
  name: 'primer',
  kernel: new Uint8Array(readFileSync('public/guests/primer.elf')),
  initrd: null,
  symbols: readFileSync('public/guests/primer.json', 'utf8'),
  commandLine: '',
  memoryMib: 32,
};
const BARE: Setting = { mode: 'bare', paging: 'nested' };
const PARA: Setting = { mode: 'para', paging: 'nested' };
const NESTED: Setting = { mode: 'hardware', paging: 'nested' };
const SHADOWED: readonly Setting[] = [
  { mode: 'trap', paging: 'shadow' },
  { mode: 'translate', paging: 'shadow' },
  { mode: 'patch', paging: 'shadow' },
  { mode: 'hardware', paging: 'shadow' },
];
const ALL = [BARE, ...SHADOWED, NESTED, PARA];

/** Steps after which the kernel has paging on and is still at work; and after which the shell waits and processes have run. */
const EARLY = 400_000;
const LATER = 3_000_000;

/** primer after so many steps. */
function primed(setting: Setting, steps: number): Session {
  const guest = setting.mode === 'para' ? openGuest(parseRun(['primer', '--mode', 'para'])) : primer;
  const session = new Session(guest, { startTime: 0, rate: 1e7, onConsole: () => {}, ...setting });
  session.begin('run');
  session.run(steps, Number.POSITIVE_INFINITY);
  return session;
}

function spaces({ pc, monitor, processor }: Session) {
  return spacesOf(pc, monitor, processor);
}

/** Everything there is to see, with all that can be opened open. */
function look(session: Session): { readonly tables: readonly TableView[]; readonly linear: readonly number[] } {
  const open: TableName[] = [];
  let tables: readonly TableView[] = [];
  for (let depth = 0; depth < 5; depth++) {
    tables = tablesView(spaces(session), open);
    open.splice(0, open.length, ...tables.flatMap(({ runs }) => runs.flatMap(({ opens }) => opens ?? [])));
  }
  const linear = tables.flatMap(({ name, runs }) => (name.tables === 'nested' ? [] : runs.map(run => run.linear)));
  return { tables, linear };
}

/** Bytes of the whole machine: registers, TLB, memory. */
function digest({ pc }: Session): string {
  return createHash('sha1').update(pc.cpu.physical.bytes).digest('hex');
}

/** Pages that the TLB has for the guest's privilege level. */
function pagesInTlb({ pc, processor }: Session): number[] {
  const { i32 } = pc.cpu;
  const first = L.W_TLB + (processor.cpl === 3 ? L.USER_TABLES : 0);
  const pages: number[] = [];
  for (let page = 0; page < L.TABLE_WORDS; page++) if (i32[first + page] !== L.INVALID) pages.push(page * 4096);
  return pages;
}

/** Steps on until the processor runs the guest's code. */
function intoGuest(session: Session): void {
  for (let n = 0; n < 200_000 && session.monitor?.isInGuest !== true; n++) session.begin('machine');
}

describe('the walk of an address', () => {
  it.each(ALL)('comes to what the processor has in its TLB, $mode, $paging', setting => {
    const session = primed(setting, LATER);
    let compared = 0;
    for (let n = 0; n < 12; n++) {
      session.run(20_000, Number.POSITIVE_INFINITY);
      if (setting.mode !== 'bare') intoGuest(session);
      for (const linear of pagesInTlb(session)) {
        const view = addressView(spaces(session), linear);
        const walk = view.walks.at(-1);
        // The monitor's own pages are in the TLB as well.
        if (view.note === 'monitor' || (setting.mode === 'para' && view.guestPhysical === null)) continue;
        expect(walk?.physical).toBe(view.tlb.physical);
        expect(view.machinePhysical).toBe(view.tlb.physical);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(9);
  });

  it.each(ALL)('changes nothing, in the machine or in the counts, $mode, $paging', setting => {
    const session = primed(setting, EARLY);
    const other = primed(setting, EARLY);
    for (let n = 0; n < 3; n++) {
      const before = digest(session);
      const { linear, tables } = look(session);
      expect(tables.length).toBeGreaterThan(1);
      for (const at of [...linear, 0, 0x1000, 0xffffffff]) addressView(spaces(session), at);
      if (session.monitor !== null)
        translationView(session.monitor, session.pc.cpu, session.processor, session.symbols);
      expect(digest(session)).toBe(before);
      for (const one of [session, other]) one.run(50_000, Number.POSITIVE_INFINITY);
      expect(digest(session)).toBe(digest(other));
      expect(session.pc.cpu.walks).toBe(other.pc.cpu.walks);
      if (session.monitor === null || other.monitor === null) continue;
      expect(accountOf(session.monitor)).toEqual(accountOf(other.monitor));
    }
  });

  it('has the entries of the guest’s tables in the processor’s order', () => {
    const session = primed(BARE, LATER);
    const { processor } = session;
    const view = addressView(spaces(session), processor.i32[ESP]);
    const [walk] = view.walks;
    const levels = walk.references.map(({ level }) => level);
    const paged = walk.pae
      ? ['page directory pointer', 'page directory', 'page table']
      : ['page directory', 'page table'];
    expect(levels).toEqual(paged);
    expect(walk.references.map(({ number }) => number)).toEqual(walk.pae ? [null, 1, 2] : [1, 2]);
    expect(walk.references.at(-1)?.bits).toMatchObject({ present: true, accessed: true, dirty: true });
  });

  it('translates each entry of the guest’s under EPT', () => {
    const session = primed(NESTED, LATER);
    const view = addressView(spaces(session), session.processor.i32[ESP]);
    const [guest, nested] = view.walks;
    const entries = guest.references.filter(({ number }) => number !== null).length;
    const counted = nested.references.filter(({ number }) => number !== null);
    expect(counted).toHaveLength(5 * entries + 4);
    expect(counted.map(({ number }) => number)).toEqual(counted.map((_, n) => n + 1));
    const own = nested.references.filter(({ tables }) => tables === 'guest');
    expect(own.map(({ low, machine }) => [low, machine])).toEqual(
      guest.references.map(({ low, machine }) => [low, machine]),
    );
    expect(nested.references.at(-1)?.translates).toBe(guest.physical);
    expect(nested.physical).toBe(view.machinePhysical);
  });

  it('tells why an address leads nowhere', () => {
    const session = primed(BARE, LATER);
    const view = addressView(spaces(session), 0xb0000000);
    expect(view.walks[0].fault).toEqual({ kind: 'page fault', errorCode: session.processor.cpl === 3 ? 4 : 0 });
    expect(view.walks[0].physical).toBeNull();
  });

  it('is none while paging is off', () => {
    const start = primed(BARE, 0);
    const view = addressView(spaces(start), 0x100000);
    expect(view).toMatchObject({ paged: false, walks: [], machinePhysical: 0x100000 });
    expect(tablesView(spaces(start), [])).toEqual([]);
    const nested = primed(NESTED, 20);
    const under = addressView(spaces(nested), 0x100000);
    expect(under.paged).toBe(false);
    expect(under.walks.map(({ references }) => references.length)).toEqual([4]);
  });
});

describe('page tables as trees', () => {
  it.each(SHADOWED)('mark what the shadow lacks or forbids, $mode', setting => {
    const session = primed(setting, LATER);
    const { tables } = look(session);
    const notes = tables
      .filter(({ name }) => name.tables === 'guest')
      .flatMap(({ runs }) => runs.flatMap(({ note }) => note ?? []));
    expect(notes).toContain('missing');
    expect(notes).toContain('traced');
    for (const { name, runs } of tables) {
      for (const run of runs) {
        expect(run.count).toBeGreaterThan(0);
        if (name.tables !== 'guest' || run.opens !== null || run.note === null) continue;
        const view = addressView(spaces(session), run.linear);
        const isMissing = view.walks[1].physical === null && view.walks[1].references.length > 0;
        if (run.note === 'missing') expect(isMissing).toBe(true);
        if (run.note === 'traced' || run.note === 'clean') {
          expect(view.walks[1]).toMatchObject({ writable: false });
          expect(view.walks[0]).toMatchObject({ writable: true });
        }
      }
    }
  });

  it.each(ALL)('lead to where the walks lead, $mode, $paging', setting => {
    const session = primed(setting, LATER);
    const { tables } = look(session);
    let checked = 0;
    for (const { name, runs } of tables) {
      for (const { linear, bytes, target, opens } of runs) {
        if (opens !== null || name.tables === 'nested') continue;
        for (const offset of [0, bytes - 1]) {
          const walk = addressView({ ...spaces(session), user: false }, linear + offset).walks.find(
            ({ tables: kind }) => kind === name.tables,
          );
          expect(walk?.physical).toBe(target + offset);
          checked++;
        }
      }
    }
    expect(checked).toBeGreaterThan(10);
  });

  it('of the nested kind map what the guest takes for memory, all but the window of graphics', () => {
    const session = primed(NESTED, LATER);
    const { tables } = look(session);
    const leaves = tables.filter(({ name }) => name.level === 'EPT page table').flatMap(({ runs }) => runs);
    expect(leaves.reduce((sum, { bytes }) => sum + bytes, 0)).toBe((32 << 20) - 0x18000);
  });

  it('list only what is open', () => {
    const session = primed(BARE, LATER);
    expect(tablesView(spaces(session), [])).toHaveLength(1);
    const stray: TableName = { tables: 'machine', level: 'page table', linear: 0xb0000000 };
    expect(tablesView(spaces(session), [stray])).toHaveLength(1);
  });
});

describe('translated code', () => {
  it('stands beside the guest’s, and every instruction of it belongs to one', () => {
    const session = primed({ mode: 'translate', paging: 'shadow' }, EARLY);
    let seen = 0;
    for (let n = 0; n < 3000 && seen < 50; n++) {
      session.begin('machine');
      const { monitor, pc, processor } = session;
      if (monitor === null || !monitor.isInGuest || processor.cpl === 3) continue;
      const view = translationView(monitor, pc.cpu, processor, session.symbols);
      if (view === null) continue;
      seen++;
      const { units, machineNext } = view;
      const pairs = units.flatMap(unit => unit.pairs);
      for (const { cache, pairs: own } of units) {
        const rows = own.flatMap(pair => pair.cache);
        expect(rows.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(cache.end - cache.start);
        if (machineNext >= cache.start && machineNext < cache.end) {
          expect(rows.map(({ address }) => address)).toContain(machineNext);
        }
      }
      expect(units.map(({ guest }) => guest.start)).toEqual(
        units.map(({ guest }) => guest.start).sort((a, b) => a - b),
      );
      for (const pair of pairs.filter(({ kind }) => kind === 'ident')) {
        expect(pair.cache.map(({ text }) => text.split(' ')[0])).toContain(pair.guest.text.split(' ')[0]);
      }
    }
    expect(seen).toBe(50);
  });

  it('is there in its mode only', () => {
    const session = primed(SHADOWED[0], LATER);
    const { monitor, pc, processor } = session;
    expect(monitor && translationView(monitor, pc.cpu, processor, session.symbols)).toBeNull();
  });
});
