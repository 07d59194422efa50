import { useStore } from 'zustand';
import { TIMELINE_LANES } from '../../../core/protocol/stretches.ts';
import { count, seconds } from '../../format.ts';
import { whyNotElsewhere } from '../../machine.ts';
import { machine } from '../../stores/machine.ts';
import type { Stretch } from '../../stores/timeline.ts';
import { goToCode } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { cause, duration, place } from './describe.ts';
import { LOOKS } from './lanes.ts';
import styles from './Timeline.module.css';
import { travel, whyNotTo } from './travel.ts';

interface Properties {
  readonly stretch: Stretch | null;
  /** It is only pointed at: a click goes there. */
  readonly isHovered: boolean;
}

/** The stretch under the pointer, or the chosen one. */
export function StretchDetails({ stretch, isHovered }: Properties) {
  const canTravel = useStore(machine, state => whyNotElsewhere(state.view) === null);
  const words = laterText.timeline;
  if (stretch === null) return <p className={styles.details}>{words.hint}</p>;
  const lane = TIMELINE_LANES[stretch.lane];
  const where = place(stretch);
  const time = stretch.end - stretch.start;
  const obstacle = canTravel ? whyNotTo(stretch) : null;
  return (
    <p className={styles.details}>
      <b data-owner={LOOKS[lane].owner}>{words.lane[lane]}</b>
      {canTravel &&
        (isHovered ? (
          <span className={styles.travelHint}>{obstacle ?? words.clickGoes}</span>
        ) : (
          <button
            type="button"
            aria-disabled={obstacle !== null}
            title={obstacle ?? words.goThereHint}
            onClick={() => travel(stretch)}
          >
            {words.goThere}
          </button>
        ))}
      <span className={styles.cause}>{cause(stretch)}</span>
      {where !== null && (
        <button type="button" title={words.goTo(where)} onClick={() => goToCode(stretch.address)}>
          <code>{where}</code>
        </button>
      )}
      <span>{duration(stretch.busy)}</span>
      {stretch.count > 1 && time > 0 && <span>{words.share(`${Math.round((100 * stretch.busy) / time)} %`)}</span>}
      {stretch.steps > 0 && <span>{words.steps(count(stretch.steps))}</span>}
      <span>{words.at(seconds(stretch.start))}</span>
    </p>
  );
}
