import { ChevronDown } from 'lucide-react';
import { useState } from 'react';
import { useStore } from 'zustand';
import { changeMode } from '../machine.ts';
import { FAMILIES, type Family, isLive, type ModeName, modeOf, settingOf } from '../modes.ts';
import { machine } from '../stores/machine.ts';
import { text } from '../text.ts';
import { Menu } from '../widgets/Menu.tsx';
import { ModeDialog } from './ModeDialog.tsx';
import styles from './ModeSwitch.module.css';

/** Why the guest that is open cannot be run in a mode, or null. */
export function obstacle(to: ModeName, now: ModeName | null, hasSource: boolean, hasPara: boolean): string | null {
  if (now === null) return text.modes.noGuest;
  if (to === 'para') return hasPara || now === 'para' ? null : text.modes.noPara;
  return now === 'para' && !hasSource ? text.modes.noOrdinary : null;
}

/** Bare · Full · Para · Hardware: one of them is lit. The guest goes on in another; only to and from para it starts again. */
export function ModeSwitch() {
  const now = useStore(machine, state => (state.view === null ? null : modeOf(state.view.monitor.setting)));
  const source = useStore(machine, state => state.guest?.source ?? null);
  const [asking, setAsking] = useState<ModeName | null>(null);
  const words = text.modes;

  const why = (mode: ModeName) => obstacle(mode, now, source !== null, source !== null && source.para !== null);
  const choose = (mode: ModeName): void => {
    if (now === null || mode === now || why(mode) !== null) return;
    if (isLive(now, mode)) changeMode(settingOf(mode));
    else setAsking(mode);
  };

  const segment = (family: Family, modes: readonly ModeName[]) => {
    const chosen = now !== null && modes.includes(now) ? now : null;
    const label = chosen === null || modes.length === 1 ? '' : words.short[chosen];
    const className = chosen === null ? styles.segment : `${styles.segment} ${styles.chosen}`;
    if (modes.length === 1) {
      const [mode] = modes;
      const reason = why(mode);
      return (
        <button
          key={family}
          type="button"
          className={className}
          aria-pressed={chosen !== null}
          aria-disabled={reason !== null}
          aria-label={words.familyLabel[family]}
          title={reason ?? words.what[mode]}
          onClick={() => choose(mode)}
        >
          {words.family[family]}
        </button>
      );
    }
    return (
      <Menu
        key={family}
        label={
          chosen === null ? words.familyLabel[family] : words.chosen(words.familyLabel[family], words.name[chosen])
        }
        className={className}
        button={
          <>
            <span>{words.family[family]}</span>
            {label !== '' && <small>{label}</small>}
            <ChevronDown size={13} />
          </>
        }
        groups={[
          {
            title: words.familyLabel[family],
            items: modes.map(mode => ({
              label: words.name[mode],
              hint: why(mode) ?? words.what[mode],
              checked: mode === now,
              disabled: why(mode) !== null,
              choose: () => choose(mode),
            })),
          },
        ]}
      />
    );
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: a toolbar is what these are.
    <div className={styles.switch} role="group" aria-label={words.label}>
      {FAMILIES.map(({ name, modes }) => segment(name, modes))}
      {asking !== null && source !== null && (
        <ModeDialog mode={asking} guest={source} onClose={() => setAsking(null)} />
      )}
    </div>
  );
}
