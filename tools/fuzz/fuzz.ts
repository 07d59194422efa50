/**
 * Random tests of the processor, against another emulator: npm run test:fuzz -- --seed S --cases N [--first F] [--against bochs|qemu]
 * [--show N] [--record]. With --record the judge's sums of all cases are kept in tools/fuzz/recorded, with the kernel. Exit 0: no difference; 1: a difference; 2: the other emulator is not there, or wrong arguments.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { differingCases, firstDifference } from './differences.ts';
import { JUDGES, type Judge, NoJudge, runJudge } from './judges.ts';
import { runHere } from './machine.ts';

const KERNEL = 'node_modules/.cache/fuzz/fuzz.elf';
const RECORDED = 'tools/fuzz/recorded';
/** Cases that one run of the judge makes. */
const BATCH = 500;
const STEPS_OF_CASE = 64;
/** The kernel's own work included. */
const MACHINE_STEPS_OF_CASE = 1e6;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    cases: { type: 'string', default: '1000' },
    first: { type: 'string', default: '0' },
    against: { type: 'string', default: 'bochs' },
    show: { type: 'string', default: '1' },
    record: { type: 'boolean', default: false },
  },
});

async function compare(judge: Judge): Promise<number> {
  execFileSync('bash', ['tools/fuzz/build.sh', KERNEL], { stdio: 'inherit' });
  const kernel = readFileSync(KERNEL);
  const seed = Number(values.seed);
  const first = Number(values.first);
  const end = first + Number(values.cases);
  const here = (commandLine: string, cases: number) =>
    runHere(kernel, commandLine, (cases + 10) * MACHINE_STEPS_OF_CASE);
  let steps = 0;
  const started = performance.now();
  for (let at = first; at < end; ) {
    const count = Math.min(BATCH, end - at);
    const commandLine = `seed=${seed} first=${at} count=${count}`;
    const theirs = runJudge(judge, KERNEL, commandLine);
    const t0 = performance.now();
    const ours = here(commandLine, count);
    const t1 = performance.now();
    const judged = await theirs;
    const { compared, cases } = differingCases(ours, judged);
    if (values.record) {
      mkdirSync(RECORDED, { recursive: true });
      writeFileSync(`${RECORDED}/sums.txt`, `${commandLine}\n${judged}`);
      copyFileSync(KERNEL, `${RECORDED}/fuzz.elf`);
    }
    steps += compared * STEPS_OF_CASE;
    console.log(
      `seed ${seed}: cases ${at} to ${at + compared - 1}, ${cases.length} differ; ${steps} steps in ${Math.round((performance.now() - started) / 1000)} s (${Math.round((t1 - t0) / 1000)} s here)`,
    );
    if (cases.length > 0) {
      console.log(`differing: ${cases.join(' ')}`);
      const chosen = cases.slice(0, Number(values.show));
      for (let n = 0; n < chosen.length; n += 12) {
        const some = chosen.slice(n, n + 12);
        const tell = `seed=${seed} ${some.map(number => `tell=${number}`).join(' ')}`;
        const [a, b] = [here(tell, 100), await runJudge(judge, KERNEL, tell)];
        const parts = (text: string) => text.split(/^(?=case )/m);
        parts(a).forEach((part, k) => {
          const difference = firstDifference(part, parts(b)[k] ?? '');
          if (difference !== null) console.log(`\ncase ${some[k]}\n${difference}`);
        });
      }
      return 1;
    }
    if (compared < count) {
      // Both stop, and at the same case: random code in ring 0 has hit the kernel itself.
      console.log(`case ${at + compared} ends ours: ${ours.slice(-100)} theirs: ${judged.slice(-100)}`);
    }
    at += Math.max(compared, 1) + (compared < count ? 1 : 0);
  }
  return 0;
}

const judge = JUDGES.find(name => name === values.against);
if (judge === undefined) {
  console.error(`--against is one of ${JUDGES.join(', ')}.`);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await compare(judge);
  } catch (error) {
    if (!(error instanceof NoJudge)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}
