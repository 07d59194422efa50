import { memo } from 'react';
import type { CodeRow } from '../../../core/protocol/messages.ts';
import { byteList, hex } from '../../format.ts';
import type { Dot } from '../../stores/breakpoints.ts';
import { walkTo } from '../../stores/walk.ts';
import { text } from '../../text.ts';
import styles from './CodePanel.module.css';

/** Bytes that are always seen; more may be cut off at the edge. */
const SHORT = 8;
/** Room for a mnemonic, in characters. */
const MNEMONIC = 6;

interface Properties {
  readonly row: CodeRow;
  readonly now: boolean;
  /** The machine’s, which need not be the one that the guest believes to be in. */
  readonly ring: 0 | 1 | 2 | 3;
  /** What becomes of it in the present ring and mode. */
  readonly fate: string;
  readonly selected: boolean;
  readonly focusable: boolean;
  /** Of the breakpoints here. */
  readonly dot: Dot;
  readonly onSelect: (address: number) => void;
  readonly onToggle: (address: number) => void;
}

function Line({ row, now, ring, fate, selected, focusable, dot, onSelect, onToggle }: Properties) {
  const address = hex(row.address);
  const space = row.text.indexOf(' ');
  const mnemonic = space < 0 ? row.text : row.text.slice(0, space);
  const operands = space < 0 ? '' : row.text.slice(space).trimStart();
  const bytes = byteList(row.bytes);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the arrow keys select rows; a click is a shortcut for them.
    <li
      className={styles.line}
      data-now={now || undefined}
      data-tour={now ? 'next' : undefined}
      data-ring={ring}
      data-selected={selected || undefined}
      aria-current={now ? 'step' : undefined}
      onClick={event => (event.altKey ? walkTo(row.address) : onSelect(row.address))}
    >
      <button
        type="button"
        className={styles.gutter}
        aria-pressed={dot !== 'none'}
        data-dot={dot}
        title={dot === 'conditional' || dot === 'off' ? text.stops.dot[dot] : undefined}
        aria-label={text.code.setBreakpoint(address)}
        tabIndex={focusable ? 0 : -1}
        onClick={event => {
          event.stopPropagation();
          onToggle(row.address);
        }}
      />
      <span className={styles.address}>
        {now && (
          <span className={styles.marker} aria-hidden="true">
            ▸
          </span>
        )}
        {address}
        {now && <span className="hidden-text"> {text.code.here}</span>}
      </span>
      {row.bytes.length === 0 ? (
        <span className={styles.unmapped}>{text.code.unmapped}</span>
      ) : (
        <>
          <span className={styles.mnemonic}>{mnemonic.padEnd(MNEMONIC)}</span> {operands}
          {row.patched === true && (
            <span className={styles.badge} data-class="patched" title={text.translated.patchedHint}>
              {text.translated.patched}
            </span>
          )}
          {row.class !== 'plain' && (
            <span className={styles.badge} data-class={row.class} title={text.code.badgeHint[row.class]}>
              {text.code.badge[row.class]}
              <span className={styles.more}> · {fate}</span>
            </span>
          )}
        </>
      )}
      <span className={styles.bytes} title={row.bytes.length > SHORT ? bytes : undefined}>
        {bytes}
      </span>
    </li>
  );
}

/** An instruction with its breakpoint, address, text, badge and bytes. Drawn again only when one of them changes. */
export const InstructionLine = memo(Line, (a, b) => {
  const same =
    a.now === b.now &&
    a.selected === b.selected &&
    a.focusable === b.focusable &&
    a.dot === b.dot &&
    a.fate === b.fate &&
    // Only badges and the current row show the ring.
    (a.ring === b.ring || (a.row.class === 'plain' && !a.now));
  return same && sameRow(a.row, b.row);
});

function sameRow(a: CodeRow, b: CodeRow): boolean {
  if (a === b) return true;
  return (
    a.address === b.address &&
    a.text === b.text &&
    a.class === b.class &&
    a.patched === b.patched &&
    a.bytes.length === b.bytes.length &&
    a.bytes.every((byte, i) => byte === b.bytes[i])
  );
}
