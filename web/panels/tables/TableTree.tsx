import { ChevronRight, Ellipsis } from 'lucide-react';
import { type KeyboardEvent, memo, useMemo, useRef, useState } from 'react';
import { useStore } from 'zustand';
import type { TableName, TableView } from '../../../core/protocol/monitor.ts';
import { hex } from '../../format.ts';
import { looks } from '../../stores/looks.ts';
import { walkTo } from '../../stores/walk.ts';
import { laterText } from '../../text/later.ts';
import { AddressMenu } from '../changes/AddressMenu.tsx';
import { entryAddress } from '../changes/entry.ts';
import styles from './Tables.module.css';
import { mapped, moved, type RunRow, range, rootText, type TreeRow, toggled, treeRows } from './tree.ts';
import { letters } from './walk.ts';

function toggle(name: TableName, bytes: number): void {
  looks.setState(({ open }) => ({ open: toggled(open, name, bytes) }));
}

/** Opens or closes what is below a run. */
function toggleRow({ run }: RunRow): void {
  if (run.opens !== null) toggle(run.opens, run.bytes);
}

/** Addresses of the EPT are guest-physical: nothing walks to them. */
function walkToRow({ run, table }: RunRow): void {
  if (table.name.tables !== 'nested') walkTo(run.linear);
}

/** Tables that open, one under the other: guest's and what the processor walks. */
export function TableTree({ tables }: { readonly tables: readonly TableView[] }) {
  const open = useStore(looks, state => state.open);
  const rows = useMemo(() => treeRows(tables, open), [tables, open]);
  const [current, setCurrent] = useState<string | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const at = Math.max(
    rows.findIndex(({ key }) => key === current),
    0,
  );

  const focus = (index: number): void => {
    const row = rows[index];
    if (row === undefined) return;
    setCurrent(row.key);
    const element = list.current?.children[index];
    if (element instanceof HTMLElement) element.focus();
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const row = rows[at];
    if (row === undefined) return;
    const isClosed = row.kind === 'run' && row.expanded === false;
    const isOpen = row.kind === 'run' && row.expanded === true;
    if (row.kind === 'run' && ((event.key === 'ArrowRight' && isClosed) || (event.key === 'ArrowLeft' && isOpen))) {
      toggleRow(row);
    } else if (event.key === 'Enter' || event.key === ' ' || event.key === 'w') {
      if (row.kind === 'run') walkToRow(row);
    } else {
      const next = moved(rows, at, event.key);
      if (next === null) return;
      focus(next);
    }
    event.preventDefault();
  };

  return (
    <div
      className={styles.tree}
      role="tree"
      tabIndex={-1}
      aria-label={laterText.tables.label}
      title={laterText.tables.hint}
      ref={list}
      onKeyDown={onKeyDown}
    >
      {rows.map((row, i) => (
        <Row key={row.key} row={row} focusable={i === at} onFocus={setCurrent} />
      ))}
    </div>
  );
}

/** Whether two rows look alike: of their tables, which may have hundreds of runs, only what a row shows counts. */
function isSameRow(a: TreeRow, b: TreeRow): boolean {
  if (a.key !== b.key || a.level !== b.level || a.table.address !== b.table.address) return false;
  if (a.kind === 'root' || b.kind === 'root') {
    return a.kind === b.kind && (a.table.runs.length === 0) === (b.table.runs.length === 0);
  }
  return a.expanded === b.expanded && JSON.stringify(a.run) === JSON.stringify(b.run);
}

interface RowProperties {
  readonly row: TreeRow;
  readonly focusable: boolean;
  readonly onFocus: (key: string) => void;
}

const Row = memo(
  function Row({ row, focusable, onFocus }: RowProperties) {
    const { tables } = row.table.name;
    const common = {
      'aria-level': row.level,
      'data-tables': tables,
      onFocus: () => onFocus(row.key),
    };
    if (row.kind === 'root') {
      return (
        <div
          role="treeitem"
          tabIndex={focusable ? 0 : -1}
          {...common}
          className={`${styles.row} ${styles.root}`}
          aria-expanded
        >
          <b>{laterText.tables.roots[tables]}</b> <span>{rootText(row.table)}</span>
          {row.table.runs.length === 0 && <em>{laterText.tables.emptyTable}</em>}
        </div>
      );
    }
    const { run, expanded, level } = row;
    const entry = entryAddress(row.table, run.index);
    return (
      // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys.
      <div
        role="treeitem"
        tabIndex={focusable ? 0 : -1}
        {...common}
        className={styles.row}
        style={{ paddingLeft: `${(level - 2) * 10}px` }}
        aria-expanded={expanded ?? undefined}
        onClick={() => walkToRow(row)}
      >
        {expanded === null ? (
          <span className={styles.leaf} />
        ) : (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the arrow keys open and close.
          // biome-ignore lint/a11y/noStaticElementInteractions: a shortcut for them.
          <span
            className={styles.chevron}
            data-open={expanded || undefined}
            onClick={event => {
              event.stopPropagation();
              toggleRow(row);
            }}
          >
            <ChevronRight size={12} aria-hidden="true" />
          </span>
        )}
        <span className={styles.index}>{laterText.tables.entries(run.index, run.count)}</span>
        <span className={styles.range} title={range(run)}>
          {hex(run.linear)}
        </span>
        <span className={styles.index}>{mapped(run.bytes)}</span>
        <span>
          <span aria-hidden="true">→ </span>
          {hex(run.target)}
        </span>
        <span className={styles.bits}>{letters(run.bits, row.table.name.level).join(' ')}</span>
        {(run.pseudo !== null || run.note !== null) && (
          <span className={styles.below}>
            {run.pseudo !== null && (
              <small className={styles.pseudo} title={laterText.walk.pseudoHint}>
                {laterText.walk.pseudoShort(hex(run.pseudo))}
              </small>
            )}
            {run.note !== null && (
              <span className={styles.badge} data-note={run.note} title={laterText.walk.notes[run.note]}>
                {laterText.walk.noteNames[run.note]}
              </span>
            )}
          </span>
        )}
        {entry !== null && (
          // biome-ignore lint/a11y/noStaticElementInteractions: what happens in the menu is no affair of the row's.
          <span
            className={styles.rowMenu}
            onClick={event => event.stopPropagation()}
            onKeyDown={event => event.stopPropagation()}
          >
            <AddressMenu
              space="physical"
              address={entry}
              level={row.table.name.level}
              align="end"
              className={styles.more}
              button={<Ellipsis size={13} />}
            />
          </span>
        )}
      </div>
    );
  },
  (a, b) => a.focusable === b.focusable && isSameRow(a.row, b.row),
);
