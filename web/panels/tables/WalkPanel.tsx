import { Ellipsis, X } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useStore } from 'zustand';
import type { AddressView, WalkView } from '../../../core/protocol/monitor.ts';
import { hex } from '../../format.ts';
import { looks } from '../../stores/looks.ts';
import { machine } from '../../stores/machine.ts';
import { closeWalk, walkTarget, walkTo } from '../../stores/walk.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { AddressBox } from '../../widgets/AddressBox.tsx';
import { Prose } from '../../widgets/Prose.tsx';
import { Section } from '../../widgets/Section.tsx';
import { AddressMenu } from '../changes/AddressMenu.tsx';
import { BitStrip } from './BitStrip.tsx';
import styles from './Tables.module.css';
import { WalkSteps } from './WalkSteps.tsx';
import { mapText, memoryReferences, tlbText } from './walk.ts';

/** How the processor finds a linear address, step by step: by the guest's tables, and by what the machine really walks. */
export function WalkPanel() {
  const address = useStore(looks, state => state.address);
  const answer = useStore(machine, state => state.view?.monitor.address ?? null);
  const isPara = useStore(machine, state => state.view?.monitor.setting.mode === 'para');
  const serial = useStore(walkTarget, state => state.serial);
  const root = useRef<HTMLDivElement>(null);
  // The answer to an older question is not shown under the new address.
  const view = answer !== null && answer.linear === address ? answer : null;
  const isThere = view !== null;

  useEffect(() => {
    if (isThere && serial > 0) root.current?.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  }, [serial, isThere]);

  return (
    <div ref={root} data-testid="walk">
      <Section
        title={laterText.walk.label}
        aside={
          address === null ? undefined : (
            <span className={styles.aside}>
              {laterText.walk.aside(hex(address), text.registers.ring(view?.user === false ? 0 : 3))}
              <AddressMenu
                space="linear"
                address={address}
                without="walk"
                align="end"
                className={styles.more}
                button={<Ellipsis size={14} />}
              />
              <button type="button" aria-label={laterText.walk.clear} title={laterText.walk.clear} onClick={closeWalk}>
                <X size={13} />
              </button>
            </span>
          )
        }
      >
        <AddressBox label={laterText.walk.goTo} onGo={walkTo} />
        {address === null ? (
          <p className={styles.hint}>
            <Prose>{laterText.walk.empty}</Prose>
          </p>
        ) : view === null ? (
          <p className={styles.hint}>{laterText.walk.waiting}</p>
        ) : (
          <Walks view={view} isPara={isPara} />
        )}
      </Section>
    </div>
  );
}

function Walks({ view, isPara }: { readonly view: AddressView; readonly isPara: boolean }) {
  const map = mapText(view, isPara);
  const first = view.walks[0];
  const [last] = view.walks.slice(-1);
  return (
    <div className={styles.walks}>
      {!view.paged && (
        <p className={styles.hint}>{last === undefined ? laterText.walk.unpaged : laterText.walk.unpagedGuest}</p>
      )}
      {view.walks.map(walk => (
        <article
          key={walk.tables}
          className={styles.walk}
          data-tables={walk.tables}
          aria-label={laterText.walk.kinds[walk.tables]}
        >
          <header>
            <h3>{laterText.walk.kinds[walk.tables]}</h3>
            <span>
              {laterText.walk.who[walk.tables]} · {laterText.walk.references(memoryReferences(walk))}
            </span>
          </header>
          {hasOwnStrip(walk, first) && <BitStrip linear={view.linear} pae={walk.pae} pageSize={walk.pageSize} />}
          <WalkSteps walk={walk} isPara={isPara} />
          {walk.tables === 'guest' && map !== null && (
            <p className={styles.map}>
              <Prose>{map}</Prose>
            </p>
          )}
        </article>
      ))}
      {isPara && (
        <p className={styles.map}>
          {map !== null && <Prose>{map}</Prose>} {laterText.walk.para}
        </p>
      )}
      {view.note !== null && (
        <p className={styles.note} data-note={view.note}>
          <b>{laterText.walk.noteNames[view.note]}</b> {laterText.walk.notes[view.note]}
        </p>
      )}
      <p className={styles.tlb}>
        <b>{laterText.walk.tlb.label}</b> <Prose>{tlbText(view)}</Prose>
      </p>
    </div>
  );
}

/** The strip is drawn once where both walks cut the address alike. */
function hasOwnStrip(walk: WalkView, first: WalkView): boolean {
  if (walk.references.length === 0 || (walk.tables === 'nested' && walk !== first)) return false;
  return walk === first || walk.pae !== first.pae || walk.pageSize !== first.pageSize;
}
