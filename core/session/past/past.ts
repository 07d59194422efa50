import type { MemoryWindow } from '../../protocol/messages.ts';
import type { Answer } from '../../protocol/questions.ts';
import type { GuestMachine } from '../guest-machine.ts';
import { codeRow, type Names } from '../views/code-view.ts';
import { type BackRequest, goBack } from './back.ts';
import type { History } from './history.ts';
import type { Journal, Moment } from './journal.ts';
import { isBefore } from './player.ts';
import { arrive, type Course, isEqual, type Search, step, type Travel } from './travel.ts';

/** It cannot go to what was asked for. */
export class BackError extends Error {}

type LastWrite = Extract<Answer, { kind: 'lastWrite' }>;

/** Moments between instructions that are kept of those that a person made one by one. */
const MOST_BOUNDARIES = 64;

/** Why a search found nothing. */
const NOT_FOUND: Readonly<Record<BackRequest['kind'], string>> = {
  step: 'Nothing was executed before.',
  trap: 'There was no trap before.',
  left: 'The guest has not left for the monitor before.',
  privileged: 'No privileged instruction was executed before.',
  write: 'These four bytes have not changed before.',
};

/** What looks for a moment, and what is then done: the course that searched is there. */
interface Quest {
  readonly search: Search;
  readonly found: () => void;
  readonly notFound: string;
}

export interface PastOptions {
  readonly journal: Journal;
  readonly history: History;
  readonly newCourse: () => Course;
  /** The course that has found a moment: it is looked at from now on, and the other one is given back. */
  readonly swap: (scout: Course) => Course;
  /** The machine of a search is near its end: what it does from there on may be recorded. */
  readonly onNear: (machine: GuestMachine) => void;
}

/** What is kept of a session's past, and the ways to go there. */
export class Past {
  readonly #options: PastOptions;
  /** A second machine, which searches; made when it is first asked for. */
  #scout: Course | null = null;
  /** In the past: where the present was. */
  #present: Moment | null = null;
  /** Moments between the guest's instructions before the present, as the last search found them. */
  #boundaries: readonly Moment[] = [];
  #quest: Quest | null = null;

  constructor(options: PastOptions) {
    this.#options = options;
  }

  /** Whether run() looks for a moment in the past. */
  get isSearching(): boolean {
    return this.#quest !== null;
  }

