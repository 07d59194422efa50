import type { SegmentView } from '../../../core/protocol/messages.ts';
import { hex, size } from '../../format.ts';
import { showDescriptor } from '../../stores/system.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import styles from './Bits.module.css';

interface Properties {
  readonly segment: SegmentView;
  readonly whose: 'guest' | 'machine';
}

/** Bit of a selector that says LDT (SDM volume 3, 3.4.2). */
const TABLE_INDICATOR = 4;

/** A selector in its parts, and the hidden part that the processor goes by (SDM volume 3, 3.4.2 and 3.4.3). */
export function SegmentDetails({ segment: { selector, base, limit, description }, whose }: Properties) {
  const words = laterText.decoded;
  const table = (selector & TABLE_INDICATOR) === 0 ? 'gdt' : 'ldt';
  const index = selector >>> 3;
  const isNull = selector >>> 2 === 0;
  const bytes = limit + 1;
  return (
    <div className={styles.details}>
      <dl className={styles.parts}>
        <div>
          <dt>{words.index}</dt>
          <dd>
            {index} <small>{index.toString(2).padStart(13, '0')}</small>
          </dd>
        </div>
        <div>
          <dt>{words.table}</dt>
          <dd>
            {table.toUpperCase()} <small>{(selector & TABLE_INDICATOR) >>> 2}</small>
          </dd>
        </div>
        <div>
          <dt>{words.rpl}</dt>
          <dd>
            {selector & 3} <small>{(selector & 3).toString(2).padStart(2, '0')}</small>
          </dd>
        </div>
      </dl>
      <p className={styles.says} title={words.hiddenHint}>
        <strong>{words.hidden}</strong> {text.said(description)} · {words.range(hex(base), hex(base + limit))} ·{' '}
        {size(bytes)}
      </p>
      {isNull ? (
        <p className={styles.says}>{words.nullSelector}</p>
      ) : (
        <button type="button" className={styles.link} onClick={() => showDescriptor(table, index, whose)}>
          {words.entry(table.toUpperCase(), index)}
        </button>
      )}
    </div>
  );
}
