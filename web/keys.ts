/** The keys that control the machine everywhere in the page, as VS Code has them. */
import { canGoOn, goBack, pause, reset, run, step, toggleBreakpoint } from './machine.ts';
import { machine } from './stores/machine.ts';
import { windows } from './stores/windows.ts';
import { runUntilSame } from './until.ts';

const actions: Readonly<Record<string, () => void>> = {
  F5: () => {
    if (canGoOn()) run();
  },
  F6: pause,
  F8: runUntilSame,
  F9: () => {
    const address = windows.getState().selected ?? machine.getState().codeEip;
    if (address !== null) toggleBreakpoint(address);
  },
  F10: () => step('over'),
  F11: () => step('into'),
  'Ctrl+F10': () => step('trap'),
  'Ctrl+F11': () => step('machine'),
  'Shift+F11': () => step('out'),
  'Alt+F11': () => goBack('step'),
  'Alt+F10': () => goBack('trap'),
  'Ctrl+Shift+F5': reset,
  // The browser would reload the page and lose the machine. Ctrl+R still does.
  'Shift+F5': () => undefined,
  'Ctrl+F5': () => undefined,
};

function chord(event: KeyboardEvent): string {
  const modifiers = [
    event.ctrlKey && 'Ctrl',
    event.altKey && 'Alt',
    event.shiftKey && 'Shift',
    event.metaKey && 'Meta',
  ];
  return [...modifiers.filter(Boolean), event.key].join('+');
}

/** Whether a key belongs to the page, even while the console has the focus. */
export function belongsToPage(event: KeyboardEvent): boolean {
  return chord(event) in actions;
}

export function listenToKeys(): void {
  // Capture: neither a text box nor the console gets to see these keys.
  window.addEventListener(
    'keydown',
    event => {
      const action = actions[chord(event)];
      if (action === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      // A modal dialog waits for an answer first.
      if (document.querySelector('dialog[open]') === null) action();
    },
    { capture: true },
  );
}
