import { CR4 } from '../../ia32/registers.ts';
import { EPT, type EptLevel } from '../../machine/mmu/ept.ts';
import { type Level, PAGE, type WordReader } from '../../machine/mmu/walk.ts';
import type { EntryBits, ShadowNote, TableLevel, TableName, TableRun, TableView } from '../../protocol/monitor.ts';
import { createNoter, isMonitors, pseudoAddress, type Space, type Spaces } from './address-spaces.ts';
import { EPT_LEVELS, entryBits, eptBits } from './address-view.ts';

/** Page tables as trees: the roots, and what is open below them. It only reads. */

/** Tables that are listed at most, however many are open. */
const MOST_TABLES = 64;
const PAGE_SIZE = 4096;
const NX = 0x80000000;

/** How to read a table, and what its entries mean. */
interface Reading {
  readonly name: TableName;
  /** Null: the PDPTE registers. */
  readonly address: number | null;
  readonly entries: number;
  /** Bytes that an entry maps. */
  readonly span: number;
  /** Low and high word of an entry. */
  entry(index: number): readonly [number, number];
  bits(low: number, high: number): EntryBits;
  /** The kind of table that an entry leads to, or null for a page. */
  below(low: number): TableLevel | null;
  /** Opens the table that an entry leads to. */
  open(name: TableName, address: number): Reading;
  note(linear: number, isPage: boolean): ShadowNote | null;
}

function pairs(memory: WordReader, address: number): Reading['entry'] {
  return index => [memory.read(address + 8 * index, 4), memory.read(address + 8 * index + 4, 4)];
}

/** Tables of 32-bit or PAE paging (SDM volume 3, 4.3 and 4.4). */
function classical(
  space: Space,
  level: Level,
  linear: number,
  address: number | null,
  note: (span: number) => Reading['note'],
): Reading {
  const { registers, memory } = space;
  const isPae = (registers.cr4 & CR4.PAE) !== 0;
  const hasLarge = isPae || (registers.cr4 & CR4.PSE) !== 0;
  const spans: Readonly<Record<Level, number>> = {
    'page directory pointer': 1 << 30,
    'page directory': isPae ? 1 << 21 : 1 << 22,
    'page table': PAGE_SIZE,
  };
  const next: Readonly<Record<Level, Level>> = {
    'page directory pointer': 'page directory',
    'page directory': 'page table',
    'page table': 'page table',
  };
  const read: Reading['entry'] =
    address === null
      ? index => [registers.pdpte(index), registers.pdpteHigh(index)]
      : isPae
        ? pairs(memory, address)
        : index => [memory.read(address + 4 * index, 4), 0];
  return {
    name: { tables: space.tables, level, linear },
    address,
    entries: address === null ? 4 : isPae ? 512 : 1024,
    span: spans[level],
    entry: read,
    bits: (low, high) => entryBits(level, low, high),
    below: low => {
      const isLarge = level === 'page directory' && hasLarge && (low & PAGE.large) !== 0;
      return level === 'page table' || isLarge ? null : next[level];
    },
    open: (name, at) => classical(space, next[level], name.linear, at, note),
    note: note(spans[level]),
  };
}

const EPT_ORDER: readonly EptLevel[] = ['PML4', 'page directory pointer', 'page directory', 'page table'];

/** Extended page tables (SDM volume 3, 28.2.2). `linear` of their names is guest-physical. */
function extended(memory: WordReader, depth: number, linear: number, address: number): Reading {
  const level = EPT_ORDER[depth];
  return {
    name: { tables: 'nested', level: EPT_LEVELS[level], linear },
    address,
    entries: 512,
    span: 2 ** (39 - 9 * depth),
    entry: pairs(memory, address),
    bits: low => eptBits(level, low),
    below: low => {
      const isPage = level === 'page table' || (level === 'page directory' && (low & EPT.large) !== 0);
      return isPage ? null : EPT_LEVELS[EPT_ORDER[depth + 1]];
    },
    open: (name, at) => extended(memory, depth + 1, name.linear, at),
    note: () => null,
  };
}

