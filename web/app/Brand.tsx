import { text } from '../text.ts';
import styles from './Header.module.css';

/** The name of the page, with three rings. */
export function Brand() {
  return (
    <h1 className={styles.brand}>
      <svg width="22" height="22" viewBox="0 0 22 22" fill="none" strokeWidth="2" aria-hidden="true">
        <circle cx="11" cy="11" r="10" stroke="var(--user)" />
        <circle cx="11" cy="11" r="6.4" stroke="var(--depriv)" />
        <circle cx="11" cy="11" r="2.8" fill="var(--monitor)" />
      </svg>
      <span>{text.brand}</span>
    </h1>
  );
}
