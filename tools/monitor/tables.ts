/**
 * Writes docs/modes.md, and the table of `bench` in README.md: what primer shows of the sensitive instructions under every technique, and
 * what `bench` costs there. `npm run tables`; with `-- --check` nothing is written, and it fails where a table is not what it would write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Mode } from '../../core/protocol/monitor.ts';
import type { Counts } from '../../core/vmm/counts.ts';
import { sentenceOf } from '../../core/vmm/full/holes/holes.ts';
import type { Paging } from '../../core/vmm/technique.ts';
import { Primer } from './primer.ts';
import { ring3 } from './ring3.ts';

/** Steps a virtual second: a slow machine, whose `bench` takes seconds here. */
const RATE = 1e7;

interface Way {
  readonly name: string;
  readonly mode: Mode;
  readonly paging: Paging;
}

const BARE: Way = { name: 'bare', mode: 'bare', paging: 'nested' };
const WAYS: readonly Way[] = [
  { name: 'trap', mode: 'trap', paging: 'shadow' },
  { name: 'translate', mode: 'translate', paging: 'shadow' },
  { name: 'patch', mode: 'patch', paging: 'shadow' },
  { name: 'para', mode: 'para', paging: 'shadow' },
  { name: 'hardware, nested', mode: 'hardware', paging: 'nested' },
  { name: 'hardware, shadow', mode: 'hardware', paging: 'shadow' },
];
const MOST_REASONS = 5;
const SAME = 'as in ring 0';

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function percent(part: number, rest: number): string {
  return `${((100 * part) / Math.max(1, part + rest)).toFixed(2)} %`;
}

/** What a run cost, as far as it can be subtracted. */
interface Cost {
  readonly user: { readonly direct: number; readonly emulated: number };
  readonly kernel: { readonly direct: number; readonly emulated: number };
  readonly monitor: number;
  readonly exits: Readonly<Record<string, number>>;
}

function costOf({ user, kernel, monitor, byReason }: Counts, exits: ReturnType<typeof byReason>): Cost {
  const counts = Object.fromEntries(Object.entries(exits).map(([reason, { count }]) => [reason, count]));
  return { user: { ...user }, kernel: { ...kernel }, monitor, exits: counts };
}

function benchRow(name: string, before: Cost, after: Cost): string[] {
  const user = [after.user.direct - before.user.direct, after.user.emulated - before.user.emulated];
  const kernel = [after.kernel.direct - before.kernel.direct, after.kernel.emulated - before.kernel.emulated];
  const direct = user[0] + kernel[0];
  const emulated = user[1] + kernel[1];
  const reasons = Object.entries(after.exits)
    .map(([reason, total]): [string, number] => [reason, total - (before.exits[reason] ?? 0)])
    .filter(([, total]) => total > 0)
    .sort(([, a], [, b]) => b - a);
  const traps = reasons.reduce((sum, [, total]) => sum + total, 0);
  return [
    name,
    count(direct + emulated),
    percent(direct, emulated),
    percent(user[0], user[1]),
    count(after.monitor - before.monitor),
    count(traps),
    reasons
      .slice(0, MOST_REASONS)
      .map(([reason, total]) => `${reason} ${count(total)}`)
      .join(', '),
  ];
}

const bare = new Primer(BARE.mode, BARE.paging, RATE);
const bareShown = bare.sensitive();
const user = ring3(bare.session.pc);
const columns: Map<string, string>[] = [];
const costs: string[][] = [];
const sentences: string[] = [];
for (const { name, mode, paging } of WAYS) {
  const started = performance.now();
  const primer = new Primer(mode, paging, RATE);
  const { monitor } = primer.session;
  if (monitor === null) throw new Error(`${name} has no monitor`);
  monitor.watchHoles(true);
  const shown = primer.sensitive();
  columns.push(
    new Map(
      [...shown].map(([instruction, { seen, verdict }]) => {
        const isSame = verdict === SAME && seen === bareShown.get(instruction)?.seen;
        return [instruction, isSame ? SAME : `${seen} (${verdict})`];
      }),
    ),
  );
  for (const hole of monitor.holes) sentences.push(sentenceOf(hole));
  monitor.watchHoles(false);
  const { counts } = monitor;
  const before = costOf(counts, counts.byReason());
  primer.type('bench');
  costs.push(benchRow(name, before, costOf(counts, counts.byReason())));
  console.log(`${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

const sensitive = [...bareShown].map(([instruction, { seen }]) => {
  const inRing3 = user.get(instruction) ?? '';
  const cells = [seen, inRing3 === seen ? SAME : inRing3, ...columns.map(column => column.get(instruction) ?? '')];
  return [`\`${instruction}\``, ...cells.map(cell => cell.replaceAll('|', '/'))];
});
const bench = table(
  ['mode', 'guest instructions', 'run directly', 'of user code', 'monitor instructions', 'traps', 'the most frequent'],
  costs,
);

const modes = `# The same guest under every technique

Written by \`npm run tables\`; primer's own commands print all of it.

## The sensitive instructions

What primer's kernel sees when it executes each of Robin and Irvine's sensitive unprivileged instructions (\`sensitive\`): in ring 0 of the
bare machine, in ring 1 without help (\`trap\`), and under the techniques that help it; and what a process in ring 3 of the bare machine
sees when it does the same. The kernel that is made for \`para\` knows where it runs, and asks instead.

${table(['instruction', 'ring 0 (bare)', 'ring 3 (bare)', 'ring 1 (`trap`)', ...WAYS.slice(1).map(way => way.name)], sensitive)}

What the monitor says of it under \`trap\` (\`--stats json\`, \`holes\`):

${[...new Set(sentences)]
  .sort()
  .map(sentence => `- ${sentence}`)
  .join('\n')}

## What it costs

\`bench\`, from its first to its last line, at ${count(RATE)} instructions a second of the guest's: what it executed, how much of that the machine ran
itself, all in all and of user code; instructions and memory references of the monitor; and why it was entered.

${bench}
`;

const BEGIN = '<!-- written by npm run tables -->';
const END = '<!-- end -->';
const readme = readFileSync('README.md', 'utf8');
const from = readme.indexOf(BEGIN);
const to = readme.indexOf(END);
if (from < 0 || to < from) throw new Error(`README.md has no ${BEGIN} and ${END}`);
const files: readonly (readonly [string, string])[] = [
  ['docs/modes.md', modes],
  ['README.md', `${readme.slice(0, from + BEGIN.length)}\n\n${bench}\n\n${readme.slice(to)}`],
];
let stale = 0;
for (const [path, text] of files) {
  if (!process.argv.includes('--check')) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`${path} is not what the monitor does: run npm run tables.`);
    stale++;
  }
}
if (stale === 0 && process.argv.includes('--check')) console.log('The tables are what the monitor does.');
process.exit(stale === 0 ? 0 : 1);
