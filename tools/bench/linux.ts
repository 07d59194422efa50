/**
 * The same Linux on Ringside and on its peers, in turns: the boot to its shell, programs that live here (guest/bench.c) and some of BusyBox's. Each run has
 * a thread of its own in one Node process.
 *
 *     npm run bench -- [--runs N] [--programs mips+int+gzip] [--scale X] [--machines regions+v86] [--qemu] [--initrd FILE] [--out FILE]
 *
 * Prints rates, the median ratio of the first machine to each other one, and the spread; --out writes every figure as JSON. Needs `npm run images`.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Guest, GuestError, makeGuest } from './guest.ts';
import { MACHINES, type MachineName, type Outcome, run } from './machines.ts';
import { isProgram, isShell, type Measure, PROGRAM_NAMES, PROGRAMS, SHELL } from './programs.ts';

interface Task {
  readonly machine: MachineName;
  readonly guest: Guest;
}

/** Units a second of one measure on one machine, run by run; a boot's is boots a second. */
type Rates = Map<Measure, Map<MachineName, number[]>>;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

async function measure(task: Task): Promise<Outcome> {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: task });
  const [answer]: unknown[] = await once(worker, 'message');
  await worker.terminate();
  if (typeof answer === 'string') throw new GuestError(answer);
  return answer as Outcome;
}

function unitOf(name: Measure): string {
  return isProgram(name) ? PROGRAMS[name].unit : name === 'boot' ? 'boots' : 'runs';
}

function print(machines: readonly MachineName[], rates: Rates): void {
  const [first, ...others] = machines;
  const number = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
  const rows = [...rates].map(([name, byMachine]) => {
    const of = (machine: MachineName) => byMachine.get(machine) ?? [];
    const ratios = others.map(other => {
      const pairs = of(first).map((rate, n) => rate / of(other)[n]);
      return `${median(pairs).toFixed(2)} (${Math.min(...pairs).toFixed(2)}-${Math.max(...pairs).toFixed(2)})`;
    });
    return [name, `${unitOf(name)}/s`, ...machines.map(machine => number(median(of(machine)))), ...ratios];
  });
  const head = ['', 'unit', ...machines, ...others.map(other => `${first} / ${other}`)];
  const widths = head.map((_, n) => Math.max(...[head, ...rows].map(row => row[n].length)));
  for (const row of [head, ...rows]) console.log(row.map((cell, n) => cell.padEnd(widths[n])).join('  '));
}

function isMachine(name: string): name is MachineName {
  return MACHINES.some(machine => machine === name);
}

/** Throws GuestError for words that mean nothing. */
function wishes() {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '3' },
      programs: { type: 'string' },
      scale: { type: 'string', default: '1' },
      machines: { type: 'string', default: 'regions+v86' },
      qemu: { type: 'boolean', default: false },
      initrd: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const { programs, qemu, initrd, out } = values;
  const machines = [...values.machines.split('+'), ...(qemu ? ['qemu'] : [])].map(name => {
    if (!isMachine(name)) throw new GuestError(`There is no machine ${name}: there are ${MACHINES.join(', ')}.`);
    return name;
  });
  const names = programs?.split('+') ?? [...PROGRAM_NAMES, ...Object.keys(SHELL)];
  const measures = names.map((name): Measure => {
    if (!isProgram(name) && !isShell(name)) throw new GuestError(`There is no program ${name}.`);
    return name;
  });
  const [runs, scale] = [Number(values.runs), Number(values.scale)];
  if (!(runs >= 1 && scale > 0)) throw new GuestError('--runs and --scale take a number greater than 0.');
  return { machines, measures, runs, scale, initrd, out };
}

async function main(): Promise<void> {
  const { machines, measures, runs, scale, initrd, out } = wishes();
  const guest = makeGuest(measures, scale, initrd);
  const rates: Rates = new Map();
  const all: unknown[] = [];
  for (let n = 1; n <= runs; n++) {
    let checks: readonly string[] | null = null;
    for (const machine of machines) {
      const { figures, instructions } = await measure({ machine, guest });
      all.push({ run: n, machine, figures, instructions });
      const found = figures.filter(({ name }) => name !== 'boot').map(({ name, check }) => `${name} ${check}`);
      checks ??= found;
      if (checks.join() !== found.join())
        throw new GuestError(`${machine} computes something else: ${found} not ${checks}`);
      for (const { name, units, seconds } of figures) {
        const byMachine = rates.get(name) ?? new Map<MachineName, number[]>();
        byMachine.set(machine, [...(byMachine.get(machine) ?? []), units / seconds]);
        rates.set(name, byMachine);
      }
      console.log(
        `run ${n}, ${machine}: ${figures.map(({ name, seconds }) => `${name} ${seconds.toFixed(2)} s`).join(', ')}`,
      );
    }
  }
  console.log(`Node ${process.version}, ${availableParallelism()} processors`);
  print(machines, rates);
  if (out !== undefined) writeFileSync(out, `${JSON.stringify(all, null, 2)}\n`);
}

if (isMainThread) {
  try {
    await main();
    process.exit(0);
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
} else {
  const { machine, guest }: Task = workerData;
  run(machine, guest).then(
    outcome => parentPort?.postMessage(outcome),
    error => parentPort?.postMessage(error instanceof Error ? error.message : String(error)),
  );
}
