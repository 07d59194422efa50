import { beforeEach, expect, test } from 'vitest';
import type { CodeRow, View } from '../core/protocol/messages.ts';
import { type MachineState, machine } from './stores/machine.ts';
import { windows } from './stores/windows.ts';
import { bareMonitor } from './testing/monitor.ts';
import { relist, showView } from './views.ts';

const FRAME = 1000 / 60;
/** Frames between two views that bring code. */
const RHYTHM = 7;

let now = 0;
/** What each view has changed. */
let drawn: string[] = [];

const row: CodeRow = { address: 0, bytes: Uint8Array.of(0x90), text: 'nop', symbol: null, class: 'plain' };

function view(serial: number, more: Partial<View> = {}): View {
  return {
    type: 'view',
    serial,
    running: true,
    halted: false,
    stop: { kind: 'pause' },
    instructions: serial,
    rate: 0,
    seconds: 0,
    registers: {
      general: new Uint32Array(8),
      eip: serial,
      eflags: 2,
      cr0: 1,
      cr2: 0,
      cr3: 0,
      cr4: 0,
      cpl: 0,
      segments: [],
      gdtr: { base: 0, limit: 0 },
      idtr: { base: 0, limit: 0 },
    },
    monitor: bareMonitor,
    code: null,
    memory: null,
    console: new Uint8Array(0),
    consoleDropped: 0,
    ...more,
  };
}

function what(state: MachineState, old: MachineState): string {
  return [state.view !== old.view && 'registers', state.code !== old.code && 'code'].filter(Boolean).join('+');
}

/** Shows views of a running machine, one a frame; `console` says for the number of a frame whether it has output. */
function frames(count: number, console: (frame: number) => boolean = () => false): readonly string[] {
  drawn = [];
  for (let i = 1; i <= count; i += 1) {
    now += FRAME;
    const before = machine.getState();
    const code = i % RHYTHM === 0 ? [row] : null;
    showView(view(i, { code, console: new Uint8Array(console(i) ? 1 : 0) }), now);
    drawn.push(what(machine.getState(), before));
  }
  return drawn;
}

const of = (list: readonly string[], kind: string): number => list.filter(entry => entry.includes(kind)).length;

beforeEach(() => {
  now += 10_000;
  machine.setState(machine.getInitialState());
  windows.setState(windows.getInitialState());
  showView(view(0, { running: false, code: [row] }), now);
  showView(view(0), now);
});

test('registers come in the rhythm of code, code that follows more seldom, and never both in one frame', () => {
  const list = frames(60 * 4);
  expect(list).not.toContain('registers+code');
  expect(of(list, 'registers')).toBe(Math.floor((60 * 4) / RHYTHM));
  expect(of(list, 'code')).toBeGreaterThanOrEqual(4);
  expect(of(list, 'code')).toBeLessThanOrEqual(5);
});

test('a frame with console output draws nothing else', () => {
  const list = frames(60 * 4, frame => frame % 2 === 0);
  list.forEach((entry, i) => {
    if ((i + 1) % 2 === 0) expect(entry).toBe('');
  });
  expect(of(list, 'registers')).toBeGreaterThan(30);
});

test('a guest that writes without a pause is drawn all the same', () => {
  const list = frames(60 * 4, () => true);
  expect(of(list, 'registers')).toBeGreaterThan(12);
  expect(of(list, 'code')).toBeGreaterThan(2);
});

test('code elsewhere than at the next instruction is shown as soon as it comes', () => {
  frames(50);
  windows.setState({ follow: false });
  expect(of(frames(20), 'code')).toBe(2);
  windows.setState({ follow: true });
  frames(70);
  relist();
  expect(of(frames(8), 'code')).toBe(1);
});

test('a stop is drawn at once, whatever waited', () => {
  frames(RHYTHM, () => true);
  const before = machine.getState();
  showView(view(99, { running: false, code: [row], console: Uint8Array.of(1) }), now + 1);
  expect(what(machine.getState(), before)).toBe('registers+code');
  expect(machine.getState().codeEip).toBe(99);
});

test('output is known and lost output is counted in every view', () => {
  frames(3);
  expect(machine.getState().consoleUsed).toBe(false);
  showView(view(4, { console: Uint8Array.of(1), consoleDropped: 5 }), now + FRAME);
  expect(machine.getState()).toMatchObject({ consoleUsed: true, consoleDropped: 5 });
});
