import { useStore } from 'zustand';
import { machine } from '../stores/machine.ts';
import { text } from '../text.ts';
import { useMedia } from '../widgets/hooks.ts';
import styles from './App.module.css';
import { DropZone } from './DropZone.tsx';
import { FailureOverlay } from './FailureOverlay.tsx';
import { Header } from './Header.tsx';
import { Narrow } from './Narrow.tsx';
import { Notices } from './Notices.tsx';
import { OpeningBar } from './OpeningBar.tsx';
import { StopBanner } from './StopBanner.tsx';
import { Wide } from './Wide.tsx';

export function App() {
  const narrow = useMedia('(max-width: 800px)');
  const failure = useStore(machine, state => state.failure);
  return (
    <div className={styles.app}>
      <a className={styles.skip} href="#panel-code">
        {text.skip}
      </a>
      <Header narrow={narrow} />
      <OpeningBar />
      <Notices />
      <StopBanner />
      <main className={styles.main}>{narrow ? <Narrow /> : <Wide />}</main>
      <DropZone />
      {failure !== null && <FailureOverlay failure={failure} />}
    </div>
  );
}
