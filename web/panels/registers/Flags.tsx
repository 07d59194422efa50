import { memo } from 'react';
import { text } from '../../text.ts';
import { bitsOf, iopl, isSet } from './bits.ts';
import styles from './Registers.module.css';

interface FlagProperties {
  readonly name: string;
  readonly meaning: string;
  readonly on: boolean;
  readonly changed: boolean;
}

const Flag = memo(function Flag({ name, meaning, on, changed }: FlagProperties) {
  return (
    <li data-on={on || undefined} data-changed={changed || undefined} title={`${name}: ${meaning}`}>
      {on ? name : name.toLowerCase()}
    </li>
  );
});

/** EFLAGS as letters: those that are set are lit, in capitals, and bold. */
function FlagLetters({ value, before }: { readonly value: number; readonly before: number }) {
  return (
    <ul className={styles.flags} aria-label={text.registers.flags}>
      {bitsOf('eflags').map(({ name, bit, meaning }) => {
        const on = isSet(value, bit);
        return <Flag key={name} name={name} meaning={meaning} on={on} changed={on !== isSet(before, bit)} />;
      })}
      <li data-on title={text.registers.iopl} data-changed={iopl(value) !== iopl(before) || undefined}>
        IOPL {iopl(value)}
      </li>
    </ul>
  );
}

export const Flags = memo(FlagLetters);
