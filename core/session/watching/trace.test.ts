import { describe, expect, it, test } from 'vitest';
import { parseRun } from '../../cli/arguments.ts';
import { openGuest } from '../../cli/images.ts';
import type { Mode } from '../../protocol/monitor.ts';
import { directShare } from '../../vmm/counts.ts';
import { LANES, type Lane, type Mark, type Stretch, TraceRecorder, type TraceSink } from '../../vmm/trace.ts';
import { Session } from '../session.ts';
import { ChromeTrace } from './chrome-trace.ts';

/** What a run looks like in a trace, and that it agrees with what is counted. */

const PROMPT = 'primer$ ';
const CASES = ['bare', 'trap', 'translate', 'patch', 'para', 'hardware', 'hardware shadow'] as const;
type Case = (typeof CASES)[number];

class Run {
  readonly session: Session;
  text = '';

  constructor(kind: Case, rate: number) {
    const [word, paging = 'nested'] = kind.split(' ');
    const { mode } = parseRun(['primer', '--mode', word]);
    this.session = new Session(openGuest(parseRun(['primer', '--mode', mode])), {
      startTime: 1_700_000_000,
      rate,
      onConsole: byte => {
        this.text += String.fromCharCode(byte);
      },
      mode,
      paging: paging === 'shadow' ? 'shadow' : 'nested',
    });
    this.session.begin('run');
  }

  /** Runs until the prompt has come that often. */
  await(prompts: number): void {
    for (let n = 0; n < 1000 && this.text.split(PROMPT).length <= prompts; n++) {
      expect(this.session.run(100_000, Number.POSITIVE_INFINITY)).toBe(true);
    }
    expect(this.text.split(PROMPT).length).toBe(prompts + 1);
  }

  type(line: string): void {
    const prompts = this.text.split(PROMPT).length;
    this.session.input(new TextEncoder().encode(`${line}\n`));
    this.await(prompts);
  }
}

class Events implements TraceSink {
  readonly stretches: Stretch[] = [];
  readonly marks: Mark[] = [];
  stretch(stretch: Stretch): void {
    this.stretches.push(stretch);
  }
  mark(mark: Mark): void {
    this.marks.push(mark);
  }
  of(lane: Lane): readonly Stretch[] {
    return this.stretches.filter(stretch => stretch.lane === lane);
  }
}

interface Recorded {
  readonly run: Run;
  readonly events: Events;
}

const records = new Map<Case, Recorded>();

/** One run of each kind serves all that look at it. */
function recordOf(kind: Case): Recorded {
  const known = records.get(kind) ?? record(kind, ['ps', 'fault', 'fork']);
  records.set(kind, known);
  return known;
}

/** Boots, types, and brings the guest off the machine, so that what is counted is all that happened. */
function record(kind: Case, commands: readonly string[]): Recorded {
  const run = new Run(kind, 1e7);
  const { session } = run;
  const events = new Events();
  const recorder = new TraceRecorder(events, address => session.symbols.name(address));
  session.watchMachines((pc, monitor) => {
    recorder.attach(pc, monitor);
    return recorder;
  });
  run.await(1);
  for (const command of commands) run.type(command);
  session.monitor?.interrupt();
  session.run(1, Number.POSITIVE_INFINITY);
  session.monitor?.interrupt();
  recorder.detach();
  return { run, events };
}

function sum(stretches: readonly Stretch[], detail: string): number {
  return stretches.reduce((total, { details }) => total + Number(details[detail] ?? 0), 0);
}

const KERNEL: Readonly<Record<Case, Lane>> = {
  bare: 'ring 0',
  trap: 'ring 1',
  translate: 'ring 1',
  patch: 'ring 1',
  para: 'ring 1',
  hardware: 'non-root ring 0',
  'hardware shadow': 'non-root ring 0',
};
const USER: Readonly<Record<Case, Lane>> = {
  bare: 'ring 3',
  trap: 'ring 3',
  translate: 'ring 3',
  patch: 'ring 3',
  para: 'ring 3',
  hardware: 'non-root ring 3',
  'hardware shadow': 'non-root ring 3',
};

