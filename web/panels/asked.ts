import { useEffect, useState } from 'react';
import type { View } from '../../core/protocol/messages.ts';
import type { Question } from '../../core/protocol/questions.ts';
import type { AnswerTo } from '../asking.ts';
import { ask } from '../machine.ts';
import { machine } from '../stores/machine.ts';

/** How long an answer counts, in milliseconds: the machine runs, or the reader may have changed memory. */
const LASTS_MS = 1000;

/** Where a machine stands; null while it runs. */
function placeOf({ running, instructions, registers, monitor }: View): string | null {
  const { mode, paging } = monitor.setting;
  return running ? null : [instructions, registers.eip, mode, paging].join(' ');
}

export interface Asked<A> {
  /** Null until the first one comes. */
  readonly now: A | null;
  /** The answer at the stop before; null without one. */
  readonly before: A | null;
}

const NOTHING = { now: null, before: null } as const;

/** The answer to a question, new at each stop, and once a second while the machine runs. Null asks nothing. */
export function useAsked<Q extends Question>(question: Q | null): Asked<AnswerTo<Q>> {
  const [asked, setAsked] = useState<Asked<AnswerTo<Q>>>(NOTHING);
  const key = JSON.stringify(question);

  useEffect(() => {
    setAsked(NOTHING);
    const posed: Q | null = JSON.parse(key);
    if (posed === null) return;
    let isAsking = false;
    let isOver = false;
    let at = Number.NEGATIVE_INFINITY;
    let place: string | null = null;
    /** Of the last stop. */
    let stopped: AnswerTo<Q> | null = null;

    const look = (): void => {
      const { view } = machine.getState();
      if (view === null || isAsking) return;
      const here = placeOf(view);
      const since = performance.now() - at;
      const isDue = here !== place || since > LASTS_MS;
      if (!isDue) return;
      isAsking = true;
      void ask(posed).then(answer => {
        isAsking = false;
        at = performance.now();
        if (isOver) return;
        const isStop = here !== null && here !== place;
        place = here;
        setAsked(old => {
          const before = isStop ? stopped : old.before;
          if (here !== null) stopped = answer;
          return isSame(old.now, answer) && isSame(old.before, before) ? old : { now: answer, before };
        });
      });
    };
    look();
    const unsubscribe = machine.subscribe(look);
    return () => {
      isOver = true;
      unsubscribe();
    };
  }, [key]);

  return asked;
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
