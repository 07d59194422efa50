import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { recorded, rowsOf } from '../fuzz/machine.ts';
import { readVectors } from '../silicon/read.ts';
import { nameOf, rowOf } from './forms.ts';
import { NOT_ON_SILICON } from './not-on-silicon.ts';

const VECTORS = join(import.meta.dirname, '../silicon/vectors');

/** Names of the forms that committed vectors from a real processor have a retired case of. */
function formsOnSilicon(): ReadonlySet<string> {
  const names = new Set<string>();
  for (const file of readdirSync(VECTORS)) {
    for (const form of readVectors(join(VECTORS, file))) {
      for (const { initial, expected } of form.vectors) {
        const row = rowOf(initial.code);
        // UD2 and its like come to an end by their exception.
        if (row !== null && (expected.exception === null || row.operation === 'ud')) names.add(nameOf(row));
      }
    }
  }
  return names;
}

/** What says that it tests something has to exist and to speak of it; throws if not. */
function checkDeclared(): void {
  for (const [form, specs] of Object.entries(NOT_ON_SILICON)) {
    for (const { file, says } of specs) {
      if (!existsSync(file)) throw new Error(`${form}: there is no ${file}`);
      if (!readFileSync(file, 'utf8').includes(says)) throw new Error(`${form}: ${file} does not say "${says}"`);
    }
  }
}

/** Names of the forms that the recorded random tests come to the end of, here and on Bochs. */
function formsOnBochs(): ReadonlySet<string> {
  const { kernel, tests } = recorded();
  return new Set([...rowsOf(kernel, tests)].map(nameOf));
}

/** Makes a function that says what a form is tested by: "silicon", specs that are declared, and "Bochs" if that is asked for. */
export function testersOf(asksBochs: boolean): (form: string) => readonly string[] {
  checkDeclared();
  const onSilicon = formsOnSilicon();
  const onBochs = asksBochs ? formsOnBochs() : new Set<string>();
  return form => [
    ...(onSilicon.has(form) ? ['silicon'] : []),
    ...(onBochs.has(form) ? ['Bochs'] : []),
    ...(NOT_ON_SILICON[form] ?? []).map(({ file, says }) => `${file} (${says})`),
  ];
}
