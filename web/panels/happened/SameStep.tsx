import { RotateCcwSquare } from 'lucide-react';
import { useStore } from 'zustand';
import { sameStep, whyNotElsewhere } from '../../machine.ts';
import { isLive, type ModeName, settingOf } from '../../modes.ts';
import { machine, presentMode } from '../../stores/machine.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import styles from './SameStep.module.css';

interface Properties {
  readonly mode: ModeName;
  /** A picture only: it stands beside the mode's name. */
  readonly short?: boolean;
}

/** Does the last step that left for the monitor once more, in a mode. */
export function SameStep({ mode, short = false }: Properties) {
  const now = useStore(machine, presentMode);
  const noPast = useStore(machine, state => whyNotElsewhere(state.view));
  const words = laterText.breaks.sameStep;
  const isPara = now === null || !isLive(now, mode);
  const obstacle = isPara ? words.para : noPast === null ? null : text.back[noPast];
  return (
    <button
      type="button"
      className={short ? styles.short : styles.button}
      aria-label={short ? words.do(text.modes.name[mode]) : undefined}
      aria-disabled={obstacle !== null}
      title={obstacle ?? (short ? `${words.here}: ${words.hint}` : words.hint)}
      onClick={() => {
        if (obstacle === null) sameStep(settingOf(mode));
      }}
    >
      <RotateCcwSquare size={13} aria-hidden="true" />
      {!short && words.here}
    </button>
  );
}
