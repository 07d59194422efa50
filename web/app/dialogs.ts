/** What opens over the page: it comes with the first of them. */
export { ModeDialog } from './ModeDialog.tsx';
export { OpenDialog } from './OpenDialog.tsx';
export { SafeBanner } from './SafeBanner.tsx';
export { Shortcuts } from './Shortcuts.tsx';
