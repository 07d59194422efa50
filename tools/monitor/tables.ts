/**
 * Writes docs/modes.md: what primer shows of the sensitive instructions under every technique, and what `bench` costs there. `npm run
 * tables`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Mode } from '../../core/session/guest-machine.ts';
import { Session } from '../../core/session/session.ts';

const PROMPT = 'primer$ ';
/** Steps a virtual second. */
const RATE = 1e8;
const SLICE = 1_000_000;
const MOST_STEPS = 600_000_000;

const MODES: readonly Mode[] = ['bare', 'trap', 'translate', 'patch'];

/** primer under a mode, with a console that is typed at. */
class Primer {
  readonly session: Session;
  #text = '';

  constructor(mode: Mode) {
    const read = (name: string) => new Uint8Array(readFileSync(`public/guests/${name}`));
    this.session = new Session(
      { name: 'primer', kernel: read('primer.elf'), initrd: null, symbols: null, commandLine: '', memoryMib: 32 },
      {
        startTime: 0,
        rate: RATE,
        mode,
        onConsole: byte => {
          this.#text += String.fromCharCode(byte);
        },
      },
    );
    this.session.begin('run');
    this.#await(0);
  }

  #await(from: number): void {
    const last = this.session.steps + MOST_STEPS;
    while (!this.#text.slice(from).includes(`\n${PROMPT}`)) {
      if (this.session.steps > last) throw new Error(`primer shows no prompt: ${this.#text.slice(-200)}`);
      if (!this.session.run(SLICE, Number.POSITIVE_INFINITY))
        throw new Error(`primer ended: ${this.session.stop.kind}`);
    }
  }

  /** Types a command; returns the lines that it shows. */
  type(command: string): readonly string[] {
    const from = this.#text.length;
    this.session.input(new TextEncoder().encode(`${command}\n`));
    this.#await(from);
    return this.#text.slice(from).split('\r\n').slice(1, -1);
  }
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), row(head.map((_, n) => (n === 0 ? '---' : '---'))), ...rows.map(row)].join('\n');
}

const shown = new Map<Mode, Map<string, string>>();
const costs: string[][] = [];
for (const mode of MODES) {
  const primer = new Primer(mode);
  const lines = primer.type('sensitive');
  const found = new Map<string, string>();
  for (const line of lines) {
    const match = /^(\S+(?: ss)?) +(.*?) {2,}(\S.*)$/.exec(line);
    if (match !== null) found.set(match[1], `${match[2]} (${match[3]})`);
  }
  shown.set(mode, found);
  const { monitor } = primer.session;
  const before = monitor === null ? null : { direct: monitor.counts.direct, emulated: monitor.counts.emulated };
  const bench = primer.type('bench');
  console.log(`${mode}: ${bench.length} lines of bench`);
  if (monitor === null || before === null) continue;
  const direct = monitor.counts.direct - before.direct;
  const emulated = monitor.counts.emulated - before.emulated;
  const reasons = Object.entries(monitor.counts.byReason())
    .sort(([, a], [, b]) => b.count - a.count)
    .slice(0, 6)
    .map(([reason, { count }]) => `${reason} ${count}`);
  costs.push([
    mode,
    String(direct),
    String(emulated),
    `${((100 * direct) / (direct + emulated)).toFixed(2)} %`,
    String(monitor.counts.monitor),
    reasons.join(', '),
  ]);
}

const bareShown = shown.get('bare') ?? new Map<string, string>();
const sensitive = [...bareShown.keys()].map(name => [
  `\`${name}\``,
  ...MODES.map(mode => (shown.get(mode)?.get(name) ?? '').replaceAll('|', '/')),
]);
writeFileSync(
  'docs/modes.md',
  `# The same guest under every technique

Written by \`npm run tables\`; primer's own commands print all of it.

## The sensitive instructions

What primer's kernel sees when it executes each of Robin and Irvine's sensitive unprivileged instructions (\`sensitive\`): in ring 0 of the
bare machine, in ring 1 without help (\`trap\`), and where the monitor translates or patches the kernel.

${table(['instruction', ...MODES], sensitive)}

## What it costs

\`bench\`, from its first to its last line: guest instructions that the machine ran itself, those that the monitor emulated, instructions
and memory references of the monitor, and the most frequent exits.

${table(['mode', 'direct', 'emulated', 'share run directly', 'monitor', 'exits'], costs)}
`,
);
