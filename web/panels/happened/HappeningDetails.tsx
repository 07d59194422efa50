import { Fragment, type ReactNode } from 'react';
import { useStore } from 'zustand';
import type { Happening } from '../../../core/protocol/monitor.ts';
import { count, hex } from '../../format.ts';
import { modeOf } from '../../modes.ts';
import { happenings } from '../../stores/happenings.ts';
import { machine, symbolsOf } from '../../stores/machine.ts';
import { laterText } from '../../text/later.ts';
import { Prose } from '../../widgets/Prose.tsx';
import styles from './Happened.module.css';
import { inMode, manualSection } from './in-mode.ts';
import type { Kind } from './instruction-kind.ts';
import { deedSentences, instructionOf, noteOf, savedPlace, savedValues } from './story.ts';

interface Properties {
  readonly happening: Happening;
  readonly kind: Kind | null;
}

/** Source, rule, what the processor saved, what the monitor did, what the guest sees, what it cost. */
export function HappeningDetails({ happening, kind }: Properties) {
  const line = useStore(machine, symbolsOf).lineAt(happening.address);
  const words = laterText.happening;
  // The machine may still stand in the monitor, on its way back.
  const isLast = useStore(happenings, state => state.list.at(-1)?.serial === happening.serial);
  const inMonitor = useStore(machine, state => state.view?.monitor.seat.inMonitor ?? false);
  const deeds = deedSentences(happening, !(isLast && inMonitor));
  const hasMonitor = happening.kind !== 'delivered';
  return (
    <dl className={styles.details}>
      {line !== null && (
        <Row name={words.rows.source}>
          <code className={styles.source}>{line.text.trim()}</code>
          <small>
            {line.file}:{line.line}
          </small>
        </Row>
      )}
      {kind !== null && <Rule happening={happening} kind={kind} />}
      <Row name={words.rows.saved}>
        <Saved happening={happening} />
        <small>{words.rows.savedHint[savedPlace(happening)]}</small>
      </Row>
      {deeds.length > 0 && (
        <Row name={words.rows.monitor}>
          <ol className={styles.deeds}>
            {deeds.map(deed => (
              <li key={deed}>
                <Prose>{deed}</Prose>
              </li>
            ))}
          </ol>
        </Row>
      )}
      {hasMonitor && (
        <>
          <Row name={words.rows.guest}>
            <Changed happening={happening} />
          </Row>
          <Row name={words.rows.cost}>{words.cost(count(happening.cost))}</Row>
        </>
      )}
    </dl>
  );
}

function Row({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Rule({ happening, kind }: { readonly happening: Happening; readonly kind: Kind }) {
  const mode = modeOf(happening.setting);
  const mnemonic = instructionOf(happening).split(' ', 1)[0].toUpperCase();
  const { outcome, why } = inMode(kind, mode);
  // Loads of selectors trap now and then where the instruction as such does not.
  const isLuck = happening.kind === 'protection' && outcome !== 'traps';
  const section = manualSection(kind, mode, mnemonic);
  return (
    <Row name={laterText.happening.rows.rule}>
      {isLuck ? laterText.inMode.why.trapsAnyway : why} {section !== null && <small>{section}</small>}
    </Row>
  );
}

function Saved({ happening }: { readonly happening: Happening }) {
  return (
    <span className={styles.values}>
      {savedValues(happening).map(saved => (
        <Fragment key={saved.name}>
          <span>{laterText.happening.savedNames[saved.name] ?? saved.name}</span>
          <code>{hex(saved.value)}</code>
          <small>{noteOf(happening, saved)}</small>
        </Fragment>
      ))}
    </span>
  );
}

function Changed({ happening }: { readonly happening: Happening }) {
  if (happening.changed.length === 0) return laterText.happening.nothingChanged;
  return (
    <span className={styles.values}>
      {happening.changed.map(({ name, before, after }) => (
        <Fragment key={name}>
          <span>{name}</span>
          <code>
            {name === 'halted' ? laterText.happening.halted[after === 0 ? 0 : 1] : `${hex(before)} → ${hex(after)}`}
          </code>
          <span />
        </Fragment>
      ))}
    </span>
  );
}
