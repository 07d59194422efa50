import { parseRun, USAGE, UsageError } from './arguments.ts';
import { openGuest } from './images.ts';
import { runHeadless } from './run.ts';

/** Exit codes of the command line. */
export const EXIT = { done: 0, limit: 1, usage: 2, crashed: 3 } as const;

/** Runs the command line; returns the exit code. What goes wrong is one line on stderr. */
export async function main(words: readonly string[]): Promise<number> {
  try {
    if (words[0] === 'help' || words[0] === '--help' || words.length === 0) {
      process.stdout.write(USAGE);
      return words.length === 0 ? EXIT.usage : EXIT.done;
    }
    if (words[0] !== 'run') throw new UsageError(`There is no command "${words[0]}": the command is run.`);
    const options = parseRun(words.slice(1));
    return runHeadless(openGuest(options), options);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isExpected = error instanceof UsageError || ['ImageError', 'ModeError'].includes(error.name);
    process.stderr.write(`ringside: ${isExpected ? error.message : (error.stack ?? error.message)}\n`);
    return EXIT.usage;
  }
}
