import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { openFiles } from '../opening.ts';
import { laterText } from '../text/later.ts';
import { Prose } from '../widgets/Prose.tsx';
import buttons from './Buttons.module.css';
import styles from './Dialog.module.css';

const LEAST_MIB = 4;
const MOST_MIB = 2048;

/** Asks for a kernel, perhaps its initial RAM disk, the command line and the memory. */
export function OpenDialog({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const kernel = useRef<HTMLInputElement>(null);
  const initrd = useRef<HTMLInputElement>(null);
  const [commandLine, setCommandLine] = useState('');
  const [memory, setMemory] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const id = useId();
  const words = laterText.openDialog;

  useEffect(() => dialog.current?.showModal(), []);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const first = kernel.current?.files?.[0];
    const second = initrd.current?.files?.[0];
    const mib = memory.trim() === '' ? null : Number(memory);
    if (first === undefined) {
      setWrong(words.noKernel);
      kernel.current?.focus();
      return;
    }
    if (mib !== null && !(Number.isInteger(mib) && mib >= LEAST_MIB && mib <= MOST_MIB)) {
      setWrong(words.badMemory);
      return;
    }
    const files = second === undefined ? [first] : [first, second];
    void openFiles(files, { commandLine: commandLine === '' ? null : commandLine, memoryMib: mib });
    dialog.current?.close();
  };

  return (
    <dialog className={styles.dialog} ref={dialog} aria-labelledby={`${id}-title`} onClose={onClose}>
      <form onSubmit={submit} noValidate>
        <h2 id={`${id}-title`}>{words.title}</h2>
        <p className={styles.intro}>{words.intro}</p>
        <label className={styles.field}>
          {words.kernel}
          <input ref={kernel} type="file" required onChange={() => setWrong(null)} />
        </label>
        <label className={styles.field}>
          {words.initrd}
          <input ref={initrd} type="file" />
        </label>
        <label className={styles.field}>
          {words.commandLine}
          <input
            className={styles.mono}
            value={commandLine}
            spellCheck={false}
            autoComplete="off"
            aria-describedby={`${id}-line`}
            onChange={event => setCommandLine(event.target.value)}
          />
        </label>
        <p className={styles.hint} id={`${id}-line`}>
          <Prose>{words.commandLineHint}</Prose>
        </p>
        <label className={styles.field}>
          {words.memory}
          <input
            className={styles.mono}
            value={memory}
            inputMode="numeric"
            autoComplete="off"
            aria-describedby={`${id}-memory`}
            onChange={event => {
              setMemory(event.target.value);
              setWrong(null);
            }}
          />
        </label>
        <p className={styles.hint} id={`${id}-memory`}>
          {words.memoryHint}
        </p>
        {wrong !== null && (
          <p className={styles.wrong} role="alert">
            {wrong}
          </p>
        )}
        <div className={styles.actions}>
          <button type="button" className={buttons.button} onClick={() => dialog.current?.close()}>
            {words.cancel}
          </button>
          <button type="submit" className={`${buttons.button} ${buttons.primary}`}>
            {words.open}
          </button>
        </div>
      </form>
    </dialog>
  );
}
