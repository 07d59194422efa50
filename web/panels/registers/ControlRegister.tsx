import { ChevronRight } from 'lucide-react';
import { memo, useState } from 'react';
import { hex } from '../../format.ts';
import { isAddress, walkTo } from '../../stores/walk.ts';
import { text } from '../../text.ts';
import { later } from '../../widgets/later.tsx';
import { type BitRegister, setBits } from './bits.ts';
import { MachineValue } from './MachineValue.tsx';
import styles from './Registers.module.css';

const RegisterBits = later(async () => (await import('./RegisterBits.tsx')).RegisterBits);

interface Properties {
  readonly name: 'cr0' | 'cr2' | 'cr3' | 'cr4' | 'eflags';
  readonly value: number;
  /** At the stop before. */
  readonly before: number;
  /** CR4.PAE: decides how CR3 is read. */
  readonly isPae: boolean;
  /** What the machine holds, where that is something else, and why. */
  readonly machine: number | null;
  readonly why: string | null;
}

const chevron = <ChevronRight size={12} className={styles.chevron} aria-hidden="true" />;

/** A control register with the names of its bits; opens to show them bit by bit. CR2 has none: it is an address. */
function Control({ name, value, before, isPae, machine, why }: Properties) {
  const [open, setOpen] = useState(false);
  const bits: BitRegister | null = name === 'cr2' ? null : name;
  const on = bits === null ? [] : setBits(value, bits);
  const note = bits === null ? text.registers.faultAddress : null;
  // The flags stand above already, letter by letter.
  const short = name === 'eflags' ? '' : on.map(bit => bit.name).join(' ');
  return (
    <details
      className={styles.control}
      data-changed={value !== before || undefined}
      data-differs={machine !== null || undefined}
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary title={[note ?? '', ...on.map(bit => `${bit.name}: ${bit.meaning}`)].filter(Boolean).join('\n')}>
        {chevron}
        <span className={styles.name}>{name.toUpperCase()}</span>
        <span className={styles.short}>{short}</span>
        <span>{hex(value)}</span>
        {machine !== null && <MachineValue value={hex(machine)} why={why ?? ''} />}
      </summary>
      {open && bits !== null && (
        <RegisterBits register={bits} value={value} before={before} machine={machine} isPae={isPae} />
      )}
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
      </ul>
    </details>
  );
}

export const ControlRegister = memo(Control);
