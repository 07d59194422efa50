import { readFileSync } from 'node:fs';
import { loadImage } from '../../core/guests/load.ts';
import type { Outcome } from './course.ts';
import { type Found, oneRun, type Suite } from './suite.ts';

/** kvm-unit-tests, built for i386: each test is a multiboot file x86/NAME.flat. */

/** What its harness takes for "skipped": what the processor does not announce is not tried. */
const SKIPPED = 77 >> 1;

/** Lines that begin with PASS, and what the test gives to isa-debug-exit. */
const EXPECTED: Readonly<Record<string, { readonly passes: number; readonly code: number }>> = {
  cmpxchg8b: { passes: 1, code: 0 },
  // MOVBE is not announced.
  emulator: { passes: 84, code: 0 },
  eventinj: { passes: 15, code: 0 },
  idt_test: { passes: 4, code: 0 },
  ioapic: { passes: 19, code: 0 },
  la57: { passes: 1, code: 0 },
  // CLFLUSH and fences; CLFLUSHOPT, CLWB and PCOMMIT are not announced.
  memory: { passes: 4, code: 0 },
  pcid: { passes: 2, code: 0 },
  rdpru: { passes: 1, code: 0 },
  realmode: { passes: 126, code: 0 },
  setjmp: { passes: 10, code: 0 },
  // SMAP is not announced.
  smap: { passes: 0, code: SKIPPED },
  // One processor.
  smptest: { passes: 1, code: 0 },
  // Prints what it does; judged by its last line as well.
  taskswitch: { passes: 0, code: 0 },
  taskswitch2: { passes: 13, code: 0 },
  // All that it judges is of RDTSCP and RDPID, which are not announced.
  tsc: { passes: 0, code: SKIPPED },
  // Without UMIP the instructions are free to all.
  umip: { passes: 11, code: 0 },
};
const LAST_WORDS: Readonly<Record<string, string>> = { taskswitch: 'post fault' };
const MEMORY = 128 << 20;

export function kvmUnitTests(files: readonly Found[]): readonly Suite[] {
  return files.flatMap(({ path, name }) => {
    const test = name.endsWith('.flat') ? name.slice(0, -5) : '';
    const expected = Object.hasOwn(EXPECTED, test) ? EXPECTED[test] : null;
    return expected === null ? [] : [suite(path, test, expected.passes, expected.code)];
  });
}

function suite(path: string, test: string, passes: number, code: number): Suite {
  const count = (outcome: Outcome, word: string) => outcome.console.split('\n').filter(l => l.startsWith(word)).length;
  return oneRun(
    `kvm-unit-tests ${test}`,
    ({ engine }) => ({
      start: loadImage(readFileSync(path), { memoryBytes: MEMORY, commandLine: '', initrd: null }),
      memoryBytes: MEMORY,
      rate: 1e8,
      steps: 2e9,
      engine,
      hasTestDevices: true,
    }),
    outcome => {
      const failures = count(outcome, 'FAIL');
      if (failures > 0) return `${failures} failed`;
      if (outcome.end !== 'powerOff' || outcome.code !== code) return `ended by ${outcome.end}, code ${outcome.code}`;
      if (count(outcome, 'PASS') !== passes) return `${count(outcome, 'PASS')} passed, not ${passes}`;
      return outcome.console.includes(LAST_WORDS[test] ?? '') ? null : 'its last words are missing';
    },
    outcome => (code === SKIPPED ? 'skipped by itself' : `${count(outcome, 'PASS')} passed`),
  );
}
