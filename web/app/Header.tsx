import { PanelLeft, PanelRight } from 'lucide-react';
import { useState } from 'react';
import { text } from '../text.ts';
import { Brand } from './Brand.tsx';
import { columns, useColumns } from './columns.ts';
import { GuestPicker } from './GuestPicker.tsx';
import styles from './Header.module.css';
import { OpenDialog } from './later.ts';
import { ModeSwitch } from './ModeSwitch.tsx';
import { RunControls } from './RunControls.tsx';
import { SettingsMenu } from './SettingsMenu.tsx';
import { SnapshotMenu } from './SnapshotMenu.tsx';
import { Status } from './Status.tsx';

export function Header({ narrow }: { readonly narrow: boolean }) {
  const [dialog, setDialog] = useState(false);
  return (
    <header className={styles.header}>
      <Brand />
      <GuestPicker onOpenDialog={() => setDialog(true)} />
      <ModeSwitch />
      <RunControls />
      <Status />
      <div className={styles.tools}>
        {!narrow && <ColumnToggles />}
        <SnapshotMenu />
        <SettingsMenu />
      </div>
      {dialog && <OpenDialog onClose={() => setDialog(false)} />}
    </header>
  );
}

function ColumnToggles() {
  const { left, right } = useColumns();
  const words = text.layout;
  const leftWord = left ? words.hideLeft : words.showLeft;
  const rightWord = right ? words.hideRight : words.showRight;
  return (
    <>
      <button
        type="button"
        className={styles.tool}
        aria-pressed={left}
        aria-label={words.left}
        title={leftWord}
        onClick={() => columns.toggle('left')}
      >
        <PanelLeft size={16} />
      </button>
      <button
        type="button"
        className={styles.tool}
        aria-pressed={right}
        aria-label={words.right}
        title={rightWord}
        onClick={() => columns.toggle('right')}
      >
        <PanelRight size={16} />
      </button>
    </>
  );
}
