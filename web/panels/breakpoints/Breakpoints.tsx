import { Plus } from 'lucide-react';
import { useState } from 'react';
import { useStore } from 'zustand';
import { breakpoints } from '../../stores/breakpoints.ts';
import { text } from '../../text.ts';
import { later } from '../../widgets/later.tsx';
import { Section } from '../../widgets/Section.tsx';
import styles from './Breakpoints.module.css';

const BreakpointList = later(async () => (await import('./BreakpointList.tsx')).BreakpointList);
const BreakpointForm = later(async () => (await import('./BreakpointForm.tsx')).BreakpointForm);

/** What is being described in the form: a new one, or one that is set. */
type Edited = { readonly kind: 'none' } | { readonly kind: 'new' } | { readonly kind: 'old'; readonly id: number };

/** All that the machine is paused at, wherever it is. */
export function Breakpoints() {
  const list = useStore(breakpoints, state => state.list);
  const [edited, setEdited] = useState<Edited>({ kind: 'none' });
  const close = (): void => setEdited({ kind: 'none' });
  const old = edited.kind === 'old' ? (list.find(({ id }) => id === edited.id) ?? null) : null;
  const words = text.breakpoints;
  return (
    <Section
      title={words.label}
      aside={
        <span className={styles.aside}>
          {list.length > 0 && <span>{list.length}</span>}
          <button
            type="button"
            className={styles.add}
            title={text.stops.addHint}
            aria-expanded={edited.kind === 'new'}
            onClick={() => setEdited(edited.kind === 'new' ? { kind: 'none' } : { kind: 'new' })}
          >
            <Plus size={13} aria-hidden="true" />
            {text.stops.add}
          </button>
        </span>
      }
    >
      {edited.kind === 'new' && <BreakpointForm old={null} onClose={close} />}
      {list.length === 0 && edited.kind === 'none' && <p className={styles.empty}>{words.empty}</p>}
      {list.length > 0 && (
        <BreakpointList editing={old} onEdit={id => setEdited({ kind: 'old', id })} onClose={close} />
      )}
    </Section>
  );
}
