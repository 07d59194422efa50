import { useStore } from 'zustand';
import { CodeBar } from '../panels/code/CodeBar.tsx';
import { CodePanel } from '../panels/code/CodePanel.tsx';
import { machine } from '../stores/machine.ts';
import { showTab, windows } from '../stores/windows.ts';
import { text } from '../text.ts';
import { Tabs } from '../widgets/Tabs.tsx';
import styles from './Layout.module.css';
import { MemoryBar, MemoryPanel } from './later.ts';

/** The upper middle of a wide page: code or memory, with the tools of the one that is shown. */
export function Centre() {
  const memory = useStore(windows, state => state.tab === 'memory');
  const tabs = [
    { id: 'code', label: text.tabs.code },
    { id: 'memory', label: text.tabs.memory },
  ] as const;
  const selected = memory ? 'memory' : 'code';
  return (
    <div className={styles.centre}>
      <Tabs
        label={text.layout.tabs}
        tabs={tabs}
        selected={selected}
        onSelect={tab => showTab(tab, machine.getState().codeEip)}
      >
        {memory ? <MemoryBar /> : <CodeBar />}
      </Tabs>
      <div className={styles.panel} role="tabpanel" id={`panel-${selected}`} aria-labelledby={`tab-${selected}`}>
        {memory ? <MemoryPanel /> : <CodePanel />}
      </div>
    </div>
  );
}
