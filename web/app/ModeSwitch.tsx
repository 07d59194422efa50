import { ChevronDown } from 'lucide-react';
import { useStore } from 'zustand';
import { asking, chooseMode, obstacle } from '../mode-choice.ts';
import { FAMILIES, type Family, type ModeName } from '../modes.ts';
import { machine, presentMode } from '../stores/machine.ts';
import { text } from '../text.ts';
import { Menu } from '../widgets/Menu.tsx';
import { ModeDialog } from './later.ts';
import styles from './ModeSwitch.module.css';

/** Bare · Full · Para · Hardware: one of them is lit. The guest goes on in another; only to and from para it starts again. */
export function ModeSwitch() {
  const now = useStore(machine, presentMode);
  const guest = useStore(machine, state => state.guest);
  const asked = useStore(asking, state => state.mode);
  const words = text.modes;
  const source = guest?.source ?? null;
  const why = (mode: ModeName) => obstacle(machine.getState(), mode);

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
          onClick={() => chooseMode(mode)}
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
              choose: () => chooseMode(mode),
            })),
          },
        ]}
      />
    );
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: a toolbar is what these are.
    <div className={styles.switch} data-tour="mode" role="group" aria-label={words.label}>
      {FAMILIES.map(({ name, modes }) => segment(name, modes))}
      {asked !== null && source !== null && (
        <ModeDialog mode={asked} guest={source} onClose={() => asking.setState({ mode: null })} />
      )}
    </div>
  );
}
