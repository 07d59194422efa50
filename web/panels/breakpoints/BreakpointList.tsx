import { Pencil, X } from 'lucide-react';
import { useStore } from 'zustand';
import type { Breakpoint } from '../../../core/protocol/breakpoints.ts';
import { count, hex } from '../../format.ts';
import { change } from '../../machine.ts';
import { breakpoints } from '../../stores/breakpoints.ts';
import { machine } from '../../stores/machine.ts';
import { goToCode, goToMemory, windows } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { BreakpointForm } from './BreakpointForm.tsx';
import styles from './Breakpoints.module.css';
import { addressIn, inWords } from './words.ts';

interface Properties {
  /** The one that the form is about. */
  readonly editing: Breakpoint | null;
  readonly onEdit: (id: number) => void;
  readonly onClose: () => void;
}

/** Breakpoints as they were set, with how often each was met. */
export function BreakpointList({ editing, onEdit, onClose }: Properties) {
  const list = useStore(breakpoints, state => state.list);
  const stop = useStore(machine, state => (state.view?.running === false ? state.view.stop : null));
  const hit = stop?.kind === 'breakpoint' ? (stop.hit?.id ?? null) : null;
  return (
    <ul className={styles.list}>
      {list.map(one =>
        editing?.id === one.id ? (
          <li key={one.id}>
            <BreakpointForm old={one} onClose={onClose} />
          </li>
        ) : (
          <Row key={one.id} one={one} isHit={one.id === hit} onEdit={onEdit} />
        ),
      )}
    </ul>
  );
}

/** Shows what a breakpoint is about: code, or memory. */
function show({ on }: Breakpoint): void {
  const address = addressIn(on);
  if (address === null) return;
  if (on.kind === 'execute') {
    goToCode(address);
    return;
  }
  windows.setState({ space: 'linear' });
  goToMemory(address);
}

interface RowProperties {
  readonly one: Breakpoint;
  /** The machine stands still because of it. */
  readonly isHit: boolean;
  readonly onEdit: (id: number) => void;
}

function Row({ one, isHit, onEdit }: RowProperties) {
  const hits = useStore(machine, state => state.view?.breakCounts?.find(({ id }) => id === one.id)?.hits ?? 0);
  const words = laterText.breaks;
  const { on, condition, ignore, enabled } = one;
  const address = addressIn(on);
  const what = inWords(on);
  const isWatch = on.kind === 'write' || on.kind === 'access';
  const details = [isWatch && words.bytes(on.length), ignore > 0 && words.pass(ignore)].filter(Boolean).join(' · ');
  const all = breakpoints.getState().list;
  return (
    <li className={styles.row} data-off={!enabled || undefined} data-hit={isHit || undefined}>
      <input
        type="checkbox"
        className={styles.box}
        checked={enabled}
        aria-label={words.enable(what)}
        onChange={event =>
          change(all.map(other => (other.id === one.id ? { ...one, enabled: event.target.checked } : other)))
        }
      />
      <span className={styles.what}>
        {address === null ? (
          <span>{what}</span>
        ) : (
          <button
            type="button"
            className={styles.show}
            title={on.kind === 'execute' ? text.breakpoints.show(hex(address)) : words.showMemory(hex(address))}
            onClick={() => show(one)}
          >
            {what}
          </button>
        )}
        {condition !== '' && (
          <span className={styles.condition}>
            {words.when} <code>{condition}</code>
          </span>
        )}
        {details !== '' && <span className={styles.detail}>{details}</span>}
        {isHit && <b className={styles.here}>{words.here}</b>}
      </span>
      {hits > 0 && (
        <span className={styles.hits} title={words.hitsHint(count(hits))}>
          {words.hits(count(hits))}
        </span>
      )}
      <button
        type="button"
        className={styles.tool}
        aria-label={words.edit(what)}
        title={words.edit(what)}
        onClick={() => onEdit(one.id)}
      >
        <Pencil size={13} />
      </button>
      <button
        type="button"
        className={styles.tool}
        aria-label={words.remove(what)}
        title={words.remove(what)}
        onClick={() => change(all.filter(({ id }) => id !== one.id))}
      >
        <X size={14} />
      </button>
    </li>
  );
}
