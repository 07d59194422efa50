import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { FromWorker, ToWorker, View } from '../../protocol/messages.ts';
import type { MonitorWindows, Setting, TimelinePart } from '../../protocol/monitor.ts';
import { KIND, Stretches, TIMELINE_LANES, type TimelineLane } from '../../protocol/stretches.ts';
import { LANES } from '../../vmm/trace.ts';
import { Desk } from '../desk.ts';

const kernel = new Uint8Array(readFileSync('public/guests/primer.elf'));
const symbols = readFileSync('public/guests/primer.json', 'utf8');

const windows: MonitorWindows = {
  happened: false,
  account: false,
  timeline: true,
  translation: false,
  address: null,
  tables: false,
  open: [],
};

/** A desk whose clock moves when it is looked at, and the page that takes all of its timeline. */
class Page {
  readonly held = new Stretches(1 << 17);
  readonly parts: TimelinePart[] = [];
  names: readonly string[] = [];
  text = '';
  files: Uint8Array[] = [];
  #view: View | null = null;
  #time = 0;
  #due = false;
  readonly #desk = new Desk({
    post: message => this.#take(message),
    now: () => this.#time++,
    date: () => 1_700_000_000,
    schedule: () => {
      this.#due = true;
    },
  });

  constructor(setting: Setting, monitor: MonitorWindows = windows) {
    this.look(monitor);
    this.send({
      type: 'open',
      name: 'primer',
      kernel,
      initrd: null,
      symbols,
      commandLine: '',
      memoryMib: 32,
      stopBeforePrivileged: false,
      setting,
    });
  }

  look(monitor: MonitorWindows): void {
    const code = { follow: true, address: 0, before: 1, after: 1 };
    this.send({ type: 'windows', code, memory: null, monitor });
  }

  send(message: ToWorker): void {
    this.#desk.handle(message);
  }

  #take(message: FromWorker): void {
    if (message.type === 'refused') throw new Error(message.message);
    if (message.type === 'trace') this.files.push(message.file);
    if (message.type !== 'view') return;
    this.#view = message;
    this.text += new TextDecoder().decode(message.console);
    const part = message.monitor.timeline;
    if (part === null) return;
    this.parts.push(part);
    this.names = part.names ?? this.names;
    if (part.cut !== null) this.held.cut(part.cut);
    this.held.append(part, part.start.length);
  }

  frame(): View {
    this.send({ type: 'frame' });
    const end = this.#time + 16;
    while (this.#due && this.#time < end) {
      this.#due = false;
      this.#desk.slice();
    }
    if (this.#view === null) throw new Error('no view came');
    return this.#view;
  }

  /** Runs until the text has come so many times. */
  await(text: string, times: number): void {
    for (let n = 0; n < 3000 && this.text.split(text).length <= times; n++) this.frame();
    expect(this.text.split(text).length - 1).toBeGreaterThanOrEqual(times);
  }

  type(line: string): void {
    const times = this.text.split('primer$ ').length;
    this.send({ type: 'input', bytes: new TextEncoder().encode(`${line}\n`) });
    this.await('primer$ ', times);
  }
}

const bare: Setting = { mode: 'bare', paging: 'nested' };
const nested: Setting = { mode: 'hardware', paging: 'nested' };

/** Whether starts and ends never go down, and whatever is no neighbour in time is a merged one. */
function expectOrder({ columns, length }: Stretches): void {
  const { start, end, kind } = columns;
  let wrong = 0;
  for (let i = 1; i < length; i++) {
    if (start[i] < start[i - 1] || end[i] < end[i - 1]) wrong++;
    if (start[i] < end[i - 1] && (kind[i] !== KIND.several || start[i] !== start[i - 1])) wrong++;
  }
  expect(wrong).toBe(0);
}

test('lanes are those of the recorder', () => {
  expect(TIMELINE_LANES).toEqual(LANES);
});

const MODES = [
  [bare, 'ring 0'],
  [nested, 'non-root ring 0'],
  [{ mode: 'translate', paging: 'nested' }, 'ring 1'],
  [{ mode: 'trap', paging: 'nested' }, 'ring 1'],
] as const satisfies readonly (readonly [Setting, TimelineLane])[];

