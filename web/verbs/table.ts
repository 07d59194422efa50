/** All verbs, and how they are found. */
import { laterText } from '../text/later.ts';
import { changing } from './changing.ts';
import { looking } from './looking.ts';
import { managing } from './managing.ts';
import { running } from './running.ts';
import { stopping } from './stopping.ts';
import { type Group, type Verb, type VerbName, verb } from './verb.ts';
import { type Line, Refusal } from './words.ts';

const helping = {
  help: verb({
    aliases: ['?', 'h'],
    usage: '[VERB]',
    group: 'help',
    completes: 'verb',
    read: ({ rest }) => rest.trim().toLowerCase(),
    act: which => (which === '' ? helpOfAll() : helpOf(which)),
  }),
  clear: verb({
    aliases: ['cls'],
    group: 'help',
    read: () => null,
    act: (_, host) => {
      host.clear();
      return [];
    },
  }),
} satisfies Readonly<Record<string, Verb>>;

export const VERBS: Readonly<Record<VerbName, Verb>> = {
  ...running,
  ...stopping,
  ...looking,
  ...changing,
  ...managing,
  ...helping,
};

/** In the order in which help lists them. Object.keys() forgets the names' type. */
export const VERB_NAMES = Object.keys(VERBS) as readonly VerbName[];

const byWord: ReadonlyMap<string, VerbName> = new Map(
  VERB_NAMES.flatMap(name => [name, ...VERBS[name].aliases].map((word): [string, VerbName] => [word, name])),
);

/** The verb that a word means: its name, another word for it, or the beginning of one name only. */
export function findVerb(word: string): VerbName | null {
  const exact = byWord.get(word);
  if (exact !== undefined) return exact;
  const begun = word.length < 2 ? [] : VERB_NAMES.filter(name => name.startsWith(word));
  return begun.length === 1 ? begun[0] : null;
}

/** Every word that is a verb. */
export function verbWords(): readonly string[] {
  return [...byWord.keys()];
}

const GROUPS: readonly Group[] = ['run', 'back', 'stop', 'look', 'change', 'manage', 'help'];

/** `x /NFU ADDRESS`; a format stands at its verb. */
export function usageOf(name: VerbName): string {
  const { usage } = VERBS[name];
  return usage.startsWith('/') ? `${name}${usage}` : `${name} ${usage}`.trim();
}

function helpOfAll(): readonly string[] {
  const words = laterText.verbs;
  return [
    ...GROUPS.flatMap(group => [
      words.groups[group],
      ...VERB_NAMES.filter(name => VERBS[name].group === group).map(
        name => `  ${shortUsage(name)}  ${words.what[name]}`,
      ),
      '',
    ]),
    words.numbers,
    words.moreHelp,
  ];
}

const COLUMN = 26;

function shortUsage(name: VerbName): string {
  const [short] = VERBS[name].aliases;
  return `${name}${short === undefined ? '' : `, ${short}`}`.padEnd(COLUMN);
}

function helpOf(word: string): readonly string[] {
  const name = findVerb(word);
  if (name === null) throw new Refusal(unknown(word));
  const { aliases, examples } = VERBS[name];
  const words = laterText.verbs;
  const more: Readonly<Partial<Record<VerbName, string>>> = words.more;
  return [
    usageOf(name),
    `  ${words.what[name]}`,
    ...(aliases.length === 0 ? [] : [`  ${words.aliases(aliases.join(', '))}`]),
    ...(more[name] === undefined ? [] : [`  ${more[name]}`]),
    ...examples.map(line => `    ${line}`),
  ];
}

/** One sentence for a word that is no verb, with the nearest that is one. */
export function unknown(word: string): string {
  const nearest = nearestVerb(word);
  return nearest === null ? laterText.verbs.unknown(word) : laterText.verbs.unknownNear(word, nearest);
}

/** The verb with the fewest letters to change, if they are few. */
export function nearestVerb(word: string): string | null {
  let best: string | null = null;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const known of verbWords()) {
    const distance = editDistance(word, known);
    if (distance < least) {
      least = distance;
      best = known;
    }
  }
  return best;
}

/** Letters to insert, leave out, change or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, n) => n)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + change);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) least = Math.min(least, rows[i - 2][j - 2] + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
}

export function verbOf({ verb: word }: Line): VerbName {
  const name = findVerb(word);
  if (name === null) throw new Refusal(unknown(word));
  return name;
}
