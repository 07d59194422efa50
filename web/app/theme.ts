import { settings } from '../stores/settings.ts';

/** Keeps the document in the chosen theme; without a choice the style sheet follows the system. */
export function followTheme(): void {
  const apply = (): void => {
    const { theme } = settings.getState();
    if (theme === 'system') document.documentElement.removeAttribute('data-theme');
    else document.documentElement.setAttribute('data-theme', theme);
  };
  apply();
  settings.subscribe(apply);
}
