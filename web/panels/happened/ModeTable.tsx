import { useState } from 'react';
import { useStore } from 'zustand';
import { chooseMode, obstacle } from '../../mode-choice.ts';
import { FAMILIES, type ModeName } from '../../modes.ts';
import { machine } from '../../stores/machine.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { inMode, isSameEverywhere } from './in-mode.ts';
import type { Kind } from './instruction-kind.ts';
import styles from './ModeTable.module.css';
import { SameStep } from './SameStep.tsx';

interface Properties {
  readonly kind: Kind;
  /** The mode that it happened in. */
  readonly mode: ModeName;
  /** It is the last that left for the monitor: that can be done again in another mode. */
  readonly isLast: boolean;
}

/** What the same instruction does in each mode. A mode's name goes on in it. */
export function ModeTable({ kind, mode, isLast }: Properties) {
  const [open, setOpen] = useState(true);
  // A mode can be chosen as long as there is a guest; which ones, depends on it.
  const guest = useStore(machine, state => state.guest);
  const words = laterText.inMode;
  if (isSameEverywhere(kind) || guest === null) return null;
  return (
    <details className={styles.table} open={open} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>{words.title}</summary>
      <ul aria-label={words.caption}>
        {FAMILIES.flatMap(({ name: family, modes }) =>
          modes.map(other => {
            const { outcome, why } = inMode(kind, other);
            const reason = obstacle(machine.getState(), other);
            const isHere = other === mode;
            const name =
              modes.length === 1
                ? text.modes.family[family]
                : `${text.modes.family[family]} · ${text.modes.short[other]}`;
            return (
              <li key={other} data-here={isHere || undefined} aria-current={isHere || undefined}>
                <button
                  type="button"
                  className={styles.mode}
                  aria-disabled={reason !== null || isHere}
                  title={reason ?? text.modes.what[other]}
                  onClick={() => chooseMode(other)}
                >
                  {name}
                </button>
                {isLast && !isHere ? <SameStep mode={other} short /> : <span />}
                <span className={styles.outcome} data-outcome={outcome}>
                  {words.outcome[outcome]}
                </span>
                <span className={styles.why}>{why}</span>
              </li>
            );
          }),
        )}
      </ul>
    </details>
  );
}
