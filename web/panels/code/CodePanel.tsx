import { type KeyboardEvent, memo, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useStore } from 'zustand';
import type { CodeRow, Registers } from '../../../core/protocol/messages.ts';
import { toggleBreakpoint } from '../../machine.ts';
import type { ModeName } from '../../modes.ts';
import { breakpoints, dotOf } from '../../stores/breakpoints.ts';
import { type FateOf, fates } from '../../stores/fates.ts';
import { looks } from '../../stores/looks.ts';
import { machine, presentMode, symbolsOf } from '../../stores/machine.ts';
import { walkTo } from '../../stores/walk.ts';
import { isFollowing, windows } from '../../stores/windows.ts';
import { text } from '../../text.ts';
import { later } from '../../widgets/later.tsx';
import { runsIn } from '../rings/seats.ts';
import styles from './CodePanel.module.css';
import { InstructionLine } from './InstructionLine.tsx';
import { type CodeLine, codeLines, firstInView, placeInView, staysInView } from './lines.ts';

/** A line of the list and how far below the upper edge it is, in pixels. */
interface Anchor {
  readonly key: string;
  readonly top: number;
}

/** Height of a line in pixels, as the style sheet has it; the name of a symbol keeps a gap to what is above it. */
const LINE = 21;
const GAP = 8;
/** Source lines are numbered under the last digits of addresses, in characters. */
const NUMBER = 9;
/** Distance to an end of the list, in pixels, at which more rows are asked for. */
const EDGE = 160;

const TranslationPanel = later(async () => (await import('./TranslationPanel.tsx')).TranslationPanel);

const WasmPanel = later(async () => (await import('../engine/WasmPanel.tsx')).WasmPanel);

/** Code as the guest has it, or beside its translation, or beside the WebAssembly that it became. */
export function CodePanel() {
  const isTranslated = useStore(looks, state => state.translation);
  const hasTranslation = useStore(machine, state => state.view?.monitor.setting.mode === 'translate');
  const isWasm = useStore(windows, state => state.wasm);
  if (isWasm) return <WasmPanel />;
  return isTranslated && hasTranslation ? <TranslationPanel /> : <Listing />;
}

function Listing() {
  const code = useStore(machine, state => state.code);
  const symbols = useStore(machine, symbolsOf);
  const set = useStore(breakpoints, state => state.list);
  const eip = useStore(machine, state => state.codeEip);
  const cpl = useStore(machine, state => state.codeCpl);
  const mode = useStore(machine, presentMode);
  const fateOf = useStore(fates, state => state.of);
  const running = useStore(machine, state => state.view?.running ?? false);
  const follow = useStore(windows, isFollowing);
  const target = useStore(windows, state => state.codeTarget);
  const chosen = useStore(windows, state => state.selected);

  const list = useRef<HTMLOListElement>(null);
  const anchors = useRef<readonly Anchor[]>([]);
  const shownTarget = useRef(0);
  /** Where the panel itself has scrolled to. */
  const scrolledTo = useRef(0);
  /** Key of the first line that was drawn of a running machine. */
  const firstDrawn = useRef<string | null>(null);
  const fits = useFittingLines(list, code.length > 0);

  const all = useMemo(() => codeLines(code, symbols), [code, symbols]);
  // Code that comes and goes with a running machine is not scrolled: only the lines that fit are drawn, each in the element
  // that stood there before.
  const passing = running && follow && fits !== null;
  const lines = useMemo(() => {
    if (!passing) return all;
    const now = all.findIndex(line => line.kind === 'instruction' && line.row.address === eip);
    const first = firstInView(all, Math.max(now, 0), fits, firstDrawn.current);
    return all.slice(first, first + fits);
  }, [all, passing, fits, eip]);
  const selected = chosen ?? eip;
  const firstInstruction = lines.findIndex(line => line.kind === 'instruction');
  const inList = lines.some(line => line.kind === 'instruction' && line.row.address === selected);

  const rowOf = (key: string): HTMLElement | null => {
    const row = list.current?.children[lines.findIndex(line => line.key === key)];
    return row instanceof HTMLElement ? row : null;
  };

  // New rows come and go at both ends: what the reader looks at stays where it was.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only new rows move what is shown.
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null || passing) return;
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
    if (passing) {
      firstDrawn.current = lines[0]?.key ?? null;
      anchors.current = passingAnchor(lines, eip);
      return;
    }
    firstDrawn.current = null;
    if (follow && eip !== null) {
      const row = rowOf(eip.toString(16));
      if (row !== null) reveal(element, row);
    } else if (target !== null && target.serial !== shownTarget.current) {
      const row = rowOf(target.address.toString(16));
      if (row !== null) {
        shownTarget.current = target.serial;
        reveal(element, row);
      }
    }
    scrolledTo.current = element.scrollTop;
    remember();
  }, [lines, eip, follow, target, passing]);

  useLayoutEffect(() => {
    if (passing) list.current?.scrollTo(0, 0);
  }, [passing]);

  /** Keeps in mind where the first line in view is, and those at the ends: what comes next has at least one of them. */
  const remember = (): void => {
    const element = list.current;
    if (element === null) return;
    const tops = [...element.children].map(child => (child instanceof HTMLElement ? child.offsetTop : 0));
    const first = tops.findIndex(top => top >= element.scrollTop);
    anchors.current = [first, lines.length - 1, 0].flatMap(i => {
      const line = lines[i];
      return line === undefined ? [] : [{ key: line.key, top: tops[i] - element.scrollTop }];
    });
  };

  const onScroll = (): void => {
    if (passing) return;
    remember();
    const element = list.current;
    if (element === null || code.length === 0) return;
    // Only the reader's own scrolling asks for more rows, and only where they stand still.
    if (Math.abs(element.scrollTop - scrolledTo.current) < 2 || running) return;
    const atTop = element.scrollTop < EDGE;
    const atEnd = element.scrollHeight - element.clientHeight - element.scrollTop < EDGE;
    if (!atTop && !atEnd) return;
    const next = (atTop ? code[0] : code[code.length - 1]).address;
    if (next !== (follow ? eip : windows.getState().codeAddress)) windows.setState({ away: true, codeAddress: next });
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'w' && !event.ctrlKey && !event.altKey && !event.metaKey && selected !== null) walkTo(selected);
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
    <ol
      className={styles.list}
      data-passing={passing || undefined}
      ref={list}
      onScroll={onScroll}
      onKeyDown={onKeyDown}
      aria-label={text.code.label}
    >
      {lines.map((line, i) =>
        line.kind === 'instruction' ? (
          <InstructionLine
            key={passing ? i : line.key}
            row={line.row}
            now={line.row.address === eip}
            ring={runsIn(mode ?? 'bare', cpl)}
            fate={fate(line.row, cpl, mode, fateOf)}
            selected={line.row.address === selected}
            focusable={inList ? line.row.address === selected : i === firstInstruction}
            dot={dotOf(set, line.row.address)}
            onSelect={select}
            onToggle={toggle}
          />
        ) : (
          <Heading key={passing ? i : line.key} line={line} />
        ),
      )}
    </ol>
  );
}

