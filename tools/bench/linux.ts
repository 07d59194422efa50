/**
 * The same Linux on Ringside and on its peers, in turns: the boot to its shell, programs that live here (guest/bench.c) and some of BusyBox's. Each run has
 * a thread of its own in one Node process, or a worker of its own in one Chromium.
 *
 *     npm run bench -- [--runs N] [--programs mips+int+gzip] [--scale X] [--machines regions+v86] [--qemu] [--chromium] [--initrd FILE] [--out FILE]
 *
 * Prints rates, the median ratio of the first machine to each other one, and the spread; --out writes every figure as JSON. Needs `npm run images`. Exit 2
 * when something is missing, 1 when a run goes wrong.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { makeGuest } from './guest.ts';
import { run } from './machines.ts';
import { isProgram, isShell, type Measure, PROGRAM_NAMES, PROGRAMS, SHELL } from './programs.ts';
import { runQemu } from './qemu.ts';
import {
  type Answer,
  type Guest,
  GuestError,
  type Host,
  MACHINES,
  type MachineName,
  type Measured,
  RunError,
  type Task,
} from './task.ts';
import { v86Files } from './v86-files.ts';

/** Units a second of one measure on one machine, run by run; a boot's is boots a second. */
type Rates = Map<Measure, Map<MachineName, number[]>>;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** A thread of this process does it. */
async function measure(task: Task): Promise<Measured> {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: task });
  try {
    const [answer]: Answer[] = await once(worker, 'message');
    if (typeof answer === 'string') throw new RunError(answer);
    return { ...answer, memory: null };
  } finally {
    await worker.terminate();
  }
}

const NODE: Host = {
  title: `Node ${process.version}`,
  prepare: task => () => measure(task),
  close: async () => {},
};

function taskOf(machine: MachineName, guest: Guest): Task {
  if (machine === 'v86' || machine === 'v86-interpreter') return { machine, guest, files: v86Files() };
  return { machine, guest };
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
      chromium: { type: 'boolean', default: false },
      initrd: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const { programs, qemu, chromium, initrd, out } = values;
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
  return { machines, measures, runs, scale, chromium, initrd, out };
}

function told(n: number, machine: MachineName, { figures, memory }: Measured): string {
  const times = figures.map(({ name, seconds }) => `${name} ${seconds.toFixed(2)} s`).join(', ');
  const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
  const held = memory === null ? '' : `; ${mib(memory.own)} MiB, and ${mib(memory.files)} of the browser's files`;
  return `run ${n}, ${machine}: ${times}${held}`;
}

async function main(): Promise<void> {
  const { machines, measures, runs, scale, chromium, initrd, out } = wishes();
  const guest = makeGuest(measures, scale, initrd);
  const tasks = machines.map(machine => taskOf(machine, guest));
  const host = chromium ? await (await import('./chromium/browser.ts')).openChromium() : NODE;
  try {
    const turns = tasks.map(task => ({ machine: task.machine, turn: host.prepare(task) }));
    const rates: Rates = new Map();
    const all: unknown[] = [];
    for (let n = 1; n <= runs; n++) {
      let checks: readonly string[] | null = null;
      for (const { machine, turn } of turns) {
        const measured = await turn().catch(error => {
          throw new RunError(`Run ${n} on ${machine}: ${error instanceof Error ? error.message : error}`);
        });
        const { figures } = measured;
        all.push({ host: host.title, run: n, machine, ...measured });
        const found = figures.filter(({ name }) => name !== 'boot').map(({ name, check }) => `${name} ${check}`);
        checks ??= found;
        if (checks.join() !== found.join())
          throw new RunError(`${machine} computes something else: ${found} not ${checks}`);
        for (const { name, units, seconds } of figures) {
          const byMachine = rates.get(name) ?? new Map<MachineName, number[]>();
          byMachine.set(machine, [...(byMachine.get(machine) ?? []), units / seconds]);
          rates.set(name, byMachine);
        }
        console.log(told(n, machine, measured));
      }
    }
    console.log(`${host.title}, ${availableParallelism()} processors`);
    print(machines, rates);
    if (out !== undefined) writeFileSync(out, `${JSON.stringify(all, null, 2)}\n`);
  } finally {
    await host.close();
  }
}

if (isMainThread) {
  try {
    await main();
    process.exit(0);
  } catch (error) {
    if (!(error instanceof GuestError || error instanceof RunError)) throw error;
    console.error(error.message);
    process.exit(error instanceof GuestError ? 2 : 1);
  }
} else {
  const task: Task = workerData;
  const say = (answer: Answer): void => parentPort?.postMessage(answer);
  (task.machine === 'qemu' ? runQemu(task.guest) : run(task)).then(say, error =>
    say(error instanceof Error ? error.message : String(error)),
  );
}
