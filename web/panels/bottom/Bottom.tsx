import { useStore } from 'zustand';
import { BOTTOM_TABS, bottom } from '../../stores/bottom.ts';
import { text } from '../../text.ts';
import { later } from '../../widgets/later.tsx';
import { Tabs } from '../../widgets/Tabs.tsx';
import { ExitsPanel } from '../exits/ExitsPanel.tsx';
import { TimelinePanel } from '../timeline/TimelinePanel.tsx';
import styles from './Bottom.module.css';

const EnginePanel = later(async () => (await import('../engine/EnginePanel.tsx')).EnginePanel);
const VerbsPanel = later(async () => (await import('../verbs/VerbsPanel.tsx')).VerbsPanel);

const panels = { exits: ExitsPanel, timeline: TimelinePanel, engine: EnginePanel, verbs: VerbsPanel } as const;

/** What the whole run looked like, in time or added up; and the console of verbs. */
export function Bottom() {
  const tab = useStore(bottom, state => state.tab);
  const Panel = panels[tab];
  return (
    <div className={styles.bottom} data-tour="run">
      <Tabs
        label={text.layout.bottomTabs}
        tabs={BOTTOM_TABS.map(id => ({ id, label: text.tabs[id] }))}
        selected={tab}
        onSelect={next => bottom.setState({ tab: next })}
      />
      <div className={styles.panel} role="tabpanel" id={`panel-${tab}`} aria-labelledby={`tab-${tab}`}>
        <Panel />
      </div>
    </div>
  );
}
