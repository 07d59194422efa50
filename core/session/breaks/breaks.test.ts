import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '../../machine/testing/random.ts';
import type { BreakHit, BreakOn } from '../../protocol/breakpoints.ts';
import type { Setting } from '../../protocol/monitor.ts';
import { Session } from '../session.ts';
import { breakAt, breakBefore } from '../testing/breakpoints.ts';

const SEED = Number(process.env['RINGSIDE_SEED'] ?? Math.floor(Math.random() * 2 ** 32));

const guest = {
  name: 'primer',
  kernel: new Uint8Array(readFileSync('public/guests/primer.elf')),
  initrd: null,
  symbols: readFileSync('public/guests/primer.json', 'utf8'),
  commandLine: '',
  memoryMib: 32,
};
const paravirtualized = {
  ...guest,
  kernel: new Uint8Array(readFileSync('public/guests/primer-para.elf')),
  symbols: readFileSync('public/guests/primer-para.json', 'utf8'),
};
const BARE: Setting = { mode: 'bare', paging: 'nested' };
const PARA: Setting = { mode: 'para', paging: 'shadow' };
const TRANSLATE: Setting = { mode: 'translate', paging: 'shadow' };
const NESTED: Setting = { mode: 'hardware', paging: 'nested' };
const SETTINGS: readonly Setting[] = [
  BARE,
  { mode: 'trap', paging: 'shadow' },
  TRANSLATE,
  { mode: 'patch', paging: 'shadow' },
  NESTED,
  { mode: 'hardware', paging: 'shadow' },
];
const MONITORED = SETTINGS.slice(1);
/** As far as primer's processes have been interrupted a few times. */
const STEPS = 1_600_000;

function create(setting: Setting): Session {
  const image = setting.mode === 'para' ? paravirtualized : guest;
  const session = new Session(image, { startTime: 0, rate: 1e7, onConsole: () => {}, ...setting });
  if (setting.mode !== 'hardware') session.pc.cpu.hasVmx = false;
  session.input(new TextEncoder().encode('fault\nfork\n'));
  return session;
}

/** How it stood at a breakpoint. */
interface Stood {
  readonly hit: BreakHit;
  readonly by: string;
  readonly before: string;
  readonly cpl: number;
}

/** Runs to a step, in random pieces if there is a seed. */
function course(session: Session, steps: number, seed: number | null = null): Stood[] {
  const random = seed === null ? null : new Random(seed);
  const stood: Stood[] = [];
  session.begin('run');
  while (session.steps < steps) {
    const left = steps - session.steps;
    const most = random === null ? left : Math.min(left, 1 + random.below(100_000));
    if (session.run(most, Number.POSITIVE_INFINITY)) continue;
    const { stop, processor } = session;
    if (stop.kind !== 'breakpoint' || stop.hit === undefined) throw new Error(`It ended with ${stop.kind}.`);
    const { hit } = stop;
    stood.push({ hit, by: nameOf(session, hit.by), before: nameOf(session, stop.address), cpl: processor.cpl });
    session.begin('run');
  }
  return stood;
}

function nameOf({ symbols }: Session, address: number): string {
  return symbols.name(address) ?? address.toString(16);
}

function symbol({ symbolFile }: Session, name: string): number {
  const found = symbolFile?.symbols.find(each => each.name === name);
  if (found === undefined) throw new Error(`primer has no ${name}.`);
  return found.address;
}

/** All that the machine is: the guest, and the monitor's memory. */
function everything({ pc, steps, monitor }: Session): string {
  const { pages, bytes, ...rest } = pc.save();
  let sum = 0;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
  const exits = monitor?.counts.exits.reduce((all, { count }) => all + count, 0);
  return JSON.stringify({ ...rest, pages: pages.length, sum, steps, exits, cost: monitor?.counts.monitor });
}

const ticks = (session: Session) => symbol(session, 'tick_count');

interface Courses {
  readonly plain: string;
  readonly stopped: string;
  readonly stood: readonly Stood[];
  /** At breakpoints of a kind. */
  of(kind: BreakOn['kind'], reason?: string): readonly Stood[];
}