/** Entries that say the same and lead to pages that follow each other are one run. */
function listed(table: Reading, spaces: Spaces): TableView {
  const runs: TableRun[] = [];
  /** What the entry after the last run would have to be to belong to it. */
  let key = '';
  let nextTarget = 0;
  let nextPseudo: number | null = null;
  let nextIndex = -1;
  for (let index = 0; index < table.entries; index++) {
    const [low, high] = table.entry(index);
    const bits = table.bits(low, high);
    if (!bits.present) continue;
    const below = table.below(low);
    const linear = table.name.linear + index * table.span;
    const target = (low & 0xfffff000 & (below === null ? -table.span : -1)) >>> 0;
    const pseudo = pseudoAddress(spaces, target);
    const note = table.note(linear, below === null);
    const isPage = below === null;
    const own = `${low & 0xfff} ${high & NX} ${note}`;
    const last = runs[runs.length - 1];
    const follows = index === nextIndex && target === nextTarget && pseudo === nextPseudo;
    if (isPage && follows && own === key && last !== undefined) {
      runs[runs.length - 1] = { ...last, count: last.count + 1, bytes: last.bytes + table.span };
    } else {
      const opens = below === null ? null : { tables: table.name.tables, level: below, linear };
      runs.push({ index, count: 1, linear, bytes: table.span, target, pseudo, bits, note, opens });
    }
    key = isPage ? own : '';
    nextTarget = target + table.span;
    nextPseudo = pseudo === null ? null : pseudo + table.span;
    nextIndex = index + 1;
  }
  return { name: table.name, address: table.address, entries: table.entries, runs };
}

/** How much of what an entry of the guest's maps is in the shadow: `bytes` from `linear`, a power of two and at least 2 MB. */
function coverage(shadow: Space, linear: number, bytes: number): 'all' | 'some' | 'none' {
  const { registers, memory } = shadow;
  let here = false;
  let missing = false;
  for (let at = linear; at < linear + bytes; at += 1 << 21) {
    const pointer = registers.pdpte(at >>> 30);
    const entry = (pointer & 0xfffff000) + ((at >>> 21) & 511) * 8;
    const directory = (pointer & PAGE.present) === 0 ? 0 : memory.read(entry >>> 0, 4);
    if ((directory & PAGE.present) === 0) {
      missing = true;
      continue;
    }
    const table = (directory & 0xfffff000) >>> 0;
    for (let n = 0; n < 512 && !(here && missing); n++) {
      if ((memory.read(table + 8 * n, 4) & PAGE.present) === 0) missing = true;
      else here = true;
    }
  }
  return here ? (missing ? 'some' : 'all') : 'none';
}

/** Differences between guest and shadow, on either side. */
function noteFor(spaces: Spaces, space: Space): (span: number) => Reading['note'] {
  const { shadow } = spaces;
  const noteAt = createNoter(spaces);
  return span => (linear, isPage) => {
    if (isMonitors(spaces, linear) && span < 1 << 30) return 'monitor';
    if (shadow === null) return null;
    if (span === PAGE_SIZE) return noteAt(linear);
    if (space.tables === 'shadow' || span >= 1 << 30) return null;
    const covered = coverage(shadow, linear, span);
    if (covered === 'none') return 'missing';
    return isPage && covered === 'some' ? 'partial' : null;
  };
}

function roots(spaces: Spaces): readonly Reading[] {
  const classicals = [spaces.own, spaces.shadow].flatMap(space => {
    if (space === null) return [];
    const { cr3, cr4 } = space.registers;
    const note = noteFor(spaces, space);
    return (cr4 & CR4.PAE) !== 0
      ? classical(space, 'page directory pointer', 0, null, note)
      : classical(space, 'page directory', 0, (cr3 & 0xfffff000) >>> 0, note);
  });
  const { eptPointer, machineMemory } = spaces;
  if (eptPointer === 0) return classicals;
  return [...classicals, extended(machineMemory, 0, 0, (eptPointer & 0xfffff000) >>> 0)];
}

function keyOf({ tables, level, linear }: TableName): string {
  return `${tables} ${level} ${linear}`;
}

/** The roots and the open tables of the present address space, each open table behind the one that it hangs from. */
export function tablesView(spaces: Spaces, open: readonly TableName[]): TableView[] {
  const isOpen = new Set(open.map(keyOf));
  const views: TableView[] = [];
  const list = (table: Reading): void => {
    if (views.length >= MOST_TABLES) return;
    const view = listed(table, spaces);
    views.push(view);
    for (const { opens, target } of view.runs) {
      if (opens !== null && isOpen.has(keyOf(opens))) list(table.open(opens, target));
    }
  };
  for (const root of roots(spaces)) list(root);
  return views;
}
