/** Runs vectors against a processor that somebody drives, and says in words where it differs from the real one. */
import {
  type MemoryRun,
  readVectors,
  type SseState,
  type Vector,
  type VectorForm,
  type VectorLayout,
  type VectorResult,
  type VectorState,
  type X87State,
} from './read.ts';

/**
 * A processor under test. It runs exactly the instruction at initial.eip, a repeated string instruction to its end; the fetch
 * of the next instruction is no part of it, so a branch to an unmapped address retires. An exception is shown as it is raised:
 * the registers of user mode, and the EIP that is pushed (of INT3, INTO and INT n the next instruction's).
 */
export interface Driver {
  run(initial: VectorState): VectorResult;
}

export interface RunOptions {
  /** Leaves out cases, such as exceptions that a driver cannot show. */
  readonly include?: (form: VectorForm, vector: Vector) => boolean;
  /** At most so many cases of each form, the first ones; all by default. */
  readonly casesPerForm?: number;
  /** Failures kept for each form (3 by default); all are counted. */
  readonly failuresPerForm?: number;
  /** Also compare what the manual leaves undefined, with what this processor did. */
  readonly strict?: boolean;
}

export interface Difference {
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
}

interface Failure {
  readonly vector: Vector;
  readonly differences: readonly Difference[];
}

export interface FormReport {
  readonly family: string;
  readonly form: string;
  readonly run: number;
  readonly failed: number;
  readonly failures: readonly Failure[];
}

const REGISTERS = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
const SELECTORS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];
const FLAGS: readonly (readonly [string, number])[] = [
  ['CF', 0x1],
  ['PF', 0x4],
  ['AF', 0x10],
  ['ZF', 0x40],
  ['SF', 0x80],
  ['TF', 0x100],
  ['IF', 0x200],
  ['DF', 0x400],
  ['OF', 0x800],
  ['NT', 0x4000],
  ['AC', 0x40000],
  ['ID', 0x200000],
];
const PAGE_FAULT = 14;
/** P, W/R and U/S. The bits above depend on NX and other extensions (SDM volume 3, 4.7). */
const PAGE_FAULT_BITS = 7;

function hex(value: number, digits: number): string {
  return (value >>> 0).toString(16).padStart(digits, '0');
}

function bytesInHex(bytes: Uint8Array): string {
  return Array.from(bytes, b => hex(b, 2)).join(' ');
}

function flagsInWords(eflags: number): string {
  const set = FLAGS.filter(([, bit]) => eflags & bit).map(([name]) => name);
  return `${hex(eflags, 8)} (${set.join(' ')})`;
}

/** Bytes of the longest image that x87 instructions move. */
const LONGEST_IMAGE = 512;

/** Two page faults at different bytes of one operand. */
function isSameOperand(a: VectorResult, b: VectorResult): boolean {
  return (
    a.exception?.vector === PAGE_FAULT &&
    b.exception?.vector === PAGE_FAULT &&
    ((a.exception.errorCode ^ b.exception.errorCode) & PAGE_FAULT_BITS & ~1) === 0 &&
    Math.abs(a.exception.address - b.exception.address) < LONGEST_IMAGE
  );
}

function outcome(result: VectorResult): string {
  const e = result.exception;
  if (!e) return 'retired';
  const code = e.vector === PAGE_FAULT ? e.errorCode & PAGE_FAULT_BITS : e.errorCode;
  const address = e.vector === PAGE_FAULT ? `, address ${hex(e.address, 8)}` : '';
  return `exception ${e.vector}, error code ${hex(code, 1)}${address}`;
}

function byteMap(runs: readonly MemoryRun[]): Map<number, number> {
  const map = new Map<number, number>();
  for (const { address, bytes } of runs) for (const [i, b] of bytes.entries()) map.set(address + i, b);
  return map;
}

function memoryDifferences(expected: readonly MemoryRun[], actual: readonly MemoryRun[]): Difference[] {
  const want = byteMap(expected);
  const got = byteMap(actual);
  const show = (b: number | undefined) => (b === undefined ? 'unchanged' : hex(b, 2));
  return [...new Set([...want.keys(), ...got.keys()])]
    .filter(address => want.get(address) !== got.get(address))
    .sort((a, b) => a - b)
    .map(address => ({
      what: `memory ${hex(address, 8)}`,
      expected: show(want.get(address)),
      actual: show(got.get(address)),
    }));
}

