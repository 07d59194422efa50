/**
 * Linux at mixed work, in turns, for as long as wanted: what the translator and the process hold then, once a minute. Evictions, modules that are let go
 * and a heap that stays are seen only here.
 *
 *     npm run bench:long -- [--minutes N] [--memory MIB]
 *
 * Exit 1 if the guest does not go on. Needs `npm run images` and gcc-multilib.
 */
import { parseArgs } from 'node:util';
import { loadImage } from '../../core/guests/load.ts';
import { Pc } from '../../core/machine/pc.ts';
import { Translator } from '../../core/machine/translate/translator.ts';
import { makeGuest } from './guest.ts';
import { READY } from './lines.ts';
import { PROGRAM_NAMES, PROGRAMS, SHELL } from './programs.ts';
import { GuestError } from './task.ts';

/** Part of the benchmark's chunks that a program does at its turn: a second or less. */
const SCALE = 0.2;
const STEPS = 10_000_000;
/** Steps between two letters that are typed. */
const TYPING = 50_000;

function number(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new GuestError(`--${name} ${text} is not a number above 0.`);
  return value;
}

/** One command line: all programs, again and again. */
function endless(): string {
  const programs = PROGRAM_NAMES.map(name => `/bin/bench ${name} ${Math.ceil(PROGRAMS[name].chunks * SCALE)}`);
  return `while :; do ${[...programs, ...Object.values(SHELL)].join('; ')}; done >/tmp/out; echo over\n`;
}

function main(): void {
  const { values } = parseArgs({
    options: { minutes: { type: 'string', default: '60' }, memory: { type: 'string', default: '256' } },
  });
  const minutes = number('minutes', values.minutes);
  const memoryBytes = number('memory', values.memory) * 2 ** 20;
  const { kernel, initrd, commandLine } = makeGuest([], 1);
  let translator: Translator | null = null;
  let text = '';
  const pc = new Pc({
    memoryBytes,
    startTime: 0,
    rate: 1e8,
    translate: cpu => {
      translator = new Translator(cpu, 'regions');
      return translator;
    },
    onConsole: byte => {
      text = (text + String.fromCharCode(byte)).slice(-400);
    },
  });
  const run = (steps: number) => {
    const end = pc.run(steps, Number.POSITIVE_INFINITY, false);
    if (end === 'deadHalt' || text.includes('Kernel panic')) throw new GuestError(`The guest does not go on: ${text}`);
  };
  pc.start(loadImage(kernel, { memoryBytes, commandLine, initrd }));
  while (!text.includes(READY) || !text.includes('# ')) run(STEPS);
  for (let rest: Uint8Array = Buffer.from(endless()); rest.length > 0; ) {
    rest = rest.subarray(pc.input(rest));
    run(TYPING);
  }
  const began = performance.now();
  console.log('minutes  10^9 instructions  regions made  alive  their modules  modules made  process, MiB');
  for (let told = 1; told <= minutes; ) {
    run(STEPS);
    if (performance.now() - began < told * 60_000) continue;
    if (translator === null) throw new Error('The machine has no translator.');
    console.log(row(told, pc.cpu.count, translator));
    told++;
  }
}

function row(minute: number, count: number, { regions, translated, modules }: Translator): string {
  const alive = new Set([...regions].map(({ module }) => module)).size;
  const figures = [(count / 1e9).toFixed(1), translated, regions.size, alive, modules, process.memoryUsage.rss() >> 20];
  const widths = [17, 12, 5, 13, 12, 12];
  return [String(minute).padStart(7), ...figures.map((figure, n) => String(figure).padStart(widths[n]))].join('  ');
}

try {
  main();
} catch (thrown) {
  if (!(thrown instanceof GuestError)) throw thrown;
  console.error(thrown.message);
  process.exit(1);
}
