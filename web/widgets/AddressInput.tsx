import { useId } from 'react';
import { machine, symbolsOf } from '../stores/machine.ts';
import { parseAddress } from '../symbols.ts';
import { text } from '../text.ts';
import styles from './AddressBox.module.css';

const SUGGESTIONS = 20;

/** The linear address that was typed: a number, a symbol or a register; null when it is none of these. */
export function addressOf(typed: string): number | null {
  const state = machine.getState();
  return parseAddress(typed, symbolsOf(state), state.view?.registers ?? null);
}

interface Properties {
  readonly label: string;
  readonly typed: string;
  /** What is wrong with it. */
  readonly wrong: string | null;
  readonly onType: (typed: string) => void;
}

/** Takes an address, a symbol or a register, and offers the symbols that begin like it. */
export function AddressInput({ label, typed, wrong, onType }: Properties) {
  const id = useId();
  const suggestions = typed.length < 2 ? [] : symbolsOf(machine.getState()).suggest(typed, SUGGESTIONS);
  return (
    <>
      <input
        className={styles.input}
        aria-label={label}
        placeholder={text.code.goToHint}
        title={text.code.goToHint}
        value={typed}
        list={`${id}-names`}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        aria-invalid={wrong !== null}
        aria-describedby={wrong === null ? undefined : `${id}-wrong`}
        onChange={event => onType(event.target.value)}
      />
      <datalist id={`${id}-names`}>
        {suggestions.map(name => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {wrong !== null && (
        <div className={styles.wrong} id={`${id}-wrong`} role="alert">
          {wrong}
        </div>
      )}
    </>
  );
}
