/** Questions that the worker has not answered yet. */
import type { Answer, Question } from '../core/protocol/questions.ts';

/** What a question is answered with. */
export type AnswerTo<Q extends Question> = Extract<Answer, { readonly kind: Q['kind'] | 'none' }>;

/** What waits for an answer, in the order in which it was asked. */
const pending = new Map<number, (answer: Answer) => void>();
let last = 0;

function isAnswerTo<Q extends Question>({ kind }: Q, answer: Answer): answer is AnswerTo<Q> {
  return answer.kind === kind || answer.kind === 'none';
}

/** Gives a question its number, and hands it to `send`. The answer always comes: `none` when there will be no other. */
export function pose<Q extends Question>(
  question: Q,
  send: (id: number, question: Question) => void,
): Promise<AnswerTo<Q>> {
  last += 1;
  const id = last;
  return new Promise((resolve, reject) => {
    pending.set(id, answer => {
      if (isAnswerTo(question, answer)) resolve(answer);
      else reject(new TypeError(`A question about ${question.kind} was answered with ${answer.kind}`));
    });
    send(id, question);
  });
}

/** The worker has answered. */
export function settle(id: number, answer: Answer): void {
  pending.get(id)?.(answer);
  pending.delete(id);
}

/** The worker has refused a question without saying which: it answers in order, so it was the first. */
export function refuseFirst(message: string): void {
  const [first] = pending.keys();
  if (first !== undefined) settle(first, { kind: 'none', message });
}

/** There will be no answers any more: the machine that was asked about is gone. */
export function giveUp(message: string): void {
  for (const id of [...pending.keys()]) settle(id, { kind: 'none', message });
}
