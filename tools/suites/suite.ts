import type { Engine } from '../../core/machine/translate/translator.ts';
import { difference, type Outcome, randomSteps, run, type Subject } from './course.ts';

/** A file of the folder that was searched: its path, and its name without folders. */
export interface Found {
  readonly path: string;
  readonly name: string;
}

export interface SuiteOptions {
  readonly engine: Engine;
  /** Seed of the moments at which the machine is saved and restored; null: it is not. */
  readonly restore: number | null;
}

export interface Verdict {
  /** What is wrong, or null. */
  readonly wrong: string | null;
  /** One line on the run. */
  readonly told: string;
}

/** A suite of somebody else's that was found. */
export interface Suite {
  readonly name: string;
  readonly run: (options: SuiteOptions) => Verdict;
}

/** How often a run is saved and restored. */
const SAVES = 8;

/** A suite that is one run of one guest; `judge` gives what is wrong with it, or null. */
export function oneRun(
  name: string,
  subject: (options: SuiteOptions) => Subject,
  judge: (outcome: Outcome) => string | null,
  tell: (outcome: Outcome) => string,
): Suite {
  return {
    name,
    run: options => {
      const whole = run(subject(options));
      const told = `${tell(whole)}, ${whole.steps} instructions`;
      const wrong = judge(whole);
      if (wrong !== null || options.restore === null) return { wrong, told };
      const saves = randomSteps(options.restore, SAVES, whole.steps);
      return {
        wrong: difference(whole, run(subject(options), saves)),
        told: `${told}; the same when restored at ${saves.join(', ')}`,
      };
    },
  };
}