for (const [setting, ring] of MODES) {
  test(`${setting.mode}: the stretches follow each other without a gap, and have all steps`, () => {
    const page = new Page(setting);
    page.send({ type: 'run' });
    page.await('primer$ ', 1);
    page.type('ps');
    page.send({ type: 'pause' });
    const { instructions } = page.frame();
    page.look({ ...windows, timeline: false });
    page.look(windows);
    page.frame();
    expectOrder(page.held);
    const { start, end, step, steps, busy, lane } = page.held.columns;
    let gap = 0;
    let sum = 0;
    let all = 0;
    for (let i = 0; i < page.held.length; i++) {
      if (i > 0 && start[i] - end[i - 1] > 1e-9) gap++;
      sum += steps[i];
      all += busy[i];
    }
    expect(gap).toBe(0);
    // The monitor has started itself before there was anybody to look.
    expect(sum + step[0]).toBe(instructions);
    expect(all).toBeCloseTo(end[page.held.length - 1], 3);
    const lanes = new Set(Array.from(lane.subarray(0, page.held.length), l => TIMELINE_LANES[l]));
    expect(lanes).toContain(ring);
    expect(lanes.has('monitor')).toBe(setting.mode !== 'bare');
    expect(lanes).toContain('waiting');
  });
}

describe('what is recorded', () => {
  test('goes on over changes of the mode and a reset, without a jump of the clock', () => {
    const page = new Page(bare);
    page.send({ type: 'run' });
    page.await('primer$ ', 1);
    page.send({ type: 'mode', setting: nested });
    page.type('ps');
    page.send({ type: 'mode', setting: bare });
    page.type('ps');
    page.send({ type: 'reset' });
    page.send({ type: 'run' });
    page.await('paging on', 2);
    expectOrder(page.held);
    const { start, end } = page.held.columns;
    let jumps = 0;
    for (let i = 1; i < page.held.length; i++) {
      // What a change takes itself is short.
      if (start[i] - end[i - 1] > 1e-3) jumps++;
    }
    expect(jumps).toBe(0);
    expect(page.parts.every(part => part.cut === null)).toBe(true);
  });

  for (const setting of [bare, nested]) {
    test(`${setting.mode}: goes back in time with the session, and on from there`, () => {
      const page = new Page(setting);
      page.send({ type: 'run' });
      page.await('primer$ ', 1);
      page.send({ type: 'pause' });
      page.frame();
      const before = page.parts.at(-1)?.now ?? 0;
      for (let n = 0; n < 3; n++) {
        page.send({ type: 'back', kind: 'trap' });
        for (let frames = 0; frames < 500 && (frames < 2 || page.frame().running); frames++) page.frame();
      }
      const back = page.parts.at(-1)?.now ?? 0;
      expect(back).toBeLessThan(before);
      expectOrder(page.held);
      expect(page.held.columns.end[page.held.length - 1]).toBeLessThanOrEqual(back);
      page.send({ type: 'run' });
      for (let n = 0; n < 1000 && (page.parts.at(-1)?.now ?? 0) <= before; n++) page.frame();
      expectOrder(page.held);
      expect(page.held.columns.end[page.held.length - 1]).toBeGreaterThan(back);
      expect(page.parts.at(-1)?.now).toBeGreaterThan(before);
    });
  }

  test('stays when the session keeps checkpoints of itself', () => {
    const page = new Page(nested);
    page.send({ type: 'run' });
    page.await('primer$ ', 1);
    page.send({ type: 'input', bytes: new TextEncoder().encode('bench\n') });
    for (let n = 0; n < 200; n++) page.frame();
    expect(page.parts.every(part => part.cut === null)).toBe(true);
    expect(page.held.columns.start[0]).toBeLessThan(0.001);
    expectOrder(page.held);
    const { start, end } = page.held.columns;
    let gaps = 0;
    for (let i = 1; i < page.held.length; i++) if (start[i] - end[i - 1] > 1e-9) gaps++;
    expect(gaps).toBe(0);
  });

  test('has gaps where nobody looked', () => {
    const page = new Page(bare);
    page.send({ type: 'run' });
    page.await('primer$ ', 1);
    page.look({ ...windows, timeline: false });
    for (let n = 0; n < 20; n++) expect(page.frame().monitor.timeline).toBeNull();
    page.look(windows);
    for (let n = 0; n < 20; n++) page.frame();
    expectOrder(page.held);
    const { start, end } = page.held.columns;
    let gaps = 0;
    for (let i = 1; i < page.held.length; i++) if (start[i] - end[i - 1] > 1e-3) gaps++;
    expect(gaps).toBe(1);
  });

  test('is a file that others read, with the names of exits', () => {
    const page = new Page(nested);
    page.send({ type: 'run' });
    page.await('primer$ ', 1);
    page.send({ type: 'trace' });
    const { traceEvents } = JSON.parse(new TextDecoder().decode(page.files[0]));
    const spans = traceEvents.filter((event: { ph: string }) => event.ph === 'X');
    expect(spans.length).toBeGreaterThan(100);
    expect(spans.some((event: { cat: string; name: string }) => event.cat === 'exit' && event.name === 'out')).toBe(
      true,
    );
    expect(spans.some((event: { args: { symbol?: string } }) => event.args.symbol !== undefined)).toBe(true);
  });
});
