import { X } from 'lucide-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { useStore } from 'zustand';
import type { TableLevel } from '../../../core/protocol/monitor.ts';
import type { Answer } from '../../../core/protocol/questions.ts';
import { count, hex } from '../../format.ts';
import { goTo, pause, whyNotElsewhere } from '../../machine.ts';
import { closeLastChange, type LastChange, lastChange } from '../../stores/changes.ts';
import { machine } from '../../stores/machine.ts';
import { goToCode } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { Section } from '../../widgets/Section.tsx';
import { plain } from '../happened/sentence.ts';
import { letters } from '../tables/walk.ts';
import styles from './Changes.module.css';
import { entryBits, frameOf } from './entry.ts';

/** Who changed something last, once that was asked. */
export function ChangePanel() {
  const now = useStore(lastChange, state => state.now);
  const root = useRef<HTMLDivElement>(null);
  const { question } = now ?? {};
  // biome-ignore lint/correctness/useExhaustiveDependencies: each question is brought into view.
  useEffect(() => {
    root.current?.scrollIntoView({ block: 'nearest' });
  }, [question, now?.answer]);
  if (now === null) return null;
  const words = laterText.breaks.change;
  return (
    <div ref={root} data-testid="change">
      <Section
        title={words.label}
        aside={
          <span className={styles.aside}>
            {words.of(hex(now.question.address))} · {words[now.question.space]}
            <button type="button" aria-label={words.close} title={words.close} onClick={closeLastChange}>
              <X size={13} />
            </button>
          </span>
        }
      >
        <div role="status">
          {now.answer === null && <Searching />}
          {now.answer?.kind === 'none' && <p className={styles.none}>{text.said(now.answer.message)}</p>}
          {now.answer?.kind === 'lastWrite' && <Found change={now} answer={now.answer} />}
        </div>
      </Section>
    </div>
  );
}

function Searching() {
  const words = laterText.breaks.change;
  return (
    <p className={styles.searching}>
      <progress aria-label={words.searching} />
      <span>{words.searching}</span>
      <button type="button" className={styles.button} onClick={pause}>
        {words.cancel}
      </button>
    </p>
  );
}

interface FoundProperties {
  readonly change: LastChange;
  readonly answer: Extract<Answer, { readonly kind: 'lastWrite' }>;
}

function Found({ change, answer }: FoundProperties) {
  const here = useStore(machine, state => state.view?.instructions ?? 0);
  const noTravel = useStore(machine, state => whyNotElsewhere(state.view));
  const words = laterText.breaks.change;
  const { step, row, before, after } = answer;
  const isThere = here === step;
  const hasGone = here !== change.asked;
  const travel = (label: string, hint: string, to: number, isHere: boolean): ReactNode => (
    <button
      type="button"
      className={styles.button}
      aria-disabled={noTravel !== null || isHere}
      title={noTravel === null ? hint : text.back[noTravel]}
      onClick={() => {
        if (noTravel === null && !isHere) goTo(to);
      }}
    >
      {label}
    </button>
  );
  return (
    <>
      <dl className={styles.facts}>
        <div>
          <dt>{words.who}</dt>
          <dd>
            {row === null ? (
              words.nobody
            ) : (
              <>
                <code>{plain(row) ?? hex(row.address)}</code>
                <button
                  type="button"
                  className={styles.link}
                  title={text.breakpoints.show(hex(row.address))}
                  onClick={() => goToCode(row.address)}
                >
                  {row.symbol ?? hex(row.address)}
                </button>
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>{words.value}</dt>
          <dd>
            <code>
              {hex(before)} → {hex(after)}
            </code>
          </dd>
        </div>
        {change.level !== null && <Entry level={change.level} before={before} after={after} />}
        <div>
          <dt>{words.when}</dt>
          <dd>
            {words.step(count(step))}
            {here > step && <small> · {words.ago(count(here - step))}</small>}
            {isThere && <small> · {words.now}</small>}
          </dd>
        </div>
      </dl>
      <p className={styles.actions}>
        {travel(words.goThere, words.goThereHint, step, isThere)}
        {hasGone && travel(words.comeBack, words.comeBackHint, change.asked, false)}
      </p>
    </>
  );
}

interface EntryProperties {
  readonly level: TableLevel;
  readonly before: number;
  readonly after: number;
}

/** What an entry said before, and says after. */
function Entry({ level, before, after }: EntryProperties) {
  const words = laterText.breaks.change;
  const bits = (value: number): ReactNode => {
    const set = letters(entryBits(value, level), level);
    if (set.length === 0) return <em className={styles.absent}>{words.absent}</em>;
    return set.map(letter => (
      <abbr key={letter} className={styles.letter} title={`${letter}: ${laterText.walk.bits[letter]}`}>
        {letter}
      </abbr>
    ));
  };
  return (
    <>
      <div>
        <dt>{words.bits}</dt>
        <dd>
          {bits(before)} → {bits(after)}
        </dd>
      </div>
      {frameOf(before) !== frameOf(after) && (
        <div>
          <dt>{words.frame}</dt>
          <dd>
            <code>
              {hex(frameOf(before))} → {hex(frameOf(after))}
            </code>
          </dd>
        </div>
      )}
    </>
  );
}