/** Where the result differs from the real processor's, undefined parts left out unless `strict`. */
export function compare(vector: Vector, actual: VectorResult, strict = false): readonly Difference[] {
  const { expected, undefined: rule, undefinedRegisters } = vector;
  const differences: Difference[] = [];
  const check = (what: string, want: number, got: number, show: (n: number) => string) => {
    if (want !== got) differences.push({ what, expected: show(want), actual: show(got) });
  };
  const ignoredFlags = strict || !rule ? 0 : rule.flags;
  const ignoredRegisters = strict ? 0 : undefinedRegisters;
  const destination = strict || !rule ? 'defined' : rule.destination;
  const isImage = destination === 'image';
  const ignoreMemory = isImage || (destination === 'undefined' && undefinedRegisters === 0);

  if (outcome(expected) !== outcome(actual) && !(isImage && isSameOperand(expected, actual)))
    differences.push({ what: 'outcome', expected: outcome(expected), actual: outcome(actual) });
  for (const [i, name] of REGISTERS.entries())
    if (!((ignoredRegisters >> i) & 1)) check(name, expected.registers[i], actual.registers[i] >>> 0, n => hex(n, 8));
  for (const [i, name] of SELECTORS.entries()) check(name, expected.selectors[i], actual.selectors[i], n => hex(n, 4));
  differences.push(...x87Differences(expected.x87, actual.x87, ignoredFlags >>> 16, destination === 'approximate'));
  differences.push(...sseDifferences(expected.sse, actual.sse, destination === 'relative'));
  check('eip', expected.eip, actual.eip >>> 0, n => hex(n, 8));
  check('eflags', expected.eflags & ~ignoredFlags, actual.eflags & ~ignoredFlags, flagsInWords);
  if (!ignoreMemory) differences.push(...memoryDifferences(expected.memory, actual.memory));
  return differences;
}

function realInHex(registers: Uint8Array, index: number): string {
  const hexes = Array.from(registers.subarray(index * 10, index * 10 + 10), b => hex(b, 2)).reverse();
  return `${hexes.slice(0, 2).join('')}:${hexes.slice(2).join('')}`;
}

/** Units in the last place between two 80-bit numbers, by their order as integers; far apart when they differ in sign or kind. */
function unitsBetween(a: string, b: string): bigint {
  const [[aTop, aRest], [bTop, bRest]] = [a.split(':'), b.split(':')];
  const isSpecial = (top: string) => (Number.parseInt(top, 16) & 0x7fff) === 0x7fff;
  if (isSpecial(aTop) || isSpecial(bTop)) return a === b ? 0n : 1n << 64n;
  // A number with its integer bit has it instead of the exponent's lowest bit; a denormal's exponent counts as 1.
  const ordinal = (top: string, rest: string) =>
    (BigInt(`0x${top}`) + ((Number.parseInt(top, 16) & 0x7fff) === 0 ? 1n : 0n)) * (1n << 63n) + BigInt(`0x${rest}`);
  const distance = ordinal(aTop, aRest) - ordinal(bTop, bRest);
  return distance < 0n ? -distance : distance;
}

const C1 = 0x200;
const X87_WORDS = ['x87 control', 'x87 status', 'x87 tags', 'FOP', 'FIP', 'FCS', 'FDP', 'FDS'];

function x87Differences(
  expected: X87State | null,
  actual: X87State | null,
  undefinedStatus: number,
  approximate: boolean,
): Difference[] {
  if (expected === null) return [];
  if (actual === null) return [{ what: 'x87', expected: 'a state', actual: 'none' }];
  const differences: Difference[] = [];
  for (let i = 0; i < 8; i++) {
    const want = realInHex(expected.registers, i);
    const got = realInHex(actual.registers, i);
    if (want === got || (approximate && unitsBetween(want, got) <= 1n)) continue;
    differences.push({ what: `R${i}`, expected: want, actual: got });
  }
  for (const [i, what] of X87_WORDS.entries()) {
    const ignored = what === 'x87 status' ? undefinedStatus | (approximate ? C1 : 0) : 0;
    const want = expected.words[i] & ~ignored;
    const got = actual.words[i] & ~ignored;
    if (want !== got) differences.push({ what, expected: hex(want, 4), actual: hex(got, 4) });
  }
  return differences;
}

function xmmInHex(xmm: Uint8Array, index: number): string {
  const words = new Uint32Array(xmm.slice(16 * index, 16 * index + 16).buffer);
  return Array.from(words, word => hex(word, 8))
    .reverse()
    .join(':');
}

/** Both may be off by 1.5 * 2^-12, one to each side. */
const APPROXIMATION = 3 * 2 ** -12;
/** The smallest normal number: an approximation of it may have become 0. */
const NORMAL = 2 ** -126;

function areNear(a: Uint8Array, b: Uint8Array, index: number): boolean {
  const numbers = (xmm: Uint8Array) => new Float32Array(xmm.slice(16 * index, 16 * index + 16).buffer);
  const others = numbers(b);
  // The bits of what is no number are looked at as well.
  const isSame = (n: number) => [0, 1, 2, 3].every(at => a[16 * index + 4 * n + at] === b[16 * index + 4 * n + at]);
  const isTiny = (x: number) => Math.abs(x) <= NORMAL;
  return numbers(a).every(
    (x, n) => isSame(n) || Math.abs(x - others[n]) <= APPROXIMATION * Math.abs(x) || (isTiny(x) && isTiny(others[n])),
  );
}

