import { ShieldCheck } from 'lucide-react';
import { forgetSettings } from '../stores/settings.ts';
import { text } from '../text.ts';
import styles from './Messages.module.css';

/** The address of the page as it opens ordinarily. */
function ordinary(): string {
  const address = new URL(location.href);
  address.searchParams.delete('safe');
  return address.href;
}

/** Says that nothing that was remembered is in use, and how to leave that. */
export function SafeBanner() {
  const words = text.safe;
  return (
    <div className={styles.message} data-calm role="status">
      <ShieldCheck size={17} className={styles.icon} aria-hidden="true" />
      <p className={styles.body}>{words.body}</p>
      <button
        type="button"
        className={styles.button}
        onClick={() => {
          forgetSettings();
          location.assign(ordinary());
        }}
      >
        {words.forget}
      </button>
      <a className={styles.button} href={ordinary()}>
        {words.leave}
      </a>
    </div>
  );
}
