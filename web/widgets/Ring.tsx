import { text } from '../text.ts';
import styles from './Ring.module.css';

/** A privilege level: its number, its word and its colour. */
export function Ring({ cpl }: { readonly cpl: 0 | 1 | 2 | 3 }) {
  return (
    <span className={styles.pill} data-ring={cpl}>
      {text.registers.ring(cpl)} · {text.registers.ringName[cpl]}
    </span>
  );
}
