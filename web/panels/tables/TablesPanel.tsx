import { useStore } from 'zustand';
import { looks } from '../../stores/looks.ts';
import { machine } from '../../stores/machine.ts';
import { laterText } from '../../text/later.ts';
import { Section } from '../../widgets/Section.tsx';
import styles from './Tables.module.css';
import { TableTree } from './TableTree.tsx';
import { noteCounts, treeRows } from './tree.ts';

/** Page tables as trees; nothing is listed until the reader asks for it. */
export function TablesPanel() {
  const shown = useStore(looks, state => state.tables);
  const tables = useStore(machine, state => state.view?.monitor.tables ?? null);
  const isOpen = useStore(machine, state => state.view !== null);
  if (!isOpen) return null;
  return (
    <Section
      title={laterText.tables.label}
      aside={
        <button
          type="button"
          className={styles.show}
          aria-expanded={shown}
          onClick={() => looks.setState({ tables: !shown })}
        >
          {shown ? laterText.tables.hide : laterText.tables.show}
        </button>
      }
    >
      {shown && tables !== null && tables.length === 0 && <p className={styles.hint}>{laterText.tables.none}</p>}
      {shown && tables !== null && tables.length > 0 && (
        <>
          <TableTree tables={tables} />
          <Legend />
        </>
      )}
    </Section>
  );
}

/** What the differences between guest and shadow mean that are in sight. */
function Legend() {
  const tables = useStore(machine, state => state.view?.monitor.tables ?? null);
  const open = useStore(looks, state => state.open);
  const rows = treeRows(tables ?? [], open);
  const met = new Set([...noteCounts(rows, 'guest').keys(), ...noteCounts(rows, 'shadow').keys()]);
  if (met.size === 0) return null;
  return (
    <dl className={styles.legend}>
      {[...met].map(note => (
        <div key={note}>
          <dt>
            <span className={styles.badge} data-note={note}>
              {laterText.walk.noteNames[note]}
            </span>
          </dt>
          <dd>{laterText.walk.notes[note]}</dd>
        </div>
      ))}
    </dl>
  );
}
