import { ChevronRight } from 'lucide-react';
import { memo } from 'react';
import { hex } from '../../format.ts';
import { isAddress, walkTo } from '../../stores/walk.ts';
import { text } from '../../text.ts';
import { type BitRegister, setBits } from './bits.ts';
import { MachineValue } from './MachineValue.tsx';
import styles from './Registers.module.css';

interface Properties {
  readonly name: 'cr0' | 'cr2' | 'cr3' | 'cr4';
  readonly value: number;
  readonly changed: boolean;
  /** What the machine holds, where that is something else, and why. */
  readonly machine: number | null;
  readonly why: string | null;
}

const chevron = <ChevronRight size={12} className={styles.chevron} aria-hidden="true" />;

/** A control register with the names of its bits; opens to say what they mean. CR2 has none: it is an address. */
function Control({ name, value, changed, machine, why }: Properties) {
  const bits: BitRegister | null = name === 'cr2' ? null : name;
  const on = bits === null ? [] : setBits(value, bits);
  const note = bits === null ? text.registers.faultAddress : null;
  const short = on.map(bit => bit.name).join(' ');
  return (
    <details
      className={styles.control}
      data-changed={changed || undefined}
      data-differs={machine !== null || undefined}
    >
      <summary title={[note ?? '', ...on.map(bit => `${bit.name}: ${bit.meaning}`)].filter(Boolean).join('\n')}>
        {chevron}
        <span className={styles.name}>{name.toUpperCase()}</span>
        <span className={styles.short}>{short}</span>
        <span>{hex(value)}</span>
        {machine !== null && <MachineValue value={hex(machine)} why={why ?? ''} />}
      </summary>
      <ul>
        {why !== null && <li className={styles.why}>{why}</li>}
        {name === 'cr2' && isAddress(value) && (
          <li>
            <button type="button" className={styles.link} onClick={() => walkTo(value)}>
              {text.toWalk.show(hex(value))}
            </button>
          </li>
        )}
        {note !== null && <li>{note}</li>}
        {on.map(bit => (
          <li key={bit.name}>
            <b>{bit.name}</b> {bit.meaning}
          </li>
        ))}
        {note === null && on.length === 0 && <li>{text.registers.none}</li>}
      </ul>
    </details>
  );
}

export const ControlRegister = memo(Control);
