/** Questions that the worker has not answered yet. */
import type { Answer, Question } from '../core/protocol/questions.ts';

/** What a question of this kind is answered with. */
export type AnswerTo<K extends Question['kind']> = Extract<Answer, { readonly kind: K | 'none' }>;

interface Pending {
  readonly kind: Question['kind'];
  readonly resolve: (answer: Answer) => void;
}

/** In the order in which they were asked. */
const pending = new Map<number, Pending>();
let last = 0;

function isAnswerTo<K extends Question['kind']>(kind: K, answer: Answer): answer is AnswerTo<K> {
  return answer.kind === kind || answer.kind === 'none';
}

/** Gives a question its number, and hands it to `send`. The answer always comes: `none` when there will be no other. */
export function pose<K extends Question['kind']>(
  question: Question & { readonly kind: K },
  send: (id: number, question: Question) => void,
): Promise<AnswerTo<K>> {
  last += 1;
  const id = last;
  return new Promise((resolve, reject) => {
    pending.set(id, {
      kind: question.kind,
      resolve: answer => {
        if (isAnswerTo(question.kind, answer)) resolve(answer);
        else reject(new TypeError(`A question about ${question.kind} was answered with ${answer.kind}`));
      },
    });
    send(id, question);
  });
}

/** The worker has answered. */
export function settle(id: number, answer: Answer): void {
  pending.get(id)?.resolve(answer);
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