describe.each(CASES)('a trace of primer, %s', kind => {
  const { run, events } = recordOf(kind);
  const { session } = run;
  const { monitor } = session;

  it('has a stretch for every moment, and none overlap', () => {
    let at = 0;
    for (const { start, end } of events.stretches) {
      expect(start).toBe(at);
      expect(end).toBeGreaterThanOrEqual(start);
      at = end;
    }
    expect(at).toBe(Math.round(session.pc.clock.now()));
  });

  it('has marks within the stretches of their lanes', () => {
    const ends = events.stretches.map(({ end }) => end);
    for (const { at, lane } of events.marks) {
      const around = events.stretches.slice(
        Math.max(
          0,
          ends.findIndex(end => end >= at),
        ),
        ends.findIndex(end => end > at) + 1,
      );
      expect(around.map(stretch => stretch.lane)).toContain(lane);
    }
  });

  it('shows kernel and user in the rings where they really are, and time that is waited away', () => {
    const lanes = new Set(events.stretches.map(({ lane }) => lane));
    const expected: Lane[] = [KERNEL[kind], USER[kind], 'waiting'];
    if (kind !== 'bare') expected.push('monitor');
    expect([...lanes].sort()).toEqual(expected.sort());
  });

  it('accounts for every step', () => {
    const guest = events.stretches.filter(({ category }) => category === 'guest');
    const steps = sum(guest, 'steps');
    if (monitor === null) {
      expect(steps).toBe(session.steps);
      return;
    }
    const { counts } = monitor;
    expect(sum(events.of(USER[kind]), 'steps')).toBe(counts.user.direct);
    expect(sum(events.of(KERNEL[kind]), 'steps')).toBe(counts.kernel.direct);
    expect(sum(events.of('monitor'), 'cost')).toBe(counts.monitor);
    expect(counts.exits.reduce((total, { guest: ran }) => total + ran, 0)).toBe(counts.direct);
  });

  if (monitor === null) {
    it('names what led to each change of the ring', () => {
      const names = new Set(events.of('ring 0').map(({ name }) => name));
      expect(names).toContain('int 0x80');
      expect(names).toContain('#PF');
      expect(names).toContain('interrupt 32');
      expect(new Set(events.of('ring 3').map(({ name }) => name))).toEqual(new Set(['iret']));
      const fault = events.of('ring 0').find(({ name }) => name === '#PF');
      expect(fault?.details).toMatchObject({ vector: 14, symbol: expect.stringContaining('entry') });
    });
    return;
  }

  it('has every exit that was counted, by its reason', () => {
    const seen: Record<string, number> = {};
    for (const { category, name } of events.stretches) if (category === 'exit') seen[name] = (seen[name] ?? 0) + 1;
    const counted = Object.entries(monitor.counts.byReason()).map(([reason, { count }]) => [reason, count]);
    expect(seen).toEqual(Object.fromEntries(counted));
  });

  it('has what each exit cost', () => {
    const spent: Record<string, number> = {};
    for (const { category, name, details } of events.stretches) {
      if (category === 'exit') spent[name] = (spent[name] ?? 0) + Number(details['cost']);
    }
    const counted = Object.entries(monitor.counts.byReason()).map(([reason, sums]) => [reason, sums.monitor]);
    expect(spent).toEqual(Object.fromEntries(counted));
  });

  it('says where the guest was', () => {
    const exits = events.stretches.filter(({ category }) => category === 'exit');
    expect(exits.every(({ details }) => /^0x[0-9a-f]+$/.test(String(details['address'])))).toBe(true);
    const named = exits.filter(({ details }) => 'symbol' in details);
    expect(named.length / exits.length).toBeGreaterThan(0.9);
  });
});

describe('the details of an exit', () => {
  function first(kind: Case, name: string): Stretch {
    const { events } = recordOf(kind);
    const found = events.stretches.find(stretch => stretch.category === 'exit' && stretch.name === name);
    if (found === undefined) throw new Error(`${kind} has no ${name}`);
    return found;
  }

  test.each<[Case, string, object]>([
    ['trap', 'cli', { kind: 'protection', guest: 'kernel', vector: 13, error: '0x0' }],
    ['trap', '#PF true', { kind: 'pageFault', guest: 'user', linear: '0x3ffffffc', error: '0x6' }],
    ['translate', 'translate: block not translated yet', { kind: 'callout', guest: 'kernel' }],
    ['patch', 'patch: code not scanned yet', { kind: 'callout', guest: 'kernel' }],
    ['para', 'update_va_mapping', { kind: 'hypercall', guest: 'kernel' }],
    ['hardware', 'out', { kind: 'instruction', exit: 'ioInstruction', qualification: expect.stringMatching(/^0x/) }],
    ['hardware shadow', '#PF hidden', { kind: 'pageFault', linear: expect.stringMatching(/^0x/) }],
  ])('%s: %s', (kind, name, details) => {
    const exit = first(kind, name);
    expect(exit.details).toMatchObject(details);
    expect(exit.details['cost']).toBeGreaterThan(0);
  });
});

