/**
 * Runs test suites of others on the bare machine: npm run test:suites -- FOLDER [--restore SEED] [--engine ENGINE] [--only WORD]. Whatever is found
 * built in the folder is run; README.md tells of the suites. With --restore each is run a second time, and saved and restored at random moments: it
 * must end with the same output and the same machine. Exit 0: all is well; 1: something is not; 2: wrong arguments, or nothing was found.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Engine } from '../../core/machine/translate/translator.ts';
import { kvmUnitTests } from './kvm-unit-tests.ts';
import { nasmTests } from './nasm.ts';
import type { Found, Suite } from './suite.ts';
import { test386 } from './test386.ts';
import { xv6 } from './xv6.ts';

const ENGINES: readonly Engine[] = ['execute', 'interpret', 'blocks', 'regions'];

const { values, positionals } = parseArgs({
  options: {
    restore: { type: 'string' },
    engine: { type: 'string', default: 'execute' },
    only: { type: 'string', default: '' },
  },
  allowPositionals: true,
});

/** All files below a folder but those of version control. */
function filesIn(folder: string): Found[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === '.git' || entry.name === 'node_modules' ? [] : filesIn(path);
    return entry.isFile() ? [{ path, name: entry.name }] : [];
  });
}

function main(): number {
  const engine = ENGINES.find(known => known === values.engine);
  const restore = values.restore === undefined ? null : Number(values.restore);
  const [folder, ...more] = positionals;
  if (folder === undefined || more.length > 0 || engine === undefined || Number.isNaN(restore)) {
    console.error('usage: npm run test:suites -- FOLDER [--restore SEED] [--engine ENGINE] [--only WORD]');
    return 2;
  }
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    console.error(`There is no folder ${folder}.`);
    return 2;
  }
  const files = filesIn(folder);
  const suites: readonly Suite[] = [...kvmUnitTests(files), ...test386(files), ...nasmTests(files), ...xv6(files)];
  const chosen = suites.filter(({ name }) => name.includes(values.only));
  if (chosen.length === 0) {
    console.error(`No suite was found built in ${folder}: tools/suites/README.md tells how they are.`);
    return 2;
  }
  let failed = 0;
  for (const suite of chosen) {
    const began = performance.now();
    const { wrong, told } = suite.run({ engine, restore });
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    console.log(`${wrong === null ? 'ok    ' : 'FAILED'} ${suite.name}: ${told}, ${seconds} s`);
    if (wrong !== null) console.log(`       ${wrong}`);
    if (wrong !== null) failed++;
  }
  console.log(`${chosen.length - failed} of ${chosen.length} suites as they have to be`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = main();
