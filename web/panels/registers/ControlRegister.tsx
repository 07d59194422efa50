import { ChevronRight } from 'lucide-react';
import { memo } from 'react';
import { hex } from '../../format.ts';
import { text } from '../../text.ts';
import { type Bit, setBits } from './bits.ts';
import styles from './Registers.module.css';

interface Properties {
  readonly name: string;
  readonly value: number;
  readonly bits: readonly Bit[];
  readonly note?: string;
  readonly changed: boolean;
}

const chevron = <ChevronRight size={12} className={styles.chevron} aria-hidden="true" />;

/** A control register with the names of its bits; opens to say what they mean. */
function Control({ name, value, bits, note, changed }: Properties) {
  const on = setBits(value, bits);
  const short = note === undefined ? on.map(bit => bit.name).join(' ') : '';
  return (
    <details className={styles.control} data-changed={changed || undefined}>
      <summary title={[note, ...on.map(bit => `${bit.name}: ${bit.meaning}`)].filter(Boolean).join('\n')}>
        {chevron}
        <span className={styles.name}>{name}</span>
        <span className={styles.short}>{short}</span>
        <span>{hex(value)}</span>
      </summary>
      <ul>
        {note !== undefined && <li>{note}</li>}
        {on.map(bit => (
          <li key={bit.name}>
            <b>{bit.name}</b> {bit.meaning}
          </li>
        ))}
        {note === undefined && on.length === 0 && <li>{text.registers.none}</li>}
      </ul>
    </details>
  );
}

export const ControlRegister = memo(Control);
