/** One line at the console: what it says. */
import type { Host } from './host.ts';
import { VERBS, verbOf } from './table.ts';
import { Refusal, splitLine } from './words.ts';

export interface Said {
  readonly lines: readonly string[];
  /** It could not be done; the line says why. */
  readonly refused: boolean;
}

/** Carries out a line. What cannot be done is said in one sentence. */
export async function perform(typed: string, host: Host): Promise<Said> {
  const line = splitLine(typed);
  if (line === null) return { lines: [], refused: false };
  try {
    return { lines: await VERBS[verbOf(line)].run(line, host), refused: false };
  } catch (error) {
    if (error instanceof Refusal) return { lines: [error.message], refused: true };
    throw error;
  }
}

/** Whether an empty line does this one again. */
export function isRepeated(typed: string): boolean {
  const line = splitLine(typed);
  if (line === null) return false;
  try {
    return VERBS[verbOf(line)].again;
  } catch {
    return false;
  }
}