/** What becomes of an instruction in the present ring and mode. */
function fate(row: CodeRow, cpl: Registers['cpl'], mode: ModeName | null, of: FateOf | null): string {
  if (row.class === 'plain') return '';
  const inMode = mode === null || mode === 'bare' ? null : (of?.(row, cpl === 3, mode) ?? null);
  return inMode ?? text.code.badgeMore[row.class][cpl === 0 ? 'ring0' : 'other'];
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
      return <li className={styles.symbol}>{line.name}</li>;
    }
    return (
      <li className={styles.source} title={`${line.file}:${line.line}`}>
        {`${line.line}`.padStart(NUMBER)}
        {'  '}
        {line.text}
      </li>
    );
  },
  (a, b) => a.line.key === b.line.key && JSON.stringify(a.line) === JSON.stringify(b.line),
);

/** Scrolls only when the row is not where it can stay. */
function reveal(list: HTMLElement, row: HTMLElement): void {
  const height = list.clientHeight;
  if (staysInView(row.offsetTop - list.scrollTop, height)) return;
  // No line is cut at the upper edge.
  let first: Element = row;
  const wanted = row.offsetTop - placeInView(height);
  while (first instanceof HTMLElement && first.offsetTop > wanted && first.previousElementSibling !== null) {
    first = first.previousElementSibling;
  }
  list.scrollTop = first instanceof HTMLElement ? first.offsetTop : wanted;
}

/** Where the next instruction is among lines that are drawn from the top: there it shall be when the machine stops. */
function passingAnchor(lines: readonly CodeLine[], eip: number | null): readonly Anchor[] {
  const now = lines.findIndex(line => line.kind === 'instruction' && line.row.address === eip);
  if (now < 0) return [];
  const gaps = lines.slice(1, now).filter(line => line.kind === 'symbol').length;
  return [{ key: lines[now].key, top: now * LINE + gaps * GAP }];
}

/** How many lines the list has room for; null before it is known. */
function useFittingLines(list: React.RefObject<HTMLElement | null>, present: boolean): number | null {
  const [lines, setLines] = useState<number | null>(null);
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null || !present) return;
    const observer = new ResizeObserver(([entry]) => setLines(Math.ceil(entry.contentRect.height / LINE)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [list, present]);
  return lines;
}
