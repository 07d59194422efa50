import { type KeyboardEvent, memo, useLayoutEffect, useMemo, useRef } from 'react';
import { useStore } from 'zustand';
import { toggleBreakpoint } from '../../machine.ts';
import { machine, symbolsOf } from '../../stores/machine.ts';
import { isFollowing, windows } from '../../stores/windows.ts';
import { text } from '../../text.ts';
import styles from './CodePanel.module.css';
import { InstructionLine } from './InstructionLine.tsx';
import { type CodeLine, codeLines } from './lines.ts';

/** A line of the list and how far below the upper edge it is, in pixels. */
interface Anchor {
  readonly key: string;
  readonly top: number;
}

/** Distance to an end of the list, in pixels, at which more rows are asked for. */
const EDGE = 160;

export function CodePanel() {
  const code = useStore(machine, state => state.code);
  const symbols = useStore(machine, symbolsOf);
  const breakpoints = useStore(machine, state => state.breakpoints);
  const eip = useStore(machine, state => state.codeEip);
  const cpl = useStore(machine, state => state.view?.registers.cpl ?? 0);
  const follow = useStore(windows, isFollowing);
  const target = useStore(windows, state => state.codeTarget);
  const chosen = useStore(windows, state => state.selected);

  const lines = useMemo(() => codeLines(code, symbols), [code, symbols]);
  const selected = chosen ?? eip;
  const firstInstruction = lines.findIndex(line => line.kind === 'instruction');
  const inList = code.some(row => row.address === selected);
  const list = useRef<HTMLOListElement>(null);
  const anchors = useRef<readonly Anchor[]>([]);
  const shownTarget = useRef(0);
  /** Where the panel itself has scrolled to. */
  const scrolledTo = useRef(0);

  const rowOf = (key: string): HTMLElement | null => list.current?.querySelector(`[data-key="${key}"]`) ?? null;

  // New rows come and go at both ends: what the reader looks at stays where it was.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only new rows move what is shown.
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return;
    for (const { key, top } of anchors.current) {
      const row = rowOf(key);
      if (row === null) continue;
      element.scrollTop = row.offsetTop - top;
      return;
    }
  }, [lines]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: rows are looked up in the list that `lines` made.
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return;
    if (follow && eip !== null) {
      const row = rowOf(eip.toString(16));
      if (row !== null) reveal(element, row, 0.12, 0.75);
    } else if (target !== null && target.serial !== shownTarget.current) {
      const row = rowOf(target.address.toString(16));
      if (row !== null) {
        shownTarget.current = target.serial;
        reveal(element, row, 0.12, 0.75);
      }
    }
    scrolledTo.current = element.scrollTop;
    remember();
  }, [lines, eip, follow, target]);

  /** Keeps in mind where the first line in view is, and those at the ends: what comes next has at least one of them. */
  const remember = (): void => {
    const element = list.current;
    if (element === null) return;
    const first = [...element.children].find(
      (child): child is HTMLElement => child instanceof HTMLElement && child.offsetTop >= element.scrollTop,
    );
    anchors.current = [first, element.lastElementChild, element.firstElementChild]
      .filter(child => child instanceof HTMLElement)
      .map(child => ({ key: child.dataset['key'] ?? '', top: child.offsetTop - element.scrollTop }));
  };

  const onScroll = (): void => {
    remember();
    const element = list.current;
    if (element === null || code.length === 0) return;
    // Only the reader's own scrolling asks for more rows, and only where they stand still.
    if (Math.abs(element.scrollTop - scrolledTo.current) < 2 || machine.getState().view?.running) return;
    const atTop = element.scrollTop < EDGE;
    const atEnd = element.scrollHeight - element.clientHeight - element.scrollTop < EDGE;
    if (!atTop && !atEnd) return;
    const next = (atTop ? code[0] : code[code.length - 1]).address;
    if (next !== (follow ? eip : windows.getState().codeAddress)) windows.setState({ away: true, codeAddress: next });
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const by: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 16, PageUp: -16 };
    if (!(event.key in by) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const at = code.findIndex(row => row.address === selected);
    const next = code[Math.min(Math.max(Math.max(at, 0) + by[event.key], 0), code.length - 1)];
    if (next === undefined) return;
    windows.setState({ selected: next.address });
    const row = rowOf(next.address.toString(16));
    row?.querySelector('button')?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: 'nearest' });
  };

  if (code.length === 0) return <p className={styles.empty}>{text.code.empty}</p>;
  return (
    <ol className={styles.list} ref={list} onScroll={onScroll} onKeyDown={onKeyDown} aria-label={text.code.label}>
      {lines.map((line, i) =>
        line.kind === 'instruction' ? (
          <InstructionLine
            key={line.key}
            row={line.row}
            now={line.row.address === eip}
            cpl={cpl}
            selected={line.row.address === selected}
            focusable={inList ? line.row.address === selected : i === firstInstruction}
            broken={breakpoints.includes(line.row.address)}
            onSelect={select}
            onToggle={toggle}
          />
        ) : (
          <Heading key={line.key} line={line} />
        ),
      )}
    </ol>
  );
}

function select(address: number): void {
  windows.setState({ selected: address });
}

function toggle(address: number): void {
  windows.setState({ selected: address });
  toggleBreakpoint(address);
}

type HeadingLine = Exclude<CodeLine, { kind: 'instruction' }>;

/** The name of a symbol, or a source line, above the instructions that belong to it. */
const Heading = memo(
  function Heading({ line }: { readonly line: HeadingLine }) {
    if (line.kind === 'symbol') {
      return (
        <li data-key={line.key} className={styles.symbol}>
          {line.name}
        </li>
      );
    }
    return (
      <li data-key={line.key} className={styles.source} title={`${line.file}:${line.line}`}>
        <span className={styles.number}>{line.line}</span>
        <span>{line.text}</span>
      </li>
    );
  },
  (a, b) => a.line.key === b.line.key && JSON.stringify(a.line) === JSON.stringify(b.line),
);

/** Scrolls only when the row is above or below the given parts of the list. */
function reveal(list: HTMLElement, row: HTMLElement, from: number, to: number): void {
  const top = row.offsetTop - list.scrollTop;
  if (top < list.clientHeight * from || top > list.clientHeight * to) {
    list.scrollTop = row.offsetTop - list.clientHeight * 0.35;
  }
}
