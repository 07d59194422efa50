import { Languages, Monitor, Moon, Settings, Sun } from 'lucide-react';
import { useStore } from 'zustand';
import { settings, type Theme } from '../stores/settings.ts';
import { LANGUAGE_NAMES, LANGUAGES, language, text } from '../text.ts';
import { Menu } from '../widgets/Menu.tsx';
import { chooseLanguage } from './language.ts';

const icons: Readonly<Record<Theme, typeof Sun>> = { system: Monitor, light: Sun, dark: Moon };
const themes: readonly Theme[] = ['system', 'light', 'dark'];

/** How the page looks and in which language it speaks. */
export function SettingsMenu() {
  const theme = useStore(settings, state => state.theme);
  const now = useStore(language, state => state.now);
  return (
    <Menu
      label={text.settings.label}
      align="end"
      button={<Settings size={16} />}
      groups={[
        {
          title: text.theme.label,
          items: themes.map(name => {
            const ItemIcon = icons[name];
            return {
              label: text.theme[name],
              icon: <ItemIcon size={15} />,
              checked: name === theme,
              choose: () => settings.setState({ theme: name }),
            };
          }),
        },
        {
          title: text.settings.language,
          items: LANGUAGES.map(name => ({
            label: <span lang={name}>{LANGUAGE_NAMES[name]}</span>,
            icon: <Languages size={15} />,
            checked: name === now,
            choose: () => void chooseLanguage(name),
          })),
        },
      ]}
    />
  );
}
