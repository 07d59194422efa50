import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { hex } from '../../format.ts';
import { writeMemory } from '../../machine.ts';
import { machine } from '../../stores/machine.ts';
import { notify } from '../../stores/notices.ts';
import { walkTo } from '../../stores/walk.ts';
import { goToMemory, windows } from '../../stores/windows.ts';
import { text } from '../../text.ts';
import { byteAtColumn, byteColumn, memoryRows } from './bytes.ts';
import styles from './Memory.module.css';
import { MemoryLine } from './MemoryLine.tsx';

/** Below this width, in pixels, a row holds 8 bytes. */
const WIDE = 600;

export function MemoryPanel() {
  const memory = useStore(machine, state => state.view?.memory ?? null);
  const start = useStore(windows, state => state.memoryAddress);
  const space = useStore(windows, state => state.space);
  const cursor = useStore(windows, state => state.memoryCursor);
  const [half, setHalf] = useState<{ readonly address: number; readonly digit: number } | null>(null);
  const root = useRef<HTMLDivElement>(null);
  const width = useWidth(root);

  // The answer to an older question is not shown under the new address.
  const current = memory !== null && memory.window.address === start && memory.window.space === space ? memory : null;
  const rows = useMemo(
    () => (current === null ? [] : memoryRows(current.window.address, current.bytes, width)),
    [current, width],
  );
  const offset = cursor - start;
  const value = current?.bytes[offset] ?? -1;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the row of the cursor is found in the rendered list.
  useEffect(() => {
    root.current?.querySelector('[data-cursor]')?.scrollIntoView({ block: 'nearest' });
  }, [cursor, width, rows.length]);

  const move = (to: number): void => {
    setHalf(null);
    if (to < 0 || to > 0xffffffff) return;
    goToMemory(to);
  };

  const type = (digit: number): void => {
    if (value < 0) {
      notify(text.memory.cannotWrite(hex(cursor)));
      return;
    }
    if (half === null || half.address !== cursor) {
      setHalf({ address: cursor, digit });
      return;
    }
    writeMemory(space, cursor, Uint8Array.of(half.digit * 16 + digit));
    move(cursor + 1);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const by: Record<string, number> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: width,
      ArrowUp: -width,
      PageDown: 16 * width,
      PageUp: -16 * width,
    };
    if (event.key in by) move(cursor + by[event.key]);
    else if (/^[0-9a-f]$/i.test(event.key)) type(Number.parseInt(event.key, 16));
    else if (event.key === 'Escape') setHalf(null);
    else if (event.key === 'w' && space === 'linear') walkTo(cursor);
    else return;
    event.preventDefault();
  };

  const onPointerDown = (event: PointerEvent): void => {
    const target = event.target;
    if (!(target instanceof HTMLElement)) return;
    const row = target.closest<HTMLElement>('[data-address]');
    const bytes = row?.querySelector<HTMLElement>('[data-hex]');
    const ascii = row?.querySelector<HTMLElement>('[data-ascii]');
    if (!row || !bytes || !ascii) return;
    const address = Number.parseInt(row.dataset['address'] ?? '0', 16);
    const inAscii = event.clientX >= ascii.getBoundingClientRect().left;
    const box = (inAscii ? ascii : bytes).getBoundingClientRect();
    const character = box.width / (inAscii ? width : byteColumn(width - 1) + 2);
    const column = (event.clientX - box.left) / character;
    const index = inAscii ? Math.min(Math.floor(column), width - 1) : byteAtColumn(column, width);
    setHalf(null);
    const at = (address + Math.max(index, 0)) >>> 0;
    windows.setState({ memoryCursor: at });
    if (event.altKey && space === 'linear') walkTo(at);
  };

  if (rows.length === 0) return <p className={styles.empty}>{text.memory.empty}</p>;
  const nothing = rows.every(row => row.mapped === 'none');
  return (
    <div
      ref={root}
      className={styles.memory}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: an editor that is drawn as text takes the keys itself.
      tabIndex={0}
      role="application"
      aria-label={text.memory.editor(hex(cursor), value < 0 ? text.memory.unmapped : hex(value, 2))}
      onKeyDown={onKeyDown}
      onPointerDown={onPointerDown}
    >
      {nothing && <p className={styles.nothing}>{text.memory.unmappedPage}</p>}
      {rows.map(row => {
        const at = cursor - row.address;
        const here = at >= 0 && at < width ? at : null;
        const pending = here !== null && half !== null && half.address === cursor ? half.digit : null;
        return <MemoryLine key={row.address} row={row} cursor={here} pending={pending} />;
      })}
    </div>
  );
}

/** Bytes in a row: 16 where they fit, else 8. */
function useWidth(root: React.RefObject<HTMLElement | null>): 8 | 16 {
  const [width, setWidth] = useState<8 | 16>(16);
  const element = root.current;
  useEffect(() => {
    if (element === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width < WIDE ? 8 : 16));
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
