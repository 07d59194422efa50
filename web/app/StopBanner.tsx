import { OctagonX, RotateCcw } from 'lucide-react';
import { useStore } from 'zustand';
import { reset } from '../machine.ts';
import { machine } from '../stores/machine.ts';
import { text } from '../text.ts';
import styles from './Messages.module.css';

/** Stops that the reader did not ask for: what happened, the report, and the way on. */
export function StopBanner() {
  const stop = useStore(machine, state => (state.view === null || state.view.running ? null : state.view.stop));
  if (stop === null) return null;
  switch (stop.kind) {
    case 'start':
    case 'pause':
    case 'step':
    case 'breakpoint':
    case 'privileged':
      return null;
    case 'powerOff':
    case 'deadHalt':
      return <Banner sentence={text.banner[stop.kind]} report={null} calm={stop.kind === 'powerOff'} />;
    case 'tripleFault':
    case 'unimplemented':
      return <Banner sentence={text.banner[stop.kind]} report={stop.report} calm={false} />;
  }
}

interface BannerProperties {
  readonly sentence: string;
  readonly report: string | null;
  readonly calm: boolean;
}

function Banner({ sentence, report, calm }: BannerProperties) {
  return (
    <div className={styles.message} data-calm={calm || undefined} role="alert">
      <OctagonX size={17} className={styles.icon} aria-hidden="true" />
      <div className={styles.body}>
        <p>{sentence}</p>
        {report !== null && (
          <details className={styles.report}>
            <summary>{text.banner.report}</summary>
            <pre>{report}</pre>
          </details>
        )}
      </div>
      <button type="button" className={styles.button} onClick={reset}>
        <RotateCcw size={14} />
        {text.run.reset}
      </button>
    </div>
  );
}