function sseDifferences(expected: SseState | null, actual: SseState | null, relative: boolean): Difference[] {
  if (expected === null) return [];
  if (actual === null) return [{ what: 'SSE', expected: 'a state', actual: 'none' }];
  const differences: Difference[] = [];
  for (let i = 0; i < 8; i++) {
    const want = xmmInHex(expected.xmm, i);
    const got = xmmInHex(actual.xmm, i);
    if (want === got || (relative && areNear(expected.xmm, actual.xmm, i))) continue;
    differences.push({ what: `XMM${i}`, expected: want, actual: got });
  }
  if (expected.mxcsr !== actual.mxcsr) {
    differences.push({ what: 'MXCSR', expected: hex(expected.mxcsr, 4), actual: hex(actual.mxcsr, 4) });
  }
  return differences;
}

function runVector(driver: Driver, vector: Vector, strict: boolean): readonly Difference[] {
  try {
    return compare(vector, driver.run(vector.initial), strict);
  } catch (error) {
    return [{ what: 'outcome', expected: outcome(vector.expected), actual: `the driver threw: ${error}` }];
  }
}

/** Runs all cases of the files. `open` makes the driver for a file's layout: its mapped pages, segments and background bytes. */
export function runVectors(
  files: readonly string[],
  open: (layout: VectorLayout) => Driver,
  options: RunOptions = {},
): readonly FormReport[] {
  const { include = () => true, casesPerForm = Infinity, failuresPerForm = 3, strict = false } = options;
  const reports: FormReport[] = [];
  for (const file of files) {
    let driver: Driver | undefined;
    for (const form of readVectors(file)) {
      driver ??= open(form.layout);
      const vectors = form.vectors.slice(0, casesPerForm).filter(v => include(form, v));
      const failures: Failure[] = [];
      let failed = 0;
      for (const vector of vectors) {
        const differences = runVector(driver, vector, strict);
        if (differences.length === 0) continue;
        failed++;
        if (failures.length < failuresPerForm) failures.push({ vector, differences });
      }
      reports.push({ family: form.layout.family, form: form.name, run: vectors.length, failed, failures });
    }
  }
  return reports;
}

function x87InWords(x87: X87State | null): string[] {
  if (x87 === null) return [];
  const top = (x87.words[1] >>> 11) & 7;
  const words = X87_WORDS.map((name, i) => `${name} ${hex(x87.words[i], 4)}`);
  const registers = Array.from({ length: 8 }, (_, i) => `R${i}=${realInHex(x87.registers, i)}`);
  return [
    `    ${words.join(', ')}; ST(0) is R${top}`,
    `    ${registers.slice(0, 4).join(' ')}`,
    `    ${registers.slice(4).join(' ')}`,
  ];
}

function sseInWords(sse: SseState | null): string[] {
  if (sse === null) return [];
  const registers = Array.from({ length: 8 }, (_, i) => `XMM${i}=${xmmInHex(sse.xmm, i)}`);
  return [`    MXCSR ${hex(sse.mxcsr, 4)}`, ...[0, 2, 4, 6].map(i => `    ${registers.slice(i, i + 2).join(' ')}`)];
}

function failureInWords({ vector, differences }: Failure): string {
  const { initial, undefined: rule } = vector;
  const registers = REGISTERS.map((name, i) => `${name}=${hex(initial.registers[i], 8)}`);
  const lines = [
    `  ${bytesInHex(initial.code)}  at ${hex(initial.eip, 8)}, eflags=${flagsInWords(initial.eflags)}`,
    `    ${registers.slice(0, 4).join(' ')}`,
    `    ${registers.slice(4).join(' ')}`,
    ...x87InWords(initial.x87),
    ...sseInWords(initial.sse),
    ...initial.memory.map(run => `    memory ${hex(run.address, 8)}: ${bytesInHex(run.bytes)}`),
    ...differences.slice(0, 12).map(d => `    ${d.what}: expected ${d.expected}, actual ${d.actual}`),
  ];
  if (differences.length > 12) lines.push(`    and ${differences.length - 12} more`);
  if (rule) lines.push(`    left out: ${rule.words}`);
  return lines.join('\n');
}

/** Counts by family, then every form that differs with its first failures. */
export function inWords(reports: readonly FormReport[]): string {
  const families = new Map<string, { forms: number; run: number; failed: number; formsFailed: number }>();
  for (const r of reports) {
    const sum = families.get(r.family) ?? { forms: 0, run: 0, failed: 0, formsFailed: 0 };
    families.set(r.family, {
      forms: sum.forms + 1,
      run: sum.run + r.run,
      failed: sum.failed + r.failed,
      formsFailed: sum.formsFailed + (r.failed > 0 ? 1 : 0),
    });
  }
  const counts = [...families].map(
    ([name, s]) =>
      `${name}: ${s.run - s.failed} of ${s.run} cases as on silicon; ${s.formsFailed} of ${s.forms} forms differ`,
  );
  const failing = reports
    .filter(r => r.failed > 0)
    .map(r => [`${r.family}: ${r.form}: ${r.failed} of ${r.run} differ`, ...r.failures.map(failureInWords)].join('\n'));
  return [...counts, ...failing].join('\n');
}
