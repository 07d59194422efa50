import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { size } from '../format.ts';
import { cancelOpening } from '../opening.ts';
import { opening } from '../stores/opening.ts';
import { text } from '../text.ts';
import styles from './Messages.module.css';

/** What is done sooner than this needs no bar. */
const PATIENCE_MS = 300;

/** How far a guest on its way has come. */
export function OpeningBar() {
  const now = useStore(opening, state => state.now);
  const active = now !== null;
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!active) return;
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => {
      clearTimeout(timer);
      setLate(false);
    };
  }, [active]);

  if (now === null || !late) return null;
  const known = now.stage === 'reading' && now.total !== null;
  const words = text.opening;
  return (
    <div className={styles.opening}>
      <span className={styles.name}>{words[now.stage](now.name)}</span>
      <progress
        aria-label={words[now.stage](now.name)}
        max={known ? (now.total ?? undefined) : undefined}
        value={known ? Math.min(now.loaded, now.total ?? 0) : undefined}
      />
      {now.stage === 'reading' && (
        <>
          <span className={styles.amount}>
            {size(now.loaded)}
            {now.total !== null && ` / ${size(now.total)}`}
          </span>
          <button type="button" className={styles.button} onClick={cancelOpening}>
            {words.cancel}
          </button>
        </>
      )}
    </div>
  );
}
