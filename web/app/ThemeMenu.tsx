import { Monitor, Moon, Sun } from 'lucide-react';
import { useStore } from 'zustand';
import { settings, type Theme } from '../stores/settings.ts';
import { text } from '../text.ts';
import { Menu } from '../widgets/Menu.tsx';

const icons: Readonly<Record<Theme, typeof Sun>> = { system: Monitor, light: Sun, dark: Moon };
const themes: readonly Theme[] = ['system', 'light', 'dark'];

export function ThemeMenu() {
  const theme = useStore(settings, state => state.theme);
  const Icon = icons[theme];
  return (
    <Menu
      label={text.theme.label}
      align="end"
      button={<Icon size={16} />}
      groups={[
        {
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
      ]}
    />
  );
}