const courses = new Map<Setting, Courses>();

/** The same guest with breakpoints of every kind, and without. */
function both(setting: Setting): Courses {
  const known = courses.get(setting);
  if (known !== undefined) return known;
  const plain = create(setting);
  course(plain, STEPS);
  const stopped = create(setting);
  const all: BreakOn[] = [
    { kind: 'write', address: ticks(stopped), length: 4 },
    { kind: 'access', address: symbol(stopped, 'current_space'), length: 4 },
    { kind: 'cr3' },
    { kind: 'ring', to: 3 },
    { kind: 'pageFault', address: null },
    { kind: 'delivery', vector: 0x80 },
    { kind: 'delivery', vector: 32 },
    { kind: 'hypercall', name: 'update_va_mapping' },
    { kind: 'execute', address: symbol(stopped, 'switch_space') },
    { kind: 'exit', reason: 'out' },
  ];
  stopped.setBreakpoints(breakAt(...all));
  const stood = course(stopped, STEPS, SEED);
  const of = (kind: BreakOn['kind'], reason?: string) =>
    stood.filter(({ hit }) => hit.on.kind === kind && (reason === undefined || hit.reason === reason));
  const made = { plain: everything(plain), stopped: everything(stopped), stood, of };
  courses.set(setting, made);
  return made;
}

describe(`with breakpoints of every kind, RINGSIDE_SEED=${SEED}`, () => {
  it.each([...SETTINGS, PARA])('the guest ends as it does without them, under $mode, $paging', setting => {
    const { plain, stopped, stood } = both(setting);
    expect(stood.length).toBeGreaterThan(5);
    expect(stopped).toBe(plain);
  });

  it.each(SETTINGS)('a watchpoint tells each write with its bytes, under $mode, $paging', setting => {
    const writes = both(setting).of('write');
    expect(writes.length).toBeGreaterThan(1);
    writes.forEach(({ hit, by, before }, n) => {
      expect([hit.before, hit.after]).toEqual([n, n + 1]);
      expect([by, before]).toEqual(['timer_tick+0x6', 'timer_tick+0xb']);
    });
  });

  it.each(SETTINGS)('reads are told as well, whoever executes them, under $mode, $paging', setting => {
    const reads = both(setting).of('access');
    expect(reads.length).toBeGreaterThan(0);
    for (const { hit, before } of reads) {
      expect(hit.by).not.toBe(0);
      expect(before).toMatch(/^[a-z_]+(\+0x[0-9a-f]+)?$/);
    }
  });

  it.each(SETTINGS)('INT n stops before the first instruction of its handler, under $mode, $paging', setting => {
    const calls = both(setting).of('delivery', 'int 0x80');
    expect(calls.length).toBeGreaterThan(2);
    for (const { by, before, cpl } of calls) {
      expect(by).toMatch(/^[a-z_]+\+0x[0-9a-f]+$/);
      expect([before, cpl]).toEqual(['call_entry', 0]);
    }
  });

  it.each(SETTINGS)('an interrupt does, also of a halted guest, under $mode, $paging', setting => {
    const interrupts = both(setting).of('delivery', 'interrupt 32');
    expect(interrupts.length).toBeGreaterThan(1);
    for (const { before, cpl } of interrupts) expect([before, cpl]).toEqual(['entry_32', 0]);
  });

  it.each(SETTINGS)('only the guest’s own page faults count, under $mode, $paging', setting => {
    const faults = both(setting).of('pageFault');
    // The first use of each process's stack; a monitor's hidden ones are many more.
    expect(faults.length).toBeGreaterThan(1);
    expect(faults.length).toBeLessThan(20);
    expect(faults[0].by).toBe('start');
    for (const { before, cpl } of faults) expect([before, cpl]).toEqual(['entry_14', 0]);
  });

  it.each(SETTINGS)('another address space stops behind the load of CR3, under $mode, $paging', setting => {
    const [first, ...others] = both(setting).of('cr3');
    expect([first?.by, first?.before]).toEqual(['start+0x55', 'start+0x58']);
    expect(others.length).toBeGreaterThan(2);
    for (const { by, before } of others) expect([by, before]).toEqual(['switch_space+0x10', 'switch_space+0x13']);
  });

  it.each(SETTINGS)('the way to ring 3 stops at its first instruction there, under $mode, $paging', setting => {
    const ways = both(setting).of('ring');
    expect(ways.length).toBeGreaterThan(2);
    for (const { by, cpl } of ways) expect([by, cpl]).toEqual(['trap_return+0xa', 3]);
  });

  it.each(MONITORED)('an exit stops when the monitor has served it, under $mode, $paging', setting => {
    const [first] = both(setting).of('exit');
    expect([first?.by, first?.before, first?.hit.reason]).toEqual(['console_start+0x17', 'console_start+0x18', 'out']);
  });

  it('a hypercall stops behind it', () => {
    const calls = both(PARA).of('hypercall', 'update_va_mapping');
    expect(calls.length).toBeGreaterThan(0);
    for (const { cpl } of calls) expect(cpl).toBe(1);
  });

  it('a step tells what it did, and it is counted', () => {
    const session = create(BARE);
    const address = symbol(session, 'timer_tick') + 6;
    session.setBreakpoints(breakBefore(address));
    session.begin('run');
    while (session.run(1e6, Number.POSITIVE_INFINITY));
    session.setBreakpoints(breakAt({ kind: 'write', address: ticks(session) + 1, length: 1 }));
    session.begin('into');
    expect(session.stop).toMatchObject({ kind: 'breakpoint', hit: { before: 0, after: 0, by: address } });
    expect(session.breakCounts).toEqual([{ id: 1, hits: 1 }]);
  });
});

