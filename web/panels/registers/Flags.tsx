import { memo } from 'react';
import { text } from '../../text.ts';
import { eflags, iopl, isSet } from './bits.ts';
import styles from './Registers.module.css';

/** EFLAGS as letters: those that are set are lit, in capitals, and bold. */
function FlagLetters({ value, before }: { readonly value: number; readonly before: number }) {
  return (
    <ul className={styles.flags} aria-label={text.registers.flags}>
      {eflags.map(({ name, bit, meaning }) => {
        const on = isSet(value, bit);
        return (
          <li
            key={name}
            data-on={on || undefined}
            data-changed={on !== isSet(before, bit) || undefined}
            title={`${name}: ${meaning}`}
          >
            {on ? name : name.toLowerCase()}
          </li>
        );
      })}
      <li data-on title="I/O privilege level" data-changed={iopl(value) !== iopl(before) || undefined}>
        IOPL {iopl(value)}
      </li>
    </ul>
  );
}

export const Flags = memo(FlagLetters);
