/** How well a name matches what was typed: its letters in order, better at the beginnings of words and next to each other. */

export interface Match {
  /** Higher is better. */
  readonly score: number;
  /** Places of the letters that match, ascending. */
  readonly places: readonly number[];
}

const NEXT_TO = 8;
const WORD_START = 10;
const START = 6;
const GAP = 0.4;
const LENGTH = 0.05;
/** Beginnings of a letter's run that are tried; the best counts. */
const TRIES = 12;

function startsWord(name: string, at: number): boolean {
  return at === 0 || /[^\p{L}\p{N}]/u.test(name[at - 1]);
}

function from(start: number, wanted: string, lower: string): Match | null {
  const places: number[] = [];
  let score = start === 0 ? START : 0;
  let at = start;
  for (const letter of wanted) {
    const found = lower.indexOf(letter, at);
    if (found < 0) return null;
    const last = places.at(-1);
    if (last !== undefined) score += found === last + 1 ? NEXT_TO : -(found - last) * GAP;
    if (startsWord(lower, found)) score += WORD_START;
    places.push(found);
    at = found + 1;
  }
  return { score, places };
}

function matchWord(wanted: string, lower: string): Match | null {
  let best: Match | null = null;
  let start = lower.indexOf(wanted[0]);
  for (let n = 0; start >= 0 && n < TRIES; n += 1) {
    const match = from(start, wanted, lower);
    if (match === null) break;
    if (best === null || match.score > best.score) best = match;
    start = lower.indexOf(wanted[0], start + 1);
  }
  return best;
}

/** Every word that was typed has to match somewhere; null when one does not. An empty one matches all. */
export function fuzzy(typed: string, name: string): Match | null {
  const lower = name.toLowerCase();
  const places = new Set<number>();
  let score = -name.length * LENGTH;
  for (const word of typed.toLowerCase().split(/\s+/).filter(Boolean)) {
    const match = matchWord(word, lower);
    if (match === null) return null;
    score += match.score;
    for (const place of match.places) places.add(place);
  }
  return { score, places: [...places].sort((a, b) => a - b) };
}
