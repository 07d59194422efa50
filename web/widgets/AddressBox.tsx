import { type FormEvent, useState } from 'react';
import { text } from '../text.ts';
import styles from './AddressBox.module.css';
import { AddressInput, addressOf } from './AddressInput.tsx';

interface Properties {
  readonly label: string;
  readonly onGo: (address: number) => void;
}

/** A box that takes an address, a symbol or a register, and says so when it is none of these. */
export function AddressBox({ label, onGo }: Properties) {
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);

  const go = (event: FormEvent): void => {
    event.preventDefault();
    if (typed.trim() === '') return;
    const address = addressOf(typed);
    if (address === null) {
      setWrong(text.code.notFound(typed.trim()));
      return;
    }
    setWrong(null);
    onGo(address);
  };

  return (
    <form
      className={styles.form}
      onSubmit={go}
      onKeyDown={event => {
        if (event.key === 'Escape') setWrong(null);
      }}
    >
      <AddressInput
        label={label}
        typed={typed}
        wrong={wrong}
        onType={next => {
          setTyped(next);
          setWrong(null);
        }}
      />
    </form>
  );
}
