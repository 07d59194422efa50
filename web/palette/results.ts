/** What the palette lists for what was typed. */
import { type Command, type CommandGroup, symbolCommand, symbolNames, verbCommand } from './commands.ts';
import { fuzzy } from './fuzzy.ts';

export interface Result {
  readonly command: Command;
  /** Places in the label that match. */
  readonly places: readonly number[];
}

interface Scored extends Result {
  readonly score: number;
}

export interface ResultGroup {
  readonly group: CommandGroup;
  readonly results: readonly Result[];
}

const MOST_COMMANDS = 30;
const MOST_SYMBOLS = 20;
/** Symbols are looked for from this many letters on. */
const LEAST = 2;
/** What stands in the middle of an id or of a hint counts less than the label. */
const ELSEWHERE = 12;

/** A command that was used before, by its id; null when there is nothing of the kind any more. */
function recall(id: string, commands: readonly Command[]): Command | null {
  const [kind, ...rest] = id.split(' ');
  const known = commands.find(command => command.id === id);
  if (known !== undefined) return known;
  if (kind === 'symbol') return symbolCommand(rest.join(' '));
  return kind === 'verb' ? verbCommand(rest.join(' ')) : null;
}

const plain = (command: Command): Result => ({ command, places: [] });

function matching(typed: string, commands: readonly Command[]): readonly Scored[] {
  return commands
    .flatMap(command => {
      const label = fuzzy(typed, command.label);
      if (label !== null) return [{ command, places: label.places, score: label.score }];
      const elsewhere = fuzzy(typed, command.id.replaceAll('-', ' '));
      return elsewhere === null ? [] : [{ command, places: [], score: elsewhere.score - ELSEWHERE }];
    })
    .sort((a, b) => b.score - a.score)
    .slice(0, MOST_COMMANDS);
}

function symbols(typed: string): readonly Scored[] {
  const wanted = typed.trim();
  if (wanted.length < LEAST || /\s/.test(wanted)) return [];
  return symbolNames()
    .flatMap(name => {
      const match = fuzzy(wanted, name);
      return match === null ? [] : [{ name, match }];
    })
    .sort((a, b) => b.match.score - a.match.score)
    .slice(0, MOST_SYMBOLS)
    .flatMap(({ name, match }) => {
      const command = symbolCommand(name);
      return command === null ? [] : [{ command, places: match.places, score: match.score }];
    });
}

/** Without letters: what was used last, then all in their groups. With some: what matches best, verbs' lines first where they are lines. */
export function resultsFor(
  typed: string,
  commands: readonly Command[],
  recent: readonly string[],
): readonly ResultGroup[] {
  if (typed.trim() === '') {
    const used = recent.flatMap(id => recall(id, commands) ?? []);
    const others = commands.filter(({ id }) => !recent.includes(id));
    const groups = [...new Set(others.map(({ group }) => group))];
    return [
      { group: 'recent' as const, results: used.map(plain) },
      ...groups.map(group => ({ group, results: others.filter(command => command.group === group).map(plain) })),
    ].filter(({ results }) => results.length > 0);
  }
  const verb = verbCommand(typed);
  const line: readonly ResultGroup[] = verb === null ? [] : [{ group: 'verb', results: [plain(verb)] }];
  const isLine = /\S\s+\S|\//.test(typed);
  const known = matching(typed, commands);
  const found: readonly ResultGroup[] = inGroups(known);
  const names = symbols(typed);
  const named: readonly ResultGroup[] = [{ group: 'symbol', results: names }];
  // "sw" is more of switch_space than of Show.
  const isName = names.length > 0 && names[0].score > (known[0]?.score ?? 0);
  const rest = isName ? [...named, ...found, ...line] : [...found, ...line, ...named];
  const all = isLine ? [...line, ...found, ...named] : rest;
  return all.filter(({ results }) => results.length > 0);
}

/** Groups in the order of their best. */
function inGroups(results: readonly Result[]): readonly ResultGroup[] {
  const groups = [...new Set(results.map(({ command }) => command.group))];
  return groups.map(group => ({ group, results: results.filter(({ command }) => command.group === group) }));
}
