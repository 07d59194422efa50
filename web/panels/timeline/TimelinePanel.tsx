import { Download, List, Maximize2, ScanLine, ZoomIn, ZoomOut } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { seconds } from '../../format.ts';
import { saveTrace } from '../../machine.ts';
import { modeOf } from '../../modes.ts';
import { looks } from '../../stores/looks.ts';
import { machine } from '../../stores/machine.ts';
import { type Stretch, timeline } from '../../stores/timeline.ts';
import { laterText } from '../../text/later.ts';
import { described } from './describe.ts';
import { LOOKS, lanesOf } from './lanes.ts';
import { StretchDetails } from './StretchDetails.tsx';
import { StretchList } from './StretchList.tsx';
import { Surface } from './surface.ts';
import styles from './Timeline.module.css';
import { travel } from './travel.ts';

/** Who had the processor when: a lane per ring, and the monitor. */
export function TimelinePanel() {
  const mode = useStore(machine, state => (state.view === null ? 'bare' : modeOf(state.view.monitor.setting)));
  const hasGuest = useStore(machine, state => state.guest !== null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const surface = useRef<Surface | null>(null);
  const shownTime = useRef<HTMLSpanElement>(null);
  const [hovered, setHovered] = useState<Stretch | null>(null);
  const [selected, setSelected] = useState<Stretch | null>(null);
  const [following, setFollowing] = useState(true);
  const [used, setUsed] = useState(0);
  const [isEmpty, setIsEmpty] = useState(true);
  const [asList, setAsList] = useState(false);
  const words = laterText.timeline;
  const lanes = lanesOf(mode, used);
  const isDrawn = !isEmpty && !asList;

  useEffect(() => {
    looks.setState({ timeline: true });
    return () => looks.setState({ timeline: false });
  }, []);

  // What changes seldom is all that React hears of.
  useEffect(() => {
    const look = (): void => {
      setUsed(timeline.lanes);
      setIsEmpty(timeline.isEmpty);
      if (timeline.length === 0) setSelected(null);
    };
    look();
    return timeline.listen(look);
  }, []);

  useEffect(() => {
    if (!isDrawn || canvas.current === null) return;
    const made = new Surface(canvas.current, {
      onHover: setHovered,
      onSelect: setSelected,
      onGo: travel,
      onFollow: setFollowing,
      onSpan: time => {
        const words = laterText.timeline.shown(seconds(time));
        if (shownTime.current !== null && shownTime.current.textContent !== words)
          shownTime.current.textContent = words;
      },
    });
    surface.current = made;
    return () => {
      made.end();
      surface.current = null;
    };
  }, [isDrawn]);

  useEffect(() => {
    if (isDrawn) surface.current?.show(lanesOf(mode, used));
  }, [isDrawn, mode, used]);

  return (
    <section className={styles.panel} aria-label={words.label}>
      <header className={styles.bar}>
        <span className={styles.facts}>{isDrawn && <span ref={shownTime} />}</span>
        <div className={styles.tools}>
          {isDrawn && (
            <>
              <Tool name={words.zoomOut} icon={<ZoomOut size={15} />} onPress={() => surface.current?.zoom(2)} />
              <Tool name={words.zoomIn} icon={<ZoomIn size={15} />} onPress={() => surface.current?.zoom(0.5)} />
              <Tool name={words.fit} icon={<Maximize2 size={14} />} onPress={() => surface.current?.fit()} />
              <Tool
                name={words.follow}
                icon={<ScanLine size={15} />}
                pressed={following}
                onPress={() => surface.current?.follow(!following)}
              />
            </>
          )}
          <Tool name={words.list} icon={<List size={15} />} pressed={asList} onPress={() => setAsList(!asList)} />
          {hasGuest && (
            <Tool name={words.save} hint={words.saveHint} icon={<Download size={15} />} onPress={saveTrace} />
          )}
        </div>
      </header>
      {isEmpty && <p className={styles.empty}>{words.empty}</p>}
      {!isEmpty && asList && <StretchList />}
      {isDrawn && (
        <>
          <div className={styles.drawing}>
            <ul className={styles.lanes} style={{ gridTemplateRows: `repeat(${lanes.length}, 1fr)` }}>
              {lanes.map(lane => (
                <li key={lane} data-owner={LOOKS[lane].owner}>
                  {words.lane[lane]}
                </li>
              ))}
            </ul>
            <div
              className={styles.surface}
              role="listbox"
              tabIndex={0}
              aria-label={words.canvas}
              aria-activedescendant="timeline-selected"
              onKeyDown={event => {
                if (surface.current?.key(event.key, event.ctrlKey || event.metaKey || event.altKey)) {
                  event.preventDefault();
                  event.stopPropagation();
                }
              }}
            >
              <canvas ref={canvas} />
              <div
                id="timeline-selected"
                role="option"
                tabIndex={-1}
                aria-selected={selected !== null}
                className="hidden-text"
              >
                {selected === null ? words.none : described(selected)}
              </div>
            </div>
          </div>
          <StretchDetails stretch={hovered ?? selected} isHovered={hovered !== null} />
        </>
      )}
    </section>
  );
}

interface ToolProperties {
  readonly name: string;
  readonly hint?: string;
  readonly icon: ReactNode;
  readonly pressed?: boolean;
  readonly onPress: () => void;
}

function Tool({ name, hint, icon, pressed, onPress }: ToolProperties) {
  return (
    <button type="button" aria-label={name} title={hint ?? name} aria-pressed={pressed} onClick={onPress}>
      {icon}
    </button>
  );
}