describe('conditions, counts and ignore counts', () => {
  it.each([BARE, NESTED])('say which hits stop, under $mode', setting => {
    const session = create(setting);
    const on: BreakOn = { kind: 'write', address: ticks(session), length: 4 };
    const common = { enabled: true, ignore: 0, condition: '' };
    const tick = `[0x${ticks(session).toString(16)}]`;
    session.setBreakpoints([
      { ...common, id: 7, on, condition: `${tick} % 2 == 0 && cpl == 0` },
      { ...common, id: 8, on, ignore: 2 },
      { ...common, id: 9, on, enabled: false },
      { ...common, id: 10, on, condition: '[0xfff00000] == 0' },
    ]);
    const stood = course(session, STEPS);
    expect(stood.slice(0, 2).map(({ hit }) => [hit.id, hit.after])).toEqual([
      [7, 2],
      [8, 3],
    ]);
    const counts = new Map(session.breakCounts.map(({ id, hits }) => [id, hits]));
    const all = counts.get(8) ?? 0;
    expect(all).toBeGreaterThan(2);
    expect(counts.get(7)).toBe(Math.floor(all / 2));
    expect(counts.has(9) || counts.has(10)).toBe(false);
  });

  it('a condition that means nothing is refused, and what was set stays', () => {
    const session = create(BARE);
    const [one] = breakAt({ kind: 'cr3' });
    session.setBreakpoints([one]);
    expect(() => session.setBreakpoints([{ ...one, condition: 'eex == 1' }])).toThrow(
      'eex is no register and no flag.',
    );
    expect(course(session, STEPS / 4).length).toBeGreaterThan(0);
  });
});

describe('running until something happens', () => {
  it.each([BARE, TRANSLATE])('stops there once, under $mode', setting => {
    const session = create(setting);
    session.beginUntil({ kind: 'ring', to: 3 });
    while (session.run(1e6, Number.POSITIVE_INFINITY));
    expect(session.stop).toMatchObject({ kind: 'breakpoint', hit: { on: { kind: 'ring' } } });
    expect(session.processor.cpl).toBe(3);
    session.begin('run');
    expect(session.run(200_000, Number.POSITIVE_INFINITY)).toBe(true);
    session.beginUntil({ kind: 'execute', address: symbol(session, 'timer_tick') });
    while (session.run(1e6, Number.POSITIVE_INFINITY));
    expect(nameOf(session, session.processor.linearEip >>> 0)).toBe('timer_tick');
  });
});
