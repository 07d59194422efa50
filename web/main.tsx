import { createRoot } from 'react-dom/client';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';
import { App } from './app/App.tsx';
import { startLanguage } from './app/language.ts';
import { followTheme } from './app/theme.ts';
import { primer } from './guests.ts';
import { listenToKeys } from './keys.ts';
import { startMachine } from './machine.ts';
import { firstSetting } from './modes.ts';
import { openGuest } from './opening.ts';
import { restoreSettings } from './stores/settings.ts';
import { offerTour } from './stores/tour.ts';

restoreSettings();
followTheme();
listenToKeys();
startMachine();
offerTour();
void openGuest(primer, firstSetting());

const root = document.getElementById('root');
// The machine starts meanwhile.
void startLanguage().then(() => {
  if (root !== null) createRoot(root).render(<App />);
});
