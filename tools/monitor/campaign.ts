/**
 * Random pieces of code under the monitor, at length. Equivalence: kernel and user code does under each correct technique what it does on the
 * bare machine. Isolation: hostile code reaches nothing but its own frames. A thread for every processor.
 *
 * npm run test:monitor -- [--long] [--seed N] [--pieces kernel=N,user=N,hostile=N]
 *
 * `pieces` are for each technique; --long has 20,000 of each kind, 120,000 hostile ones in all. Every failure tells its seed, which runs it
 * alone: --seed N --pieces kernel=1,user=0,hostile=0.
 */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { createReport, type Report } from '../../core/vmm/testing/campaign.ts';
import { missing } from '../../core/vmm/testing/coverage.ts';
import { type Job, KINDS, type Kind, type Result, runJob, type Technique, TRIED } from './jobs.ts';

const SHORT: Readonly<Record<Kind, number>> = { kernel: 3_000, user: 2_000, hostile: 2_000 };
const LONG: Readonly<Record<Kind, number>> = { kernel: 20_000, user: 20_000, hostile: 20_000 };
/** Pieces that one thread takes at a time. */
const CHUNK = 1_000;
/** Fewer need not do everything that pieces can do. */
const ENOUGH = 3_000;

interface Options {
  readonly seed: number;
  readonly pieces: Readonly<Record<Kind, number>>;
}

function parseNumber(text: string, what: string): number {
  if (!/^\d+$/.test(text)) throw new TypeError(`${what} is a number, not ${text}.`);
  return Number(text);
}

function parse(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { seed: { type: 'string' }, pieces: { type: 'string' }, long: { type: 'boolean' } },
  });
  const pieces = { ...(values.long ? LONG : SHORT) };
  for (const part of values.pieces?.split(',') ?? []) {
    const [name, count] = part.split('=');
    const kind = KINDS.find(known => known === name);
    if (kind === undefined) throw new TypeError(`--pieces has ${KINDS.join(', ')}, not ${name}.`);
    pieces[kind] = parseNumber(count ?? '', kind);
  }
  return { seed: parseNumber(values.seed ?? '1', '--seed'), pieces };
}

/** One technique with one kind of code. */
interface Row {
  readonly kind: Kind;
  readonly technique: Technique;
  readonly report: Report;
  readonly coverage: Record<string, number>;
  seconds: number;
  /** Jobs that are not done yet. */
  left: number;
}

function plan({ seed, pieces }: Options): { readonly rows: readonly Row[]; readonly jobs: [Row, Job][] } {
  const rows: Row[] = [];
  const jobs: [Row, Job][] = [];
  for (const kind of KINDS) {
    for (const technique of pieces[kind] > 0 ? TRIED[kind] : []) {
      const row: Row = { kind, technique, report: createReport(), coverage: {}, seconds: 0, left: 0 };
      rows.push(row);
      for (let done = 0; done < pieces[kind]; done += CHUNK, row.left++) {
        const count = Math.min(CHUNK, pieces[kind] - done);
        jobs.push([row, { kind, technique, seed: seed + done, count }]);
      }
    }
  }
  return { rows, jobs };
}

function add(row: Row, { report, coverage, seconds }: Result): void {
  row.report.compared += report.compared;
  row.report.skipped += report.skipped;
  row.report.open += report.open;
  row.report.selfReading += report.selfReading;
  row.report.failures.push(...report.failures);
  for (const [name, count] of Object.entries(coverage)) row.coverage[name] = (row.coverage[name] ?? 0) + count;
  row.seconds += seconds;
  if (--row.left === 0) tell(row);
}

function tell({ kind, technique, report, coverage, seconds }: Row): void {
  const { compared, skipped, open, selfReading, failures } = report;
  const told: string[] = [];
  if (kind !== 'hostile') told.push(`${skipped} without an end of their own`, `${open} left open by the manual`);
  if (technique === 'patch' && kind !== 'hostile') told.push(`${selfReading} that read their own code`);
  const rest = told.map(text => `${text}, `).join('');
  console.log(
    `${kind} code, ${technique}: ${compared} pieces, ${rest}${failures.length} failures (${seconds.toFixed(0)} s)`,
  );
  for (const failure of failures) console.log(`  ${failure}`);
  const counts = Object.entries(coverage).sort(([a], [b]) => a.localeCompare(b));
  if (counts.length > 0) {
    console.log(`  half of them, bare: ${counts.map(([name, count]) => `${name} ${count}`).join(', ')}`);
  }
}

/** Takes jobs one after the other. */
async function work(worker: Worker, jobs: [Row, Job][]): Promise<void> {
  for (let next = jobs.shift(); next !== undefined; next = jobs.shift()) {
    const [row, job] = next;
    worker.postMessage(job);
    const [result]: Result[] = await once(worker, 'message');
    add(row, result);
  }
  await worker.terminate();
}

async function main(): Promise<void> {
  const options = parse(process.argv.slice(2));
  const { rows, jobs } = plan(options);
  console.log(`seed ${options.seed}`);
  const started = performance.now();
  const file = fileURLToPath(import.meta.url);
  await Promise.all(Array.from({ length: availableParallelism() }, () => work(new Worker(file), jobs)));
  let failures = 0;
  let pieces = 0;
  for (const { kind, technique, report, coverage } of rows) {
    pieces += report.compared;
    failures += report.failures.length;
    if (kind === 'hostile' || technique !== TRIED[kind][0] || options.pieces[kind] < ENOUGH) continue;
    for (const name of missing(coverage, kind)) {
      console.log(`No piece of ${kind} code did this: ${name}`);
      failures++;
    }
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${pieces} pieces in all, ${failures} failures, ${seconds} s`);
  process.exitCode = failures === 0 ? 0 : 1;
}

if (isMainThread) await main();
else parentPort?.on('message', (job: Job) => parentPort?.postMessage(runJob(job)));
