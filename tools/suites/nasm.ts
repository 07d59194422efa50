import { existsSync, readFileSync } from 'node:fs';
import * as v from 'valibot';
import { loadImage } from '../../core/guests/load.ts';
import * as L from '../../core/machine/cpu/layout.ts';
import { Pc } from '../../core/machine/pc.ts';
import { translatorOf } from '../../core/machine/translate/translator.ts';
import { difference, type Outcome, randomSteps, run, type Subject } from './course.ts';
import type { Found, Suite, SuiteOptions } from './suite.ts';

/** v86's instruction tests: small multiboot programs NAME.img, each with what a debugger saw of a real processor, NAME.fixture. */

const MEMORY = 2 << 20;
const RATE = 1e8;
const STEPS = 2_000_000;
/** What the processor does not announce: POPCNT. */
const UNANNOUNCED = /f30fb8/;
/** Failures that are named one by one. */
const MOST_NAMED = 20;

/** The machine finds these where the program expects its system: a handler for each exception, HLT, in flat segments. */
const IDT = 0x1000;
const GDT = 0x1400;
const HANDLERS = 0x1800;
const VECTORS = 32;
const WITH_ERROR_CODE: readonly number[] = [8, 10, 11, 12, 13, 14, 17];
const CR0_MP_NE = 0x22;
const CR4_SSE = 0x600;
const STATUS_FLAGS = 0x8d5;

/** Where the program's data lie, of which the fixture has so many doublewords. */
const DATA = 0x100000;
const DATA_WORDS = 2048;
/** The tag word of a program that left MMX registers behind. */
const MMX_TAGS = 0xaaaa;

/** Signals of the debugger's Linux, and which exceptions of the machine's end in them. */
const SIGNALS: Readonly<Record<string, readonly number[]>> = {
  SIGFPE: [0, 16, 19],
  SIGILL: [6],
  SIGSEGV: [10, 11, 12, 13, 14],
  SIGBUS: [17, 14],
};

const recordSchema = v.array(v.union([v.number(), v.string()]));

export function nasmTests(files: readonly Found[]): readonly Suite[] {
  const tests = files
    .filter(({ path, name }) => name.endsWith('.img') && existsSync(fixtureOf(path)) && !UNANNOUNCED.test(name))
    .map(({ path }) => path)
    .sort();
  return tests.length === 0 ? [] : [{ name: "v86's instruction tests", run: options => runAll(tests, options) }];
}

function fixtureOf(path: string): string {
  return `${path.slice(0, -4)}.fixture`;
}

function runAll(tests: readonly string[], options: SuiteOptions) {
  const open = machines(options);
  const failures: string[] = [];
  let equal = 0;
  let without = 0;
  for (const [number, path] of tests.entries()) {
    const fixture = parseFixture(readFileSync(fixtureOf(path), 'latin1'));
    if (fixture === null) {
      without++;
      continue;
    }
    const subject = subjectOf(path, options, open);
    const whole = run(subject);
    let wrong = judge(whole, fixture);
    if (wrong === null && options.restore !== null && whole.steps > 1) {
      wrong = difference(whole, run(subject, randomSteps(options.restore + number, 1, whole.steps)));
    }
    if (wrong === null) equal++;
    else failures.push(`${path}: ${wrong}`);
  }
  const again = options.restore === null ? '' : ', each restored once on the way as well';
  return {
    wrong: failures.length === 0 ? null : [`${failures.length} differ`, ...failures.slice(0, MOST_NAMED)].join('\n'),
    told: `${equal} of ${tests.length - without} equal${again}; ${without} without what to expect`,
  };
}

/** Two machines that take turns, since to make one takes longer than a test: who is restored is never who was saved. */
function machines({ engine }: SuiteOptions): () => Pc {
  const make = () =>
    new Pc({ memoryBytes: MEMORY, startTime: 0, rate: RATE, translate: translatorOf(engine), onConsole: () => {} });
  let [next, other] = [make(), make()];
  return () => {
    [next, other] = [other, next];
    next.rebuild();
    return next;
  };
}

function subjectOf(path: string, { engine }: SuiteOptions, open: () => Pc): Subject {
  const start = loadImage(readFileSync(path), { memoryBytes: MEMORY, commandLine: '', initrd: null });
  return { start, memoryBytes: MEMORY, rate: RATE, steps: STEPS, engine, open, prepare };
}

function prepare({ cpu, physical }: Pc): void {
  cpu.i32[L.W_CR0] |= CR0_MP_NE;
  cpu.i32[L.W_CR4] |= CR4_SSE;
  // As FNINIT leaves it: all exceptions masked, all registers empty.
  cpu.i32[L.W_X87] = 0x37f;
  cpu.i32[L.W_X87 + 2] = 0xff;
  for (let vector = 0; vector < VECTORS; vector++) {
    physical.write(IDT + vector * 8, 4, 0x00080000 | (HANDLERS + vector));
    physical.write(IDT + 4 + vector * 8, 4, 0x8e00);
    physical.write(HANDLERS + vector, 1, 0xf4);
  }
  [0x00cf9b00, 0x00cf9300].forEach((high, n) => {
    physical.write(GDT + 8 + n * 8, 4, 0x0000ffff);
    physical.write(GDT + 12 + n * 8, 4, high);
  });
  cpu.i32[L.W_IDTR_BASE] = IDT;
  cpu.i32[L.W_IDTR_LIMIT] = VECTORS * 8 - 1;
  cpu.i32[L.W_GDTR_BASE] = GDT;
  cpu.i32[L.W_GDTR_LIMIT] = 23;
}

