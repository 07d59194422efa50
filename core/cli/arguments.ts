import { parseArgs } from 'node:util';
import type { Engine } from '../machine/translate/translator.ts';
import type { Mode } from '../protocol/monitor.ts';
import { MAX_MEMORY_MIB, MIN_MEMORY_MIB } from '../session/session.ts';
import { MODES, type Paging } from '../vmm/technique.ts';

/** A command line that cannot be carried out; the message says what is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `usage: ringside run IMAGE [options]

IMAGE is the name of a built-in guest (primer), of an image that npm run images made (linux-686),
or a file: a multiboot kernel, or a Linux bzImage with its --initrd.

  --initrd FILE         initial RAM disk of a Linux kernel, or a multiboot module
  --append TEXT         kernel command line
  --memory MIB          size of RAM (32 for primer, 256 for Linux)
  --mode MODE           how the guest is run: bare (on the machine itself), or under the monitor by trap, translate, patch, para
                        or hardware
  --paging KIND         with --mode hardware: nested or shadow page tables
  --engine ENGINE       how instructions are run: what is hot as WebAssembly, by regions or blocks; interpret, or execute (slow)
  --testdev             the machine has what test suites expect of QEMU: fw_cfg, pc-testdev, isa-debug-exit, and a serial port that
                        interrupts without OUT2
  --input TEXT          typed on the serial console; C escapes are understood (\\n, \\t, \\xHH, \\\\)
  --input-after TEXT    type only after the console has shown this
  --until TEXT          stop when the console shows this
  --max-instructions N  stop after N instructions
  --timeout SECONDS     stop after this time
  --rate N              instructions in a second of the guest's time (100000000)
  --trace FILE          write what happened, ring by ring, as Chrome trace JSON, which Perfetto opens
  --stats json          print figures as JSON on the last line of stdout

Exit code 0: the text of --until was seen, or the guest powered off. 1: a limit was reached first.
2: wrong arguments or image. 3: the guest crashed; the processor's state is on stderr. A guest that ends through isa-debug-exit: the
low byte of its own code.
`;

export interface RunArguments {
  readonly image: string;
  readonly initrd: string | null;
  readonly append: string | null;
  readonly memoryMib: number | null;
  readonly input: Uint8Array;
  readonly inputAfter: string | null;
  readonly until: string | null;
  readonly maxInstructions: number;
  /** Seconds. */
  readonly timeout: number;
  readonly rate: number;
  readonly stats: boolean;
  /** File for the trace, or null. */
  readonly trace: string | null;
  readonly mode: Mode;
  readonly paging: Paging;
  readonly engine: Engine;
  readonly testDevices: boolean;
}

const STRING = { type: 'string' } as const;

const OPTIONS = {
  initrd: STRING,
  append: STRING,
  memory: STRING,
  mode: STRING,
  paging: STRING,
  engine: STRING,
  disk: STRING,
  floppy: STRING,
  input: STRING,
  'input-after': STRING,
  until: STRING,
  'max-instructions': STRING,
  timeout: STRING,
  rate: STRING,
  stats: STRING,
  trace: STRING,
  testdev: { type: 'boolean' },
} as const;

const PAGINGS: readonly Paging[] = ['nested', 'shadow'];
const ENGINES: readonly Engine[] = ['execute', 'interpret', 'blocks', 'regions'];

/** The one of these words that the text is. Throws UsageError. */
function choice<T extends string>(option: string, text: string, known: readonly T[]): T {
  const found = known.find(word => word === text);
  if (found === undefined) throw new UsageError(`--${option} ${text} is unknown: it is one of ${known.join(', ')}.`);
  return found;
}

function numberOf(option: string, text: string | undefined, min: number, max: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < min || value > max) {
    throw new UsageError(`--${option} takes a number from ${min} to ${max}, not "${text}".`);
  }
  return value;
}

/** Reads the words behind "run". Throws UsageError. */
export function parseRun(words: readonly string[]): RunArguments {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(words);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message.split('. ')[0] : 'The arguments cannot be read');
  }
  const { values, positionals } = parsed;
  if (positionals.length !== 1) {
    throw new UsageError(
      `One IMAGE is needed, ${positionals.length === 0 ? 'none was' : `${positionals.length} were`} given.`,
    );
  }
  const mode = choice<Mode>('mode', values.mode ?? 'bare', ['bare', ...MODES]);
  if (values.paging !== undefined && mode !== 'hardware')
    throw new UsageError('--paging goes with --mode hardware only.');
  for (const name of ['disk', 'floppy'] as const) {
    if (values[name] !== undefined) throw new UsageError(`--${name} is not done yet.`);
  }
  if (values.stats !== undefined && values.stats !== 'json')
    throw new UsageError('--stats takes json, and nothing else.');
  return {
    image: positionals[0],
    initrd: values.initrd ?? null,
    append: values.append ?? null,
    memoryMib: numberOf('memory', values.memory, MIN_MEMORY_MIB, MAX_MEMORY_MIB),
    input: unescapeText(values.input ?? ''),
    inputAfter: values['input-after'] === undefined ? null : textOf(values['input-after']),
    until: values.until === undefined ? null : textOf(values.until),
    maxInstructions:
      numberOf('max-instructions', values['max-instructions'], 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY,
    timeout: numberOf('timeout', values.timeout, 0.001, 1e9) ?? Number.POSITIVE_INFINITY,
    rate: numberOf('rate', values.rate, 1e6, 1e12) ?? 1e8,
    stats: values.stats !== undefined,
    trace: values.trace ?? null,
    mode,
    paging: choice('paging', values.paging ?? 'nested', PAGINGS),
    engine: choice('engine', values.engine ?? 'regions', ENGINES),
    testDevices: values.testdev ?? false,
  };
}

function parse(words: readonly string[]) {
  return parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true });
}

const ESCAPES: Readonly<Record<string, number>> = {
  n: 10,
  r: 13,
  t: 9,
  '0': 0,
  e: 27,
  a: 7,
  b: 8,
  '\\': 92,
  '"': 34,
  "'": 39,
};

/** Text with C escapes as bytes. Throws UsageError on an unknown escape. */
export function unescapeText(text: string): Uint8Array {
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character !== '\\') {
      const point = text.codePointAt(at) ?? 0;
      const whole = String.fromCodePoint(point);
      bytes.push(...encoder.encode(whole));
      at += whole.length - 1;
      continue;
    }
    const kind = text[++at] ?? '';
    if (kind === 'x') {
      const digits = /^[0-9a-fA-F]{1,2}/.exec(text.slice(at + 1))?.[0];
      if (digits === undefined) throw new UsageError('\\x needs one or two hexadecimal digits.');
      bytes.push(Number.parseInt(digits, 16));
      at += digits.length;
      continue;
    }
    const byte = ESCAPES[kind];
    if (byte === undefined) throw new UsageError(`The escape \\${kind} is unknown.`);
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

function textOf(escaped: string): string {
  return new TextDecoder().decode(unescapeText(escaped));
}
