import { useEffect, useState } from 'react';
import { TIMELINE_LANES } from '../../../core/protocol/stretches.ts';
import { count, seconds } from '../../format.ts';
import { machine } from '../../stores/machine.ts';
import { type Stretch, timeline } from '../../stores/timeline.ts';
import { goToCode } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { cause, duration, place } from './describe.ts';
import { LOOKS } from './lanes.ts';
import styles from './Timeline.module.css';

const ROWS = 100;
/** While the machine runs the list is renewed this often, in milliseconds. */
const INTERVAL = 1000;

function latest(): readonly Stretch[] {
  const { length } = timeline;
  return Array.from({ length: Math.min(length, ROWS) }, (_, n) => timeline.at(length - 1 - n));
}

/** The last stretches as a table. */
export function StretchList() {
  const [rows, setRows] = useState(latest);
  const words = laterText.timeline;

  useEffect(() => {
    let last = 0;
    return timeline.listen(() => {
      const running = machine.getState().view?.running ?? false;
      if (running && performance.now() - last < INTERVAL) return;
      last = performance.now();
      setRows(latest());
    });
  }, []);

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className={styles.list} tabIndex={0} aria-label={words.table(count(rows.length))}>
      <table>
        <thead>
          <tr>
            <th>{words.columns.at}</th>
            <th>{words.columns.lane}</th>
            <th>{words.columns.what}</th>
            <th>{words.columns.where}</th>
            <th>{words.columns.time}</th>
            <th>{words.columns.steps}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(row => {
            const lane = TIMELINE_LANES[row.lane];
            const where = place(row);
            return (
              <tr key={`${row.step} ${row.start} ${row.kind} ${row.lane}`}>
                <td>{seconds(row.start)}</td>
                <td data-owner={LOOKS[lane].owner}>{words.lane[lane]}</td>
                <td>{cause(row)}</td>
                <td>
                  {where !== null && (
                    <button type="button" title={words.goTo(where)} onClick={() => goToCode(row.address)}>
                      <code>{where}</code>
                    </button>
                  )}
                </td>
                <td>{duration(row.busy)}</td>
                <td>{count(row.steps)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
