import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { TIMELINE_LANES } from '../../../core/protocol/stretches.ts';
import { count, seconds } from '../../format.ts';
import { whyNotElsewhere } from '../../machine.ts';
import { machine } from '../../stores/machine.ts';
import { type Stretch, timeline } from '../../stores/timeline.ts';
import { goToCode } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { cause, duration, place } from './describe.ts';
import { LOOKS } from './lanes.ts';
import styles from './Timeline.module.css';
import { travel, whyNotTo } from './travel.ts';

const ROWS = 100;
/** While the machine runs the list is renewed this often, in milliseconds. */
const INTERVAL = 1000;

/** So many that are ahead of a machine that has gone back are shown, the nearest. */
const AHEAD = 20;

interface Listed {
  readonly stretch: Stretch;
  readonly place: 'past' | 'now' | 'ahead';
}

function latest(): readonly Listed[] {
  const { present } = timeline;
  const last = Math.min(timeline.length, present + AHEAD);
  return Array.from({ length: Math.min(last, ROWS) }, (_, n): Listed => {
    const index = last - 1 - n;
    const place = index >= present ? 'ahead' : index === present - 1 ? 'now' : 'past';
    return { stretch: timeline.at(index), place };
  });
}

/** The last stretches as a table. */
export function StretchList() {
  const [rows, setRows] = useState(latest);
  const canTravel = useStore(machine, state => whyNotElsewhere(state.view) === null);
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
          {rows.map(({ stretch: row, place: when }) => {
            const obstacle = canTravel ? whyNotTo(row) : null;
            const lane = TIMELINE_LANES[row.lane];
            const where = place(row);
            return (
              <tr
                key={`${when === 'ahead' ? 'ahead' : ''} ${row.step} ${row.start} ${row.kind} ${row.lane}`}
                data-place={when}
                aria-current={when === 'now' ? 'time' : undefined}
              >
                <td>
                  {canTravel ? (
                    <button
                      type="button"
                      aria-label={`${words.goThere}: ${seconds(row.start)}`}
                      aria-disabled={obstacle !== null}
                      title={obstacle ?? words.goThereHint}
                      onClick={() => travel(row)}
                    >
                      {seconds(row.start)}
                    </button>
                  ) : (
                    seconds(row.start)
                  )}
                </td>
                <td data-owner={LOOKS[lane].owner}>
                  {words.lane[lane]}
                  {when !== 'past' && <b className={styles.when}>{words[when]}</b>}
                </td>
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
