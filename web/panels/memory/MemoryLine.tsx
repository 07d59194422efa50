import { memo } from 'react';
import { hex } from '../../format.ts';
import { text } from '../../text.ts';
import { byteColumn, type MemoryRow } from './bytes.ts';
import styles from './Memory.module.css';

interface Properties {
  readonly row: MemoryRow;
  /** Byte of this row under the cursor. */
  readonly cursor: number | null;
  /** First digit that was typed for that byte. */
  readonly pending: number | null;
}

function Line({ row, cursor, pending }: Properties) {
  return (
    <div
      className={styles.row}
      data-address={hex(row.address)}
      data-mapped={row.mapped}
      data-cursor={cursor === null ? undefined : true}
    >
      <span className={styles.address}>{hex(row.address)}</span>
      <span className={styles.hex} data-hex>
        {row.hex}
        {cursor !== null && (
          <i className={styles.cursor} style={{ left: `${byteColumn(cursor)}ch`, width: '2ch' }}>
            {pending === null ? null : `${pending.toString(16)}_`}
          </i>
        )}
      </span>
      <span className={styles.ascii} data-ascii>
        {row.mapped === 'none' ? <em>{text.memory.unmapped}</em> : row.ascii}
        {cursor !== null && row.mapped !== 'none' && (
          <i className={styles.cursor} style={{ left: `${cursor}ch`, width: '1ch' }} />
        )}
      </span>
    </div>
  );
}

export const MemoryLine = memo(
  Line,
  (a, b) =>
    a.cursor === b.cursor &&
    a.pending === b.pending &&
    a.row.address === b.row.address &&
    a.row.hex === b.row.hex &&
    a.row.mapped === b.row.mapped,
);
