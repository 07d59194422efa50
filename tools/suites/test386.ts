import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadFirmware } from '../../core/guests/firmware.ts';
import { type Found, oneRun, type Suite } from './suite.ts';

/** test386.asm: a ROM of 128 KiB, built to tell its progress at port 80h and its results on COM1. */

const MEMORY = 16 << 20;
const POST_PORT = 0x80;
const PASSED = 0xff;

export function test386(files: readonly Found[]): readonly Suite[] {
  return files.flatMap(({ path, name }) => {
    const reference = join(dirname(path), 'test386-EE-reference.txt');
    return name === 'test386.bin' && existsSync(reference) ? [suite(path, reference)] : [];
  });
}

function suite(path: string, reference: string): Suite {
  return oneRun(
    'test386.asm',
    ({ engine }) => ({
      start: loadFirmware(readFileSync(path), { memoryBytes: MEMORY, commandLine: '', initrd: null }),
      memoryBytes: MEMORY,
      rate: 1e8,
      steps: 1e9,
      engine,
    }),
    ({ end, console, pc }) => {
      const post = pc.cpu.ports.read(POST_PORT, 1);
      if (end !== 'deadHalt' || post !== PASSED) return `ended by ${end}, POST code ${post.toString(16)}`;
      return console === readFileSync(reference, 'latin1') ? null : 'its results are not those of the reference';
    },
    ({ console }) => `${console.trimEnd().split('\n').length} lines of results as in the reference`,
  );
}
