import { useStore } from 'zustand';
import { machine } from '../../stores/machine.ts';
import { laterText } from '../../text/later.ts';
import panel from '../Panel.module.css';
import styles from './Engine.module.css';
import { InView, useInView } from './InView.tsx';
import { RegionText } from './RegionText.tsx';

/** In the place of the code: the region of the instruction in view, beside its WebAssembly; or why there is none. */
export function WasmPanel() {
  const inView = useInView();
  const eip = useStore(machine, state => state.codeEip);
  const words = laterText.engine;
  if (inView === null) return <p className={styles.nothing}>{words.empty}</p>;
  const { address, answer, isSteady } = inView;
  const { run, place } = answer;
  // An address that stands for another one is the machine's: there is no other to be compared with.
  const isGuests = place === null;
  return (
    <section className={`${panel.panel} ${styles.whole}`} aria-label={words.list}>
      <InView {...inView} />
      {run.by === 'region' &&
        (isSteady ? (
          <RegionText
            address={address}
            region={run.region}
            isGuests={isGuests}
            here={isGuests ? eip : null}
            shown={place ?? address}
          />
        ) : (
          <p className={styles.empty}>{words.later}</p>
        ))}
    </section>
  );
}