describe('user code', () => {
  test.each(CASES.filter(kind => kind !== 'bare'))(
    'runs on the machine itself, more than 99 % of it: bench, %s',
    kind => {
      const run = new Run(kind, 2e6);
      run.await(1);
      run.type('bench');
      const { user } = run.session.monitor?.counts ?? { user: { direct: 0, emulated: 0 } };
      expect(user.direct).toBeGreaterThan(100_000);
      expect(directShare(user)).toBeGreaterThan(0.99);
    },
  );
});

/** The text of a trace of a run to the prompt, and of one command. */
function chrome(mode: Mode, limit: number, command: string): { text: string; cuts: number } {
  const run = new Run(mode, 1e7);
  let text = '';
  let cuts = 0;
  const trace = new ChromeTrace({
    name: 'primer "quoted"',
    mode,
    limit,
    write: part => {
      text += part;
    },
    onCut: () => {
      cuts++;
    },
  });
  const recorder = new TraceRecorder(trace, address => run.session.symbols.name(address));
  run.session.watchMachines((pc, monitor) => {
    recorder.attach(pc, monitor);
    return recorder;
  });
  run.await(1);
  run.type(command);
  recorder.detach();
  trace.finish();
  return { text, cuts };
}

interface Event {
  readonly name: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur: number;
  readonly pid: number;
  readonly tid: number;
  readonly args: Readonly<Record<string, unknown>>;
}

function parse(text: string): { traceEvents: Event[]; otherData: { cut: boolean } } {
  return JSON.parse(text);
}

describe('Chrome trace JSON', () => {
  test.each(['bare', 'trap', 'hardware'] as const)('is the same in every byte for the same run: %s', mode => {
    expect(chrome(mode, 1e6, 'ps').text).toBe(chrome(mode, 1e6, 'ps').text);
  });

  it('names the process and each lane, and has complete events in order', () => {
    const { traceEvents, otherData } = parse(chrome('trap', 1e6, 'ps').text);
    expect(otherData.cut).toBe(false);
    const meta = traceEvents.filter(({ ph }) => ph === 'M');
    expect(meta.find(({ name }) => name === 'process_name')?.args['name']).toBe('primer "quoted", --mode trap');
    const lanes = meta.filter(({ name }) => name === 'thread_name').map(({ tid, args }) => [tid, args['name']]);
    expect(Object.fromEntries(lanes)).toEqual({
      [LANES.indexOf('ring 1')]: 'ring 1 (guest kernel: believes it is in ring 0)',
      [LANES.indexOf('ring 3')]: 'ring 3 (guest user)',
      [LANES.indexOf('monitor')]: 'ring 0 (monitor)',
      [LANES.indexOf('waiting')]: 'halted',
    });
    const complete = traceEvents.filter(({ ph }) => ph === 'X');
    expect(complete.length).toBeGreaterThan(1000);
    let at = 0;
    for (const { ts, dur, pid } of complete) {
      // As Perfetto reads them.
      expect(Math.trunc(ts * 1000)).toBe(at);
      expect(pid).toBe(1);
      at = Math.trunc(ts * 1000) + Math.trunc(dur * 1000);
    }
  });

  it('goes on over a reboot of the bare machine', () => {
    const { traceEvents } = parse(chrome('bare', 1e6, 'reboot').text);
    const complete = traceEvents.filter(({ ph }) => ph === 'X');
    expect(complete.filter(({ name }) => name === 'power-on')).toHaveLength(2);
    let at = 0;
    for (const { ts, dur } of complete) {
      expect(Math.round(ts * 1000)).toBe(at);
      at = Math.round(ts * 1000) + Math.round(dur * 1000);
    }
  });

  it('ends at its limit, and says so', () => {
    const { text, cuts } = chrome('trap', 100, 'ps');
    const { traceEvents, otherData } = parse(text);
    expect(cuts).toBe(1);
    expect(otherData.cut).toBe(true);
    expect(traceEvents.filter(({ ph }) => ph !== 'M')).toHaveLength(101);
    expect(traceEvents.at(-1)?.name).toBe('trace cut: 100 events');
  });
});
