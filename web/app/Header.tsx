import { PanelBottom, PanelLeft, PanelRight } from 'lucide-react';
import { useStore } from 'zustand';
import { dialogs } from '../stores/dialogs.ts';
import { toggleOpen } from '../stores/parts.ts';
import { settings } from '../stores/settings.ts';
import { text } from '../text.ts';
import { Brand } from './Brand.tsx';
import { GuestPicker } from './GuestPicker.tsx';
import styles from './Header.module.css';
import { OpenDialog } from './later.ts';
import { ModeSwitch } from './ModeSwitch.tsx';
import { RunControls } from './RunControls.tsx';
import { SettingsMenu } from './SettingsMenu.tsx';
import { SnapshotMenu } from './SnapshotMenu.tsx';
import { Status } from './Status.tsx';

export function Header({ narrow }: { readonly narrow: boolean }) {
  const isDialogOpen = useStore(dialogs, state => state.open);
  return (
    <header className={styles.header}>
      <Brand />
      <GuestPicker onOpenDialog={() => dialogs.setState({ open: true })} />
      <ModeSwitch />
      <RunControls />
      <Status />
      <div className={styles.tools}>
        {!narrow && <PartToggles />}
        <SnapshotMenu />
        <SettingsMenu narrow={narrow} />
      </div>
      {isDialogOpen && <OpenDialog onClose={() => dialogs.setState({ open: false })} />}
    </header>
  );
}

const TOGGLES = [
  { part: 'left', Icon: PanelLeft },
  { part: 'bottom', Icon: PanelBottom },
  { part: 'right', Icon: PanelRight },
] as const;

/** Opens and closes the parts at the edges. */
function PartToggles() {
  const closed = useStore(settings, state => state.closed);
  const words = text.layout;
  return TOGGLES.map(({ part, Icon }) => {
    const isOpen = !closed.includes(part);
    return (
      <button
        key={part}
        type="button"
        className={`${styles.tool} ${styles.toggles}`}
        aria-pressed={isOpen}
        aria-label={words[part]}
        title={isOpen ? words.hide[part] : words.show[part]}
        onClick={() => toggleOpen(part)}
      >
        <Icon size={16} />
      </button>
    );
  });
}
