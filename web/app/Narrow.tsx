import type { ReactNode } from 'react';
import { useStore } from 'zustand';
import { CodeBar } from '../panels/code/CodeBar.tsx';
import { CodePanel } from '../panels/code/CodePanel.tsx';
import { ConsolePanel } from '../panels/console/ConsolePanel.tsx';
import { RegistersPanel } from '../panels/registers/RegistersPanel.tsx';
import { RingsPanel } from '../panels/rings/RingsPanel.tsx';
import { machine } from '../stores/machine.ts';
import { showTab, type Tab, windows } from '../stores/windows.ts';
import { text } from '../text.ts';
import { Tabs } from '../widgets/Tabs.tsx';
import styles from './Layout.module.css';
import {
  Breakpoints,
  ChangePanel,
  DescriptorsPanel,
  EnginePanel,
  ExitsPanel,
  Happened,
  ImageFacts,
  MachineFacts,
  MemoryBar,
  MemoryPanel,
  SegmentsPanel,
  TablesPanel,
  TimelinePanel,
  UnitsPanel,
  VerbsPanel,
  VmcsPanel,
  WalkPanel,
} from './later.ts';

const order: readonly Tab[] = [
  'code',
  'console',
  'monitor',
  'registers',
  'memory',
  'timeline',
  'exits',
  'engine',
  'verbs',
  'machine',
];

const panels: Readonly<Record<Tab, () => ReactNode>> = {
  code: () => (
    <>
      <div className={styles.bar}>
        <CodeBar />
      </div>
      <CodePanel />
    </>
  ),
  memory: () => (
    <>
      <div className={styles.bar}>
        <MemoryBar />
      </div>
      <MemoryPanel />
    </>
  ),
  console: () => <ConsolePanel />,
  registers: () => (
    <div className={styles.column}>
      <RegistersPanel />
      <WalkPanel />
      <ChangePanel />
      <TablesPanel />
      <SegmentsPanel />
      <UnitsPanel />
      <DescriptorsPanel />
      <VmcsPanel />
    </div>
  ),
  monitor: () => (
    <div className={styles.column}>
      <RingsPanel />
      <Happened quiet />
    </div>
  ),
  timeline: () => <TimelinePanel />,
  exits: () => <ExitsPanel />,
  engine: () => <EnginePanel />,
  verbs: () => <VerbsPanel />,
  machine: () => (
    <div className={styles.column}>
      <MachineFacts />
      <Breakpoints />
      <ImageFacts />
    </div>
  ),
};

/** A narrow page: one panel at a time below the sentence of what happens. */
export function Narrow() {
  const tabs = order.map(id => ({ id, label: text.tabs[id] }));
  const tab = useStore(windows, state => state.tab);
  return (
    <div className={styles.centre}>
      <Happened compact />
      <Tabs
        label={text.layout.tabs}
        tabs={tabs}
        selected={tab}
        onSelect={next => showTab(next, machine.getState().codeEip)}
        spread
        tour="run"
      />
      <div className={styles.panel} role="tabpanel" id={`panel-${tab}`} aria-labelledby={`tab-${tab}`}>
        {panels[tab]()}
      </div>
    </div>
  );
}
