/** Page tables as the rows of a tree. */
import type { TableKind, TableName, TableRun, TableView } from '../../../core/protocol/monitor.ts';
import { hex } from '../../format.ts';
import { laterText } from '../../text/later.ts';

export interface RootRow {
  readonly kind: 'root';
  readonly key: string;
  readonly level: 1;
  readonly table: TableView;
}

export interface RunRow {
  readonly kind: 'run';
  readonly key: string;
  /** From 2: roots are 1. */
  readonly level: number;
  readonly table: TableView;
  readonly run: TableRun;
  /** Null where there is nothing to open. */
  readonly expanded: boolean | null;
}

export type TreeRow = RootRow | RunRow;

export function nameKey({ tables, level, linear }: TableName): string {
  return `${tables} ${level} ${linear}`;
}

/** The rows in order: each run, and below it those of the table that was opened from it, once it has come. */
export function treeRows(tables: readonly TableView[], open: readonly TableName[]): readonly TreeRow[] {
  const byName = new Map(tables.map(table => [nameKey(table.name), table]));
  const isOpen = new Set(open.map(nameKey));
  const below = new Set(
    tables.flatMap(({ runs }) => runs.flatMap(({ opens }) => (opens === null ? [] : nameKey(opens)))),
  );
  const rows: TreeRow[] = [];
  const list = (table: TableView, level: number): void => {
    for (const run of table.runs) {
      const expanded = run.opens === null ? null : isOpen.has(nameKey(run.opens));
      const key = `${nameKey(table.name)} ${run.index}`;
      rows.push({ kind: 'run', key, level, table, run, expanded });
      const child = expanded === true && run.opens !== null ? byName.get(nameKey(run.opens)) : undefined;
      if (child !== undefined) list(child, level + 1);
    }
  };
  for (const table of tables) {
    const key = nameKey(table.name);
    if (below.has(key)) continue;
    rows.push({ kind: 'root', key, level: 1, table });
    list(table, 2);
  }
  return rows;
}

/** The names of open tables with one more, or one less and those below it. */
export function toggled(open: readonly TableName[], name: TableName, bytes: number): readonly TableName[] {
  const key = nameKey(name);
  if (!open.some(other => nameKey(other) === key)) return [...open, name];
  const isBelow = (other: TableName): boolean =>
    other.tables === name.tables && other.linear >= name.linear && other.linear < name.linear + bytes;
  // Those above begin at or before it too, but map more: their level comes earlier.
  return open.filter(other => nameKey(other) !== key && !(isBelow(other) && depth(other) > depth(name)));
}

const DEPTHS = ['pointer', 'directory', 'table'] as const;

/** 0 for the topmost level of a kind. */
function depth({ level }: TableName): number {
  if (level.endsWith('PML4')) return -1;
  return DEPTHS.findIndex(word => level.endsWith(word));
}

/** First and last address of a run; under EPT more than eight digits may be needed. */
export function range({ linear, bytes }: TableRun): string {
  const write = (value: number) => value.toString(16).padStart(8, '0');
  return laterText.tables.range(write(linear), write(linear + bytes - 1));
}

const UNITS = [
  [2 ** 30, 'GB'],
  [2 ** 20, 'MB'],
  [2 ** 10, 'KB'],
] as const;

/** How much a run maps, in the manual's units: 2097152 is "2 MB". */
export function mapped(bytes: number): string {
  const [unit, name] = UNITS.find(([size]) => bytes >= size && bytes % size === 0) ?? [1024, 'KB'];
  return `${bytes / unit} ${name}`;
}

/** What a root is. */
export function rootText({ name, address }: TableView): string {
  return address === null
    ? laterText.tables.registers
    : laterText.tables.root(laterText.walk.levels[name.level], hex(address));
}

/** Index of the row that a key leads to, or null. */
export function moved(rows: readonly TreeRow[], from: number, key: string): number | null {
  const row = rows[from];
  if (row === undefined) return null;
  switch (key) {
    case 'ArrowDown':
      return Math.min(from + 1, rows.length - 1);
    case 'ArrowUp':
      return Math.max(from - 1, 0);
    case 'Home':
      return 0;
    case 'End':
      return rows.length - 1;
    case 'ArrowRight':
      return row.kind === 'run' && row.expanded === true && rows[from + 1]?.level > row.level ? from + 1 : null;
    case 'ArrowLeft': {
      const parent = rows.slice(0, from).findLastIndex(({ level }) => level < row.level);
      return parent < 0 ? null : parent;
    }
    default:
      return null;
  }
}

/** How often each difference between guest and shadow is met in what is listed. */
export function noteCounts(rows: readonly TreeRow[], tables: TableKind) {
  const counts = new Map<NonNullable<TableRun['note']>, number>();
  for (const row of rows) {
    if (row.kind !== 'run' || row.run.note === null || row.table.name.tables !== tables) continue;
    counts.set(row.run.note, (counts.get(row.run.note) ?? 0) + row.run.count);
  }
  return counts;
}
