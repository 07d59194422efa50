import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { BreakOn } from '../protocol/breakpoints.ts';
import type { FromWorker, ToWorker, View } from '../protocol/messages.ts';
import type { Mode } from '../protocol/monitor.ts';
import type { Answer, Question } from '../protocol/questions.ts';
import { Desk } from './desk.ts';

/** Ways through time as the page asks for them. */

/** A desk with primer, a clock of its own, and whoever waits until it has done what was asked for. */
class Bench {
  readonly #messages: FromWorker[] = [];
  #time = 0;
  #due = false;
  readonly #desk = new Desk({
    post: message => this.#messages.push(message),
    now: () => this.#time++,
    date: () => 1_700_000_000,
    schedule: () => {
      this.#due = true;
    },
  });

  constructor(mode: Mode) {
    this.#desk.handle({
      type: 'open',
      name: 'primer',
      kernel: new Uint8Array(readFileSync('public/guests/primer.elf')),
      initrd: null,
      symbols: readFileSync('public/guests/primer.json', 'utf8'),
      commandLine: '',
      memoryMib: 32,
      stopBeforePrivileged: false,
      setting: { mode, paging: 'nested' },
    });
    const monitor = { account: true, timeline: true, translation: false, address: null, tables: false, open: [] };
    const code = { follow: true, address: 0, before: 1, after: 1 };
    this.#desk.handle({ type: 'windows', code, memory: null, monitor: { ...monitor, happened: true } });
  }

  #frame(): View {
    this.#desk.handle({ type: 'frame' });
    const end = this.#time + 16;
    while (this.#due && this.#time < end) {
      this.#due = false;
      this.#desk.slice();
    }
    const view = this.#messages.findLast(message => message.type === 'view');
    if (view === undefined) throw new Error('no view came');
    return view;
  }

  /** The view when the machine stands again. */
  after(message: ToWorker): View {
    this.#desk.handle(message);
    this.#frame();
    let view = this.#frame();
    for (let n = 0; n < 5000 && view.running; n++) view = this.#frame();
    return view;
  }

  until(on: BreakOn): View {
    return this.after({ type: 'until', on });
  }

  ask(question: Question): Answer {
    this.after({ type: 'ask', id: 7, question });
    const given = this.#messages.findLast(message => message.type === 'answer');
    if (given === undefined) throw new Error('no answer came');
    return given.answer;
  }

  get refusals(): string[] {
    return this.#messages.flatMap(message => (message.type === 'refused' ? [message.message] : []));
  }
}

const TICKS = 0xc0118588;
const TICK: BreakOn = { kind: 'write', address: TICKS, length: 4 };

describe.each<Mode>(['bare', 'translate', 'hardware'])('under %s', mode => {
  test('who wrote last is found without going there, and one can go there, and on again', () => {
    const bench = new Bench(mode);
    const first = bench.until(TICK);
    const second = bench.until(TICK);
    expect(second.stop).toMatchObject({ kind: 'breakpoint', hit: { on: TICK, before: 1, after: 2 } });
    const found = bench.ask({ kind: 'lastWrite', space: 'linear', address: TICKS });
    expect(found).toMatchObject({ kind: 'lastWrite', before: 1, after: 2, row: { symbol: 'timer_tick+0x6' } });
    if (found.kind !== 'lastWrite') return;
    const there = bench.after({ type: 'goTo', step: found.step });
    expect(there).toMatchObject({ instructions: found.step, past: { isPast: true } });
    expect(there.registers.eip).toBe(found.row?.address);
    const earlier = bench.after({ type: 'goTo', step: first.instructions });
    expect(earlier.registers).toEqual(first.registers);
    // What happened last there has happened again on the way.
    const { serial: _, cost: __, ...before } = first.monitor.happening ?? {};
    expect(earlier.monitor.happening).toMatchObject(before);
    const again = bench.after({ type: 'goTo', step: second.instructions });
    expect(again.registers).toEqual(second.registers);
    expect(again.past?.isPast).toBe(false);
    bench.after({ type: 'goTo', step: second.instructions + 1 });
    bench.after({ type: 'goTo', step: -1 });
    expect(bench.refusals).toEqual([expect.stringMatching(/not come to there/), expect.stringMatching(/reach back/)]);
  });
});

describe('the same step', () => {
  test('is executed in one mode after the other, and its card shows', () => {
    const bench = new Bench('bare');
    bench.until(TICK);
    const at = (mode: Mode) => bench.after({ type: 'sameStep', setting: { mode, paging: 'nested' } });
    const trap = at('trap');
    expect(trap).toMatchObject({ stop: { kind: 'step' }, monitor: { setting: { mode: 'trap' } } });
    const { happening } = trap.monitor;
    expect(happening?.setting.mode).toBe('trap');
    const { eip } = trap.registers;
    for (const mode of ['hardware', 'bare', 'translate', 'trap'] as const) {
      const view = at(mode);
      expect(view.monitor.setting.mode).toBe(mode);
      expect(view.registers.eip).toBe(eip);
      expect(view.stop).toEqual({ kind: 'step' });
    }
    const last = bench.after({ type: 'frame' }).monitor.happening;
    expect([last?.reason, last?.address, last?.setting.mode]).toEqual([happening?.reason, happening?.address, 'trap']);
    at('para');
    expect(bench.refusals).toEqual([expect.stringMatching(/paravirtualized/)]);
  });

  test('is refused where there is none', () => {
    const bench = new Bench('bare');
    const before = bench.after({ type: 'step', kind: 'into' });
    const after = bench.after({ type: 'sameStep', setting: { mode: 'trap', paging: 'nested' } });
    expect(bench.refusals).toEqual([expect.stringMatching(/No privileged instruction/)]);
    expect(after.registers).toEqual(before.registers);
    expect(after.monitor.setting.mode).toBe('bare');
  });
});

describe('the last happening', () => {
  test('stays when the machine goes on under a monitor made anew, and when the mode changes', () => {
    const bench = new Bench('trap');
    const before = bench.until({ kind: 'exit', reason: 'out' });
    expect(before.monitor.happening).toMatchObject({ reason: 'out', setting: { mode: 'trap' } });
    const after = bench.after({ type: 'mode', setting: { mode: 'bare', paging: 'nested' } });
    expect(after.monitor.happening).toMatchObject({ reason: 'out', setting: { mode: 'trap' } });
    expect(after.instructions).toBeGreaterThanOrEqual(before.instructions);
  });
});
