import { useState } from 'react';
import { Group, type Layout, type LayoutChangedMeta, Panel, Separator } from 'react-resizable-panels';
import { Breakpoints } from '../panels/breakpoints/Breakpoints.tsx';
import { ConsolePanel } from '../panels/console/ConsolePanel.tsx';
import { ImageFacts } from '../panels/facts/ImageFacts.tsx';
import { MachineFacts } from '../panels/facts/MachineFacts.tsx';
import { RegistersPanel } from '../panels/registers/RegistersPanel.tsx';
import { SegmentsPanel } from '../panels/registers/SegmentsPanel.tsx';
import { RingsPanel } from '../panels/rings/RingsPanel.tsx';
import { settings } from '../stores/settings.ts';
import { text } from '../text.ts';
import { Centre } from './Centre.tsx';
import { columns } from './columns.ts';
import styles from './Layout.module.css';
import { Bottom, Happened, TablesPanel, WalkPanel } from './later.ts';

/** The remembered sizes of a group, if they are of these panels and fill it. */
function remembered(group: string, panels: readonly string[]): Layout | undefined {
  const layout = settings.getState().layouts[group];
  if (layout === undefined) return undefined;
  const total = panels.reduce((sum, panel) => sum + (layout[panel] ?? Number.NaN), 0);
  return Object.keys(layout).length === panels.length && Math.abs(total - 100) < 1 ? layout : undefined;
}

function remember(group: string) {
  return (layout: Layout, meta: LayoutChangedMeta): void => {
    if (!meta.isUserInteraction) return;
    settings.setState(state => ({ layouts: { ...state.layouts, [group]: { ...layout } } }));
  };
}

const rememberColumns = remember('columns');
const rememberMiddle = remember('middle');
const attachLeft = columns.attach.bind(null, 'left');
const attachRight = columns.attach.bind(null, 'right');

/** Three columns: what happens; code over console over what it costs; registers. */
export function Wide() {
  // What is not shown is not asked for either.
  const [hasBottom, setHasBottom] = useState(true);
  return (
    <Group
      className={styles.group}
      defaultLayout={remembered('columns', ['left', 'middle', 'right'])}
      onLayoutChanged={rememberColumns}
    >
      <Panel
        id="left"
        className={styles.column}
        defaultSize="23%"
        minSize={240}
        maxSize={460}
        collapsible
        groupResizeBehavior="preserve-pixel-size"
        panelRef={attachLeft}
        onResize={size => columns.resized('left', size.inPixels)}
      >
        <RingsPanel />
        <Happened />
        <MachineFacts />
        <Breakpoints />
        <ImageFacts />
      </Panel>
      <Separator className={styles.upright} aria-label={`${text.layout.resize}: ${text.layout.left}`} />
      <Panel id="middle" minSize={320}>
        <Group
          orientation="vertical"
          defaultLayout={remembered('middle', ['code', 'console', 'bottom'])}
          onLayoutChanged={rememberMiddle}
        >
          <Panel id="code" defaultSize="45%" minSize={120} className={styles.fill}>
            <Centre />
          </Panel>
          <Separator className={styles.level} aria-label={`${text.layout.resize}: ${text.console.label}`} />
          <Panel id="console" defaultSize="31%" minSize={100} collapsible className={styles.fill}>
            <ConsolePanel />
          </Panel>
          <Separator className={styles.level} aria-label={`${text.layout.resize}: ${text.layout.bottomTabs}`} />
          <Panel
            id="bottom"
            defaultSize="24%"
            minSize={100}
            collapsible
            className={styles.fill}
            onResize={size => setHasBottom(size.inPixels > 0)}
          >
            {hasBottom && <Bottom />}
          </Panel>
        </Group>
      </Panel>
      <Separator className={styles.upright} aria-label={`${text.layout.resize}: ${text.layout.right}`} />
      <Panel
        id="right"
        className={styles.column}
        defaultSize="25.5%"
        minSize={284}
        maxSize={560}
        collapsible
        groupResizeBehavior="preserve-pixel-size"
        panelRef={attachRight}
        onResize={size => columns.resized('right', size.inPixels)}
      >
        <RegistersPanel />
        <WalkPanel />
        <TablesPanel />
        <SegmentsPanel />
      </Panel>
    </Group>
  );
}
