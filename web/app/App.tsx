import { useStore } from 'zustand';
import { NARROW } from '../narrow.ts';
import { machine } from '../stores/machine.ts';
import { palette } from '../stores/palette.ts';
import { isSafe } from '../stores/settings.ts';
import { sheet } from '../stores/sheet.ts';
import { tour } from '../stores/tour.ts';
import { language, text } from '../text.ts';
import { useMedia } from '../widgets/hooks.ts';
import styles from './App.module.css';
import { DropZone } from './DropZone.tsx';
import { FailureOverlay } from './FailureOverlay.tsx';
import { Header } from './Header.tsx';
import { Palette, SafeBanner, Shortcuts, Tour } from './later.ts';
import { Narrow } from './Narrow.tsx';
import { Notices } from './Notices.tsx';
import { OpeningBar } from './OpeningBar.tsx';
import { StopBanner } from './StopBanner.tsx';
import { Wide } from './Wide.tsx';

/** The page, drawn anew in another language: no part of it keeps a text. */
export function App() {
  const now = useStore(language, state => state.now);
  return <Page key={now} />;
}

function Page() {
  const narrow = useMedia(NARROW);
  const isTouring = useStore(tour, state => state.step !== null);
  const isPaletteOpen = useStore(palette, state => state.open);
  const isSheetOpen = useStore(sheet, state => state.open);
  const failure = useStore(machine, state => state.failure);
  return (
    <div className={styles.app}>
      <a className={styles.skip} href="#panel-code">
        {text.skip}
      </a>
      {isTouring && <Tour />}
      <Header narrow={narrow} />
      <OpeningBar />
      {isSafe() && <SafeBanner />}
      <Notices />
      <StopBanner />
      <main className={styles.main}>{narrow ? <Narrow /> : <Wide />}</main>
      <DropZone />
      {isPaletteOpen && <Palette />}
      {isSheetOpen && <Shortcuts />}
      {failure !== null && <FailureOverlay failure={failure} />}
    </div>
  );
}
