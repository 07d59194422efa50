import { X } from 'lucide-react';
import { useStore } from 'zustand';
import { hex } from '../../format.ts';
import { toggleBreakpoint } from '../../machine.ts';
import { machine, symbolsOf } from '../../stores/machine.ts';
import { goToCode } from '../../stores/windows.ts';
import { text } from '../../text.ts';
import { Section } from '../../widgets/Section.tsx';
import styles from './Breakpoints.module.css';

/** All breakpoints, wherever they are. */
export function Breakpoints() {
  const list = useStore(machine, state => state.breakpoints);
  const symbols = useStore(machine, symbolsOf);
  const words = text.breakpoints;
  return (
    <Section title={words.label} aside={list.length > 0 ? list.length : undefined}>
      {list.length === 0 && <p className={styles.empty}>{words.empty}</p>}
      <ul>
        {list.map(address => (
          <li key={address} className={styles.row}>
            <button
              type="button"
              className={styles.show}
              title={words.show(hex(address))}
              onClick={() => goToCode(address)}
            >
              <i className={styles.dot} aria-hidden="true" />
              <code>{hex(address)}</code>
              <span className={styles.name}>{symbols.nameAt(address)}</span>
            </button>
            <button
              type="button"
              className={styles.remove}
              aria-label={words.remove(hex(address))}
              title={words.remove(hex(address))}
              onClick={() => toggleBreakpoint(address)}
            >
              <X size={14} />
            </button>
          </li>
        ))}
      </ul>
    </Section>
  );
}
