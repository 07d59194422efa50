/**
 * What the forms of the opcode table are tested by: npm run report. Those that no vector from silicon comes to the end of are listed, with --all
 * every form. Exit 0: each has its vectors or its spec; 1: one has neither.
 */
import { everyForm } from './forms.ts';
import { testersOf } from './testers.ts';

const testers = testersOf(true);
const forms = everyForm();
const untested: string[] = [];
let onSilicon = 0;
for (const { name } of forms) {
  const by = testers(name);
  if (by.includes('silicon')) onSilicon++;
  if (by.every(tester => tester === 'Bochs')) untested.push(name);
  if (process.argv.includes('--all') || !by.includes('silicon'))
    console.log(`${name.padEnd(28)} ${by.join(', ') || 'NOTHING'}`);
}
console.log(
  `${forms.length} forms: ${onSilicon} against silicon, ${forms.length - onSilicon - untested.length} otherwise, ${untested.length} untested.`,
);
process.exitCode = untested.length === 0 ? 0 : 1;
