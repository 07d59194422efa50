import { describe, expect, it } from 'vitest';
import type { TableName, TableRun, TableView } from '../../../core/protocol/monitor.ts';
import { mapped, moved, noteCounts, range, toggled, treeRows } from './tree.ts';

const name = (level: TableName['level'], linear: number): TableName => ({ tables: 'guest', level, linear });
const table = name('page table', 0x400000);

function run(more: Partial<TableRun>): TableRun {
  const bits = {
    present: true,
    readable: true,
    writable: true,
    user: true,
    executable: true,
    accessed: true,
    dirty: true,
    large: false,
    global: false,
  };
  return {
    index: 0,
    count: 1,
    linear: 0,
    bytes: 1 << 22,
    target: 0,
    pseudo: null,
    bits,
    note: null,
    opens: null,
    ...more,
  };
}

const tables: readonly TableView[] = [
  {
    name: name('page directory', 0),
    address: 0x1000,
    entries: 1024,
    runs: [run({}), run({ index: 1, linear: 0x400000, opens: table }), run({ index: 2, linear: 0x800000 })],
  },
  {
    name: table,
    address: 0x2000,
    entries: 1024,
    runs: [run({ linear: 0x400000, bytes: 3 * 4096, count: 3, note: 'missing' })],
  },
  { name: { ...name('page directory pointer', 0), tables: 'shadow' }, address: null, entries: 4, runs: [] },
];

describe('the tree of page tables', () => {
  it('has a table below the run that it was opened from', () => {
    const rows = treeRows(tables, [table]);
    expect(rows.map(({ kind, level }) => `${kind} ${level}`)).toEqual([
      'root 1',
      'run 2',
      'run 2',
      'run 3',
      'run 2',
      'root 1',
    ]);
    expect(rows.flatMap(row => (row.kind === 'run' ? [row.expanded] : []))).toEqual([null, true, null, null]);
    expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length);
  });

  it('hides what was just closed, though it is still in the answer', () => {
    const rows = treeRows(tables, []);
    expect(rows).toHaveLength(5);
    expect(rows[2]).toMatchObject({ expanded: false });
  });

  it('closes with a table what is open below it, and nothing else', () => {
    const directory = name('page directory', 0x40000000);
    const inside = name('page table', 0x40200000);
    const outside = name('page table', 0xc0000000);
    const open = [directory, inside, outside];
    expect(toggled(open, directory, 1 << 30)).toEqual([outside]);
    const first = name('page table', 0x40000000);
    expect(toggled([directory, first], first, 1 << 21)).toEqual([directory]);
    expect(toggled([], table, 1 << 22)).toEqual([table]);
  });

  it('is gone through by the arrow keys', () => {
    const rows = treeRows(tables, [table]);
    expect(moved(rows, 0, 'ArrowDown')).toBe(1);
    expect(moved(rows, 0, 'ArrowUp')).toBe(0);
    expect(moved(rows, 2, 'ArrowRight')).toBe(3);
    expect(moved(rows, 3, 'ArrowLeft')).toBe(2);
    expect(moved(rows, 2, 'ArrowLeft')).toBe(0);
    expect(moved(rows, 0, 'ArrowLeft')).toBeNull();
    expect(moved(rows, 1, 'End')).toBe(5);
    expect(moved(rows, 1, 'x')).toBeNull();
  });

  it('says how much is mapped, and what differs', () => {
    expect([4096, 3 * 4096, 1 << 21, 1 << 30, 2 ** 39].map(mapped)).toEqual([
      '4 KB',
      '12 KB',
      '2 MB',
      '1 GB',
      '512 GB',
    ]);
    expect(range(run({ linear: 0xffc00000 }))).toBe('ffc00000–ffffffff');
    expect([...noteCounts(treeRows(tables, [table]), 'guest')]).toEqual([['missing', 3]]);
  });
});
