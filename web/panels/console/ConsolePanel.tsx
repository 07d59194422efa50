import { useEffect, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { count } from '../../format.ts';
import { machine } from '../../stores/machine.ts';
import { text } from '../../text.ts';
import styles from './Console.module.css';

/** The guest's serial console. The terminal itself is a chunk of its own. */
export function ConsolePanel() {
  const host = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<'loading' | 'ready' | 'failed'>('loading');
  const silent = useStore(machine, s => s.guest !== null && !s.consoleUsed);
  const linux = useStore(machine, s => s.guest?.kind === 'linux');
  const dropped = useStore(machine, s => s.consoleDropped);

  useEffect(() => {
    let unmount: (() => void) | null = null;
    let gone = false;
    import('./terminal.ts').then(
      terminal => {
        if (gone || host.current === null) return;
        unmount = terminal.mountTerminal(host.current);
        setState('ready');
      },
      () => setState('failed'),
    );
    return () => {
      gone = true;
      unmount?.();
    };
  }, []);

  return (
    <section className={styles.console} aria-label={text.console.label}>
      <header className={styles.header}>
        <h2>{text.console.label}</h2>
        <span className={styles.hint}>{text.console.keys}</span>
        <span>{text.console.port}</span>
      </header>
      {dropped > 0 && (
        <p className={styles.dropped} role="status">
          {text.console.dropped(count(dropped))}
        </p>
      )}
      {state === 'ready' && silent && (
        <p className={styles.silent}>{linux ? text.console.silentLinux : text.console.silent}</p>
      )}
      <div className={styles.host} ref={host}>
        {state !== 'ready' && (
          <p className={styles.note}>{state === 'loading' ? text.console.loading : text.console.failed}</p>
        )}
      </div>
    </section>
  );
}