/** What the debugger saw at the end. */
interface Fixture {
  /** Exceptions that it may have been that ended the program; null: none. */
  readonly exceptions: readonly number[] | null;
  readonly general: readonly number[];
  readonly eip: number;
  /** As numbers; null where it could not say. */
  readonly x87: readonly (number | null)[];
  readonly mmx: readonly number[];
  readonly xmm: readonly number[];
  readonly data: readonly number[];
  readonly eflags: number;
  readonly tags: number;
  readonly status: number;
}

function parseFixture(text: string): Fixture | null {
  const json = /---BEGIN JSON---([\s\S]*?)---END JSON---/.exec(text)?.[1];
  if (json === undefined) return null;
  // The debugger writes numbers that JSON does not have.
  const quoted = json.replace(/(?<!")-?\b(inf|nan(\([^)]*\))?)(?![\w"])/g, word => `"${word.replace(/\(.*/, '')}"`);
  const values = v.parse(recordSchema, JSON.parse(quoted));
  let at = 0;
  const take = (count: number) => values.slice(at, (at += count));
  const words = (count: number) => take(count).map(value => Number(value) | 0);
  const general = words(8);
  const [eip] = words(1);
  const x87 = take(8).map(numberOf);
  const [mmx, xmm, data] = [words(16), words(32), words(DATA_WORDS)];
  const [eflags, tags, status] = words(3);
  const signal = /\(signal (SIG[A-Z]+)\)/.exec(text)?.[1] ?? '';
  const exceptions = SIGNALS[signal] ?? null;
  return { exceptions, general, eip, x87, mmx, xmm, data, eflags, tags, status };
}

function numberOf(value: number | string): number | null {
  if (typeof value === 'number') return value;
  if (value === 'inf') return Infinity;
  if (value === '-inf') return -Infinity;
  return value === 'invalid' ? null : NaN;
}

function judge({ end, pc }: Outcome, expected: Fixture): string | null {
  if (end !== 'deadHalt') return `ended by ${end}`;
  const { cpu } = pc;
  const vector = cpu.i32[L.W_EIP] - HANDLERS - 1;
  if (vector >= 0 && vector < VECTORS) {
    if (!expected.exceptions?.includes(vector)) return `exception ${vector}, not ${expected.exceptions ?? 'none'}`;
    const frame = cpu.i32[4] + (WITH_ERROR_CODE.includes(vector) ? 4 : 0);
    return firstDifference('EIP of the exception', [pc.physical.read(frame, 4)], [expected.eip]);
  }
  if (expected.exceptions !== null) return `no exception, not ${expected.exceptions}`;
  const words = (first: number, count: number) => Array.from(cpu.i32.subarray(first, first + count));
  const data = Array.from({ length: DATA_WORDS }, (_, n) => pc.physical.read(DATA + n * 4, 4));
  return (
    firstDifference('general register', words(L.W_GENERAL, 8), expected.general) ??
    (expected.tags === MMX_TAGS ? judgeMmx(pc, expected) : judgeX87(pc, expected)) ??
    firstDifference('word of XMM', words(L.W_XMM, 32), expected.xmm) ??
    firstDifference('word of memory', data, expected.data) ??
    firstDifference('EFLAGS', [cpu.eflags() & STATUS_FLAGS], [expected.eflags & STATUS_FLAGS])
  );
}

function judgeMmx({ cpu }: Pc, { mmx }: Fixture): string | null {
  const words = mmx.map((_, n) => cpu.i32[L.W_X87_REGISTERS + (n >> 1) * 4 + (n & 1)]);
  return firstDifference('word of MMX', words, mmx);
}

function judgeX87({ cpu }: Pc, expected: Fixture): string | null {
  const top = (cpu.i32[L.W_X87 + 1] >> 11) & 7;
  for (const [n, value] of expected.x87.entries()) {
    const at = L.W_X87_REGISTERS + ((top + n) & 7) * 4;
    const ours = extended(cpu.i32[at] >>> 0, cpu.i32[at + 1] >>> 0, cpu.i32[at + 2]);
    if (value !== null && !isAlike(ours, value)) return `ST(${n}) is ${ours}, not ${value}`;
  }
  return firstDifference('x87 status', [cpu.i32[L.W_X87 + 1] & 0xffff], [expected.status & 0xffff]);
}

/** An 80-bit number as the nearest double. */
function extended(low: number, high: number, signAndExponent: number): number {
  const sign = (signAndExponent & 0x8000) !== 0 ? -1 : 1;
  const exponent = signAndExponent & 0x7fff;
  if (exponent === 0x7fff) return high === 0x80000000 && low === 0 ? sign * Infinity : NaN;
  const scale = exponent - 16383 - 63;
  const half = Math.trunc(scale / 2);
  return sign * (high * 2 ** 32 + low) * 2 ** half * 2 ** (scale - half);
}

/** The debugger's numbers are doubles in decimal, rounded, and none are denormal. */
function isAlike(ours: number, theirs: number): boolean {
  return Object.is(ours, theirs) || Math.abs(ours - theirs) <= Math.max(1e-15 * Math.abs(theirs), 2 ** -1022);
}

function firstDifference(what: string, ours: readonly number[], theirs: readonly number[]): string | null {
  const n = theirs.findIndex((value, index) => value !== ours[index]);
  const hex = (value: number) => (value >>> 0).toString(16);
  return n < 0 ? null : `${what} ${n} is ${hex(ours[n])}, not ${hex(theirs[n])}`;
}
