/**
 * Random tests of the processor, against another emulator: npm run test:fuzz -- --seed S[-LAST] --cases N [--first F] [--against bochs|qemu]
 * [--engine execute|interpret|blocks|regions] [--show N] [--keep-going] [--record]. Every step's state goes into the sum of its case; of cases whose
 * sums differ the first N are run again step by step, to show the first step that differs. The first difference ends it, but for --keep-going.
 * The last line tells the seeds, how many steps were compared, and how many of them since the last difference. With --record the judge's sums
 * are kept in tools/fuzz/recorded, with the kernel and the tests. Exit 0: no difference; 1: a difference; 2: the other emulator is not there,
 * or wrong arguments.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Engine } from '../../core/machine/translate/translator.ts';
import { differingCases, firstDifference } from './differences.ts';
import { JUDGES, type Judge, NoJudge, runJudge } from './judges.ts';
import { runHere } from './machine.ts';

const FOLDER = 'node_modules/.cache/fuzz';
const KERNEL = `${FOLDER}/fuzz.elf`;
const RECORDED = 'tools/fuzz/recorded';
/** Cases that one run of the judge makes. */
const BATCH = 1000;
const STEPS_OF_CASE = 256;
/** The kernel's own work included. */
const MACHINE_STEPS_OF_CASE = 300_000;
/** What the judge may take longer once we have not come to the end: it has met what we have. */
const PATIENCE = 10_000;
const ENGINES: readonly Engine[] = ['execute', 'interpret', 'blocks', 'regions'];

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    cases: { type: 'string', default: '1000' },
    first: { type: 'string', default: '0' },
    against: { type: 'string', default: 'bochs' },
    engine: { type: 'string', default: 'execute' },
    show: { type: 'string', default: '1' },
    'keep-going': { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
  },
});

/** Has the generator write tests for these cases; returns the file's name. */
function generate(seed: number, name: string, cases: readonly string[]): string {
  const file = `${FOLDER}/${name}`;
  execFileSync(`${FOLDER}/generate`, [String(seed), file, ...cases]);
  return file;
}

/** Runs cases again with all their steps told, and shows where each first differs. */
async function show(judge: Judge, engine: Engine, seed: number, cases: readonly number[]): Promise<void> {
  const kernel = readFileSync(KERNEL);
  for (let n = 0; n < cases.length; n += 12) {
    const some = cases.slice(n, n + 12);
    const tests = generate(seed, 'shown.tests', some.map(String));
    const a = runHere(kernel, readFileSync(tests), 'tell', { engine, mostSteps: 10_000 * MACHINE_STEPS_OF_CASE });
    const b = await runJudge(judge, KERNEL, tests, 'tell');
    const parts = (text: string) => text.split(/^(?=case )/m);
    parts(a).forEach((part, k) => {
      const difference = firstDifference(part, parts(b)[k] ?? '');
      if (difference !== null) console.log(`\nseed ${seed} case ${some[k]}\n${difference}`);
    });
  }
}

/** What has been compared so far: cases, steps, and steps since the last case that differed. */
interface Tally {
  steps: number;
  sinceDifference: number;
  differing: number;
}

/** Compares the cases of a seed. Returns whether to go on with another. */
async function compareSeed(
  judge: Judge,
  engine: Engine,
  kernel: Uint8Array,
  seed: number,
  tally: Tally,
): Promise<boolean> {
  const first = Number(values.first);
  const end = first + Number(values.cases);
  for (let at = first; at < end; ) {
    const count = Math.min(BATCH, end - at);
    const file = generate(seed, 'batch.tests', [`${at}-${at + count - 1}`]);
    const t0 = performance.now();
    const stop = new AbortController();
    const theirs = runJudge(judge, KERNEL, file, 'sums', stop.signal);
    const tests = readFileSync(file);
    const ours = runHere(kernel, tests, 'sums', { engine, mostSteps: (count + 10) * MACHINE_STEPS_OF_CASE });
    const t1 = performance.now();
    const patience = ours.endsWith('end\n') ? null : setTimeout(() => stop.abort(), PATIENCE + t1 - t0);
    const judged = await theirs;
    if (patience !== null) clearTimeout(patience);
    const t2 = performance.now();
    const { compared, cases } = differingCases(ours, judged);
    if (values.record) {
      mkdirSync(RECORDED, { recursive: true });
      writeFileSync(`${RECORDED}/sums.txt`, judged);
      writeFileSync(`${RECORDED}/tests.gz`, gzipSync(tests, { level: 9 }));
      copyFileSync(KERNEL, `${RECORDED}/fuzz.elf`);
    }
    tally.steps += compared * STEPS_OF_CASE;
    tally.sinceDifference =
      cases.length === 0
        ? tally.sinceDifference + compared * STEPS_OF_CASE
        : (at + compared - 1 - Math.max(...cases)) * STEPS_OF_CASE;
    tally.differing += cases.length;
    console.log(
      `seed ${seed}: cases ${at} to ${at + compared - 1}, ${cases.length} differ; ${tally.steps} steps (here ${((t1 - t0) / 1000).toFixed(1)} s, both ${((t2 - t0) / 1000).toFixed(1)} s)`,
    );
    if (cases.length > 0) {
      console.log(`differing: ${cases.join(' ')}`);
      await show(judge, engine, seed, cases.slice(0, Number(values.show)));
      if (!values['keep-going']) return false;
    }
    if (compared < count) {
      // Both stop, and at the same case: random code in ring 0 has hit the kernel itself.
      console.log(`case ${at + compared} ends ours: ${ours.slice(-100)} theirs: ${judged.slice(-100)}`);
    }
    at += Math.max(compared, 1) + (compared < count ? 1 : 0);
  }
  return true;
}

async function compare(judge: Judge, engine: Engine, seeds: readonly number[]): Promise<number> {
  execFileSync('bash', ['tools/fuzz/build.sh', FOLDER], { stdio: 'inherit' });
  const kernel = readFileSync(KERNEL);
  const tally: Tally = { steps: 0, sinceDifference: 0, differing: 0 };
  const started = performance.now();
  for (const seed of seeds) {
    if (!(await compareSeed(judge, engine, kernel, seed, tally))) break;
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `seeds ${values.seed}, ${values.cases} cases of each: ${tally.steps} steps compared in ${Math.round(seconds)} s, ${tally.differing} cases differ; ${tally.sinceDifference} steps since the last difference`,
  );
  return tally.differing > 0 ? 1 : 0;
}

/** Of 7 or of 7-12. */
function seedsOf(text: string): readonly number[] {
  const [from, to = from] = text.split('-').map(Number);
  return Array.from({ length: to - from + 1 }, (_, n) => from + n);
}

const judge = JUDGES.find(name => name === values.against);
const engine = ENGINES.find(name => name === values.engine);
if (judge === undefined || engine === undefined) {
  console.error(`--against is one of ${JUDGES.join(', ')}, --engine one of ${ENGINES.join(', ')}.`);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await compare(judge, engine, seedsOf(values.seed));
  } catch (error) {
    if (!(error instanceof NoJudge)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}