  /** Whether the session was taken back and has not come to where it was: what came from outside then comes again. */
  isBehind({ player }: Course): boolean {
    if (this.#present !== null && !isBefore(player.machine.moment, this.#present)) this.#present = null;
    return player.isBehind || this.#present !== null;
  }

  /** The course goes another way from here on, or from another state. */
  forget(): void {
    this.abandon();
    this.#present = null;
    this.#boundaries = [];
  }

  /** The guest has done one instruction from a moment to another: no search need find that out. `before` counts if it is known to be such a moment. */
  notice(before: Moment, after: Moment): void {
    const known = isEqual(this.#boundaries.at(-1), before) ? this.#boundaries : [];
    this.#boundaries = [...known.slice(-MOST_BOUNDARIES), after];
  }

  /** Gives a search up. */
  abandon(): void {
    this.#quest = null;
  }

  #travel(): Travel {
    const { journal, history, newCourse, onNear } = this.#options;
    this.#scout ??= newCourse();
    return { course: this.#scout, journal, history, onNear };
  }

  get #from(): number {
    return this.#options.history.kept[0]?.at.step ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Sets out to the past; run() does the work, and calls `then` when the session is there. `address`: the linear address of four bytes, as the
   * guest maps it now. Throws BackError if that cannot be.
   */
  begin(live: Course, kind: BackRequest['kind'], address: number, then: () => void): void {
    const { machine } = live.player;
    if (machine.steps <= this.#from) throw new BackError('The history does not reach back any further.');
    const physical = kind === 'write' ? physicalOf(machine, 'linear', address) : 0;
    const request: BackRequest = { kind, here: machine.moment, address: physical, boundaries: this.#boundaries };
    this.#quest = {
      search: goBack(this.#travel(), request),
      found: () => {
        this.#enter(live);
        this.#boundaries = request.boundaries;
        then();
      },
      notFound: NOT_FOUND[kind],
    };
  }

  /** Sets out to a step, back or on within the past. Returns false if the session is there. Throws BackError if it is not in the past. */
  beginAt(live: Course, step: number, then: () => void): boolean {
    const { machine } = live.player;
    const last = this.isBehind(live) ? Math.max(this.#present?.step ?? 0, machine.steps) : machine.steps;
    if (!Number.isInteger(step) || step < this.#from) throw new BackError('The history does not reach back to there.');
    if (step > last) throw new BackError('The machine has not come to there yet.');
    if (step === machine.steps) return false;
    this.#quest = {
      search: arrive(this.#travel(), { step }),
      found: () => {
        this.#enter(live);
        then();
      },
      notFound: 'The history does not reach back to there.',
    };
    return true;
  }

  /**
   * Sets out to find who changed four bytes last; the session stays where it is. Throws BackError if that cannot be.
   */
  beginLastWrite(
    live: Course,
    { space, address }: { readonly space: MemoryWindow['space']; readonly address: number },
    names: Names,
    then: (answer: LastWrite) => void,
  ): void {
    const { machine } = live.player;
    if (machine.steps <= this.#from) throw new BackError('The history does not reach back any further.');
    const physical = physicalOf(machine, space, address);
    const request: BackRequest = { kind: 'write', here: machine.moment, address: physical, boundaries: [] };
    const travel = { ...this.#travel(), onNear: () => {} };
    this.#quest = {
      search: goBack(travel, request),
      found: () => then(lastWrite(travel, physical, names)),
      notFound: NOT_FOUND.write,
    };
  }

  /** Searches on for about so many steps. Returns whether it still does. Throws BackError if there is no such moment; then nothing has changed. */
  run(steps: number): boolean {
    const quest = this.#quest;
    if (quest === null) return false;
    try {
      for (let taken = 0; taken < steps; ) {
        const { done, value } = quest.search.next();
        if (!done) {
          taken += Math.max(value, 1);
          continue;
        }
        if (!value) throw new BackError(quest.notFound);
        this.#quest = null;
        quest.found();
        return this.isSearching;
      }
      return true;
    } catch (error) {
      this.#quest = null;
      if (error instanceof BackError || !(error instanceof Error)) throw error;
      throw new BackError(error.message);
    }
  }

  /** The machine that searched is the one that is looked at now; the other one is for the next search. */
  #enter(live: Course): void {
    if (this.#scout === null) return;
    const here = live.player.machine.moment;
    if (!this.isBehind(live)) this.#present = here;
    this.#scout = this.#options.swap(this.#scout);
  }

  /** Takes back that the session went to the past, while nothing has come since. */
  leave(): void {
    if (this.#scout !== null) this.#scout = this.#options.swap(this.#scout);
  }
}

function physicalOf({ guestProcessor }: GuestMachine, space: MemoryWindow['space'], address: number): number {
  const physical = space === 'linear' ? guestProcessor.lookUp(address | 0) : address >>> 0;
  if (physical < 0) throw new BackError(`There is no memory at linear address ${(address >>> 0).toString(16)}.`);
  return physical;
}

/** What the instruction does that the course has come to. */
function lastWrite({ course, journal }: Travel, physical: number, names: Names): LastWrite {
  const { player } = course;
  const { machine } = player;
  const value = () => {
    const bytes = [0, 1, 2, 3].map(n => Math.max(machine.peekPhysical(physical + n), 0) << (8 * n));
    return bytes.reduce((sum, byte) => sum | byte, 0) >>> 0;
  };
  const { steps: at, guestProcessor } = machine;
  const row = codeRow(guestProcessor, names, guestProcessor.linearEip);
  const before = value();
  const { position } = player;
  step(player);
  const isPersons = journal
    .since(position)
    .slice(0, player.position - position)
    .some(({ input }) => input.kind === 'memory' || input.kind === 'reset');
  return { kind: 'lastWrite', step: at, row: isPersons ? null : row, before, after: value() };
}
