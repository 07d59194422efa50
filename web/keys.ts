/** The keys of the page: those that control the machine are VS Code's. Here they are defined; buttons and the sheet of shortcuts read them. */
import { canGoOn, goBack, pause, reset, run, step, toggleBreakpoint } from './machine.ts';
import { machine } from './stores/machine.ts';
import { openPalette } from './stores/palette.ts';
import { toggleOpen } from './stores/parts.ts';
import { sheet } from './stores/sheet.ts';
import { windows } from './stores/windows.ts';
import type { LaterText } from './text/later.ts';
import { runUntilSame } from './until.ts';

interface Key {
  readonly chord: string;
  /** What it does, in the page's words; null for what only keeps the browser from something. */
  readonly name: keyof LaterText['keys']['what'] | null;
  readonly act: () => void;
  /** Where it holds: everywhere, also while somebody types; or in the page only, where it is no text and not the guest's. */
  readonly group: 'machine' | 'page';
}

function runOn(): void {
  if (canGoOn()) run();
}

function breakHere(): void {
  const address = windows.getState().selected ?? machine.getState().codeEip;
  if (address !== null) toggleBreakpoint(address);
}

const nothing = (): void => undefined;

export const KEYS: readonly Key[] = [
  { chord: 'F5', name: 'run', act: runOn, group: 'machine' },
  { chord: 'F6', name: 'pause', act: pause, group: 'machine' },
  { chord: 'F11', name: 'step', act: () => step('into'), group: 'machine' },
  { chord: 'F10', name: 'over', act: () => step('over'), group: 'machine' },
  { chord: 'Shift+F11', name: 'out', act: () => step('out'), group: 'machine' },
  { chord: 'Ctrl+F10', name: 'trap', act: () => step('trap'), group: 'machine' },
  { chord: 'F8', name: 'until', act: runUntilSame, group: 'machine' },
  { chord: 'Ctrl+F11', name: 'machine', act: () => step('machine'), group: 'machine' },
  { chord: 'Alt+F11', name: 'backStep', act: () => goBack('step'), group: 'machine' },
  { chord: 'Alt+F10', name: 'backTrap', act: () => goBack('trap'), group: 'machine' },
  { chord: 'F9', name: 'breakpoint', act: breakHere, group: 'machine' },
  { chord: 'Ctrl+Shift+F5', name: 'reset', act: reset, group: 'machine' },
  // The guest's shell has Ctrl+K for itself.
  { chord: 'F1', name: 'paletteTyping', act: openPalette, group: 'machine' },
  // The browser would reload the page and lose the machine. Ctrl+R still does.
  { chord: 'Shift+F5', name: null, act: nothing, group: 'machine' },
  { chord: 'Ctrl+F5', name: null, act: nothing, group: 'machine' },
  { chord: 'Ctrl+B', name: 'left', act: () => toggleOpen('left'), group: 'page' },
  { chord: 'Ctrl+Alt+B', name: 'right', act: () => toggleOpen('right'), group: 'page' },
  { chord: 'Ctrl+J', name: 'bottom', act: () => toggleOpen('bottom'), group: 'page' },
  { chord: 'Ctrl+`', name: 'console', act: () => toggleOpen('console'), group: 'page' },
  { chord: 'Ctrl+K', name: 'palette', act: openPalette, group: 'page' },
  { chord: '?', name: 'sheet', act: () => sheet.setState({ open: true }), group: 'page' },
];

/** The chord of an action. */
export function chordOf(name: Key['name']): string {
  return KEYS.find(key => key.name === name)?.chord ?? '';
}

function chord({ key, ctrlKey, altKey, shiftKey, metaKey }: KeyboardEvent): string {
  const isLetter = key.length === 1;
  // Which sign a key writes with Shift is the keyboard's affair; a letter means itself in either case.
  const hasShift = shiftKey && !(isLetter && !ctrlKey && !altKey);
  const modifiers = [ctrlKey && 'Ctrl', altKey && 'Alt', hasShift && 'Shift', metaKey && 'Meta'];
  return [...modifiers.filter(Boolean), isLetter ? key.toUpperCase() : key].join('+');
}

/** Whether a key belongs to the page even while somebody types to the guest. */
export function belongsToPage(event: KeyboardEvent): boolean {
  const pressed = chord(event);
  return KEYS.some(key => key.group === 'machine' && key.chord === pressed);
}

/** A box for text, or the guest's console. */
function takesText(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable], .xterm') !== null;
}

export function listenToKeys(): void {
  // Capture: neither a text box nor the console gets to see the machine's keys.
  window.addEventListener(
    'keydown',
    event => {
      const pressed = chord(event);
      const key = KEYS.find(known => known.chord === pressed);
      if (key === undefined || (key.group === 'page' && takesText(event.target))) return;
      event.preventDefault();
      event.stopPropagation();
      // A modal dialog waits for an answer first.
      if (document.querySelector('dialog[open]') === null) key.act();
    },
    { capture: true },
  );
}
