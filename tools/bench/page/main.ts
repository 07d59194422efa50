/**
 * What the page costs its guest and its reader, in the tests' Chromium: Linux of `npm run images` at work, with every panel open and while the page
 * looks away. `npm run bench:page -- [--modes bare,nested] [--rounds 5] [--out FILE]` prints tables; FILE gets all figures as JSON.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { start } from './browser.ts';
import { figures, spread, table } from './figures.ts';
import { type Load, measureLoad, measureWaits, type Waits } from './moments.ts';
import { measureRates, type Rates } from './running.ts';

const { values } = parseArgs({
  options: {
    modes: { type: 'string', default: 'bare,translate,shadow,nested' },
    rounds: { type: 'string', default: '5' },
    loads: { type: 'string', default: '5' },
    out: { type: 'string' },
  },
});

type Measured = Rates & { readonly waits: Waits };

function rateRow({ mode, panels, alone }: Measured): readonly string[] {
  const ratio = (key: 'seconds' | 'cpuSeconds') => figures(panels.map((turn, n) => alone[n][key] / turn[key]));
  return [
    mode,
    spread(figures(alone.map(({ rate }) => rate)), 1),
    spread(figures(panels.map(({ rate }) => rate)), 1),
    spread(ratio('seconds'), 2),
    spread(ratio('cpuSeconds'), 2),
    figures(panels.map(({ pageCpu }) => pageCpu)).median.toFixed(2),
    figures(panels.map(({ otherCpu }) => otherCpu)).median.toFixed(2),
  ];
}

function frameRow({ mode, frames }: Measured): readonly string[] {
  const { median, p95, most, count } = figures(frames);
  const late = frames.filter(time => time > 20).length;
  const seconds = frames.reduce((sum, time) => sum + time, 0) / 1000;
  return [
    mode,
    (count / seconds).toFixed(1),
    median.toFixed(1),
    p95.toFixed(1),
    most.toFixed(0),
    `${((100 * late) / count).toFixed(1)} %`,
  ];
}

function idleRow({ mode, idle }: Measured): readonly string[] {
  return [mode, ...[idle.worker, idle.page, idle.other].map(part => part.toFixed(3))];
}

function waitRow({ mode, waits }: Measured): readonly string[] {
  const step = figures(waits.steps);
  return [mode, spread(step, 0), step.p95.toFixed(0), waits.firstBack.toFixed(0), spread(figures(waits.backs), 0)];
}

/** Every kind of figure as a table, a row for each mode. */
const TABLES = [
  {
    title:
      'Linux in its worker, while nobody looks and with every panel open: M instructions/s, and the ratio of the times for the same work, by the clock and by processor time',
    heads: ['mode', 'alone', 'panels', 'ratio', 'by CPU', 'page CPU', 'other CPU'],
    row: rateRow,
  },
  {
    title: 'Between animation frames of the page, while it works with every panel open: ms',
    heads: ['mode', 'frames/s', 'median', '95 %', 'most', 'over 20 ms'],
    row: frameRow,
  },
  {
    title: 'While it waits at its prompt: parts of a processor',
    heads: ['mode', 'worker', 'page', 'other'],
    row: idleRow,
  },
  {
    title: 'From the press to what is painted: ms',
    heads: ['mode', 'step', '95 %', 'first step back', 'step back'],
    row: waitRow,
  },
] as const;

function loadLine(loads: readonly Load[]): string {
  const drawn = spread(figures(loads.map(load => load.drawn)), 0, ' ms');
  const ready = spread(figures(loads.map(load => load.paused)), 0, ' ms');
  const size = figures(loads.map(load => load.bytes / 1024)).median.toFixed(0);
  return `First load: something drawn after ${drawn}, the guest paused after ${ready}; ${size} KiB gzipped`;
}

async function main(): Promise<void> {
  const rounds = Number(values.rounds);
  const bench = await start();
  const [{ model }] = cpus();
  console.log(`Chromium ${bench.version} without a GPU; ${cpus().length} processors (${model})`);
  try {
    const loads: Load[] = [];
    for (let n = 0; n < Number(values.loads); n++) loads.push(await measureLoad(bench));
    console.log(loadLine(loads));
    const measured: Measured[] = [];
    for (const mode of values.modes.split(',')) {
      const one = { ...(await measureRates(bench, mode, rounds)), waits: await measureWaits(bench, mode) };
      measured.push(one);
      // This takes minutes: who waits sees something.
      for (const { row } of TABLES) console.error(row(one).join('  '));
    }
    for (const { title, heads, row } of TABLES) console.log(`\n${title}\n${table(heads, measured.map(row))}`);
    const result = { chromium: bench.version, processors: cpus().length, model, rounds, loads, measured };
    if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(result, null, 1)}\n`);
  } finally {
    await bench.close();
  }
}

await main();
process.exit(0);
