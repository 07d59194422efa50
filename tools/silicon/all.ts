/** Every committed vector on the emulated processor: `tsx tools/silicon/all.ts [--engine NAME] [--strict] [--cases N] [family ...]`. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MACHINES } from '../../core/machine/testing/machines.ts';
import { openProcessor } from './driver.ts';
import { inWords, runVectors } from './run.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    strict: { type: 'boolean', default: false },
    cases: { type: 'string' },
    engine: { type: 'string', default: 'executor' },
  },
});
const directory = join(import.meta.dirname, 'vectors');
const files = readdirSync(directory)
  .filter(name => positionals.length === 0 || positionals.includes(name.replace('.vec.gz', '')))
  .map(name => join(directory, name));
const machine = MACHINES.find(({ engine }) => engine === values.engine);
if (machine === undefined)
  throw new Error(`There is no engine ${values.engine}: take ${MACHINES.map(m => m.engine).join(' or ')}.`);
const reports = runVectors(files, layout => openProcessor(layout, machine.open), {
  strict: values.strict,
  casesPerForm: values.cases === undefined ? Infinity : Number(values.cases),
});
console.log(inWords(reports));
process.exitCode = reports.some(r => r.failed > 0) ? 1 : 0;
