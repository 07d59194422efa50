import { useStore } from 'zustand';
import type { RegionView } from '../../../core/protocol/questions.ts';
import type { AnswerTo } from '../../asking.ts';
import { count, hex, size } from '../../format.ts';
import { isNarrow } from '../../narrow.ts';
import { machine } from '../../stores/machine.ts';
import { goToCode, showWasm, windows } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { useAsked } from '../asked.ts';
import panel from '../Panel.module.css';
import styles from './Engine.module.css';
import { InView, useInView } from './InView.tsx';
import { useKept } from './kept.ts';

/** Regions in the list. */
const MOST = 24;

type EngineAnswer = Extract<AnswerTo<{ readonly kind: 'engine'; readonly count: number }>, { kind: 'engine' }>;

/** Which engine runs the code in view, what became of it, and which regions are the hottest. */
export function EnginePanel() {
  const isOpen = useStore(machine, state => state.view !== null);
  const words = laterText.engine;
  const { now } = useAsked(isOpen ? ({ kind: 'engine', count: MOST } as const) : null);
  const inView = useInView();
  const isShown = useStore(windows, ({ wasm, tab }) => wasm && (tab === 'code' || !isNarrow()));
  const overview = useKept(now?.kind === 'engine' ? now : null);
  return (
    <section className={`${panel.panel} ${styles.whole}`} aria-label={words.label}>
      <header className={panel.header}>
        <h2 className="hidden-text">{words.label}</h2>
        {overview !== null && <span>{words.engines[overview.engine]}</span>}
        {overview !== null && overview.made > 0 && <span className={styles.sums}>{sums(overview)}</span>}
      </header>
      {overview === null ? (
        <p className={styles.empty}>{words.empty}</p>
      ) : (
        <div className={styles.body}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard. */}
          <section className={panel.scroll} tabIndex={0} aria-label={words.view}>
            {inView !== null && <InView {...inView} />}
            {inView?.answer.run.by === 'region' && !isShown && (
              <button type="button" className={panel.show} onClick={showWasm}>
                {words.show}
              </button>
            )}
          </section>
          <Hottest regions={overview.hottest} isTranslating={overview.engine !== 'execute'} />
        </div>
      )}
    </section>
  );
}

function sums({ alive, made, modules, bytes, instructions }: EngineAnswer): string {
  return laterText.engine.sums(count(alive), count(made), count(modules), size(bytes), count(instructions));
}

interface HottestProperties {
  readonly regions: readonly RegionView[];
  readonly isTranslating: boolean;
}

function Hottest({ regions, isTranslating }: HottestProperties) {
  const words = laterText.engine;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard.
    <section className={`${panel.scroll} ${styles.hottest}`} tabIndex={0} aria-label={words.hottest}>
      {regions.length === 0 ? (
        <p className={styles.empty}>{isTranslating ? words.cool : words.engines.execute}</p>
      ) : (
        <table className={`${panel.figures} ${panel.lines}`}>
          <caption className="hidden-text">{words.hottest}</caption>
          <thead>
            <tr>
              <th scope="col">{words.hottest}</th>
              <th scope="col" title={words.enteredHint}>
                {words.columns.entered}
              </th>
              <th scope="col">{words.columns.instructions}</th>
            </tr>
          </thead>
          <tbody>
            {regions.map(region => (
              <tr key={`${region.address} ${region.extent} ${region.start} ${region.bytes} ${region.entrances}`}>
                <th scope="row">
                  <Name region={region} />
                </th>
                <td>{count(region.entered)}</td>
                <td>{count(region.instructions)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Name({ region: { address, symbol, guest } }: { readonly region: RegionView }) {
  const words = laterText.engine;
  const name = symbol ?? (guest === null ? words.monitor : null);
  const content = (
    <>
      <b>{name ?? hex(address)}</b>
      {name !== null && <span>{hex(address)}</span>}
    </>
  );
  // The code panel shows the guest's code, and not the monitor's.
  if (guest === null) return <span className={styles.name}>{content}</span>;
  return (
    <button
      type="button"
      className={styles.name}
      title={text.breakpoints.show(hex(guest))}
      onClick={() => goToCode(guest)}
    >
      {content}
    </button>
  );
}
