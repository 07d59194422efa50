import { type KeyboardEvent, memo, useId, useRef, useState } from 'react';
import type { EditableRegister } from '../../../core/protocol/messages.ts';
import { hex } from '../../format.ts';
import { writeRegister } from '../../machine.ts';
import { machine } from '../../stores/machine.ts';
import { walkTo } from '../../stores/walk.ts';
import { parseHex32 } from '../../symbols.ts';
import { text } from '../../text.ts';
import { Prose } from '../../widgets/Prose.tsx';
import { MachineValue } from './MachineValue.tsx';
import styles from './Registers.module.css';

interface Properties {
  readonly register: EditableRegister;
  readonly name: string;
  /** The name is only for those who hear it. */
  readonly quiet?: boolean;
  readonly value: number;
  readonly changed: boolean;
  /** What the machine holds, where that is something else, and why. */
  readonly machine: number | null;
  readonly why: string | null;
  /** Linear address that the value means, to be walked to; null if it looks like none. */
  readonly address: number | null;
}

/** A register that can be edited: double click, or Enter on its value. A click walks to the address in it. */
function Cell({ register, name, quiet = false, value, changed, machine: held, why, address }: Properties) {
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

  const hints = [
    ...(changed ? [text.registers.changed] : []),
    ...(address === null ? [] : [text.toWalk.clickHint]),
    text.registers.editHint,
  ];

  return (
    <div className={styles.cell} data-changed={changed || undefined} data-differs={held !== null || undefined}>
      <span className={quiet ? 'hidden-text' : styles.name} id={`${id}-name`}>
        {name}
      </span>
      {typed === null ? (
        <button
          ref={button}
          type="button"
          className={styles.value}
          title={hints.join('\n')}
          aria-labelledby={`${id}-name ${id}-value`}
          data-register={register}
          data-address={address !== null || undefined}
          id={`${id}-value`}
          onClick={address === null ? undefined : () => walkTo(address)}
          onDoubleClick={begin}
          onBlur={() => setWrong(null)}
          onKeyDown={event => {
            if (event.key === 'w' && address !== null && !event.ctrlKey && !event.metaKey) walkTo(address);
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
      {held !== null && <MachineValue value={hex(held)} why={why ?? ''} />}
      {wrong !== null && (
        <div className={styles.wrong} id={id} role="alert">
          <Prose>{wrong}</Prose>
        </div>
      )}
    </div>
  );
}

export const RegisterCell = memo(Cell);
