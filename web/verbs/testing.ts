/** A page with a machine that never moves, for specs: it remembers what was asked of it. */
import type { Breakpoint } from '../../core/protocol/breakpoints.ts';
import type { Registers, View } from '../../core/protocol/messages.ts';
import type { Answer, Question } from '../../core/protocol/questions.ts';
import { indexSymbols } from '../symbols.ts';
import { bareMonitor } from '../testing/monitor.ts';
import type { Host } from './host.ts';

const flat = { selector: 8, base: 0, limit: 0xffffffff, description: 'code 32 execute/read' };

export const registers: Registers = {
  general: Uint32Array.of(0xa, 0xc, 0xd, 0xb, 0xc010efd0, 0xc010efd8, 6, 7),
  eip: 0xc0100a1e,
  eflags: 0x246,
  cr0: 0x80010011,
  cr2: 0,
  cr3: 0x104000,
  cr4: 0x20,
  cpl: 0,
  segments: [0x10, 8, 0x10, 0x10, 0, 0, 0, 0x28].map(selector => ({ ...flat, selector })),
  gdtr: { base: 0xc0105000, limit: 0x3f },
  idtr: { base: 0xc0105040, limit: 0x7ff },
};

export const view: View = {
  type: 'view',
  serial: 1,
  running: false,
  halted: false,
  stop: { kind: 'step' },
  instructions: 1234,
  rate: 0,
  seconds: 0.5,
  registers,
  monitor: bareMonitor,
  code: [
    {
      address: 0xc0100a1e,
      bytes: Uint8Array.of(0x0f, 0x22, 0xd8),
      text: 'mov cr3,eax',
      symbol: 'switch_space+0xe',
      class: 'privileged',
    },
  ],
  memory: null,
  console: new Uint8Array(0),
  past: { from: 0, isPast: false, isSearching: false, bytes: 0 },
  consoleDropped: 0,
};

const symbols = indexSymbols({
  symbols: [
    { name: 'main', address: 0xc0100000, size: 0x20 },
    { name: 'switch_space', address: 0xc0100a10, size: 0x30 },
    { name: 'switch_task', address: 0xc0100a40, size: 0x30 },
    { name: 'ticks', address: 0xc0104000, size: 4 },
  ],
  files: [],
  lines: [],
});

/** `answer`: what the worker says; `done` gets a line for everything that was asked of the page. */
export function hostFor(
  done: string[],
  answer: (question: Question) => Answer = () => ({ kind: 'value', value: 0x20 }),
  now: View | null = view,
): Host {
  let breakpoints: readonly Breakpoint[] = [];
  const note =
    (name: string) =>
    (...values: readonly unknown[]): void => {
      done.push([name, ...values.map(value => (typeof value === 'string' ? value : JSON.stringify(value)))].join(' '));
    };
  const seen = (): Promise<View> => Promise.resolve(now ?? view);
  return {
    view: () => now,
    guest: () => ({ name: 'primer', memoryMib: 32 }),
    symbols: () => symbols,
    // Only the spec knows that its answer fits its question.
    ask: (async (question: Question) => {
      note('ask')(question);
      return answer(question);
    }) as Host['ask'],
    account: async () => null,
    run: note('run'),
    pause: note('pause'),
    step: note('step'),
    until: note('until'),
    goBack: note('back'),
    goTo: note('goTo'),
    hits: () => [50, 100_000],
    reset: note('reset'),
    chooseMode: mode => {
      note('mode')(mode);
      return null;
    },
    settled: seen,
    stopped: seen,
    writeRegister: (register, value) => note('register')(register, value.toString(16)),
    writeMemory: (space, address, bytes) => note('memory')(space, address.toString(16), [...bytes]),
    saveSnapshot: note('save'),
    breakpoints: () => breakpoints,
    breakCounts: () => [],
    setBreakpoints: async list => {
      for (const { on, condition } of list.slice(breakpoints.length)) note('break')(on, condition);
      breakpoints = list;
    },
    print: lines => done.push(...lines.map(line => `print ${line}`)),
    clear: note('clear'),
  };
}
