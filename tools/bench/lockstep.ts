/**
 * Linux twice, executed and translated (or interpreted), side by side: the processors are compared every few thousand instructions, RAM now and then. The guest boots and
 * does the benchmark's work once; that ends the run, or the number of instructions does. A boot has 2.7 billion.
 *
 *     npm run test:lockstep -- [--instructions N] [--every N] [--scale X] [--engine interpret]
 *
 * Exit 1, and what differs, at the first difference. Needs `npm run images` and gcc-multilib.
 */
import { parseArgs } from 'node:util';
import { loadImage } from '../../core/guests/load.ts';
import { firstDifference, stateOf } from '../../core/machine/compare.ts';
import { Pc } from '../../core/machine/pc.ts';
import { type Engine, translatorOf } from '../../core/machine/translate/translator.ts';
import { makeGuest } from './guest.ts';
import { DONE } from './lines.ts';
import type { Measure } from './programs.ts';
import { type Guest, GuestError } from './task.ts';

const MEMORY_BYTES = 128 << 20;
/** Comparisons of the processor for one of RAM, and for one line of text. */
const RAM_EVERY = 2000;
const TOLD_EVERY = 20_000;
const WORK: readonly Measure[] = [
  'mips',
  'int',
  'sha',
  'nbody',
  'forkexec',
  'mmap',
  'copy',
  'int80',
  'getppid',
  'gzip',
  'awk',
  'sort',
];

function number(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new GuestError(`--${name} ${text} is not a number above 0.`);
  return value;
}

interface Run {
  readonly pc: Pc;
  text: string;
}

function open(engine: Engine, guest: Guest): Run {
  const run: Run = {
    pc: new Pc({
      memoryBytes: MEMORY_BYTES,
      startTime: 0,
      rate: 1e8,
      translate: translatorOf(engine),
      onConsole: byte => {
        run.text += String.fromCharCode(byte);
      },
    }),
    text: '',
  };
  const { kernel, initrd, commandLine } = guest;
  run.pc.start(loadImage(kernel, { memoryBytes: MEMORY_BYTES, commandLine, initrd }));
  return run;
}

/** What differs between the two, in one sentence; null: nothing. */
function difference(one: Run, other: Run, withRam: boolean): string | null {
  if (one.text !== other.text) return 'what they print';
  const [a, b] = [stateOf(one.pc).split(' '), stateOf(other.pc).split(' ')];
  const at = a.findIndex((word, n) => word !== b[n]);
  if (at >= 0) return `word ${at} of the processor's state: ${a[at]} executed, ${b[at]} translated`;
  const byte = withRam ? firstDifference(one.pc, other.pc) : -1;
  return byte < 0 ? null : `RAM at ${byte.toString(16)}`;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      instructions: { type: 'string', default: '4000000000' },
      every: { type: 'string', default: '10000' },
      scale: { type: 'string', default: '0.02' },
      engine: { type: 'string', default: 'regions' },
    },
  });
  const instructions = number('instructions', values.instructions);
  const every = number('every', values.every);
  const guest = makeGuest(WORK, number('scale', values.scale));
  const [one, other] = [open('execute', guest), open(values.engine === 'interpret' ? 'interpret' : 'regions', guest)];
  const began = Date.now();
  let compared = 0;
  while (one.pc.cpu.count < instructions && !one.text.includes(DONE)) {
    const before = one.pc.cpu.count;
    for (const { pc } of [one, other]) pc.run(every, Number.POSITIVE_INFINITY, true);
    compared++;
    const what = difference(one, other, compared % RAM_EVERY === 0);
    if (what !== null) {
      console.error(`Between ${before} and ${one.pc.cpu.count} instructions they come to differ: ${what}.`);
      process.exit(1);
    }
    if (compared % TOLD_EVERY === 0) {
      console.log(
        `${one.pc.cpu.count} instructions, ${compared} comparisons, ${other.pc.cpu.translator?.translated ?? 0} regions`,
      );
    }
  }
  const seconds = Math.round((Date.now() - began) / 1000);
  console.log(
    one.text
      .split('\n')
      .filter(line => line.startsWith('RESULT'))
      .join('\n'),
  );
  console.log(`No difference: ${one.pc.cpu.count} instructions, ${compared} comparisons, ${seconds} s.`);
}

try {
  main();
} catch (thrown) {
  if (!(thrown instanceof GuestError)) throw thrown;
  console.error(thrown.message);
  process.exit(2);
}
