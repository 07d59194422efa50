import { type KeyboardEvent, memo, useId, useRef, useState } from 'react';
import type { EditableRegister } from '../../../core/protocol/messages.ts';
import { hex } from '../../format.ts';
import { writeRegister } from '../../machine.ts';
import { machine } from '../../stores/machine.ts';
import { parseHex32 } from '../../symbols.ts';
import { text } from '../../text.ts';
import { Prose } from '../../widgets/Prose.tsx';
import styles from './Registers.module.css';

interface Properties {
  readonly register: EditableRegister;
  readonly name: string;
  readonly value: number;
  readonly changed: boolean;
}

/** A register that can be edited: double click, or Enter on its value. */
function Cell({ register, name, value, changed }: Properties) {
  const [typed, setTyped] = useState<string | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  const begin = (): void => {
    if (machine.getState().view?.running) setWrong(text.registers.running);
    else {
      setWrong(null);
      setTyped(hex(value));
    }
  };
  const end = (): void => {
    setTyped(null);
    setWrong(null);
    // The button is back after this render.
    requestAnimationFrame(() => button.current?.focus());
  };
  const commit = (): void => {
    const next = parseHex32(typed ?? '');
    if (next === null) {
      setWrong(text.registers.bad);
      return;
    }
    if (next !== value) writeRegister(register, next);
    end();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') commit();
    else if (event.key === 'Escape') end();
    else return;
    event.preventDefault();
  };

  return (
    <div className={styles.cell} data-changed={changed || undefined}>
      <span className={styles.name} id={`${id}-name`}>
        {name}
      </span>
      {typed === null ? (
        <button
          ref={button}
          type="button"
          className={styles.value}
          title={changed ? text.registers.changed : text.registers.editHint}
          aria-labelledby={`${id}-name ${id}-value`}
          data-register={register}
          id={`${id}-value`}
          onDoubleClick={begin}
          onBlur={() => setWrong(null)}
          onKeyDown={event => {
            if (event.key !== 'Enter') return;
            event.preventDefault();
            begin();
          }}
        >
          {hex(value)}
        </button>
      ) : (
        <input
          className={styles.input}
          aria-label={text.registers.edit(name)}
          aria-invalid={wrong !== null}
          aria-describedby={wrong === null ? undefined : id}
          value={typed}
          maxLength={10}
          spellCheck={false}
          autoComplete="off"
          // biome-ignore lint/a11y/noAutofocus: the reader has just asked to type here.
          autoFocus
          onFocus={event => event.target.select()}
          onChange={event => {
            setTyped(event.target.value);
            setWrong(null);
          }}
          onKeyDown={onKeyDown}
          onBlur={() => {
            setTyped(null);
            setWrong(null);
          }}
        />
      )}
      {wrong !== null && (
        <div className={styles.wrong} id={id} role="alert">
          <Prose>{wrong}</Prose>
        </div>
      )}
    </div>
  );
}

export const RegisterCell = memo(Cell);
