/** Keys that a panel takes while it has the focus, for the sheet of shortcuts. Each panel acts on its own. */
import type { LaterText } from './text/later.ts';

type PanelName = keyof LaterText['keys']['panels'];

interface PanelKey {
  readonly chords: readonly string[];
  readonly name: keyof LaterText['keys']['inPanel'];
}

export const PANEL_KEYS: Readonly<Record<PanelName, readonly PanelKey[]>> = {
  code: [
    { chords: ['↑', '↓', 'PageUp', 'PageDown'], name: 'line' },
    { chords: ['Enter'], name: 'breakpoint' },
    { chords: ['w'], name: 'walk' },
  ],
  registers: [
    { chords: ['Enter'], name: 'edit' },
    { chords: ['←', '→', 'Home', 'End'], name: 'bit' },
    { chords: ['w'], name: 'walk' },
  ],
  memory: [
    { chords: ['↑', '↓', '←', '→', 'PageUp', 'PageDown'], name: 'byte' },
    { chords: ['0–9', 'a–f'], name: 'write' },
    { chords: ['w'], name: 'walk' },
  ],
  tables: [
    { chords: ['↑', '↓', '←', '→'], name: 'entry' },
    { chords: ['Enter'], name: 'walk' },
  ],
  timeline: [
    { chords: ['←', '→', '↑', '↓'], name: 'stretch' },
    { chords: ['Enter'], name: 'goThere' },
    { chords: ['W', 'S'], name: 'zoom' },
    { chords: ['A', 'D'], name: 'move' },
  ],
  console: [
    { chords: ['Ctrl+Shift+C'], name: 'copy' },
    { chords: ['Ctrl+Shift+V'], name: 'paste' },
    { chords: ['Ctrl+Shift+↑'], name: 'leave' },
  ],
  verbs: [
    { chords: ['↑', '↓'], name: 'history' },
    { chords: ['Tab'], name: 'complete' },
    { chords: ['Ctrl+C'], name: 'interrupt' },
    { chords: ['Ctrl+L'], name: 'clear' },
  ],
  edges: [
    { chords: ['↑', '↓', '←', '→', 'Home', 'End'], name: 'edge' },
    { chords: ['Enter'], name: 'close' },
  ],
};
