import { useEffect, useId, useRef } from 'react';
import type { PageGuest } from '../guests.ts';
import { type ModeName, settingOf } from '../modes.ts';
import { openGuest } from '../opening.ts';
import { text } from '../text.ts';
import buttons from './Buttons.module.css';
import styles from './Dialog.module.css';

export interface Properties {
  readonly mode: ModeName;
  readonly guest: PageGuest;
  readonly onClose: () => void;
}

/** A mode that needs another kernel: the guest starts again, which is said before. */
export function ModeDialog({ mode, guest, onClose }: Properties) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const words = text.modes.confirm;
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      className={styles.dialog}
      ref={dialog}
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-body`}
      onClose={onClose}
    >
      <h2 id={`${id}-title`}>{words.title(text.modes.name[mode])}</h2>
      <p className={styles.intro}>{text.modes.what[mode]}</p>
      <p id={`${id}-body`}>{mode === 'para' ? words.toPara(guest.name) : words.fromPara(guest.name)}</p>
      <p>{words.lost}</p>
      <div className={styles.actions}>
        <button type="button" className={buttons.button} onClick={() => dialog.current?.close()}>
          {words.cancel}
        </button>
        <button
          type="button"
          className={`${buttons.button} ${buttons.primary}`}
          onClick={() => {
            dialog.current?.close();
            void openGuest(guest, settingOf(mode));
          }}
        >
          {words.start}
        </button>
      </div>
    </dialog>
  );
}
