import { useStore } from 'zustand';
import { machine } from '../../stores/machine.ts';
import { text } from '../../text.ts';
import { Prose } from '../../widgets/Prose.tsx';
import { Ring } from '../../widgets/Ring.tsx';
import { Section } from '../../widgets/Section.tsx';
import styles from './Happened.module.css';
import { account } from './sentence.ts';

/** The state of the machine in a few plain sentences. */
export function Happened({ compact = false }: { readonly compact?: boolean }) {
  const view = useStore(machine, state => state.view);
  const guest = useStore(machine, state => state.guest);
  const before = useStore(machine, state => state.before);
  const executed = useStore(machine, state => state.executed);
  const idle = useStore(machine, state => state.idle);
  const row = useStore(machine, state => state.code.find(line => line.address === state.codeEip) ?? null);

  const words = view === null || guest === null ? null : account({ view, row, before, executed, idle });
  const waiting = guest === null ? text.happened.empty : text.happened.starting;
  const body = (
    <div className={styles.card} data-ring={view?.registers.cpl ?? 0} data-compact={compact || undefined}>
      {words !== null && view !== null && (
        <p className={styles.place}>
          {words.instruction !== null && <code>{words.instruction}</code>}
          <span className={styles.rings}>
            {words.rings !== null && (
              <>
                <Ring cpl={words.rings[0]} />
                <span>→</span>
              </>
            )}
            <Ring cpl={view.registers.cpl} />
          </span>
        </p>
      )}
      {/* Said aloud when the machine stops; while it runs the sentence does not change. */}
      <p role="status">
        <Prose>{words === null ? waiting : words.state}</Prose>
      </p>
      {words !== null && words.next !== null && (
        <p className={styles.next}>
          <Prose>{words.next}</Prose>
        </p>
      )}
    </div>
  );
  return compact ? body : <Section title={text.happened.label}>{body}</Section>;
}
