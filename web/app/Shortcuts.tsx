import { X } from 'lucide-react';
import { useEffect, useId, useRef } from 'react';
import { KEYS } from '../keys.ts';
import { PANEL_KEYS } from '../panel-keys.ts';
import { sheet } from '../stores/sheet.ts';
import { laterText } from '../text/later.ts';
import buttons from './Buttons.module.css';
import dialogs from './Dialog.module.css';
import styles from './Shortcuts.module.css';

/** All keys, on one sheet. */
export function Shortcuts() {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const words = laterText.keys;
  useEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close();
  return (
    <dialog
      className={`${dialogs.dialog} ${styles.sheet}`}
      ref={dialog}
      aria-labelledby={id}
      onClose={() => sheet.setState({ open: false })}
      // A click beside the sheet.
      onPointerDown={event => {
        if (event.target === event.currentTarget) close();
      }}
    >
      <div className={styles.body}>
        <header className={styles.header}>
          <h2 id={id}>{words.title}</h2>
          <button type="button" className={buttons.close} aria-label={words.close} title={words.close} onClick={close}>
            <X size={16} />
          </button>
        </header>
        <div className={styles.columns}>
          {(['machine', 'page'] as const).map(group => (
            <Group
              key={group}
              title={words[group]}
              rows={KEYS.flatMap(key =>
                key.group === group && key.name !== null ? [{ chords: [key.chord], what: words.what[key.name] }] : [],
              )}
            />
          ))}
          {(Object.keys(PANEL_KEYS) as (keyof typeof PANEL_KEYS)[]).map(panel => (
            <Group
              key={panel}
              title={words.panels[panel]}
              rows={PANEL_KEYS[panel].map(({ chords, name }) => ({ chords, what: words.inPanel[name] }))}
            />
          ))}
        </div>
      </div>
    </dialog>
  );
}

interface GroupProperties {
  readonly title: string;
  readonly rows: readonly { readonly chords: readonly string[]; readonly what: string }[];
}

function Group({ title, rows }: GroupProperties) {
  return (
    <section className={styles.group}>
      <h3>{title}</h3>
      <dl>
        {rows.map(({ chords, what }) => (
          <div key={what}>
            <dt>
              {chords.map(chord => (
                <kbd key={chord}>{chord}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
