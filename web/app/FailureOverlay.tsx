import { useEffect, useId, useRef } from 'react';
import { restart } from '../machine.ts';
import type { Failure } from '../stores/machine.ts';
import { text } from '../text.ts';
import buttons from './Buttons.module.css';
import styles from './Dialog.module.css';

/** The worker failed or went silent: says so, and starts another. */
export function FailureOverlay({ failure }: { readonly failure: Failure }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const words = text.failure;
  useEffect(() => {
    dialog.current?.showModal();
    button.current?.focus();
  }, []);
  return (
    <dialog
      className={styles.dialog}
      ref={dialog}
      role="alertdialog"
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-body`}
      // Nothing works without a machine, so Escape does not close this.
      onCancel={event => event.preventDefault()}
    >
      <h2 id={`${id}-title`}>{words.title}</h2>
      <p className={styles.intro} id={`${id}-body`}>
        {words[failure.kind]}
      </p>
      <p>{words.keeps}</p>
      {failure.kind === 'crashed' && failure.message !== '' && (
        <details className={styles.report}>
          <summary>{words.report}</summary>
          <pre>{failure.message}</pre>
        </details>
      )}
      <div className={styles.actions}>
        <button type="button" ref={button} className={`${buttons.button} ${buttons.primary}`} onClick={restart}>
          {words.restart}
        </button>
      </div>
    </dialog>
  );
}
