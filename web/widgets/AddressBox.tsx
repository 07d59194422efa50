import { type FormEvent, useId, useState } from 'react';
import { machine, symbolsOf } from '../stores/machine.ts';
import { parseAddress } from '../symbols.ts';
import { text } from '../text.ts';
import styles from './AddressBox.module.css';

const SUGGESTIONS = 20;

interface Properties {
  readonly label: string;
  readonly onGo: (address: number) => void;
}

/** A box that takes an address, a symbol or a register, and says so when it is none of these. */
export function AddressBox({ label, onGo }: Properties) {
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const id = useId();
  const suggestions = typed.length < 2 ? [] : symbolsOf(machine.getState()).suggest(typed, SUGGESTIONS);

  const go = (event: FormEvent): void => {
    event.preventDefault();
    if (typed.trim() === '') return;
    const state = machine.getState();
    const address = parseAddress(typed, symbolsOf(state), state.view?.registers ?? null);
    if (address === null) {
      setWrong(text.code.notFound(typed.trim()));
      return;
    }
    setWrong(null);
    onGo(address);
  };

  return (
    <form className={styles.form} onSubmit={go}>
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
        onChange={event => {
          setTyped(event.target.value);
          setWrong(null);
        }}
        onKeyDown={event => {
          if (event.key === 'Escape') setWrong(null);
        }}
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
    </form>
  );
}
