import type { Processor } from '../../machine/cpu/processor.ts';
import type { BreakCount, BreakHit, BreakOn, Breakpoint } from '../../protocol/breakpoints.ts';
import type { EventOn, Met } from './break-events.ts';
import { valueAt } from './break-events.ts';
import { compile, type Evaluate, ExpressionError } from './expression.ts';

/** The number of the breakpoint that `until` sets, which the page has none for. */
export const UNTIL_ID = -1;

/** A breakpoint that is set. */
interface Held {
  readonly breakpoint: Breakpoint;
  /** Null: it always counts. */
  readonly condition: Evaluate | null;
  hits: number;
}

/** Breakpoints with their conditions and counts: says of what has happened whether it stops the machine. */
export class Breaks {
  #all: readonly Held[] = [];
  /** What is run to once. */
  #until: Held | null = null;

  /** Replaces all. Throws ExpressionError for a condition that means nothing; then nothing has changed. */
  set(breakpoints: readonly Breakpoint[]): void {
    const before = new Map(this.#all.map(one => [one.breakpoint.id, one]));
    this.#all = breakpoints.map(breakpoint => {
      const old = before.get(breakpoint.id);
      const isSame = old !== undefined && JSON.stringify(old.breakpoint.on) === JSON.stringify(breakpoint.on);
      return create(breakpoint, isSame ? old.hits : 0);
    });
  }

  /** Sets what is run to once; null: nothing any more. */
  setUntil(on: BreakOn | null): void {
    const breakpoint = on && { id: UNTIL_ID, on, condition: '', enabled: true, ignore: 0 };
    this.#until = breakpoint && create(breakpoint, 0);
  }

  get hasUntil(): boolean {
    return this.#until !== null;
  }

  get #enabled(): Held[] {
    const all = this.#until === null ? this.#all : [...this.#all, this.#until];
    return all.filter(({ breakpoint }) => breakpoint.enabled);
  }

  /** Linear addresses before which the processor is to stop. */
  get addresses(): number[] {
    return this.#enabled.flatMap(({ breakpoint: { on } }) => (on.kind === 'execute' ? [on.address >>> 0] : []));
  }

  /** What is to be listened for. */
  get events(): EventOn[] {
    return this.#enabled.flatMap(({ breakpoint: { on } }) => (on.kind === 'execute' ? [] : [on]));
  }

  get counts(): BreakCount[] {
    return this.#all.flatMap(({ breakpoint: { id }, hits }) => (hits === 0 ? [] : [{ id, hits }]));
  }

  /**
   * Counts the breakpoints that were met, and returns the first that stops, or null. `guest`: its processor where it stands now, over which
   * conditions are computed; one that has no value there does not hold. `address`: of an instruction with a breakpoint that it stands
   * before, else null.
   */
  judge(met: readonly Met[], guest: Processor, address: number | null): BreakHit | null {
    let first: BreakHit | null = null;
    for (const one of this.#enabled) {
      const hit = this.#hitOf(one, met, guest, address);
      if (hit === null || !holds(one.condition, guest)) continue;
      one.hits++;
      if (one.hits > one.breakpoint.ignore) first ??= hit;
    }
    return first;
  }

  #hitOf(
    { breakpoint: { id, on } }: Held,
    met: readonly Met[],
    guest: Processor,
    address: number | null,
  ): BreakHit | null {
    if (on.kind === 'execute') {
      const isHere = address !== null && on.address >>> 0 === address;
      return isHere ? { id, on, before: null, after: null, reason: null, by: address } : null;
    }
    const found = met.find(event => event.on === on);
    if (found === undefined) return null;
    const after = on.kind === 'write' || on.kind === 'access' ? valueAt(guest, on) : null;
    return { id, on, before: found.before, after, reason: found.reason, by: found.by };
  }
}

function create(breakpoint: Breakpoint, hits: number): Held {
  const { condition } = breakpoint;
  return { breakpoint, condition: condition.trim() === '' ? null : compile(condition), hits };
}

function holds(condition: Evaluate | null, guest: Processor): boolean {
  if (condition === null) return true;
  try {
    return condition(guest) !== 0;
  } catch (error) {
    if (error instanceof ExpressionError) return false;
    throw error;
  }
}
