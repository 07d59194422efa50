import { ConsolePanel } from '../panels/console/ConsolePanel.tsx';
import { RegistersPanel } from '../panels/registers/RegistersPanel.tsx';
import { RingsPanel } from '../panels/rings/RingsPanel.tsx';
import { text } from '../text.ts';
import { Split } from '../widgets/Split.tsx';
import { Centre } from './Centre.tsx';
import styles from './Layout.module.css';
import {
  Bottom,
  Breakpoints,
  ChangePanel,
  DescriptorsPanel,
  Happened,
  ImageFacts,
  MachineFacts,
  SegmentsPanel,
  TablesPanel,
  UnitsPanel,
  VmcsPanel,
  WalkPanel,
} from './later.ts';

/** Three columns: what happens; code over console over what it costs; registers. */
export function Wide() {
  const words = text.layout;
  return (
    <Split
      name="columns"
      parts={[
        {
          id: 'left',
          label: words.left,
          size: 23,
          least: 240,
          most: 460,
          className: styles.column,
          content: (
            <>
              <RingsPanel />
              <Happened />
              <MachineFacts />
              <Breakpoints />
              <ImageFacts />
            </>
          ),
        },
        { id: 'middle', label: words.middle, size: 51.5, least: 320, content: <Middle /> },
        {
          id: 'right',
          label: words.right,
          size: 25.5,
          least: 284,
          most: 560,
          className: styles.column,
          content: (
            <>
              <RegistersPanel />
              <WalkPanel />
              <ChangePanel />
              <TablesPanel />
              <SegmentsPanel />
              <UnitsPanel />
              <DescriptorsPanel />
              <VmcsPanel />
            </>
          ),
        },
      ]}
    />
  );
}

function Middle() {
  return (
    <Split
      name="middle"
      vertical
      parts={[
        { id: 'code', label: text.code.label, size: 45, least: 120, content: <Centre /> },
        { id: 'console', label: text.console.label, size: 31, least: 100, content: <ConsolePanel /> },
        { id: 'bottom', label: text.layout.bottomTabs, size: 24, least: 100, content: <Bottom /> },
      ]}
    />
  );
}
