import {
  Compass,
  Keyboard,
  Languages,
  Monitor,
  Moon,
  PanelBottom,
  PanelLeft,
  PanelRight,
  Settings,
  SquareTerminal,
  Sun,
} from 'lucide-react';
import { useStore } from 'zustand';
import { chordOf } from '../keys.ts';
import { toggleOpen } from '../stores/parts.ts';
import { settings, type Theme } from '../stores/settings.ts';
import { sheet } from '../stores/sheet.ts';
import { startTour } from '../stores/tour.ts';
import { LANGUAGE_NAMES, LANGUAGES, language, text } from '../text.ts';
import { Menu, type MenuItem } from '../widgets/Menu.tsx';
import { chooseLanguage } from './language.ts';

const icons: Readonly<Record<Theme, typeof Sun>> = { system: Monitor, light: Sun, dark: Moon };
const themes: readonly Theme[] = ['system', 'light', 'dark'];

const PARTS = [
  { name: 'left', Icon: PanelLeft },
  { name: 'console', Icon: SquareTerminal },
  { name: 'bottom', Icon: PanelBottom },
  { name: 'right', Icon: PanelRight },
] as const;

/** How the page looks and in which language it speaks. */
export function SettingsMenu({ narrow }: { readonly narrow: boolean }) {
  const closed = useStore(settings, state => state.closed);
  const theme = useStore(settings, state => state.theme);
  const now = useStore(language, state => state.now);
  const part = ({ name, Icon }: (typeof PARTS)[number]): MenuItem => ({
    label: name === 'console' ? text.console.label : text.layout[name],
    icon: <Icon size={15} />,
    checked: !closed.includes(name),
    toggles: true,
    chord: chordOf(name),
    choose: () => toggleOpen(name),
  });
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
        ...(narrow ? [] : [{ title: text.settings.parts, items: PARTS.map(part) }]),
        {
          title: text.settings.help,
          items: [
            {
              label: text.settings.shortcuts,
              icon: <Keyboard size={15} />,
              chord: chordOf('sheet'),
              choose: () => sheet.setState({ open: true }),
            },
            { label: text.settings.tour, icon: <Compass size={15} />, choose: () => startTour(true) },
          ],
        },
      ]}
    />
  );
}
