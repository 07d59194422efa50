import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import { text } from '../../text.ts';
import { Tabs } from '../../widgets/Tabs.tsx';
import { ExitsPanel } from '../exits/ExitsPanel.tsx';
import { TimelinePanel } from '../timeline/TimelinePanel.tsx';
import styles from './Bottom.module.css';

const TABS = ['exits', 'timeline'] as const;

/** The tab that is shown, also after the panel was closed and opened. The timeline is recorded when somebody asks for it. */
const chosen = createStore<{ readonly tab: (typeof TABS)[number] }>(() => ({ tab: 'exits' }));

/** What the whole run looked like: in time, or added up. */
export function Bottom() {
  const tab = useStore(chosen, state => state.tab);
  return (
    <div className={styles.bottom}>
      <Tabs
        label={text.layout.bottomTabs}
        tabs={TABS.map(id => ({ id, label: text.tabs[id] }))}
        selected={tab}
        onSelect={next => chosen.setState({ tab: next })}
      />
      <div className={styles.panel} role="tabpanel" id={`panel-${tab}`} aria-labelledby={`tab-${tab}`}>
        {tab === 'timeline' ? <TimelinePanel /> : <ExitsPanel />}
      </div>
    </div>
  );
}
