import { readFileSync } from 'node:fs';
import { loadImage } from '../../core/guests/load.ts';
import { type Found, oneRun, type Suite } from './suite.ts';

/** xv6 for x86 with its disk in memory (make kernelmemfs): its own usertests. */

const MEMORY = 224 << 20;
const PASSED = 'ALL TESTS PASSED';

export function xv6(files: readonly Found[]): readonly Suite[] {
  return files.flatMap(({ path, name }) => (name === 'kernelmemfs' ? [suite(path)] : []));
}

function suite(path: string): Suite {
  return oneRun(
    'xv6 usertests',
    ({ engine }) => ({
      start: loadImage(readFileSync(path), { memoryBytes: MEMORY, commandLine: '', initrd: null }),
      memoryBytes: MEMORY,
      rate: 1e8,
      steps: 3e10,
      engine,
      // Its driver does not set OUT2, without which a PC's serial port does not interrupt.
      hasTestDevices: true,
      input: { after: '$ ', text: 'usertests\n' },
      until: PASSED,
    }),
    ({ end, console }) => (end === 'seen' ? null : `ended by ${end}: ${JSON.stringify(console.slice(-200))}`),
    () => PASSED,
  );
}
