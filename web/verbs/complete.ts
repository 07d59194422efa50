/** What Tab completes: verbs, what a verb's words can be, symbols and registers. */
import { INFO } from './looking.ts';
import { MODE_WORDS } from './managing.ts';
import { CATCHES } from './stopping.ts';
import { findVerb, VERB_NAMES, VERBS, verbWords } from './table.ts';
import type { Completes } from './verb.ts';
import { type Names, REGISTER_NAMES } from './words.ts';

export interface Completion {
  /** The line up to the word that is completed. */
  readonly before: string;
  /** What the word can become. */
  readonly candidates: readonly string[];
}

/** As many as a person looks through. */
const MOST = 100;

/** What the last word of a line, up to the cursor, can become. */
export function complete(typed: string, names: Names): Completion {
  const first = /^\s*(\S*)$/.exec(typed);
  if (first !== null) return split(typed, first[1], verbs(first[1]));
  const [verb = '', ...more] = typed.trim().split(/\s+/);
  const name = findVerb(verb.replace(/\/.*$/, '').toLowerCase());
  const kind = name === null ? 'nothing' : VERBS[name].completes;
  if (kind === 'nothing') return split(typed, '', []);
  if (kind === 'expression') {
    const word = /[$%]?[\w.@]*$/.exec(typed)?.[0] ?? '';
    return split(typed, word, expression(word, names));
  }
  const word = /\S*$/.exec(typed)?.[0] ?? '';
  // Only the first word is one of the verb's own.
  if (more.length < 2 && !(more.length === 1 && word === '')) return split(typed, word, begun(WORDS[kind](), word));
  return split(typed, word, kind === 'info' && more[0] === 'symbols' ? names.symbols.suggest(word, MOST) : []);
}

function split(typed: string, word: string, candidates: readonly string[]): Completion {
  return { before: typed.slice(0, typed.length - word.length), candidates: candidates.slice(0, MOST) };
}

function begun(words: readonly string[], word: string): readonly string[] {
  return words.filter(each => each.startsWith(word.toLowerCase()) && each !== word);
}

/** Names first; other words for a verb only where no name begins so. */
function verbs(word: string): readonly string[] {
  const named = begun(VERB_NAMES, word);
  return named.length > 0 ? named : begun(verbWords(), word);
}

const WORDS: Readonly<Record<Exclude<Completes, 'expression' | 'nothing'>, () => readonly string[]>> = {
  verb: () => VERB_NAMES,
  mode: () => Object.keys(MODE_WORDS),
  info: () => Object.keys(INFO),
  catch: () => CATCHES,
};

function expression(word: string, { symbols }: Names): readonly string[] {
  const mark = /^[$%]/.exec(word)?.[0] ?? '';
  const registers = begun(REGISTER_NAMES, word.slice(mark.length)).map(name => `${mark}${name}`);
  if (mark !== '' || word === '') return registers;
  const begin = symbols.suggest(word, MOST).filter(name => name.startsWith(word) && name !== word);
  return [...registers, ...begin];
}

/** What all candidates begin with. */
export function commonStart(candidates: readonly string[]): string {
  const [first = '', ...rest] = candidates;
  let length = first.length;
  for (const other of rest) {
    let same = 0;
    while (same < length && other[same] === first[same]) same += 1;
    length = same;
  }
  return first.slice(0, length);
}
